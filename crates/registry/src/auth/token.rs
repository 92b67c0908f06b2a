use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// What may be done with which repository, as token servers write it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    /// The repository; empty for the registry itself.
    pub(crate) repository: String,
    /// `pull` or `pull,push`.
    pub(crate) actions: &'static str,
    /// A repository of the same registry that is read as well.
    pub(crate) neighbor: Option<String>,
}

impl Scope {
    /// Reading of `repository`.
    pub(crate) fn pull(repository: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            actions: "pull",
            neighbor: None,
        }
    }

    /// Writing to `repository`.
    pub(crate) fn push(repository: &str) -> Self {
        Self {
            actions: "pull,push",
            ..Self::pull(repository)
        }
    }

    /// Writing to `repository` what `neighbor` has.
    pub(crate) fn mount(repository: &str, neighbor: &str) -> Self {
        Self {
            neighbor: Some(neighbor.to_owned()),
            ..Self::push(repository)
        }
    }

    /// The parameters of a token request; none for the registry itself.
    pub(crate) fn parameters(&self) -> Vec<String> {
        let Self {
            repository,
            actions,
            neighbor,
        } = self;
        if repository.is_empty() {
            return Vec::new();
        }
        let own = format!("repository:{repository}:{actions}");
        let other = neighbor
            .iter()
            .map(|name| format!("repository:{name}:pull"));
        std::iter::once(own).chain(other).collect()
    }
}

/// An `Authorization` header and how long it is good for.
#[derive(Clone)]
pub(crate) struct Authorization {
    header: String,
    good_until: Option<Instant>,
}

impl Authorization {
    /// One without an end.
    pub(crate) const fn lasting(header: String) -> Self {
        Self {
            header,
            good_until: None,
        }
    }

    /// The value of the header. It is a secret.
    pub(crate) fn header(&self) -> &str {
        &self.header
    }

    fn is_good(&self, now: Instant) -> bool {
        self.good_until.is_none_or(|end| now < end)
    }
}

/// What a token server answers.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl TokenAnswer {
    /// The header to send, or none if the answer has no token that fits into one.
    ///
    /// The life of a token counts from its arrival: the server's clock may differ from ours.
    pub(crate) fn authorization(self, now: Instant) -> Option<Authorization> {
        const DEFAULT_LIFE: u64 = 60;
        // A token that ends on the way is refused, so it is renewed a little early.
        const MARGIN: Duration = Duration::from_secs(5);
        let token = self.token.or(self.access_token)?;
        let printable = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        let life =
            Duration::from_secs(self.expires_in.unwrap_or(DEFAULT_LIFE).clamp(10, 24 * 3600));
        printable.then(|| Authorization {
            header: format!("Bearer {token}"),
            good_until: Some(now + life.saturating_sub(MARGIN)),
        })
    }
}

/// One authorization for each host and scope. The async lock of a slot makes the parallel fetches of a pull share one
/// token request.
#[derive(Default)]
pub(crate) struct Authorizations {
    slots: Mutex<HashMap<(String, Scope), Arc<Slot>>>,
}

/// The place of one authorization.
pub(crate) type Slot = tokio::sync::Mutex<Option<Authorization>>;

impl Authorizations {
    /// The place for the authorization of `scope` at `host`.
    pub(crate) fn slot(&self, host: &str, scope: &Scope) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry((host.to_owned(), scope.clone())).or_default())
    }

    /// Forgets everything about `host`.
    pub(crate) fn forget(&self, host: &str) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|(known, _), _| known != host);
    }
}

/// The authorization in `slot` unless it has ended or is the one that was just refused.
pub(crate) fn usable(
    slot: &Option<Authorization>,
    refused: Option<&Authorization>,
    now: Instant,
) -> Option<Authorization> {
    let kept = slot.as_ref().filter(|kept| kept.is_good(now))?;
    refused
        .is_none_or(|refused| refused.header != kept.header)
        .then(|| kept.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: &str, now: Instant) -> Option<Authorization> {
        serde_json::from_str::<TokenAnswer>(json)
            .unwrap()
            .authorization(now)
    }

    #[test]
    fn a_token_ends_a_little_before_its_life() {
        let now = Instant::now();
        let token = answer(r#"{"access_token":"abc","expires_in":300}"#, now).unwrap();
        assert_eq!(token.header(), "Bearer abc");
        assert!(token.is_good(now + Duration::from_secs(294)));
        assert!(!token.is_good(now + Duration::from_secs(296)));
    }

    #[test]
    fn a_token_that_would_break_the_header_is_none() {
        let now = Instant::now();
        for json in [r#"{}"#, r#"{"token":""}"#, r#"{"token":"a\r\nX-Evil: 1"}"#] {
            assert!(answer(json, now).is_none(), "{json}");
        }
    }

    #[test]
    fn a_refused_authorization_is_not_used_again_but_a_newer_one_is() {
        let now = Instant::now();
        let old = Authorization::lasting("Bearer old".into());
        let new = Authorization::lasting("Bearer new".into());
        assert!(usable(&Some(old.clone()), Some(&old), now).is_none());
        assert!(usable(&Some(new), Some(&old), now).is_some());
        assert!(usable(&None, None, now).is_none());
    }
}
