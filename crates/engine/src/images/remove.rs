use std::{path::Path, sync::Arc, time::SystemTime};

use terrarium_api::{
    ContainerStatus, ContainerSummary, Error, ErrorCode, RemoveImage, RemovedImage, Traced,
};
use terrarium_oci::{Descriptor, Digest, Reference};
use terrarium_store::{Kind, Roots, Store};

use super::{Catalog, Image, list::used_by, store_failed, trash};
use crate::{Engine, Result, Tracer, blocking::blocking, time::now_ms};

/// What is to be taken from an image.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Removal {
    /// These names; others remain.
    Names(Vec<Reference>),
    /// Everything.
    Whole,
}

impl Engine {
    /// Removes a name, and the image with its last name.
    ///
    /// # Errors
    /// `NoSuchImage`, `ImageInUse`, or what could not be removed.
    pub async fn remove_image(&self, request: RemoveImage) -> Result<Traced<RemovedImage>> {
        let force = if request.force { "-f " } else { "" };
        let command = format!("docker rmi {force}{}", request.image);
        let mut tracer = Tracer::new("image.remove", &request.image, command);
        let containers = self.containers().await?;
        let inner = Arc::clone(&self.inner);
        let work = blocking(move || {
            let store = &inner.images.store;
            let naming = inner.images.naming();
            let image = Catalog::read(store).find(&request.image)?.clone();
            let removal = decide(&image, &request, &containers)?;
            let untagged = forget(store, &image, &removal)?;
            drop(naming);
            Ok((image, removal, untagged))
        });
        let (image, removal, untagged) = tracer.step("remove reference", "refs/", work).await?;
        let mut removed = RemovedImage {
            untagged,
            deleted: Vec::new(),
            freed_bytes: 0,
        };
        if removal == Removal::Whole {
            let work = self.collect_images(vec![image.id.clone()]);
            let (deleted, freed_bytes) = tracer.step("unlink", "blobs and snapshots", work).await?;
            (removed.deleted, removed.freed_bytes) = (deleted, freed_bytes);
        }
        self.tell_removed(&image, &removed);
        self.publish_images().await?;
        Ok(tracer.finish(removed))
    }

    /// Removes images that no container uses: those without a name, or with `all` every one.
    ///
    /// # Errors
    /// What could not be removed.
    pub async fn prune_images(&self, all: Prune) -> Result<Traced<RemovedImage>> {
        let (option, containers) = (all.option(), self.containers().await?);
        let mut tracer = Tracer::new(
            "image.prune",
            "images",
            format!("docker image prune{option}"),
        );
        let inner = Arc::clone(&self.inner);
        let work = blocking(move || {
            let store = &inner.images.store;
            let _naming = inner.images.naming();
            let catalog = Catalog::read(store);
            let unused = catalog.images.into_values().filter(|image| {
                (all == Prune::Unused || image.tags.is_empty())
                    && used_by(image, &containers).is_empty()
            });
            let mut gone = (Vec::new(), Vec::new());
            for image in unused {
                gone.1.extend(forget(store, &image, &Removal::Whole)?);
                gone.0.push(image.id);
            }
            Ok(gone)
        });
        let (ids, untagged) = tracer.step("remove reference", "refs/", work).await?;
        let work = self.collect_images(ids);
        let (deleted, freed_bytes) = tracer.step("unlink", "blobs and snapshots", work).await?;
        self.publish_images().await?;
        Ok(tracer.finish(RemovedImage {
            untagged,
            deleted,
            freed_bytes,
        }))
    }

    /// Frees what nothing needs any more; returns what went, `ids` first, and how many bytes.
    pub(crate) async fn collect_images(&self, ids: Vec<Digest>) -> Result<(Vec<String>, u64)> {
        let store = self.inner.images.store.clone();
        let data_root = self.inner.config.data_root.clone();
        blocking(move || {
            let failed = |error| store_failed("remove unused blobs and snapshots", &error);
            let collection = store.begin_collection();
            let roots = roots(&store, &data_root, trash::held(&data_root, now_ms())?);
            let collected = collection.collect(&roots, SystemTime::now());
            let collected = collected.map_err(failed)?;
            let mut deleted: Vec<String> = ids.iter().map(Digest::to_string).collect();
            deleted.extend(collected.snapshots.iter().map(ToString::to_string));
            Ok((deleted, collected.freed_bytes))
        })
        .await
    }

    fn tell_removed(&self, image: &Image, removed: &RemovedImage) {
        let id = image.id.as_str();
        for name in &removed.untagged {
            self.image_event("untag", id, name);
        }
        if !removed.deleted.is_empty() {
            self.image_event("delete", id, id);
        }
    }
}

/// Which images [`Engine::prune_images`] removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// Those without a name.
    Dangling,
    /// Every one that no container uses.
    Unused,
}

impl Prune {
    fn option(self) -> &'static str {
        match self {
            Self::Dangling => "",
            Self::Unused => " --all",
        }
    }
}

