//! From layers and a config to an image in the store.

use std::sync::Arc;

use terrarium_api::ImageSummary;
use terrarium_builder::Outcome;
use terrarium_oci::Reference;

use super::{cache, executor::Worker};
use crate::{
    Engine, Result,
    blocking::blocking,
    images::{made, parse},
};

/// What [`Engine::prune_builds`] removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrunedBuilds {
    /// Steps that are forgotten.
    pub steps: u64,
    /// Bytes that this freed.
    pub freed_bytes: u64,
}

/// The names of an image to be, checked before any work is done for it.
pub(super) fn references(tags: &[String]) -> Result<Vec<Reference>> {
    tags.iter().map(|tag| parse(tag)).collect()
}

impl Engine {
    /// Writes the documents of an image and gives it its names.
    pub(super) async fn export(
        &self,
        outcome: Outcome,
        tags: Vec<Reference>,
        worker: &Worker,
    ) -> Result<ImageSummary> {
        let (inner, lease) = (Arc::clone(&self.inner), Arc::clone(&worker.lease));
        let names: Vec<String> = tags.iter().map(Reference::canonical).collect();
        let id = blocking(move || {
            let layers = outcome.layers.into_iter().map(|layer| layer.blob).collect();
            let (id, manifest) = made::write(&inner.images.store, &outcome.config, layers, &lease)?;
            made::name(&inner.images, &names, &manifest)?;
            Ok(id)
        })
        .await?;
        for tag in &tags {
            self.image_event("tag", id.as_str(), &tag.familiar());
        }
        self.published_image(id.as_str()).await
    }

    /// Forgets what builds made and no image needs.
    ///
    /// # Errors
    /// What could not be removed.
    pub async fn prune_builds(&self) -> Result<PrunedBuilds> {
        let root = self.config().data_root.clone();
        let steps = blocking(move || Ok(cache::clear(&root))).await?;
        let (_, freed_bytes) = self.collect_images(Vec::new()).await?;
        let mounts = self.config().data_root.join("builds").join("mounts");
        // Made by the first build with a cache mount.
        if mounts.exists() {
            self.remove_tree(mounts).await?;
        }
        Ok(PrunedBuilds {
            steps: steps as u64,
            freed_bytes,
        })
    }
}
