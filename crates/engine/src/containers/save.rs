//! When a record goes to disk.

use std::sync::Arc;

use super::{container::Container, record::Desired};
use crate::{Engine, Result, blocking::blocking};

impl Engine {
    /// Writes the record as it is now; on return it is durable. Saves of one container follow each
    /// other, so the last one wins.
    pub(super) async fn save(&self, container: &Container) -> Result<()> {
        let _saving = container.saving.lock().await;
        if container.life().borrow().removed {
            return Ok(());
        }
        let (records, record) = (self.inner.records.clone(), container.record());
        blocking(move || records.save(&record)).await
    }

    /// Writes the record, without making anybody wait for the disk. For what a crash of the host does
    /// not lose, since the shim knows it, but a power cut would.
    pub(super) fn save_soon(&self, container: &Arc<Container>) {
        let (engine, container) = (self.clone(), Arc::clone(container));
        tokio::spawn(async move {
            if let Err(error) = engine.save(&container).await {
                tracing::warn!(container_id = %container.id, %error, "a start is not recorded");
            }
        });
    }

    /// Notes what the user wants. Durable at once where a policy acts on it after a crash.
    pub(super) async fn wish(&self, container: &Container, desired: Desired) -> Result<()> {
        let matters = {
            let mut state = container.state();
            let changed = state.record.desired != desired;
            state.record.desired = desired;
            changed && state.record.request.restart != terrarium_api::RestartPolicy::No
        };
        if matters {
            self.save(container).await
        } else {
            Ok(())
        }
    }
}
