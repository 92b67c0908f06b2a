use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::serde_forms::null_is_default;
use crate::{Descriptor, DocumentFault, MediaType, Platform};

/// The most layers an image may have: overlay takes 500 lower directories, and containers add their own.
pub const MAX_LAYERS: usize = 480;

/// The most entries of an index that are read.
pub const MAX_INDEX_ENTRIES: usize = 4096;

/// What an image for one platform consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    schema_version: u64,
    /// What the document says it is; OCI allows to leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// What kind of artifact it is, if it is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The config.
    pub config: Descriptor,
    /// The layers, bottom first.
    #[serde(deserialize_with = "null_is_default")]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one says something about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Box<Descriptor>>,
    /// Remarks.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// An OCI image manifest.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(MediaType::OciManifest),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    /// The bytes that are stored and hashed.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("no map has keys other than text")
    }

    /// Whether it describes an image and not another kind of artifact.
    pub fn is_image(&self) -> bool {
        self.config.media_type.is_config()
    }

    /// The sum of all layers' sizes as they are transferred.
    pub fn layers_size_bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size_bytes).sum()
    }

    pub(crate) fn check(&self) -> Result<(), DocumentFault> {
        check_version(self.schema_version)?;
        limit("layers", self.layers.len(), MAX_LAYERS)?;
        self.config.check()?;
        self.layers.iter().try_for_each(Descriptor::check)
    }
}

/// A list of manifests, most often one for each platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    schema_version: u64,
    /// What the document says it is; OCI allows to leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// What kind of artifact it is, if it is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The manifests, in the order of their author's preference.
    #[serde(deserialize_with = "null_is_default")]
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one says something about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Box<Descriptor>>,
    /// Remarks.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

impl Index {
    /// An OCI index.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(MediaType::OciIndex),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    /// The bytes that are stored and hashed.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("no map has keys other than text")
    }

    /// The manifest that runs best on `platform`; of equals the first.
    ///
    /// An entry without a platform is taken only where nothing else fits: it may be a single-platform image.
    pub fn select(&self, platform: &Platform) -> Option<&Descriptor> {
        let images = || {
            self.manifests
                .iter()
                .filter(|entry| !entry.is_attestation())
        };
        let ranked =
            images().filter_map(|entry| Some((platform.rank(entry.platform.as_ref()?)?, entry)));
        ranked
            .min_by_key(|(rank, _)| *rank)
            .map(|(_, entry)| entry)
            .or_else(|| images().find(|entry| entry.platform.is_none()))
    }

    /// The platforms there are images for.
    pub fn platforms(&self) -> Vec<Platform> {
        let images = self
            .manifests
            .iter()
            .filter(|entry| !entry.is_attestation());
        images.filter_map(|entry| entry.platform.clone()).collect()
    }

    pub(crate) fn check(&self) -> Result<(), DocumentFault> {
        check_version(self.schema_version)?;
        limit("manifests", self.manifests.len(), MAX_INDEX_ENTRIES)?;
        self.manifests.iter().try_for_each(Descriptor::check)
    }
}

fn check_version(version: u64) -> Result<(), DocumentFault> {
    if version == 2 {
        Ok(())
    } else {
        Err(DocumentFault::SchemaVersion(version))
    }
}

pub(crate) fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), DocumentFault> {
    if found > limit {
        Err(DocumentFault::TooMany { what, found, limit })
    } else {
        Ok(())
    }
}
