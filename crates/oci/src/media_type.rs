use std::fmt;

use serde::{Deserialize, Serialize};

/// How the tar of a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// A plain tar.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// What kind of content a descriptor points to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum MediaType {
    /// An index of manifests.
    OciIndex,
    /// A manifest.
    OciManifest,
    /// An image config.
    OciConfig,
    /// A layer.
    OciLayer(Compression),
    /// A layer that may only be fetched from where its owner serves it.
    OciForeignLayer(Compression),
    /// The empty JSON object, the config of artifacts.
    OciEmpty,
    /// Docker's index: a manifest list.
    DockerManifestList,
    /// Docker's manifest, schema 2.
    DockerManifest,
    /// Docker's image config.
    DockerConfig,
    /// Docker's layer.
    DockerLayer(Compression),
    /// Docker's layer that may only be fetched from where its owner serves it.
    DockerForeignLayer(Compression),
    /// Docker's manifest, schema 1: recognized in order to be refused.
    DockerSchema1,
    /// Anything else, kept as it was written.
    Other(String),
}

use Compression::{Gzip, None as Plain, Zstd};

/// Every name and what it means. The first name of a meaning is the one we write.
const NAMES: &[(&str, MediaType)] = &[
    (
        "application/vnd.oci.image.index.v1+json",
        MediaType::OciIndex,
    ),
    (
        "application/vnd.oci.image.manifest.v1+json",
        MediaType::OciManifest,
    ),
    (
        "application/vnd.oci.image.config.v1+json",
        MediaType::OciConfig,
    ),
    (
        "application/vnd.oci.image.layer.v1.tar",
        MediaType::OciLayer(Plain),
    ),
    (
        "application/vnd.oci.image.layer.v1.tar+gzip",
        MediaType::OciLayer(Gzip),
    ),
    (
        "application/vnd.oci.image.layer.v1.tar+zstd",
        MediaType::OciLayer(Zstd),
    ),
    (
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        MediaType::OciForeignLayer(Plain),
    ),
    (
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        MediaType::OciForeignLayer(Gzip),
    ),
    (
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        MediaType::OciForeignLayer(Zstd),
    ),
    ("application/vnd.oci.empty.v1+json", MediaType::OciEmpty),
    (
        "application/vnd.docker.distribution.manifest.list.v2+json",
        MediaType::DockerManifestList,
    ),
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        MediaType::DockerManifest,
    ),
    (
        "application/vnd.docker.container.image.v1+json",
        MediaType::DockerConfig,
    ),
    (
        "application/vnd.docker.image.rootfs.diff.tar",
        MediaType::DockerLayer(Plain),
    ),
    (
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        MediaType::DockerLayer(Gzip),
    ),
    (
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        MediaType::DockerLayer(Zstd),
    ),
    (
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        MediaType::DockerForeignLayer(Plain),
    ),
    (
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        MediaType::DockerForeignLayer(Gzip),
    ),
    (
        "application/vnd.docker.image.rootfs.foreign.diff.tar.zstd",
        MediaType::DockerForeignLayer(Zstd),
    ),
    (
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        MediaType::DockerSchema1,
    ),
    (
        "application/vnd.docker.distribution.manifest.v1+json",
        MediaType::DockerSchema1,
    ),
];

impl MediaType {
    /// Reads a media type; parameters such as `; charset=utf-8` and the case of letters do not count.
    pub fn parse(text: &str) -> Self {
        let essence = text.split(';').next().unwrap_or_default().trim();
        match NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(essence))
        {
            Some((_, known)) => known.clone(),
            None => Self::Other(essence.to_owned()),
        }
    }

    /// The name as the specifications write it.
    pub fn as_str(&self) -> &str {
        if let Self::Other(text) = self {
            return text;
        }
        NAMES
            .iter()
            .find(|(_, known)| known == self)
            .map_or("", |(name, _)| name)
    }

    /// Whether it is an index or a manifest list.
    pub fn is_index(&self) -> bool {
        matches!(self, Self::OciIndex | Self::DockerManifestList)
    }

    /// Whether it is a manifest that we read.
    pub fn is_manifest(&self) -> bool {
        matches!(self, Self::OciManifest | Self::DockerManifest)
    }

    /// Whether it is an image's config.
    pub fn is_config(&self) -> bool {
        matches!(self, Self::OciConfig | Self::DockerConfig)
    }

    /// How the layer is compressed; `None` if it is no layer.
    pub fn layer_compression(&self) -> Option<Compression> {
        match self {
            Self::OciLayer(how)
            | Self::OciForeignLayer(how)
            | Self::DockerLayer(how)
            | Self::DockerForeignLayer(how) => Some(*how),
            _ => None,
        }
    }

    /// Whether the layer is served by its owner and not by the registry.
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::OciForeignLayer(_) | Self::DockerForeignLayer(_))
    }
}

impl From<String> for MediaType {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<MediaType> for String {
    fn from(media_type: MediaType) -> Self {
        media_type.as_str().to_owned()
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_reads_back_as_itself() {
        for (name, known) in NAMES {
            assert_eq!(MediaType::parse(name), *known);
            if *known != MediaType::DockerSchema1 {
                assert_eq!(known.as_str(), *name);
            }
        }
    }

    #[test]
    fn parameters_and_case_do_not_count() {
        let text = "Application/vnd.oci.image.index.v1+json; charset=utf-8";
        assert_eq!(MediaType::parse(text), MediaType::OciIndex);
        assert_eq!(MediaType::parse("text/html").as_str(), "text/html");
    }
}
