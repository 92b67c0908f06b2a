//! Looking for damage in the store, and fetching anew what a registry still has.

use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use terrarium_api::{Damage, DamageKind, PullImage, Repaired, StoreCheck};
use terrarium_oci::Reference;
use terrarium_store as store;
use tokio::sync::watch;

use super::{names::is_unnamed, store_failed};
use crate::{Engine, Result, blocking::blocking};

/// Stops a scan whose future was dropped.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Engine {
    /// Hashes every blob and follows every name. Changes nothing; dropping the future ends it.
    ///
    /// # Errors
    /// What could not be read at all.
    pub async fn check_store(&self) -> Result<StoreCheck> {
        let (hashed_bytes, damage) = self.scan().await?;
        Ok(StoreCheck {
            hashed_bytes,
            damage: damage.iter().map(shown).collect(),
        })
    }

    /// Removes blobs that are not what their digest says, and pulls the images anew that lack
    /// some. What has no registry to come from is left, and told.
    ///
    /// # Errors
    /// What could not be read or removed; an image that cannot be pulled is told as left.
    pub async fn repair_store(&self) -> Result<Repaired> {
        let (_, damage) = self.scan().await?;
        let found = damage.iter().map(shown).collect();
        let store = self.inner.images.store.clone();
        let left = blocking(move || {
            let left = store.repair(damage);
            left.map_err(|error| store_failed("remove damaged blobs", &error))
        })
        .await?;
        let mut pulled = Vec::new();
        for name in names(&left) {
            let request = PullImage {
                reference: name.clone(),
                platform: None,
                credentials: None,
            };
            match self.pull_image(request, watch::channel(None).0).await {
                Ok(_) => pulled.push(name),
                Err(error) => tracing::warn!(%name, %error, "a damaged image stays so"),
            }
        }
        let (_, left) = match pulled.is_empty() {
            true => (0, left),
            false => self.scan().await?,
        };
        Ok(Repaired {
            found,
            pulled,
            left: left.iter().map(shown).collect(),
        })
    }

    async fn scan(&self) -> Result<(u64, Vec<store::Damage>)> {
        let (store, stopped) = (self.inner.images.store.clone(), Arc::default());
        let _stop = Stop(Arc::clone(&stopped));
        blocking(move || {
            let mut hashed_bytes = 0;
            let damage = store.verify(|hashed| {
                hashed_bytes = hashed;
                match stopped.load(Ordering::Relaxed) {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
            let damage = damage.map_err(|error| store_failed("check the store", &error))?;
            Ok((hashed_bytes, damage))
        })
        .await
    }
}

/// The names that have to be pulled anew.
fn names(damage: &[store::Damage]) -> BTreeSet<String> {
    let needing = damage.iter().filter_map(needing);
    needing
        .filter(|name| !is_unnamed(name))
        .map(familiar)
        .collect()
}

/// The name whose image lacks something.
fn needing(damage: &store::Damage) -> Option<&str> {
    match damage {
        store::Damage::Missing { reference, .. } | store::Damage::Document { reference, .. } => {
            Some(reference)
        }
        store::Damage::Blob(_) | store::Damage::Parent { .. } => None,
    }
}

fn shown(damage: &store::Damage) -> Damage {
    let (kind, object, image) = match damage {
        store::Damage::Blob(digest) => (DamageKind::WrongBytes, digest.to_string(), None),
        store::Damage::Missing { reference, blob } => {
            (DamageKind::Missing, blob.to_string(), Some(reference))
        }
        store::Damage::Document { reference, blob } => {
            (DamageKind::NoDocument, blob.to_string(), Some(reference))
        }
        store::Damage::Parent { snapshot, .. } => {
            (DamageKind::NoParent, snapshot.to_string(), None)
        }
    };
    Damage {
        kind,
        object,
        image: image.map(|name| familiar(name)),
    }
}

/// A name as people type it.
fn familiar(name: &str) -> String {
    let read = name.parse::<Reference>();
    read.map_or_else(|_| name.to_owned(), |name| name.familiar())
}
