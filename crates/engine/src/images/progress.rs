//! Long work on images, and those who watch it.

use std::time::Duration;

use terrarium_api::{Activity, Error, ErrorCode};
use tokio::{sync::watch, time::MissedTickBehavior};

use crate::{Result, Running};

/// Between two reports to the one who asked.
const TICK: Duration = Duration::from_millis(50);
/// Reports for each change of the list of activities, which all windows follow.
const TICKS_PER_ACTIVITY: u32 = 5;

/// Does `work` and reports how it stands, until it ends or is canceled: what `now` says to the one who
/// asked, and what `tell` makes of it in the list of activities.
pub(super) async fn watched<T, P: Clone>(
    running: &Running,
    progress: &watch::Sender<Option<P>>,
    now: impl Fn() -> P,
    tell: impl Fn(&mut Activity, P),
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut work = std::pin::pin!(work);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count = 0_u32;
    loop {
        let ended = tokio::select! {
            result = &mut work => Some(result),
            () = running.token().cancelled() => {
                Some(Err(Error::new(ErrorCode::Canceled, "canceled")))
            }
            _ = ticks.tick() => None,
        };
        let now = now();
        if ended.is_some() || count.is_multiple_of(TICKS_PER_ACTIVITY) {
            running.update(|activity| tell(activity, now.clone()));
        }
        // Nobody may listen; the activity still tells.
        let _ = progress.send(Some(now));
        count = count.wrapping_add(1);
        if let Some(result) = ended {
            return result;
        }
    }
}
