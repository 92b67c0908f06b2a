//! What steps gave, kept in a registry for builds on other machines.
//!
//! The manifest, its config and their media types are those of BuildKit's cache, so that registries and their tools take
//! it for what it is. Keys are this engine's: a cache of BuildKit is read, and none of its steps is recognized.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use terrarium_api::{Error, ErrorCode};
use terrarium_builder::{Key, Layer, Outcome};
use terrarium_oci::{Descriptor, DiffId, Digest, Document, Manifest, MediaType, Reference};
use terrarium_registry::Client;
use terrarium_store::{Lease, Store, Wanted};

use super::{cache::Record, executor::Worker};
use crate::{
    Result,
    blocking::blocking,
    error::Wrap as _,
    images::{parse, registry_failed, store_failed},
};

const CONFIG: &str = "application/vnd.buildkit.cacheconfig.v0";
/// A longer list of steps is none.
const CONFIG_BYTES: usize = 32 << 20;
/// When a layer was made whose time nobody knows, as Go writes it.
const UNKNOWN: &str = "0001-01-01T00:00:00Z";

/// A cache to be written when the build is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheExport {
    /// The name in the registry.
    pub reference: String,
    /// Whether steps are kept that are not in the image, as those of other stages.
    pub all_steps: bool,
    /// Whether the build goes on where the cache cannot be written.
    pub ignores_errors: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Config {
    #[serde(default)]
    layers: Vec<ConfigLayer>,
    #[serde(default)]
    records: Vec<ConfigRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ConfigLayer {
    blob: Digest,
    /// The one below; none at -1. A layer of ours lies on whatever its step begins with.
    #[serde(default)]
    parent: i64,
    annotations: Option<Annotations>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    #[serde(rename = "diffID")]
    diff_id: Digest,
    #[serde(default)]
    created_at: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct ConfigRecord {
    digest: Digest,
    #[serde(default)]
    layers: Vec<ConfigResult>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigResult {
    layer: usize,
    created_at: String,
}

/// A cache that a build may use.
pub(super) struct Import {
    client: Client,
    reference: Reference,
    /// By the digits of keys.
    steps: BTreeMap<String, Step>,
}

struct Step {
    blob: Descriptor,
    diff_id: DiffId,
    created: String,
}

/// The steps of a build, by their keys.
#[derive(Debug, Default)]
pub(super) struct Taken(Mutex<BTreeMap<String, Layer>>);

impl Taken {
    pub(super) fn note(&self, key: &Key, layer: &Layer) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(key.as_str().to_owned(), layer.clone());
    }
}

impl Worker {
    /// Reads caches. One that is not there costs a build time and is no reason to end it.
    pub(super) async fn import(&mut self, names: &[String]) {
        for name in names {
            match self.imported(name).await {
                Ok(import) => self.imports.push(import),
                Err(error) => tracing::warn!(%name, %error, "a cache of builds is not read"),
            }
        }
    }

    async fn imported(&self, name: &str) -> Result<Import> {
        let reference = parse(name)?;
        let client = self.client(&reference);
        let failed = |error: terrarium_registry::Error| {
            registry_failed(format!("read the cache {name}"), &error)
        };
        let (_, document) = client.document(&reference).await.map_err(failed)?;
        let manifest = match document {
            Document::Manifest(manifest) if manifest.config.media_type.as_str() == CONFIG => {
                manifest
            }
            _ => {
                let text = format!("{name} is no cache of builds");
                return Err(Error::new(ErrorCode::UnsupportedImage, text));
            }
        };
        let config = client.fetch_small(&reference, &manifest.config, CONFIG_BYTES);
        let config = config.await.map_err(failed)?;
        let config: Config = serde_json::from_slice(&config).map_err(|error| {
            let text = format!("read the cache {name}");
            Error::new(ErrorCode::UnsupportedImage, text).because(&error)
        })?;
        Ok(Import {
            client,
            reference,
            steps: config.steps(&manifest.layers),
        })
    }

    fn client(&self, reference: &Reference) -> Client {
        let credentials = self.credentials(&reference.familiar());
        let images = &self.engine.inner.images;
        images.client(reference.registry(), credentials)
    }

    /// The layer of a step from a cache elsewhere; it is here afterwards.
    pub(super) async fn found_elsewhere(&self, key: &Key) -> Option<Record> {
        let found = |import: &'_ &Import| import.steps.contains_key(key.as_str());
        let import = self.imports.iter().find(found)?;
        let step = &import.steps[key.as_str()];
        let (store, lease) = (self.engine.store().clone(), Arc::clone(&self.lease));
        let brought = bring(import, step, store, lease).await;
        match brought {
            Ok(()) => Some(Record::new(&step.diff_id, &step.blob, &step.created)),
            Err(error) => {
                tracing::warn!(%error, "a step of a cache is made anew");
                None
            }
        }
    }

    /// Writes the steps of a build to a registry.
    pub(super) async fn export_cache(&self, to: &CacheExport, outcome: &Outcome) -> Result<()> {
        let reference = parse(&to.reference)?;
        let in_image: BTreeSet<_> = outcome.layers.iter().map(|layer| &layer.diff_id).collect();
        let steps: Vec<(String, Layer)> = {
            let taken = self.taken.0.lock().unwrap_or_else(PoisonError::into_inner);
            let steps = taken.iter();
            let wanted =
                steps.filter(|(_, layer)| to.all_steps || in_image.contains(&layer.diff_id));
            wanted
                .map(|(key, layer)| (key.clone(), layer.clone()))
                .collect()
        };
        let (store, lease) = (self.engine.store().clone(), Arc::clone(&self.lease));
        let manifest = blocking(move || documents(&store, &steps, &lease)).await?;
        let credentials = self.credentials(&to.reference);
        let pushed = self.engine.push_manifest(reference, credentials, manifest);
        pushed
            .await
            .wrap(|| format!("write the cache {}", to.reference))
    }
}

impl Config {
    fn of(steps: &[(String, Layer)]) -> (Self, Vec<Descriptor>) {
        let (mut config, mut blobs) = (Self::default(), Vec::new());
        let mut places: BTreeMap<&Digest, usize> = BTreeMap::new();
        for (key, layer) in steps {
            let Ok(digest) = format!("sha256:{key}").parse() else {
                continue;
            };
            let created_at = match layer.created.as_str() {
                "" => UNKNOWN.to_owned(),
                created => created.to_owned(),
            };
            let place = *places.entry(&layer.blob.digest).or_insert_with(|| {
                blobs.push(layer.blob.clone());
                config.layers.push(ConfigLayer {
                    blob: layer.blob.digest.clone(),
                    parent: -1,
                    annotations: Some(Annotations {
                        diff_id: layer.diff_id.0.clone(),
                        created_at: created_at.clone(),
                    }),
                });
                blobs.len() - 1
            });
            let layer = ConfigResult {
                layer: place,
                created_at,
            };
            config.records.push(ConfigRecord {
                digest,
                layers: vec![layer],
            });
        }
        (config, blobs)
    }

    /// Its steps that are whole: what does not fit together is left out.
    fn steps(&self, blobs: &[Descriptor]) -> BTreeMap<String, Step> {
        let step = |record: &ConfigRecord| {
            let [result] = &record.layers[..] else {
                return None;
            };
            let layer = self.layers.get(result.layer)?;
            let annotations = layer.annotations.as_ref()?;
            let blob = blobs.iter().find(|blob| blob.digest == layer.blob)?;
            let created = Some(&annotations.created_at).filter(|created| *created != UNKNOWN);
            let step = Step {
                blob: blob.clone(),
                diff_id: DiffId(annotations.diff_id.clone()),
                created: created.cloned().unwrap_or_default(),
            };
            Some((record.digest.hex().to_owned(), step))
        };
        self.records.iter().filter_map(step).collect()
    }
}

/// Puts the documents of a cache into the store. Blocks.
fn documents(store: &Store, steps: &[(String, Layer)], lease: &Lease) -> Result<Descriptor> {
    let (config, blobs) = Config::of(steps);
    let put = |kind: MediaType, bytes: &[u8]| {
        let descriptor = Descriptor::of(kind, bytes);
        let put = store.content().put(&descriptor, bytes, lease);
        put.map_err(|error| store_failed("keep a cache of builds", &error))?;
        Ok(descriptor)
    };
    let bytes = serde_json::to_vec(&config).map_err(|error| {
        Error::new(ErrorCode::Internal, "write a cache of builds").because(&error)
    })?;
    let config = put(MediaType::Other(CONFIG.to_owned()), &bytes)?;
    put(
        MediaType::OciManifest,
        &Manifest::new(config, blobs).to_bytes(),
    )
}

async fn bring(import: &Import, step: &Step, store: Store, lease: Arc<Lease>) -> Result<()> {
    let failed = |error: terrarium_store::Error| store_failed("keep a step of a cache", &error);
    let wanted = {
        let blob = step.blob.clone();
        blocking(move || store.content().want(&blob, &lease).map_err(failed))
    };
    let Wanted::Missing(mut ingest) = wanted.await? else {
        return Ok(());
    };
    let refused = |error: terrarium_registry::Error| {
        registry_failed(format!("fetch blob {}", step.blob.digest), &error)
    };
    let stream = import
        .client
        .fetch_blob(&import.reference, &step.blob, ingest.offset());
    let mut stream = stream.await.map_err(refused)?;
    while let Some(bytes) = stream.chunk().await.map_err(refused)? {
        ingest = blocking(move || {
            ingest.write(&bytes).map_err(failed)?;
            Ok(ingest)
        })
        .await?;
    }
    blocking(move || ingest.commit().map_err(failed)).await
}

#[cfg(test)]
mod tests {
    use terrarium_oci::{ChainId, Compression};

    use super::*;

    fn layer(text: &str, created: &str) -> Layer {
        let digest = Digest::sha256_of(text.as_bytes());
        let diff_id = DiffId(Digest::sha256_of(format!("plain {text}").as_bytes()));
        Layer {
            chain: ChainId::on(None, &diff_id),
            diff_id,
            blob: Descriptor::new(MediaType::OciLayer(Compression::Gzip), digest, 7),
            created: created.to_owned(),
        }
    }

    #[test]
    fn steps_come_back_as_they_were_written() {
        let key = |digit: &str| digit.repeat(64);
        let (one, two) = (layer("one", ""), layer("two", "2026-01-01T00:00:00Z"));
        let steps = [
            (key("a"), one.clone()),
            (key("b"), two.clone()),
            (key("c"), one.clone()),
        ];
        let (config, blobs) = Config::of(&steps);
        assert_eq!(blobs, [one.blob.clone(), two.blob.clone()]);
        let bytes = serde_json::to_vec(&config).expect("it is written");
        let config: Config = serde_json::from_slice(&bytes).expect("it is read");
        let read = config.steps(&blobs);
        let read: Vec<_> = read
            .into_iter()
            .map(|(key, step)| (key, step.blob, step.diff_id, step.created))
            .collect();
        let expect = steps.map(|(key, layer)| (key, layer.blob, layer.diff_id, layer.created));
        assert_eq!(read, expect);
    }

    #[test]
    fn what_does_not_fit_together_is_left_out() {
        let text = r#"{"layers": [{"blob": "sha256:BLOB", "parent": 7}],
            "records": [{"digest": "sha256:BLOB", "layers": [{"layer": 0, "createdAt": ""}],
                         "inputs": [[{"link": 99}]]},
                        {"digest": "sha256:BLOB", "layers": [{"layer": 99, "createdAt": ""}]},
                        {"digest": "sha256:BLOB"}]}"#;
        let text = text.replace("BLOB", &"0".repeat(64));
        let config: Config = serde_json::from_str(&text).expect("it is one");
        assert!(config.steps(&[layer("one", "").blob]).is_empty());
    }
}
