//! From layers and a config to an image in the store.

use std::{sync::Arc, time::SystemTime};

use terrarium_api::ImageSummary;
use terrarium_builder::Outcome;
use terrarium_oci::Reference;

use super::{
    cache::{self, PruneBuilds},
    executor::Worker,
};
use crate::{
    Engine, Result,
    blocking::blocking,
    images::{made, parse},
};

/// What layers that only builds remember may take.
const CACHE_BYTES: u64 = 20 << 30;

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

    /// Forgets what builds made and no image needs, but what is to be kept.
    ///
    /// # Errors
    /// What could not be removed.
    pub async fn prune_builds(&self, wish: PruneBuilds) -> Result<PrunedBuilds> {
        let root = self.config().data_root.clone();
        let steps = blocking(move || Ok(cache::trim(&root, wish, SystemTime::now()))).await?;
        let (_, freed_bytes) = self.collect_images(Vec::new()).await?;
        let everything = wish.keep_bytes == 0 && wish.keep_used_within.is_none();
        for name in ["mounts", "fetched"] {
            let folder = self.config().data_root.join("builds").join(name);
            // Made by the first build that needs it.
            if everything && folder.exists() {
                self.remove_tree(folder).await?;
            }
        }
        Ok(PrunedBuilds {
            steps: steps as u64,
            freed_bytes,
        })
    }

    /// Keeps what builds remember below a limit, without anybody asking for it.
    pub(super) async fn limit_build_cache(&self) -> Result<()> {
        let root = self.config().data_root.clone();
        let wish = PruneBuilds {
            keep_bytes: CACHE_BYTES,
            keep_used_within: None,
        };
        let forgotten = blocking(move || Ok(cache::trim(&root, wish, SystemTime::now()))).await?;
        if forgotten > 0 {
            self.collect_images(Vec::new()).await?;
        }
        Ok(())
    }
}
