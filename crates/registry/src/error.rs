use std::time::Duration;

use terrarium_oci::{Digest, DocumentFault, Platform};

use crate::RateLimit;

/// The result of talking to a registry.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a registry could not give what was asked for, one variant for each cause that the user can tell apart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address from the settings is no `http` or `https` URL.
    #[error("`{address}` is not the address of a registry")]
    BadAddress {
        /// The address.
        address: String,
    },
    /// A file of the configuration cannot be read.
    #[error("read {path}")]
    Configuration {
        /// Its path.
        path: String,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A credential helper failed.
    #[error("run credential helper `{helper}`: {why}")]
    CredentialHelper {
        /// Its name without `docker-credential-`.
        helper: String,
        /// What went wrong.
        why: String,
    },
    /// No connection, or it broke.
    #[error("reach {address}")]
    Unreachable {
        /// Scheme, host and port.
        address: String,
        /// What the network said.
        #[source]
        source: Broken,
    },
    /// The connection stands, but not its encryption.
    #[error("verify that {address} is who it claims to be")]
    Tls {
        /// Scheme, host and port.
        address: String,
        /// What is wrong with the certificate or the handshake.
        #[source]
        source: Broken,
    },
    /// The registry wants to know who asks.
    #[error("{host} wants you to sign in: {message}")]
    Unauthorized {
        /// The registry.
        host: String,
        /// What it said.
        message: String,
    },
    /// The registry knows who asks and says no.
    #[error("{host} denies access to {what}: {message}")]
    Denied {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
        /// What it said.
        message: String,
    },
    /// The registry does not have it.
    #[error("{host} has no {what}")]
    NotFound {
        /// The registry.
        host: String,
        /// Kind and name of what was asked for.
        what: String,
    },
    /// The registry wants fewer requests.
    #[error("{host} serves no more requests for now")]
    RateLimited {
        /// The registry.
        host: String,
        /// When it may be asked again.
        retry_after: Option<Duration>,
        /// How much it serves.
        limit: Option<RateLimit>,
    },
    /// The registry answered with a status that has no meaning here.
    #[error("{host} answered {status}: {message}")]
    Status {
        /// The registry.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
        /// When it may be asked again.
        retry_after: Option<Duration>,
    },
    /// The registry answered something that breaks the protocol.
    #[error("{host} broke the protocol: {message}")]
    Protocol {
        /// The registry.
        host: String,
        /// What is wrong.
        message: String,
    },
    /// The content is not what its digest names.
    #[error("content of {host} has the digest {found} instead of {expected}")]
    BadDigest {
        /// The registry.
        host: String,
        /// The digest that it must have.
        expected: Digest,
        /// The digest that it has.
        found: Digest,
    },
    /// The content ended too early, and so did every attempt to get the rest.
    #[error("{host} sent {found_bytes} of the {expected_bytes} bytes of {digest}")]
    Truncated {
        /// The registry.
        host: String,
        /// The blob.
        digest: Digest,
        /// The size that it must have.
        expected_bytes: u64,
        /// How much came.
        found_bytes: u64,
    },
    /// There is more content than was announced or than is read.
    #[error("{host} sent more than the {limit_bytes} bytes of {what}")]
    TooLarge {
        /// The registry.
        host: String,
        /// What was read.
        what: String,
        /// How much was allowed.
        limit_bytes: u64,
    },
    /// The registry answered with something that is no image.
    #[error("{host} answered with `{media_type}`, which is no image")]
    UnsupportedMediaType {
        /// The registry.
        host: String,
        /// The content type.
        media_type: String,
    },
    /// The manifest is refused.
    #[error("read the manifest of {what}")]
    Document {
        /// The image.
        what: String,
        /// Why.
        #[source]
        source: terrarium_oci::Error,
    },
    /// There is an image, but none that runs here.
    #[error("{what} has no image for {wanted}, only for {}", list(.available))]
    NoPlatform {
        /// The image.
        what: String,
        /// The platform that was asked for.
        wanted: Box<Platform>,
        /// The platforms there are.
        available: Vec<Platform>,
    },
}

/// Why a connection is of no use, in the words of the system or of TLS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Broken {
    why: String,
    /// It broke before anything could be asked.
    never_stood: bool,
}

impl Broken {
    /// Takes the innermost cause: those around it only say that a request was being sent.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let why = match error.is_timeout() {
            true => "no answer in time".to_owned(),
            false => crate::quote::quote(&cause.to_string()),
        };
        Self {
            why,
            never_stood: error.is_connect(),
        }
    }

    /// The name leads nowhere.
    pub(crate) fn lookup(error: &std::io::Error) -> Self {
        Self {
            why: crate::quote::quote(&error.to_string()),
            never_stood: true,
        }
    }

    /// It stands, but hardly anything comes.
    pub(crate) fn slow() -> Self {
        Self {
            why: "it sends too slowly to be waited for".to_owned(),
            never_stood: false,
        }
    }
}

impl Error {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unauthorized { host, .. } => format!("sign in to {host}"),
            Self::Denied { host, .. } => {
                format!("check the name; if the repository is private, sign in to {host}")
            }
            Self::NotFound { .. } => "check the spelling of the name and the tag".to_owned(),
            Self::Unreachable { .. } => {
                "check the network, the proxy and the registry's name".to_owned()
            }
            Self::Tls { address, .. } => format!(
                "give the registry's CA certificate, or list {address} as insecure if you trust the network"
            ),
            Self::RateLimited {
                host, retry_after, ..
            } => match retry_after {
                Some(wait) => format!(
                    "wait {} seconds, or sign in to {host} for a higher limit",
                    wait.as_secs()
                ),
                None => format!("wait, or sign in to {host} for a higher limit"),
            },
            Self::NoPlatform { .. } => "choose one of these platforms, or another tag".to_owned(),
            Self::Document { source, .. } => return source.hint(),
            _ => return None,
        };
        Some(hint)
    }

    /// Whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::RateLimited { .. } | Self::Truncated { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 500 | 502..=504),
            _ => false,
        }
    }

    /// Whether a server answered at all.
    pub(crate) fn is_answer(&self) -> bool {
        !matches!(self, Self::Unreachable { .. } | Self::Tls { .. })
    }

    /// Whether the reference is refused for a reason that lies in the document's format.
    pub fn is_schema1(&self) -> bool {
        let Self::Document { source, .. } = self else {
            return false;
        };
        matches!(
            source,
            terrarium_oci::Error::Document {
                why: DocumentFault::Schema1,
                ..
            }
        )
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Status { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// How many attempts this cause is worth. Who typed a wrong host wants to know soon.
    pub(crate) fn patience(&self) -> u32 {
        match self {
            Self::Unreachable { source, .. } if source.never_stood => 2,
            _ => u32::MAX,
        }
    }
}

fn list(platforms: &[Platform]) -> String {
    let names: Vec<String> = platforms.iter().map(Platform::to_string).collect();
    if names.is_empty() {
        "unnamed platforms".to_owned()
    } else {
        names.join(", ")
    }
}
