//! What could go, and exactly how much that would free.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use terrarium_api::{
    ContainerStatus, ContainerSummary, ImageSummary, PruneChoice, PruneItem, PruneKey, PruneKind,
    PruneReason, PruneReceipt, TrashedImage, Volume,
};
use terrarium_store::{Name, Store};

use crate::{Engine, Result, blocking::blocking, images, images::store_failed};

/// What there is, with what each container and volume takes on disk.
struct Everything {
    containers: Vec<ContainerSummary>,
    images: Vec<ImageSummary>,
    volumes: Vec<Volume>,
    trashed: Vec<TrashedImage>,
    sizes: BTreeMap<PruneKey, u64>,
}

impl Engine {
    /// What could go, what of it is chosen, and how many bytes that frees.
    ///
    /// # Errors
    /// What could not be read or measured.
    pub async fn prune_receipt(&self, choice: PruneChoice) -> Result<PruneReceipt> {
        let mut everything = Everything {
            containers: self.containers().await?,
            images: self.images().await?,
            volumes: self.volumes().await?,
            trashed: self.trash().await?.images,
            sizes: BTreeMap::new(),
        };
        let (store, data_root) = (self.store().clone(), self.config().data_root.clone());
        blocking(move || {
            everything.measure(&store)?;
            let items = everything.items(choice.picked.as_deref());
            let freed_bytes = freed(&store, &data_root, &everything, &items)?;
            Ok(PruneReceipt { items, freed_bytes })
        })
        .await
    }
}

impl Everything {
    fn measure(&mut self, store: &Store) -> Result<()> {
        let failed = |error| store_failed("measure what could be removed", &error);
        for container in self.containers.iter().filter(|one| is_at_rest(one)) {
            let usage = Name::new(&container.id).and_then(|name| store.snapshots().usage(&name));
            let key = key(PruneKind::Container, &container.id);
            self.sizes.insert(key, usage.map_err(failed)?.disk_bytes);
        }
        for volume in &self.volumes {
            let usage = store.measure_tree(Path::new(&volume.mountpoint));
            let key = key(PruneKind::Volume, &volume.name);
            self.sizes.insert(key, usage.map_err(failed)?.disk_bytes);
        }
        Ok(())
    }

    /// Containers first: what they use can only go if they do.
    fn items(&self, picked: Option<&[PruneKey]>) -> Vec<PruneItem> {
        let item = |key: PruneKey, name: &str, reason, size_bytes| PruneItem {
            picked: picked.map_or(is_safe(reason), |picked| picked.contains(&key)),
            name: name.to_owned(),
            key,
            reason,
            size_bytes,
        };
        let mut items = Vec::new();
        for container in self.containers.iter().filter(|one| is_at_rest(one)) {
            let key = key(PruneKind::Container, &container.id);
            let size = self.size(&key);
            items.push(item(key, &container.name, PruneReason::Stopped, size));
        }
        let going: BTreeSet<String> = items
            .iter()
            .filter(|item| item.picked)
            .map(|item| item.name.clone())
            .collect();
        let is_free = |users: &[String]| users.iter().all(|user| going.contains(user));
        for image in self.images.iter().filter(|image| is_free(&image.used_by)) {
            let reason = match image.references.is_empty() {
                true => PruneReason::Unnamed,
                false => PruneReason::Unused,
            };
            let key = key(PruneKind::Image, &image.id);
            items.push(item(
                key,
                &title(&image.references, &image.id),
                reason,
                image.unique_bytes,
            ));
        }
        for volume in self
            .volumes
            .iter()
            .filter(|volume| is_free(&volume.used_by))
        {
            let reason = match volume.anonymous {
                true => PruneReason::Anonymous,
                false => PruneReason::Unmounted,
            };
            let key = key(PruneKind::Volume, &volume.name);
            let size = self.size(&key);
            items.push(item(key, &volume.name, reason, size));
        }
        for trashed in &self.trashed {
            let key = key(PruneKind::Trash, &trashed.id);
            let name = title(&trashed.references, &trashed.image_id);
            items.push(item(key, &name, PruneReason::Trashed, trashed.freed_bytes));
        }
        items
    }

    fn size(&self, key: &PruneKey) -> u64 {
        self.sizes.get(key).copied().unwrap_or_default()
    }
}

/// The collector itself says what images free; containers and volumes are their own.
fn freed(
    store: &Store,
    data_root: &Path,
    everything: &Everything,
    items: &[PruneItem],
) -> Result<u64> {
    let picked = |kind| {
        let of_kind = items
            .iter()
            .filter(move |item| item.picked && item.key.kind == kind);
        of_kind.map(|item| item.key.id.clone()).collect::<Vec<_>>()
    };
    let own: u64 = items
        .iter()
        .filter(|item| item.picked && has_own_bytes(item.key.kind))
        .map(|item| everything.size(&item.key))
        .sum();
    let going = images::Going {
        images: picked(PruneKind::Image),
        containers: picked(PruneKind::Container),
        trashed: picked(PruneKind::Trash),
    };
    let of_images = images::freed_without(store, data_root, &going)?;
    Ok(own + of_images)
}

fn key(kind: PruneKind, id: &str) -> PruneKey {
    PruneKey {
        kind,
        id: id.into(),
    }
}

fn is_at_rest(container: &ContainerSummary) -> bool {
    matches!(
        container.status,
        ContainerStatus::Created | ContainerStatus::Stopped
    )
}

/// A named image can be pulled again at best, and a named volume not at all: a person chooses them.
fn is_safe(reason: PruneReason) -> bool {
    matches!(reason, PruneReason::Unnamed)
}

/// Images share bytes, in the trash or not; others have theirs alone.
fn has_own_bytes(kind: PruneKind) -> bool {
    matches!(kind, PruneKind::Container | PruneKind::Volume)
}

fn title(references: &[String], image_id: &str) -> String {
    let name = references.first().cloned();
    name.unwrap_or_else(|| image_id.chars().take(19).collect())
}
