//! Long work that can be watched and canceled from anywhere.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use terrarium_api::{
    Activity, ActivityKind, ActivityState, ChangeKind, Error, ErrorCode, ResourceKind,
};
use tokio_util::sync::CancellationToken;

use crate::{Hub, Result, time::now_ms};

/// Finished work that stays on the list.
const FINISHED_KEPT: usize = 100;

/// The list of running and finished work.
#[derive(Debug)]
pub struct Activities {
    hub: Arc<Hub>,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    next: u64,
    running: BTreeMap<u64, (Activity, CancellationToken)>,
    finished: VecDeque<Activity>,
}

impl Activities {
    /// An empty list that tells `hub` about its changes.
    pub fn new(hub: Arc<Hub>) -> Self {
        Self {
            hub,
            list: Mutex::default(),
        }
    }

    /// Begins a piece of work.
    pub fn begin(self: &Arc<Self>, kind: ActivityKind, subject: &str) -> Running {
        let token = CancellationToken::new();
        let mut list = self.lock();
        list.next += 1;
        let number = list.next;
        let activity = Activity {
            id: number.to_string(),
            kind,
            subject: subject.to_owned(),
            state: ActivityState::Running,
            progress: None,
            started_at_ms: now_ms(),
            finished_at_ms: None,
            error: None,
            pull: None,
        };
        list.running
            .insert(number, (activity.clone(), token.clone()));
        drop(list);
        self.publish(activity);
        Running {
            activities: Arc::clone(self),
            number,
            token,
            ended: false,
        }
    }

    /// Running work first, then finished work, newest first.
    pub fn list(&self) -> Vec<Activity> {
        let list = self.lock();
        let running = list.running.values().rev().map(|(activity, _)| activity);
        running.chain(&list.finished).cloned().collect()
    }

    /// Asks the work with this id to stop. It ends as canceled when it has cleaned up.
    ///
    /// # Errors
    /// `NoSuchActivity` when nothing with this id runs.
    pub fn cancel(&self, id: &str) -> Result<()> {
        let list = self.lock();
        let number: Option<u64> = id.parse().ok();
        let found = number.and_then(|number| list.running.get(&number));
        let (_, token) = found.ok_or_else(|| {
            Error::new(
                ErrorCode::NoSuchActivity,
                format!("no running activity {}", crate::error::quoted(id)),
            )
        })?;
        token.cancel();
        Ok(())
    }

    /// Forgets all finished work.
    pub fn clear_finished(&self) {
        let finished = std::mem::take(&mut self.lock().finished);
        for Activity { id, .. } in finished {
            self.hub.change(ChangeKind::Removed {
                kind: ResourceKind::Activity,
                id,
            });
        }
    }

    fn finish(&self, number: u64, error: Option<Error>) {
        let mut list = self.lock();
        let Some((mut activity, _)) = list.running.remove(&number) else {
            return;
        };
        activity.finished_at_ms = Some(now_ms());
        activity.state = match &error {
            None => ActivityState::Succeeded,
            Some(error) if error.code == ErrorCode::Canceled => ActivityState::Canceled,
            Some(_) => ActivityState::Failed,
        };
        activity.error = error;
        list.finished.push_front(activity.clone());
        let dropped = (list.finished.len() > FINISHED_KEPT)
            .then(|| list.finished.pop_back())
            .flatten();
        drop(list);
        self.publish(activity);
        if let Some(Activity { id, .. }) = dropped {
            self.hub.change(ChangeKind::Removed {
                kind: ResourceKind::Activity,
                id,
            });
        }
    }

    fn publish(&self, activity: Activity) {
        self.hub.change(ChangeKind::Activity {
            value: Box::new(activity),
        });
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        // Nothing between lock and unlock can panic half-way through a change.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work under way. Dropped without an end, it counts as canceled.
#[derive(Debug)]
pub struct Running {
    activities: Arc<Activities>,
    number: u64,
    token: CancellationToken,
    ended: bool,
}

impl Running {
    /// Its id, for faces.
    pub fn id(&self) -> String {
        self.number.to_string()
    }

    /// Fires when the user cancels.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Changes what is shown of it. The caller keeps this to a few times a second.
    pub fn update(&self, change: impl FnOnce(&mut Activity)) {
        let mut list = self.activities.lock();
        let Some((activity, _)) = list.running.get_mut(&self.number) else {
            return;
        };
        change(activity);
        let activity = activity.clone();
        drop(list);
        self.activities.publish(activity);
    }

    /// Ends it as `result` says, and gives `result` back.
    pub fn end<T>(mut self, result: Result<T>) -> Result<T> {
        self.ended = true;
        self.activities
            .finish(self.number, result.as_ref().err().cloned());
        result
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let error = Error::new(ErrorCode::Canceled, "canceled");
            self.activities.finish(self.number, Some(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activities() -> Arc<Activities> {
        Arc::new(Activities::new(Arc::new(Hub::default())))
    }

    #[test]
    fn work_that_is_dropped_counts_as_canceled() {
        let activities = activities();
        drop(activities.begin(ActivityKind::Pull, "alpine"));
        assert_eq!(activities.list()[0].state, ActivityState::Canceled);
    }

    #[test]
    fn cancel_reaches_running_work_and_nothing_else() {
        let activities = activities();
        let work = activities.begin(ActivityKind::Pull, "alpine");
        activities.cancel(&work.id()).unwrap();
        assert!(work.token().is_cancelled());
        work.end::<()>(Ok(())).unwrap();
        assert_eq!(
            activities.cancel("1").unwrap_err().code,
            ErrorCode::NoSuchActivity
        );
    }

    #[test]
    fn the_list_of_finished_work_is_bounded() {
        let activities = activities();
        for _ in 0..FINISHED_KEPT + 5 {
            activities
                .begin(ActivityKind::Pull, "alpine")
                .end(Ok(()))
                .unwrap();
        }
        assert_eq!(activities.list().len(), FINISHED_KEPT);
        activities.clear_finished();
        assert!(activities.list().is_empty());
    }
}
