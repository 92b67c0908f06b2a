use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use terrarium_api::{
    BlobPhase, BlobProgress, DocumentFact, DocumentKind, Error, ErrorCode, PullDocument,
};
use terrarium_oci::{ChainId, Descriptor, ExecConfig, ImageConfig, Manifest};
use terrarium_store::{LayerWork, WantedLayer, worker::Report};
use tokio::task::JoinSet;

use super::{
    Pull,
    blob::{self, Blob, Brought},
    documents::{Documents, count},
};
use crate::{
    Result,
    blocking::blocking,
    images::{Catalog, Image, catalog::document, store_failed},
};

/// Blobs that are on their way at once: enough to fill a connection, few enough that the first
/// layer is ready soon.
const IN_FLIGHT: usize = 4;

/// Brings the config and all layers that are not here; says whether there was any.
pub(super) async fn bring(pull: &Arc<Pull>, documents: &Arc<Documents>) -> Result<bool> {
    let manifest = &documents.manifest;
    check_layers(manifest)?;
    pull.board
        .plan(documents.descriptor.digest.to_string(), rows(manifest));
    let config_blob = Blob::new(0, "config".into(), manifest.config.clone());
    let mut brought = blob::bring(Arc::clone(pull), config_blob, None)
        .await?
        .brought;
    let config = read_config(pull, manifest).await?;

    let chain = ChainId::all(&config.rootfs.diff_ids);
    let works = want(pull, &chain).await?;
    let owners = owners(pull, &chain).await?;
    let mut commits = Commits::of(&works);
    let mut wanted = works.into_iter().enumerate();
    let mut tasks = JoinSet::new();
    loop {
        // Bottom first: an upper layer may have to wait for those below, never the other way round.
        let more = if tasks.len() < IN_FLIGHT {
            wanted.next()
        } else {
            None
        };
        if let Some((layer, work)) = more {
            let descriptor = manifest.layers[layer].clone();
            let name = format!("layer {} of {}", layer + 1, chain.len());
            let blob = Blob::new(layer + 1, name, descriptor).shared(owners[layer].clone());
            let one = blob::bring(Arc::clone(pull), blob, work);
            tasks.spawn(async move { Ok((layer, one.await?)) });
            continue;
        }
        let Some(ended) = tasks.join_next().await else {
            break;
        };
        let (layer, one): (usize, Brought) = joined(ended)?;
        brought |= one.brought;
        if let Some(done) = one.unpacked {
            commits.add(layer, done).await?;
        }
    }
    Ok(brought)
}

/// Layers become visible bottom first, in whatever order they are unpacked.
struct Commits {
    /// Those to come, bottom first.
    order: VecDeque<usize>,
    unpacked: BTreeMap<usize, (LayerWork, Report)>,
}

impl Commits {
    fn of(works: &[Option<LayerWork>]) -> Self {
        let there = works.iter().enumerate().filter(|(_, work)| work.is_some());
        Self {
            order: there.map(|(layer, _)| layer).collect(),
            unpacked: BTreeMap::new(),
        }
    }

    /// Commits as many layers as can be with this one.
    async fn add(&mut self, layer: usize, done: (LayerWork, Report)) -> Result<()> {
        self.unpacked.insert(layer, done);
        while let Some((layer, (work, report))) = self.next() {
            blocking(move || {
                let failed = |error| store_failed(format!("commit layer {}", layer + 1), &error);
                work.commit(&report).map_err(failed)
            })
            .await?;
        }
        Ok(())
    }

    fn next(&mut self) -> Option<(usize, (LayerWork, Report))> {
        let layer = *self.order.front()?;
        let done = self.unpacked.remove(&layer)?;
        self.order.pop_front();
        Some((layer, done))
    }
}

/// Only layers can be unpacked, and only those whose compression is known.
fn check_layers(manifest: &Manifest) -> Result<()> {
    match manifest
        .layers
        .iter()
        .find(|layer| layer.media_type.layer_compression().is_none())
    {
        None => Ok(()),
        Some(layer) => {
            let text = format!(
                "layer {} has the media type `{}`",
                layer.digest, layer.media_type
            );
            Err(Error::new(ErrorCode::UnsupportedImage, text))
        }
    }
}

