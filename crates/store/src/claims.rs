//! One piece of work at a time per key, so that two pulls never do the same work twice.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The keys that are being worked on in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    held: Mutex<HashSet<String>>,
    released: Condvar,
}

/// The right to work on a key, given back on drop.
#[derive(Debug)]
pub(crate) struct Claim {
    shared: Arc<Shared>,
    key: String,
}

impl Claims {
    /// Waits until nobody works on `key` and takes it. The caller then looks again whether the
    /// work is still to be done.
    pub(crate) fn take(&self, key: &str) -> Claim {
        let mut held = self.shared.lock();
        while held.contains(key) {
            held = self
                .shared
                .released
                .wait(held)
                .unwrap_or_else(PoisonError::into_inner);
        }
        held.insert(key.to_owned());
        Claim {
            shared: Arc::clone(&self.shared),
            key: key.to_owned(),
        }
    }

    /// Waits until nobody works on `key`.
    pub(crate) fn wait(&self, key: &str) {
        let mut held = self.shared.lock();
        while held.contains(key) {
            held = self
                .shared
                .released
                .wait(held)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether somebody works on `key`.
    pub(crate) fn is_held(&self, key: &str) -> bool {
        self.shared.lock().contains(key)
    }
}

impl Shared {
    /// A panic elsewhere cannot leave the set half changed, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.shared.lock().remove(&self.key);
        self.shared.released.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::Claims;

    #[test]
    fn only_one_thread_holds_a_key() {
        let (claims, inside) = (Claims::default(), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _claim = claims.take("layer");
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert!(!claims.is_held("layer"));
    }
}
