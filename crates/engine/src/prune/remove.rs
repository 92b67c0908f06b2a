//! Removing what was chosen: containers first, then what they used.

use terrarium_api::{
    EmptyTrash, PruneChoice, PruneItem, PruneKind, Pruned, RemoveContainer, RemoveImage, Traced,
};

use crate::{Engine, Result, Tracer};

impl Engine {
    /// Removes what is chosen. What can no longer go, because someone came to use it, stays and is
    /// told.
    ///
    /// # Errors
    /// When it cannot be found out what could go.
    pub async fn prune(&self, choice: PruneChoice) -> Result<Traced<Pruned>> {
        let mut tracer = Tracer::new("system.prune", "system", "docker system prune".into());
        let receipt = self.prune_receipt(choice).await?;
        let mut done = Pruned {
            removed: 0,
            freed_bytes: 0,
            failed: Vec::new(),
        };
        for item in receipt.items.iter().filter(|item| item.picked) {
            match tracer
                .step("remove", &item.name, self.remove_item(item))
                .await
            {
                Ok(freed_bytes) => {
                    done.removed += 1;
                    done.freed_bytes += freed_bytes;
                }
                Err(error) => done.failed.push(format!("{}: {error}", item.name)),
            }
        }
        Ok(tracer.finish(done))
    }

    async fn remove_item(&self, item: &PruneItem) -> Result<u64> {
        let id = item.key.id.clone();
        match item.key.kind {
            PruneKind::Container => {
                let request = RemoveContainer {
                    container: id,
                    force: false,
                    volumes: false,
                };
                self.remove_container(request).await?;
                Ok(item.size_bytes)
            }
            PruneKind::Image => {
                let request = RemoveImage {
                    image: id,
                    force: true,
                };
                Ok(self.remove_image(request).await?.value.freed_bytes)
            }
            PruneKind::Volume => {
                self.remove_volume(&id).await?;
                Ok(item.size_bytes)
            }
            PruneKind::Trash => {
                let request = EmptyTrash {
                    ids: Some(vec![id]),
                };
                Ok(self.empty_trash(request).await?.value.freed_bytes)
            }
        }
    }
}
