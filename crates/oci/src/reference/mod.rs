//! Names of images, by the grammar of the distribution project (`distribution/reference`).

mod dissect;
mod grammar;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Digest, Error, Result};

pub use dissect::{Dissection, Part, PartKind};

/// The registry of names that have none.
pub const DEFAULT_REGISTRY: &str = "docker.io";

/// The tag of names that have neither tag nor digest.
pub const DEFAULT_TAG: &str = "latest";

/// The name of an image: registry, repository, and a tag, a digest or both.
///
/// Always complete: `ubuntu` is read as `docker.io/library/ubuntu:latest`. Serialized as its canonical text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Reads a name as people type it and says which part was typed and which was implied.
    ///
    /// # Errors
    /// [`Error::Reference`] with the reason; [`Error::hint`] says how to write it.
    pub fn dissect(text: &str) -> Result<Dissection> {
        dissect::dissect(text).map_err(|why| Error::Reference {
            text: text.to_owned(),
            why,
        })
    }

    /// The registry's host and port, like `docker.io` or `localhost:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path within the registry, like `library/ubuntu`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest that the content must have.
    pub const fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What a registry is asked for: the digest if there is one, for a tag may have moved, else the tag.
    pub fn target(&self) -> &str {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.as_str(),
            (None, Some(tag)) => tag,
            (None, None) => DEFAULT_TAG,
        }
    }

    /// The registry and repository without tag and digest, in full.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The short form that people use: `ubuntu:latest` for `docker.io/library/ubuntu:latest`.
    pub fn familiar(&self) -> String {
        self.with_suffix(self.familiar_name())
    }

    /// The short form without tag and digest.
    pub fn familiar_name(&self) -> String {
        if self.registry != DEFAULT_REGISTRY {
            return self.name();
        }
        match self.repository.split_once('/') {
            Some(("library", rest)) if !rest.contains('/') => rest.to_owned(),
            // Without the registry it would be read, by people and programs, as one of another.
            Some((first, _)) if dissect::is_host(first) => self.name(),
            _ => self.repository.clone(),
        }
    }

    /// The full form, which names the same image everywhere.
    pub fn canonical(&self) -> String {
        self.with_suffix(self.name())
    }

    /// The same repository at `digest`, without a tag.
    #[must_use]
    pub fn at_digest(&self, digest: Digest) -> Self {
        Self {
            tag: None,
            digest: Some(digest),
            ..self.clone()
        }
    }

    fn with_suffix(&self, mut name: String) -> String {
        if let Some(tag) = &self.tag {
            name.push(':');
            name.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            name.push('@');
            name.push_str(digest.as_str());
        }
        name
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(Self::dissect(text)?.reference)
    }
}

impl TryFrom<String> for Reference {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.canonical()
    }
}

impl fmt::Display for Reference {
    /// Writes the canonical form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}

#[cfg(test)]
mod tests;
