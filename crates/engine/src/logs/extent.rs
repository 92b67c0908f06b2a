//! Tells how long a log is, and what is new in it, as it grows.

use std::sync::Arc;

use terrarium_api::LogExtent;
use tokio::sync::mpsc;

use super::{LogSource, follow::Watcher, index::SharedIndex};
use crate::{Result, blocking::blocking};

/// New lines that are sent along: more than fit on a screen, little enough for one message.
const LAST_LINES: u64 = 500;

/// What the reader has been told.
#[derive(Clone, Copy, PartialEq)]
struct Known {
    edition: u32,
    first: u64,
    end: u64,
}

/// Streams the extent of a log. Ends with one that says so.
pub(crate) fn watch(
    source: LogSource,
    index: Arc<SharedIndex>,
) -> mpsc::Receiver<Result<LogExtent>> {
    // What a slow reader has not taken is out of date by the time it is read: one is enough.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        if let Err(error) = send_extents(source, index, &sender).await {
            // The receiver may be gone; then nobody needs to know.
            let _ = sender.send(Err(error)).await;
        }
    });
    receiver
}

async fn send_extents(
    mut source: LogSource,
    index: Arc<SharedIndex>,
    sender: &mpsc::Sender<Result<LogExtent>>,
) -> Result<()> {
    // Asked before the first look: what was written before the end is then surely seen after it.
    let mut may_grow = *source.running.borrow_and_update();
    let mut watcher = Watcher::new(&source.path)?;
    let mut known = None;
    loop {
        let shared = Arc::clone(&index);
        let mut extent = blocking(move || look(&shared, known)).await?;
        let now = Known {
            edition: extent.edition,
            first: extent.first,
            end: extent.end,
        };
        extent.ended = !may_grow || watcher.is_none();
        let ended = extent.ended;
        if (ended || known != Some(now)) && sender.send(Ok(extent)).await.is_err() {
            return Ok(());
        }
        known = Some(now);
        let Some(watcher) = watcher.as_mut().filter(|_| !ended) else {
            return Ok(());
        };
        tokio::select! {
            changed = watcher.changed() => changed?,
            stopped = source.running.changed() => {
                may_grow = stopped.is_ok() && *source.running.borrow_and_update();
            }
            () = sender.closed() => return Ok(()),
        }
    }
}

/// The extent now, with the lines that came since it was `known`.
fn look(shared: &SharedIndex, known: Option<Known>) -> Result<LogExtent> {
    let mut index = shared.lock();
    index.refresh()?;
    let (first, end) = (index.first, index.end());
    let seen = known
        .filter(|known| known.edition == index.edition)
        .map_or(first, |known| known.end);
    let from = seen.max(end.saturating_sub(LAST_LINES)).max(first);
    let last = index.slice(from, end - from)?.lines;
    Ok(LogExtent {
        edition: index.edition,
        first,
        end,
        last,
        ended: false,
    })
}
