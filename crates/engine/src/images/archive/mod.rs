//! Images in one tar: an OCI layout that is an archive of `docker save` as well.
//!
//! image-spec 1.1 "Image Layout", with `manifest.json` of the Docker image specification 1.2 beside it, so that every
//! reader finds what it looks for.

mod load;
mod save;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use save::write_image;

/// The name of an image in an index: its full form, as containerd and Docker write it.
const NAME: &str = "io.containerd.image.name";
/// The same for readers of OCI layouts; others put a tag alone here.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// An entry of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEntry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

/// An `index.json`, as far as it is needed here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayoutIndex {
    schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    manifests: Vec<LayoutEntry>,
}

/// A descriptor of an `index.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayoutEntry {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}
