use terrarium_api::{DocumentKind, HistoryStep, ImageDetail, ImageDocument, ImageSettings, Layer};
use terrarium_oci::{Descriptor, ImageConfig, MediaType};
use terrarium_store::Store;

use super::{
    Catalog, Image,
    catalog::{document, layer_size},
    list::{milliseconds, summaries},
    names::dissect,
    store_failed,
};
use crate::{Engine, Result, blocking::blocking};

impl Engine {
    /// Everything about one image.
    ///
    /// # Errors
    /// `NoSuchImage`, or what could not be read.
    pub async fn inspect_image(&self, name: &str) -> Result<ImageDetail> {
        let containers = self.containers().await?;
        let (store, name) = (self.inner.images.store.clone(), name.to_owned());
        blocking(move || {
            let catalog = Catalog::read(&store);
            let image = catalog.find(&name)?;
            let id = image.id.as_str();
            let rows = summaries(&catalog, &store, &containers);
            let summary = rows.into_iter().find(|row| row.id == id);
            Ok(ImageDetail {
                summary: summary.expect("every image of the catalog has a row"),
                config: settings(&image.config),
                history: history(&store, image),
                layers: layers(&store, &catalog, image),
                documents: documents(&store, image)?,
                names: image
                    .tags
                    .iter()
                    .map(|name| dissect(&name.familiar()))
                    .collect::<Result<_>>()?,
            })
        })
        .await
    }
}

fn settings(config: &ImageConfig) -> ImageSettings {
    let (exec, platform) = (&config.config, &config.platform);
    ImageSettings {
        env: exec.env.clone(),
        entrypoint: exec.entrypoint.clone(),
        command: exec.cmd.clone(),
        working_dir: exec.working_dir.clone(),
        user: exec.user.clone(),
        exposed_ports: exec.exposed_ports.iter().cloned().collect(),
        volumes: exec.volumes.iter().cloned().collect(),
        stop_signal: exec.stop_signal.clone(),
        labels: exec.labels.clone(),
        architecture: platform.architecture.clone(),
        os: platform.os.clone(),
        variant: platform.variant.clone(),
        author: config.author.clone(),
    }
}

fn history(store: &Store, image: &Image) -> Vec<HistoryStep> {
    let steps = image.config.steps().into_iter();
    let row = |step: terrarium_oci::Step<'_>| {
        let text = |of: fn(&terrarium_oci::HistoryEntry) -> &Option<String>| {
            step.entry.and_then(|entry| of(entry).clone())
        };
        let chain = step.layer.map(|layer| &image.chain[layer]);
        HistoryStep {
            created_by: text(|entry| &entry.created_by).unwrap_or_default(),
            created_at_ms: text(|entry| &entry.created)
                .as_deref()
                .and_then(milliseconds),
            comment: text(|entry| &entry.comment),
            layer: step.layer.and_then(|layer| u32::try_from(layer).ok()),
            size_bytes: chain.map_or(0, |chain| layer_size(store, chain).size_bytes),
        }
    };
    steps.map(row).collect()
}

fn layers(store: &Store, catalog: &Catalog, image: &Image) -> Vec<Layer> {
    let owners = catalog.owners();
    let steps = image.config.steps();
    let created_by = |layer: usize| {
        let step = steps.iter().find(|step| step.layer == Some(layer))?;
        step.entry?.created_by.clone()
    };
    let blobs = image.layers.iter().zip(&image.config.rootfs.diff_ids);
    let rows = blobs.zip(&image.chain).enumerate();
    rows.map(|(number, ((blob, diff_id), chain))| {
        let others = owners.get(chain).into_iter().flatten();
        Layer {
            digest: blob.digest.to_string(),
            diff_id: diff_id.to_string(),
            chain_id: chain.to_string(),
            media_type: blob.media_type.to_string(),
            compressed_bytes: blob.size_bytes,
            size_bytes: layer_size(store, chain).size_bytes,
            created_by: created_by(number),
            shared_with: others
                .filter(|other| other.id != image.id)
                .map(|other| other.shown_name())
                .collect(),
        }
    })
    .collect()
}

/// The documents from the name to the layers.
fn documents(store: &Store, image: &Image) -> Result<Vec<ImageDocument>> {
    let mut wanted = Vec::new();
    if image.root.digest != image.manifest.digest {
        wanted.push((DocumentKind::Index, image.root.clone()));
    }
    wanted.push((DocumentKind::Manifest, image.manifest.clone()));
    let config = Descriptor::new(MediaType::OciConfig, image.id.clone(), 0);
    wanted.push((DocumentKind::Config, config));
    let read = |(kind, descriptor): (DocumentKind, Descriptor)| {
        let failed = |error| store_failed(format!("read {}", descriptor.digest), &error);
        let bytes = document(store, &descriptor.digest).map_err(failed)?;
        Ok(ImageDocument {
            kind,
            digest: descriptor.digest.to_string(),
            media_type: descriptor.media_type.to_string(),
            json: String::from_utf8_lossy(&bytes).into_owned(),
        })
    };
    wanted.into_iter().map(read).collect()
}
