//! The writable layer of a container: a snapshot that has the container's id as its name.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use terrarium_api::{ContainerSize, Error};
use terrarium_store::{Name, Overlay};

use super::{container::Container, id::ContainerId, record::Record};
use crate::{Engine, Result, blocking::blocking, images::store_failed};

/// Longer than any creation takes; a lease that a killed host left does not hold things for ever.
const LEASE: Duration = Duration::from_secs(3_600);

impl Engine {
    /// Makes the writable layer.
    pub(super) async fn prepare_snapshot(&self, record: &Record) -> Result<()> {
        let (store, record) = (self.store().clone(), record.clone());
        blocking(move || {
            let what = || format!("make the writable layer of container {}", record.id.short());
            let failed = |error| store_failed(what(), &error);
            let lease = Name::new(format!("create-{}", record.id)).map_err(failed)?;
            let lease = store.leases().create(lease, SystemTime::now(), LEASE);
            let lease = lease.map_err(failed)?;
            let parent = record.image.chain_id.clone().map(Name::new).transpose();
            let parent = parent.map_err(failed)?;
            let prepared = key(&record.id)
                .and_then(|key| store.snapshots().prepare(&key, parent.as_ref(), &lease));
            prepared.map_err(failed)
        })
        .await
    }

    /// Removes the writable layer. A failure is not the user's: the next host tries again.
    pub(super) async fn remove_snapshot(&self, container: &Container) {
        let (store, id) = (self.store().clone(), container.id.clone());
        let removed = blocking(move || {
            let removed = key(&id).and_then(|key| store.snapshots().remove(&key));
            removed.map_err(|error| store_failed("remove the writable layer", &error))
        });
        if let Err(error) = removed.await {
            tracing::warn!(container_id = %container.id, %error, "a writable layer remains");
        }
    }

    /// What to mount as the container's root. Blocks.
    pub(super) fn overlay(&self, record: &Record) -> Result<Overlay> {
        let mounts = key(&record.id).and_then(|key| self.store().snapshots().mounts(&key));
        let what = || format!("find the layers of container {}", record.id.short());
        mounts.map_err(|error| store_failed(what(), &error))
    }

    /// The bytes of one container, walked now.
    ///
    /// # Errors
    /// `NoSuchContainer`, or what could not be read.
    pub async fn container_size(&self, name: &str) -> Result<ContainerSize> {
        let container = self.inner.containers.find(name)?;
        let (store, record) = (self.store().clone(), container.record());
        blocking(move || {
            let measured = measure(&store, &record);
            measured.map_err(|error| store_failed("measure the container", &error))
        })
        .await
    }

    /// The names of a container's writable layer and of the one that it lies on.
    ///
    /// # Errors
    /// `NoSuchContainer`.
    pub(crate) fn container_layers(&self, name: &str) -> Result<(Name, Option<Name>)> {
        let record = self.inner.containers.find(name)?.record();
        let failed = |error| store_failed("name the layers of the container", &error);
        let chain = record.image.chain_id.map(Name::new).transpose();
        Ok((key(&record.id).map_err(failed)?, chain.map_err(failed)?))
    }

    /// Removes writable layers of containers that are no more.
    pub(super) async fn sweep_snapshots(&self) -> Result<()> {
        let containers = self.inner.containers.all();
        let known: HashSet<ContainerId> = containers
            .iter()
            .map(|container| container.id.clone())
            .collect();
        let store = self.store().clone();
        blocking(move || {
            for info in store.snapshots().list() {
                // Only containers' layers have such names.
                let id = ContainerId::try_from(info.name.as_str().to_owned());
                if id.is_ok_and(|id| !known.contains(&id)) {
                    let failed = |error| -> Error { store_failed("remove a lost layer", &error) };
                    store.snapshots().remove(&info.name).map_err(failed)?;
                }
            }
            Ok(())
        })
        .await
    }
}

fn measure(
    store: &terrarium_store::Store,
    record: &Record,
) -> terrarium_store::Result<ContainerSize> {
    let snapshots = store.snapshots();
    let own = snapshots.usage(&key(&record.id)?)?;
    let mut image_bytes = 0;
    let mut next = record.image.chain_id.clone().map(Name::new).transpose()?;
    while let Some(name) = next {
        image_bytes += snapshots.usage(&name)?.size_bytes;
        next = snapshots.info(&name).and_then(|info| info.parent);
    }
    Ok(ContainerSize {
        writable_bytes: own.size_bytes,
        image_bytes,
    })
}

fn key(id: &ContainerId) -> terrarium_store::Result<Name> {
    Name::new(id.as_str())
}
