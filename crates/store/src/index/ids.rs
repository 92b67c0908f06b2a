//! Finding the node of a name.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

/// The first node of each hash of a parent and a name. Names stay where they are: an own copy of
/// each as a key takes more time than all the rest of merging.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids {
    /// Keyed, so that no layer can choose names that collide.
    state: RandomState,
    first: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
}

impl Ids {
    pub(super) fn hash(&self, parent: u32, name: &[u8]) -> u64 {
        self.state.hash_one((parent, name))
    }

    pub(super) fn first(&self, hash: u64) -> Option<u32> {
        self.first.get(&hash).copied()
    }

    /// Puts a node before the others of its hash; returns the one that was first.
    pub(super) fn put_first(&mut self, hash: u64, node: u32) -> Option<u32> {
        self.first.insert(hash, node)
    }
}

/// Passes on what is a hash already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys are u64")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
