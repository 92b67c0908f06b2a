use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::serde_forms::null_is_default;
use crate::{Digest, DocumentFault, MediaType, Platform};

/// The largest blob that a descriptor may claim: 1 TiB, beyond which sums of sizes and progress lose their meaning.
const MAX_BLOB_BYTES: u64 = 1 << 40;

/// What some content is, how it is named, and how large it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the content is.
    pub media_type: MediaType,
    /// The name of the content.
    pub digest: Digest,
    /// The size of the content in bytes.
    #[serde(rename = "size")]
    pub size_bytes: u64,
    /// The platform that the content is for, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Other places that serve the content. They are not fetched from: whoever wrote the manifest chose them.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub urls: Vec<String>,
    /// Remarks.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
    /// What kind of artifact the content is, if it is a manifest of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// Describes `bytes`.
    pub fn of(media_type: MediaType, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::sha256_of(bytes), bytes.len() as u64)
    }

    /// A descriptor without platform and remarks.
    pub fn new(media_type: MediaType, digest: Digest, size_bytes: u64) -> Self {
        Self {
            media_type,
            digest,
            size_bytes,
            platform: None,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            artifact_type: None,
        }
    }

    /// Whether it points to the provenance or the bill of materials of another manifest, as BuildKit writes them.
    pub fn is_attestation(&self) -> bool {
        self.annotations
            .get("vnd.docker.reference.type")
            .is_some_and(|kind| kind == "attestation-manifest")
    }

    pub(crate) fn check(&self) -> Result<(), DocumentFault> {
        if self.size_bytes > MAX_BLOB_BYTES {
            return Err(DocumentFault::Size {
                digest: self.digest.to_string(),
                size_bytes: self.size_bytes,
            });
        }
        Ok(())
    }
}
