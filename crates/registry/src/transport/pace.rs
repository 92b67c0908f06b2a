//! How slowly a server may send: slow lines are served, but nobody is kept waiting by a trickle.

use std::time::{Duration, Instant};

use tokio::time::timeout;

/// So much has to come while a server is waited for as long as it may keep one waiting.
const LEAST_BYTES: u64 = 64 << 10;

/// The time that was spent waiting for the server, and what came meanwhile. Time that the receiver
/// takes for itself does not count.
#[derive(Debug)]
pub(crate) struct Pace {
    patience: Duration,
    waited: Duration,
    received: u64,
}

impl Pace {
    /// At least 64 KiB within `patience`.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            waited: Duration::ZERO,
            received: 0,
        }
    }

    /// Waits for what comes next; none if the server has used up the patience.
    pub(crate) async fn wait<T>(&mut self, next: impl Future<Output = T>) -> Option<T> {
        let began = Instant::now();
        let came = timeout(self.left(), next).await.ok();
        self.waited(began.elapsed());
        came
    }

    fn left(&self) -> Duration {
        self.patience.saturating_sub(self.waited)
    }

    fn waited(&mut self, for_it: Duration) {
        self.waited += for_it;
    }

    /// Notes what came.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.received += bytes as u64;
        if self.received >= LEAST_BYTES {
            *self = Self::new(self.patience);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_uses_up_the_patience_and_a_slow_line_does_not() {
        let second = Duration::from_secs(1);
        let after = |pieces: u32, bytes: usize| {
            let mut pace = Pace::new(10 * second);
            for _ in 0..pieces {
                pace.waited(second);
                pace.received(bytes);
            }
            pace.left()
        };
        assert_eq!(after(9, 1), second);
        assert_eq!(after(100, 1), Duration::ZERO);
        assert!(after(100, 16 << 10) >= 6 * second);
    }
}
