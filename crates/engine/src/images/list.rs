use std::collections::BTreeMap;

use terrarium_api::{ContainerSummary, ImageSummary, LayerMark};
use terrarium_oci::{ChainId, Reference};
use terrarium_store::{Size, Store};

use super::catalog::{Catalog, Image, layer_size};
use crate::{Engine, Result, blocking::blocking};

impl Engine {
    /// All images, newest first.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn images(&self) -> Result<Vec<ImageSummary>> {
        let containers = self.containers().await?;
        let store = self.inner.images.store.clone();
        blocking(move || Ok(summaries(&Catalog::read(&store), &store, &containers))).await
    }

    /// The image that a reference, an id, or the beginning of an id names.
    ///
    /// # Errors
    /// `NoSuchImage`, or `InvalidArgument` when several ids begin so.
    pub(crate) async fn resolve_image(&self, name: &str) -> Result<Image> {
        let (store, name) = (self.inner.images.store.clone(), name.to_owned());
        blocking(move || match Image::by_reference(&store, &name)? {
            Some(image) => Ok(image),
            None => Catalog::read(&store).find(&name).cloned(),
        })
        .await
    }
}

/// The rows of the list, newest first.
pub(super) fn summaries(
    catalog: &Catalog,
    store: &Store,
    containers: &[ContainerSummary],
) -> Vec<ImageSummary> {
    let owners = catalog.owners();
    let images = catalog.images.values();
    let mut rows: Vec<ImageSummary> = images
        .map(|image| {
            let sizes = image
                .chain
                .iter()
                .map(|chain| (chain, layer_size(store, chain)));
            let is_own = |chain: &ChainId| owners.get(chain).is_none_or(|owners| owners.len() == 1);
            summary(image, sizes.collect(), is_own, used_by(image, containers))
        })
        .collect();
    rows.sort_by(|a, b| {
        (b.created_at_ms, &a.references, &a.id).cmp(&(a.created_at_ms, &b.references, &b.id))
    });
    rows
}

fn summary(
    image: &Image,
    sizes: Vec<(&ChainId, Size)>,
    is_own: impl Fn(&ChainId) -> bool,
    used_by: Vec<String>,
) -> ImageSummary {
    // A layer may be in an image twice, but its files are on disk once.
    let distinct: BTreeMap<&ChainId, u64> = sizes
        .iter()
        .map(|(chain, size)| (*chain, size.size_bytes))
        .collect();
    let own = distinct.iter().filter(|(chain, _)| is_own(chain));
    ImageSummary {
        id: image.id.to_string(),
        manifest_digest: image.manifest.digest.to_string(),
        references: image.tags.iter().map(Reference::familiar).collect(),
        repo_digests: image.digests.iter().map(Reference::familiar).collect(),
        created_at_ms: image.config.created.as_deref().and_then(milliseconds),
        size_bytes: distinct.values().sum(),
        unique_bytes: own.map(|(_, size)| size).sum(),
        compressed_bytes: image.layers.iter().map(|layer| layer.size_bytes).sum(),
        platform: image.config.platform.to_string(),
        layers: sizes
            .iter()
            .map(|(chain, size)| LayerMark {
                chain_id: chain.to_string(),
                size_bytes: size.size_bytes,
            })
            .collect(),
        used_by,
        labels: image.config.config.labels.clone(),
    }
}

/// The names of the containers made from an image.
pub(super) fn used_by(image: &Image, containers: &[ContainerSummary]) -> Vec<String> {
    let users = containers
        .iter()
        .filter(|container| container.image_id == image.id.as_str());
    users.map(|container| container.name.clone()).collect()
}

/// RFC 3339 as milliseconds since 1970; none for what cannot be read or lies before.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok()
}
