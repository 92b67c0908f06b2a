//! Names of snapshots and leases.

use std::fmt;

use serde::{Deserialize, Serialize};
use terrarium_oci::ChainId;

use crate::error::{Error, Result};

/// A name inside the store: 1 to 200 of `A-Z a-z 0-9 . _ : -`, and no dot at the start.
///
/// The rule makes every name a safe file name and a safe overlay mount option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// [`Error::InvalidName`].
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        let fits = (1..=200).contains(&name.len()) && !name.starts_with('.');
        if fits && name.bytes().all(allowed) {
            return Ok(Self(name));
        }
        Err(Error::InvalidName(name.chars().take(200).collect()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A committed layer is named by its chain ID.
impl From<&ChainId> for Name {
    fn from(chain: &ChainId) -> Self {
        Self(chain.to_string())
    }
}

impl TryFrom<String> for Name {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        Self::new(name)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn a_name_is_never_a_path() {
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            ".hidden",
            "a b",
            "a\0",
            "é",
            &"x".repeat(201),
        ] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "sha256:00ff", "container-1.b_c"] {
            assert_eq!(Name::new(good).expect("valid").as_str(), good);
        }
    }
}
