use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use terrarium_oci::{Algorithm, Hasher};

/// By what a step is recognized: equal keys give equal files.
#[derive(Debug, Clone)]
pub struct Key {
    digits: String,
    recipe: Arc<Recipe>,
}

/// What a key was made of, for people who ask why two steps differ. The key itself decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// What was asked for, by name: `below`, `command`, `user`, `env PATH`, ….
    pub parts: BTreeMap<String, String>,
    /// The files that a transfer takes, by their path in the layer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Mark>,
}

/// What of a file counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Its bytes, counted.
    pub size_bytes: u64,
    /// The digest of its bytes, or what it is instead of a file.
    pub content: String,
}

impl Key {
    /// 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.digits
    }

    /// The same with one part more.
    pub(crate) fn with(&self, name: &str, part: &str) -> Self {
        let mut parts = KeyParts::new("with");
        parts.recipe = Recipe::clone(&self.recipe);
        parts.add(&self.digits).named(name, part);
        parts.finish()
    }

    /// What it was made of.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.digits == other.digits
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.digits.hash(state);
    }
}

/// Gathers what a key is made of. Each part carries its length, so that no two lists of parts look the same.
pub(crate) struct KeyParts {
    hasher: Hasher,
    recipe: Recipe,
}

impl KeyParts {
    /// The version stands first: a change of what steps do must not find the results of before.
    pub(crate) fn new(kind: &str) -> Self {
        let mut parts = Self {
            hasher: Hasher::new(Algorithm::Sha256),
            recipe: Recipe::default(),
        };
        parts.add("1");
        parts.add(kind);
        parts
    }

    pub(crate) fn add(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        self.hasher.update(&(part.len() as u64).to_le_bytes());
        self.hasher.update(part);
        self
    }

    pub(crate) fn all<T: AsRef<[u8]>>(&mut self, parts: impl IntoIterator<Item = T>) -> &mut Self {
        let parts: Vec<T> = parts.into_iter().collect();
        self.hasher.update(&(parts.len() as u64).to_le_bytes());
        for part in parts {
            self.add(part);
        }
        self
    }

    /// Adds a part that people know by a name.
    pub(crate) fn named(&mut self, name: &str, part: &str) -> &mut Self {
        self.note(name, part).add(part)
    }

    /// Only says what a part meant; what decides is added beside it.
    pub(crate) fn note(&mut self, name: &str, value: &str) -> &mut Self {
        let value = value.to_owned();
        self.recipe.parts.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn note_file(&mut self, path: &str, mark: Mark) {
        self.recipe.files.insert(path.to_owned(), mark);
    }

    pub(crate) fn finish(self) -> Key {
        Key {
            digits: self.hasher.finish().hex().to_owned(),
            recipe: Arc::new(self.recipe),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = |parts: &[&str]| {
            let mut key = KeyParts::new("x");
            key.all(parts);
            key.finish()
        };
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_eq!(key(&["ab", "c"]), key(&["ab", "c"]));
    }

    #[test]
    fn notes_decide_nothing() {
        let mut noted = KeyParts::new("x");
        noted.note("user", "app").add("a");
        let mut bare = KeyParts::new("x");
        bare.add("a");
        let (noted, bare) = (noted.finish(), bare.finish());
        assert_eq!(noted, bare);
        assert_eq!(noted.recipe().parts["user"], "app");
    }
}