/// What lies on layers stays with them: the writable layers of containers are their owners' to
/// remove. So is what builds remember. `trashed` is what the trash keeps.
pub(super) fn roots(store: &Store, data_root: &Path, trashed: Vec<Descriptor>) -> Roots {
    let (cached, mut blobs) = crate::builds::held(data_root);
    blobs.extend(trashed);
    let snapshots = store.snapshots().list().into_iter();
    let in_use = snapshots.filter(|info| matches!(info.kind, Kind::Active | Kind::View));
    Roots {
        snapshots: in_use.map(|info| info.name).chain(cached).collect(),
        blobs,
    }
}

/// What could be gone, by ids.
#[derive(Debug, Default)]
pub(crate) struct Going {
    pub(crate) images: Vec<String>,
    pub(crate) containers: Vec<String>,
    /// Entries of the trash.
    pub(crate) trashed: Vec<String>,
}

/// Bytes that collecting would free if all of these were gone. Blocks.
pub(crate) fn freed_without(store: &Store, data_root: &Path, gone: &Going) -> Result<u64> {
    let catalog = Catalog::read(store);
    let going: Vec<&Image> = catalog
        .images
        .values()
        .filter(|image| gone.images.iter().any(|id| *id == image.id.as_str()))
        .collect();
    let names = store.references().list().into_iter();
    let forgotten = names
        .filter(|(name, target)| going.iter().any(|image| belongs(image, name, target)))
        .map(|(name, _)| name)
        .collect();
    let trashed = trash::held_without(data_root, now_ms(), &gone.trashed)?;
    let mut roots = roots(store, data_root, trashed);
    let containers = &gone.containers;
    let stays = |name: &terrarium_store::Name| !containers.iter().any(|id| id == name.as_str());
    roots.snapshots.retain(stays);
    let preview = store.preview(&roots, &forgotten);
    let preview = preview.map_err(|error| store_failed("add up what could be freed", &error))?;
    // The writable layers of these containers are counted by whoever asks.
    Ok(preview.freed_bytes)
}

/// Whether a reference of the store leads to an image.
fn belongs(image: &Image, name: &str, target: &Descriptor) -> bool {
    let of_image = |reference: Reference| {
        image.tags.contains(&reference) || image.digests.contains(&reference)
    };
    name.parse().is_ok_and(of_image) || *target == image.root
}

/// What a request takes from an image, or why it may not.
pub(super) fn decide(
    image: &Image,
    request: &RemoveImage,
    containers: &[ContainerSummary],
) -> Result<Removal> {
    let named: Option<Reference> = request.image.parse().ok();
    let named = named.filter(|name| image.tags.contains(name) || image.digests.contains(name));
    if let Some(name) = named.filter(|name| image.tags.len() > 1 && name.digest().is_none()) {
        return Ok(Removal::Names(vec![name]));
    }
    if image.tags.len() > 1 && !request.force {
        let names: Vec<String> = image.tags.iter().map(Reference::familiar).collect();
        let text = format!(
            "image {} has several names: {}",
            image.id.short(),
            names.join(", ")
        );
        return Err(Error::new(ErrorCode::WrongState, text)
            .hint("remove one name, or force the removal of all"));
    }
    let of_image = |container: &&ContainerSummary| container.image_id == image.id.as_str();
    let users: Vec<_> = containers.iter().filter(of_image).collect();
    let running = users.iter().any(|container| is_live(container.status));
    if running || (!users.is_empty() && !request.force) {
        let text = format!(
            "image {} is used by {}",
            image.shown_name(),
            used_by(image, containers).join(", ")
        );
        let hint = match running {
            true => "stop and remove these containers first",
            false => "remove these containers first, or force the removal",
        };
        return Err(Error::new(ErrorCode::ImageInUse, text).hint(hint));
    }
    Ok(Removal::Whole)
}

fn is_live(status: ContainerStatus) -> bool {
    !matches!(status, ContainerStatus::Created | ContainerStatus::Stopped)
}

/// Removes names; returns them in their familiar form. The content stays until it is collected.
fn forget(store: &Store, image: &Image, removal: &Removal) -> Result<Vec<String>> {
    let names = names_of(store, image, removal);
    without_names(store, names.iter().map(|(name, _)| name))?;
    let shown = names
        .iter()
        .filter(|(name, _)| !super::names::is_unnamed(name));
    let shown = shown.filter_map(|(name, _)| name.parse::<Reference>().ok());
    Ok(shown.map(|name| name.familiar()).collect())
}

/// The references of the store that a removal takes, and what they point to.
pub(super) fn names_of(
    store: &Store,
    image: &Image,
    removal: &Removal,
) -> Vec<(String, Descriptor)> {
    let mut names = store.references().list();
    names.retain(|(name, target)| match removal {
        Removal::Names(names) => name.parse().is_ok_and(|name| names.contains(&name)),
        Removal::Whole => belongs(image, name, target),
    });
    names
}

/// Removes references; the content stays until it is collected.
pub(super) fn without_names<'a>(
    store: &Store,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<()> {
    for name in names {
        let failed = |error| store_failed(format!("remove the name {name}"), &error);
        store.references().remove(name).map_err(failed)?;
    }
    Ok(())
}
