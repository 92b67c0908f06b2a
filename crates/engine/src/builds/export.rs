//! The names of images to be, and the room that builds may keep.

use std::time::SystemTime;

use terrarium_oci::Reference;

use super::cache::{self, PruneBuilds};
use crate::{Engine, Result, blocking::blocking, images::parse};

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
