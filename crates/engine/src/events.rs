//! Revisioned changes for windows, and lifecycle events for histories.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use terrarium_api::{Change, ChangeKind, LifecycleEvent};
use tokio::sync::broadcast;

/// Changes that a slow receiver may fall behind before it is told that it lagged.
const CHANGES_KEPT: usize = 1024;
/// Lifecycle events that `docker events --since` can look back on without the database.
const EVENTS_KEPT: usize = 4096;

/// Where every change and every lifecycle event passes through.
#[derive(Debug)]
pub struct Hub {
    revision: Mutex<u64>,
    changes: broadcast::Sender<Change>,
    recent: Mutex<VecDeque<LifecycleEvent>>,
    events: broadcast::Sender<LifecycleEvent>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            revision: Mutex::default(),
            changes: broadcast::channel(CHANGES_KEPT).0,
            recent: Mutex::default(),
            events: broadcast::channel(CHANGES_KEPT).0,
        }
    }
}

impl Hub {
    /// Tells every window about a change.
    pub fn change(&self, change: ChangeKind) {
        // Held while sending, so that changes arrive in the order of their revisions.
        let mut revision = lock(&self.revision);
        *revision += 1;
        // An error means that nobody listens.
        let _ = self.changes.send(Change {
            revision: *revision,
            change,
        });
    }

    /// Tells histories that something happened.
    pub fn event(&self, event: LifecycleEvent) {
        let mut recent = lock(&self.recent);
        if recent.len() == EVENTS_KEPT {
            recent.pop_front();
        }
        recent.push_back(event.clone());
        let _ = self.events.send(event);
    }

    /// The revision that an overview made now would have.
    pub fn revision(&self) -> u64 {
        *lock(&self.revision)
    }

    /// Changes from now on.
    pub fn changes(&self) -> Subscription<Change> {
        Subscription(self.changes.subscribe())
    }

    /// Lifecycle events of the recent past, oldest first, and those from now on, without a gap.
    pub fn events(&self) -> (Vec<LifecycleEvent>, Subscription<LifecycleEvent>) {
        let recent = lock(&self.recent);
        (
            recent.iter().cloned().collect(),
            Subscription(self.events.subscribe()),
        )
    }
}

/// A receiver of the [`Hub`].
#[derive(Debug)]
pub struct Subscription<T>(broadcast::Receiver<T>);

/// What a [`Subscription`] received.
#[derive(Debug, Clone, PartialEq)]
pub enum Received<T> {
    /// The next one.
    Next(T),
    /// Some were missed.
    Lagged,
}

impl<T: Clone> Subscription<T> {
    /// The next one; `None` when the engine is gone.
    pub async fn next(&mut self) -> Option<Received<T>> {
        match self.0.recv().await {
            Ok(value) => Some(Received::Next(value)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Received::Lagged),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing between lock and unlock can panic half-way through a change.
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str) -> LifecycleEvent {
        LifecycleEvent {
            at_ns: 0,
            kind: "container".into(),
            action: action.into(),
            id: "1".into(),
            attributes: Default::default(),
        }
    }

    #[tokio::test]
    async fn revisions_have_no_gaps() {
        let hub = Hub::default();
        let mut changes = hub.changes();
        hub.change(ChangeKind::Lagged);
        hub.change(ChangeKind::Lagged);
        for revision in 1..=2 {
            let expected = Change {
                revision,
                change: ChangeKind::Lagged,
            };
            assert_eq!(changes.next().await, Some(Received::Next(expected)));
        }
    }

    #[tokio::test]
    async fn a_slow_receiver_learns_that_it_lagged() {
        let hub = Hub::default();
        let mut changes = hub.changes();
        for _ in 0..=CHANGES_KEPT {
            hub.change(ChangeKind::Lagged);
        }
        assert_eq!(changes.next().await, Some(Received::Lagged));
    }

    #[tokio::test]
    async fn the_recent_past_and_the_present_join_without_a_gap() {
        let hub = Hub::default();
        hub.event(event("create"));
        let (recent, mut events) = hub.events();
        hub.event(event("start"));
        assert_eq!(recent, [event("create")]);
        assert_eq!(events.next().await, Some(Received::Next(event("start"))));
    }
}