fn rows(manifest: &Manifest) -> Vec<BlobProgress> {
    let row = |layer: Option<u32>, blob: &Descriptor| BlobProgress {
        digest: blob.digest.to_string(),
        layer,
        size_bytes: blob.size_bytes,
        downloaded_bytes: 0,
        phase: BlobPhase::Waiting,
        download: None,
        verify: None,
        unpack: None,
        shared_with: Vec::new(),
    };
    let layers = (1..)
        .zip(&manifest.layers)
        .map(|(number, blob)| row(Some(number), blob));
    [row(None, &manifest.config)]
        .into_iter()
        .chain(layers)
        .collect()
}

async fn read_config(pull: &Arc<Pull>, manifest: &Manifest) -> Result<ImageConfig> {
    let (store, blob) = (pull.store.clone(), manifest.config.clone());
    let digest = blob.digest.clone();
    let bytes = blocking(move || {
        document(&store, &digest).map_err(|error| store_failed("read the config", &error))
    })
    .await?;
    let refuse = |error: terrarium_oci::Error| {
        Error::new(ErrorCode::UnsupportedImage, "read the config").because(&error)
    };
    let config = ImageConfig::parse(&bytes).map_err(refuse)?;
    config.check_against(manifest).map_err(refuse)?;
    if !pull.platform.runs_image(&config.platform) {
        let text = format!(
            "it is for {} and not for {}",
            config.platform, pull.platform
        );
        return Err(
            Error::new(ErrorCode::NoMatchingPlatform, text).hint("choose another tag or platform")
        );
    }
    pull.board.document(PullDocument {
        kind: DocumentKind::Config,
        digest: blob.digest.to_string(),
        size_bytes: blob.size_bytes,
        fact: DocumentFact::Settings {
            count: count(settings(&config.config)),
        },
    });
    Ok(config)
}

/// How much a config sets.
fn settings(config: &ExecConfig) -> usize {
    let lists = [
        config.env.len(),
        config.exposed_ports.len(),
        config.volumes.len(),
        config.labels.len(),
    ];
    let single = [
        !config.user.is_empty(),
        !config.entrypoint.is_empty(),
        !config.cmd.is_empty(),
        !config.working_dir.is_empty(),
        config.stop_signal.is_some(),
        config.healthcheck.is_some(),
    ];
    lists.iter().sum::<usize>() + single.iter().filter(|set| **set).count()
}

/// Takes the layers that are to be unpacked, and waits for those that another pull unpacks.
async fn want(pull: &Arc<Pull>, chain: &[ChainId]) -> Result<Vec<Option<LayerWork>>> {
    let (pull, chain) = (Arc::clone(pull), chain.to_vec());
    blocking(move || {
        let mut works = Vec::with_capacity(chain.len());
        for (layer, id) in chain.iter().enumerate() {
            if pull.is_stopped() {
                return Err(Error::new(ErrorCode::Canceled, "canceled"));
            }
            let parent = layer.checked_sub(1).map(|below| &chain[below]);
            let wanted = pull.store.snapshots().want_layer(id, parent, &pull.lease);
            let wanted = wanted
                .map_err(|error| store_failed(format!("begin layer {}", layer + 1), &error))?;
            works.push(match wanted {
                WantedLayer::Present => None,
                WantedLayer::Missing(work) => Some(work),
            });
        }
        Ok(works)
    })
    .await
}

/// For each layer the images that have it already.
async fn owners(pull: &Pull, chain: &[ChainId]) -> Result<Vec<Vec<String>>> {
    let (store, chain) = (pull.store.clone(), chain.to_vec());
    blocking(move || {
        let catalog = Catalog::read(&store);
        let owners = catalog.owners();
        let names = |id: &ChainId| {
            owners
                .get(id)
                .into_iter()
                .flatten()
                .map(|image| Image::shown_name(image))
                .collect()
        };
        Ok(chain.iter().map(names).collect())
    })
    .await
}

fn joined<T>(ended: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    match ended {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
