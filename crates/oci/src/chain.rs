use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// The digest of a layer's uncompressed tar.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiffId(pub Digest);

/// The name of a layer together with all layers below it.
///
/// Two images share a snapshot exactly when they share a chain ID (image-spec, config, "Layer ChainID").
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainId(pub Digest);

impl ChainId {
    /// The chain ID of the topmost of `diff_ids`, which are listed bottom first; none for an image without layers.
    pub fn from_diff_ids(diff_ids: &[DiffId]) -> Option<Self> {
        Self::all(diff_ids).pop()
    }

    /// The chain ID of every layer of `diff_ids`, bottom first.
    pub fn all(diff_ids: &[DiffId]) -> Vec<Self> {
        let mut chain: Vec<Self> = Vec::with_capacity(diff_ids.len());
        for diff_id in diff_ids {
            chain.push(Self::on(chain.last(), diff_id));
        }
        chain
    }

    /// The chain ID of the layer `diff_id` on top of `parent`.
    pub fn on(parent: Option<&Self>, diff_id: &DiffId) -> Self {
        match parent {
            None => Self(diff_id.0.clone()),
            Some(parent) => Self(Digest::sha256_of(format!("{parent} {diff_id}").as_bytes())),
        }
    }
}

impl fmt::Display for DiffId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottom_layer_is_its_own_chain_and_the_next_hashes_both() {
        let diff_ids: Vec<DiffId> = ["a", "b", "c"]
            .map(|text| DiffId(Digest::sha256_of(text.as_bytes())))
            .to_vec();
        let chain = ChainId::all(&diff_ids);
        assert_eq!(chain[0].0, diff_ids[0].0);
        let text = format!("{} {}", chain[0], diff_ids[1]);
        assert_eq!(chain[1].0, Digest::sha256_of(text.as_bytes()));
        assert_eq!(ChainId::from_diff_ids(&diff_ids).as_ref(), chain.last());
        assert_eq!(ChainId::from_diff_ids(&[]), None);
    }
}
