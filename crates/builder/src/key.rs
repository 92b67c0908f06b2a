use terrarium_oci::{Algorithm, Hasher};

/// By what a step is recognized: equal keys give equal files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Gathers what a key is made of. Each part carries its length, so that no two lists of parts look the same.
pub(crate) struct KeyParts(Hasher);

impl KeyParts {
    /// The version stands first: a change of what steps do must not find the results of before.
    pub(crate) fn new(kind: &str) -> Self {
        let mut parts = Self(Hasher::new(Algorithm::Sha256));
        parts.add("1");
        parts.add(kind);
        parts
    }

    pub(crate) fn add(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    pub(crate) fn all<T: AsRef<[u8]>>(&mut self, parts: impl IntoIterator<Item = T>) -> &mut Self {
        let parts: Vec<T> = parts.into_iter().collect();
        self.0.update(&(parts.len() as u64).to_le_bytes());
        for part in parts {
            self.add(part);
        }
        self
    }

    pub(crate) fn finish(self) -> Key {
        Key(self.0.finish().hex().to_owned())
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
}
