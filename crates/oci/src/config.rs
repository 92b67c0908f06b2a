use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::document::from_json;
use crate::manifest::limit;
use crate::serde_forms::{is_default, null_is_default, set};
use crate::{ChainId, DiffId, DocumentFault, Error, MAX_LAYERS, Manifest, Platform, Result};

/// What an image is made of and how a container of it starts, with Docker's extensions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// When it was built, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who built it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The platform it runs on.
    #[serde(flatten)]
    pub platform: Platform,
    /// How a container of it starts.
    #[serde(default, deserialize_with = "null_is_default")]
    pub config: ExecConfig,
    /// Its layers.
    pub rootfs: RootFs,
    /// How each layer came to be, bottom first.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub history: Vec<HistoryEntry>,
}

/// How a container of an image starts unless it is told otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ExecConfig {
    /// User and group, by name or number.
    #[serde(
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub user: String,
    /// Ports that it listens on, like `80/tcp`.
    #[serde(with = "set", skip_serializing_if = "is_default")]
    pub exposed_ports: BTreeSet<String>,
    /// Environment, `NAME=value`.
    #[serde(
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub env: Vec<String>,
    /// What runs.
    #[serde(
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub entrypoint: Vec<String>,
    /// Its arguments, or what runs where there is no entrypoint.
    #[serde(
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub cmd: Vec<String>,
    /// Paths that get a volume of their own.
    #[serde(with = "set", skip_serializing_if = "is_default")]
    pub volumes: BTreeSet<String>,
    /// Where it starts.
    #[serde(
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub working_dir: String,
    /// Labels.
    #[serde(
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub labels: BTreeMap<String, String>,
    /// The signal that asks it to stop.
    #[serde(skip_serializing_if = "is_default")]
    pub stop_signal: Option<String>,
    /// Seconds from that signal to `SIGKILL` (Docker).
    #[serde(skip_serializing_if = "is_default")]
    pub stop_timeout: Option<i64>,
    /// How to tell whether it is well (Docker).
    #[serde(skip_serializing_if = "is_default")]
    pub healthcheck: Option<Healthcheck>,
    /// Instructions for builds on top of it (Docker).
    #[serde(
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub on_build: Vec<String>,
    /// The shell of instructions in shell form (Docker).
    #[serde(
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub shell: Vec<String>,
    /// Whether the arguments are already escaped (Docker, Windows).
    #[serde(
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub args_escaped: bool,
}

/// How to tell whether a container is well. Times are in nanoseconds; 0 means the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`; empty to inherit.
    #[serde(
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub test: Vec<String>,
    /// Time between two checks.
    #[serde(skip_serializing_if = "is_default")]
    pub interval: i64,
    /// How long one check may take.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: i64,
    /// How long after the start failures do not count.
    #[serde(skip_serializing_if = "is_default")]
    pub start_period: i64,
    /// Time between two checks in that period.
    #[serde(skip_serializing_if = "is_default")]
    pub start_interval: i64,
    /// How many failures in a row make it unhealthy.
    #[serde(skip_serializing_if = "is_default")]
    pub retries: i64,
}

/// The layers of an image by their uncompressed content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    #[serde(rename = "type")]
    kind: String,
    /// Bottom first.
    #[serde(default, deserialize_with = "null_is_default")]
    pub diff_ids: Vec<DiffId>,
}

impl RootFs {
    /// The layers `diff_ids`, bottom first.
    pub fn new(diff_ids: Vec<DiffId>) -> Self {
        Self {
            kind: "layers".to_owned(),
            diff_ids,
        }
    }
}

impl Default for RootFs {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// One step of how an image was built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryEntry {
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "is_default")]
    pub created: Option<String>,
    /// The instruction or command.
    #[serde(skip_serializing_if = "is_default")]
    pub created_by: Option<String>,
    /// Who.
    #[serde(skip_serializing_if = "is_default")]
    pub author: Option<String>,
    /// A remark, often the builder's name.
    #[serde(skip_serializing_if = "is_default")]
    pub comment: Option<String>,
    /// Whether the step changed no file and so has no layer.
    #[serde(
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub empty_layer: bool,
}

