use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What proves to a registry who asks. Its debug form hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A name and a password.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
    /// A token that the authorization server exchanges for others.
    IdentityToken(String),
    /// A token that the registry takes as it is.
    RegistryToken(String),
}

impl Credential {
    /// A name and a password.
    pub fn password(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self::Password {
            username: username.into(),
            password: password.into(),
        }
    }

    /// The name, where there is one beside the secret.
    pub(crate) fn username(&self) -> Option<&str> {
        match self {
            Self::Password { username, .. } => Some(username),
            Self::IdentityToken(_) | Self::RegistryToken(_) => None,
        }
    }

    /// The `Authorization` header of HTTP Basic, if this is a name and a password.
    pub(crate) fn basic_header(&self) -> Option<String> {
        let Self::Password { username, password } = self else {
            return None;
        };
        Some(format!(
            "Basic {}",
            STANDARD.encode(format!("{username}:{password}"))
        ))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { username, .. } => write!(f, "Password({username:?}, …)"),
            Self::IdentityToken(_) => f.write_str("IdentityToken(…)"),
            Self::RegistryToken(_) => f.write_str("RegistryToken(…)"),
        }
    }
}
