use std::time::Duration;

use crate::Error;

/// How often and after which pauses a request is sent again.
#[derive(Debug, Clone)]
pub struct Retry {
    /// How many times a request is sent at most.
    pub attempts: u32,
    /// The pause before the second time; it doubles from there on.
    pub first_delay: Duration,
    /// The longest pause. A registry that asks for a longer one gets no second request.
    pub longest_delay: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_delay: Duration::from_millis(250),
            longest_delay: Duration::from_secs(30),
        }
    }
}

impl Retry {
    /// How long to wait after the `failures`-th failure in a row, or `None` to give up with `error`.
    ///
    /// `roll` from 0 to 1 shortens the pause by up to half, so that the clients a registry dropped together do not come
    /// back together.
    pub(crate) fn delay(&self, failures: u32, error: &Error, roll: f64) -> Option<Duration> {
        if !error.is_transient() || failures >= self.attempts.min(error.patience()) {
            return None;
        }
        if let Some(wait) = error.retry_after() {
            return (wait <= self.longest_delay).then_some(wait);
        }
        let doubled = self
            .first_delay
            .saturating_mul(1 << failures.saturating_sub(1).min(16));
        Some(
            doubled
                .min(self.longest_delay)
                .mul_f64(1.0 - roll.clamp(0.0, 1.0) / 2.0),
        )
    }

    /// Waits as [`Retry::delay`] says.
    ///
    /// # Errors
    /// Hands `error` back if it is time to give up.
    pub(crate) async fn wait(&self, failures: u32, error: Error) -> crate::Result<()> {
        match self.delay(failures, &error, rand::random()) {
            None => Err(error),
            Some(delay) => {
                tracing::debug!(?delay, failures, %error, "trying again");
                tokio::time::sleep(delay).await;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(retry_after: Option<u64>) -> Error {
        let retry_after = retry_after.map(Duration::from_secs);
        Error::RateLimited {
            host: "r".into(),
            retry_after,
            limit: None,
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let retry = Retry {
            longest_delay: Duration::from_millis(600),
            ..Retry::default()
        };
        let pauses: Vec<_> = (1..=5).map(|n| retry.delay(n, &busy(None), 0.0)).collect();
        let ms = |n| Some(Duration::from_millis(n));
        assert_eq!(pauses, [ms(250), ms(500), ms(600), ms(600), None]);
        assert_eq!(retry.delay(1, &busy(None), 1.0), ms(125));
    }

    #[test]
    fn the_registrys_wish_is_followed_unless_it_is_too_long() {
        let retry = Retry::default();
        assert_eq!(
            retry.delay(1, &busy(Some(3)), 0.5),
            Some(Duration::from_secs(3))
        );
        assert_eq!(retry.delay(1, &busy(Some(3600)), 0.5), None);
    }

    #[test]
    fn an_answer_that_will_not_change_is_not_asked_for_again() {
        let error = Error::NotFound {
            what: "tag".into(),
            host: "r".into(),
        };
        assert_eq!(Retry::default().delay(1, &error, 0.0), None);
    }
}