/// A step of the history and the layer that it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// What was recorded; none for a layer without history.
    pub entry: Option<&'a HistoryEntry>,
    /// The layer's position, counted from the bottom; none for a step that changed no file.
    pub layer: Option<usize>,
}

impl ImageConfig {
    /// Reads an image's config.
    ///
    /// # Errors
    /// [`Error::Document`] with the reason.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let read = from_json(bytes).and_then(|config: Self| {
            limit("layers", config.rootfs.diff_ids.len(), MAX_LAYERS)?;
            limit("history entries", config.history.len(), 4096)?;
            Ok(config)
        });
        read.map_err(|why| Error::Document {
            kind: "image config",
            why,
        })
    }

    /// The bytes that are stored and hashed.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("no map has keys other than text")
    }

    /// Checks that `manifest` and this config speak of the same layers.
    ///
    /// # Errors
    /// [`Error::Document`] if their numbers differ.
    pub fn check_against(&self, manifest: &Manifest) -> Result<()> {
        let (layers, diff_ids) = (manifest.layers.len(), self.rootfs.diff_ids.len());
        if layers == diff_ids {
            return Ok(());
        }
        let why = DocumentFault::LayerCount { layers, diff_ids };
        Err(Error::Document {
            kind: "image config",
            why,
        })
    }

    /// The name of the whole root file system; none for an image without layers.
    pub fn chain_id(&self) -> Option<ChainId> {
        ChainId::from_diff_ids(&self.rootfs.diff_ids)
    }

    /// The history beside the layers, oldest first. Layers that no entry speaks of come last, entries too many have none.
    pub fn steps(&self) -> Vec<Step<'_>> {
        let mut layers = 0..self.rootfs.diff_ids.len();
        let mut steps: Vec<Step<'_>> = Vec::with_capacity(self.history.len());
        for entry in &self.history {
            let layer = if entry.empty_layer {
                None
            } else {
                layers.next()
            };
            steps.push(Step {
                entry: Some(entry),
                layer,
            });
        }
        steps.extend(layers.map(|layer| Step {
            entry: None,
            layer: Some(layer),
        }));
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCKER: &str = r#"{"architecture":"arm","variant":"v7","os":"linux","created":"2024-01-01T00:00:00Z",
        "docker_version":"20.10","container":"abc","config":{"User":"","Env":["PATH=/bin"],"Cmd":["sh"],"Volumes":null,
        "ExposedPorts":{"80/tcp":{}},"OnBuild":null,"Labels":null,"Entrypoint":null,"WorkingDir":"/srv",
        "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":30000000000}},
        "rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]},
        "history":[{"created_by":"ENV A=b","empty_layer":true},{"created_by":"ADD x"}]}"#;

    #[test]
    fn a_config_of_docker_keeps_its_extensions() {
        let config = ImageConfig::parse(DOCKER.as_bytes()).unwrap();
        assert_eq!(config.platform.to_string(), "linux/arm/v7");
        assert!(config.config.exposed_ports.contains("80/tcp"));
        assert_eq!(
            config.config.healthcheck.as_ref().unwrap().interval,
            30_000_000_000
        );
        assert_eq!(ImageConfig::parse(&config.to_bytes()).unwrap(), config);
    }

    #[test]
    fn history_and_layers_are_brought_together() {
        let mut config = ImageConfig::parse(DOCKER.as_bytes()).unwrap();
        let layers = |config: &ImageConfig| -> Vec<_> {
            config.steps().iter().map(|step| step.layer).collect()
        };
        assert_eq!(layers(&config), [None, Some(0)]);
        config.history.clear();
        assert_eq!(layers(&config), [Some(0)]);
        config.history = vec![HistoryEntry::default(); 2];
        assert_eq!(layers(&config), [Some(0), None]);
    }

    #[test]
    fn a_config_with_other_layers_than_the_manifest_is_refused() {
        let config = ImageConfig::parse(DOCKER.as_bytes()).unwrap();
        let manifest = Manifest::new(
            crate::Descriptor::of(crate::MediaType::OciConfig, b""),
            vec![],
        );
        assert!(config.check_against(&manifest).is_err());
    }
}
