//! Failures on their way from the process that keeps a user's networks to its host.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What sort of failure it is, for whoever has codes for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kind {
    /// A host port is in use.
    PortTaken,
    /// What was asked for makes no sense or does not fit.
    Invalid,
    /// There is no such network.
    UnknownNetwork,
    /// The name of a network is taken.
    NameTaken,
    /// A network has containers.
    InUse,
    /// Anything else.
    Failed,
}

/// A failure as another process told it, with all of its causes.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[error("{text}")]
pub struct Told {
    kind: Kind,
    text: String,
    hint: Option<String>,
    source: Option<Box<Cause>>,
}

#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[error("{text}")]
struct Cause {
    text: String,
    source: Option<Box<Cause>>,
}

impl Told {
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl From<&Error> for Told {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            text: error.to_string(),
            hint: error.hint().map(str::to_owned),
            source: std::error::Error::source(error).map(cause),
        }
    }
}

fn cause(error: &(dyn std::error::Error + 'static)) -> Box<Cause> {
    Box::new(Cause {
        text: error.to_string(),
        source: error.source().map(cause),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_words_causes_and_hint_on_the_way() {
        let error = Error::Bind {
            address: [0, 0, 0, 0].into(),
            port: 80,
            protocol: crate::Protocol::Tcp,
            source: std::io::ErrorKind::PermissionDenied.into(),
        };
        let text = serde_json::to_string(&Told::from(&error)).unwrap();
        let told = Error::from(serde_json::from_str::<Told>(&text).unwrap());
        assert_eq!(told.to_string(), error.to_string());
        assert_eq!((told.hint(), told.kind()), (error.hint(), error.kind()));
        let cause = std::error::Error::source(&told).map(ToString::to_string);
        assert_eq!(cause.as_deref(), Some("permission denied"));
    }
}
