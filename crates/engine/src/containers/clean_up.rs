//! What is done after a run, whether it ended or never began.

use std::{path::PathBuf, sync::Arc};

use tokio::task::JoinHandle;

use super::container::Container;
use crate::{Engine, blocking::blocking};

impl Engine {
    /// Removes what a run leaves outside of the container's own processes.
    pub(super) async fn clean_up(&self, container: &Arc<Container>) {
        let detaching = self.detach(container).await;
        self.remove_bundle(container).await;
        detaching.ports_are_free().await;
    }

    /// Begins to take the container from its network; the next start waits until that is done.
    pub(super) async fn detach(&self, container: &Arc<Container>) -> Detaching {
        let attached = Arc::clone(&container.attached).lock_owned().await;
        let record = container.record();
        if !record.has_network() {
            return Detaching(None);
        }
        let publishes = !record.request.ports.is_empty();
        let network = self.network();
        // Not a task that could still wait for its turn when the host ends.
        let work = tokio::task::spawn_blocking(move || {
            if let Err(error) = network.teardown(record.id.as_str()) {
                // The next host sweeps it; the container itself has ended properly.
                tracing::warn!(container_id = %record.id, %error, "a place on the network remains");
            }
            drop(attached);
        });
        Detaching(Some(work).filter(|_| publishes))
    }

    /// Removes the bundle, but for the spec, which is kept for the curious.
    pub(super) async fn remove_bundle(&self, container: &Arc<Container>) {
        let bundle = self.bundle(container);
        let spec = self.inner.records.spec(&container.id);
        let removed = blocking(move || {
            keep_spec(bundle.spec_path(), spec);
            bundle.remove()
        });
        if let Err(error) = removed.await {
            tracing::warn!(container_id = %container.id, %error, "leavings of a run remain");
        }
    }
}

/// A container that is being taken from its network. The kernel needs some 20 ms to remove a link, as it
/// waits for every processor to let go of it: nobody waits for that who can do without.
#[must_use]
pub(super) struct Detaching(Option<JoinHandle<()>>);

impl Detaching {
    /// Waits until the next container can have the ports; at once where none was published.
    pub(super) async fn ports_are_free(self) {
        if let Some(work) = self.0 {
            // A panic in it was reported where it happened.
            let _ = work.await;
        }
    }
}

/// Shown later as the spec of the last run; nothing depends on it.
fn keep_spec(from: PathBuf, to: PathBuf) {
    if let Err(error) = std::fs::copy(&from, &to) {
        tracing::debug!(from = %from.display(), %error, "the spec of a run is not kept");
    }
}
