//! Into the trash, out of it, and emptying it.

use std::{collections::BTreeSet, sync::Arc};

use terrarium_api::{
    ChangeKind, EmptyTrash, Error, ErrorCode, RemoveImage, RemovedImage, RestoredImage, Traced,
    Trash, TrashId, TrashSummary, TrashedImage,
};
use terrarium_oci::{Descriptor, Digest, Reference};
use terrarium_store::{Name, Store};

use super::{
    Catalog, Image,
    catalog::{self, layer_size},
    names::{is_unnamed, point, unnamed},
    remove::{Removal, decide, names_of, roots, without_names},
    store_failed,
    trash::{self, Entries, Entry},
};
use crate::{Engine, Result, Tracer, blocking::blocking, engine::Inner, time::now_ms};

impl Engine {
    /// Puts a name into the trash, and the image with its last name. To everyone else it is gone.
    ///
    /// # Errors
    /// As [`Engine::remove_image`].
    pub async fn trash_image(&self, request: RemoveImage) -> Result<Traced<TrashedImage>> {
        let force = if request.force { "-f " } else { "" };
        let command = format!("docker rmi {force}{}", request.image);
        let mut tracer = Tracer::new("image.trash", &request.image, command);
        let containers = self.containers().await?;
        let inner = Arc::clone(&self.inner);
        let work = blocking(move || {
            let (store, _naming) = (&inner.images.store, inner.images.naming());
            let image = Catalog::read(store).find(&request.image)?.clone();
            let removal = decide(&image, &request, &containers)?;
            let entries = Entries::below(&inner.config.data_root);
            let entry = put_away(store, &entries, &image, &removal)?;
            Ok((image, entry))
        });
        let (image, entry) = tracer.step("move reference", "trash/", work).await?;
        let shown = show(self.store(), &entry, Some(&image), 0);
        for name in &shown.references {
            self.image_event("untag", image.id.as_str(), name);
        }
        if !entry.names_only {
            self.image_event("delete", image.id.as_str(), image.id.as_str());
        }
        self.publish_images().await?;
        self.publish_trash().await?;
        Ok(tracer.finish(shown))
    }

    /// What is in the trash, and what emptying it would free.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn trash(&self) -> Result<Trash> {
        let inner = Arc::clone(&self.inner);
        blocking(move || list(&inner)).await
    }

    /// Takes an image out of the trash. A name that another image has by now stays with that one.
    ///
    /// # Errors
    /// `NoSuchImage` if it is not there (any more), `ContentMismatch` if a part of it is lost.
    pub async fn restore_image(&self, request: TrashId) -> Result<Traced<RestoredImage>> {
        let command = format!("docker tag … # {}", request.id);
        let mut tracer = Tracer::new("image.restore", &request.id, command);
        let inner = Arc::clone(&self.inner);
        let work = blocking(move || {
            let entries = Entries::below(&inner.config.data_root);
            let _naming = inner.images.naming();
            bring_back(&inner.images.store, &entries, &request.id)
        });
        let back = tracer.step("move reference", "refs/", work).await?;
        for name in &back.named {
            self.image_event("tag", back.id.as_str(), name);
        }
        let image = self.published_image(back.id.as_str()).await?;
        self.publish_trash().await?;
        let taken = back.taken;
        Ok(tracer.finish(RestoredImage { image, taken }))
    }

    /// Removes what is in the trash for good.
    ///
    /// # Errors
    /// What could not be removed.
    pub async fn empty_trash(&self, request: EmptyTrash) -> Result<Traced<RemovedImage>> {
        let mut tracer = Tracer::new("trash.empty", "trash", "docker image prune".to_owned());
        let entries = Entries::below(&self.config().data_root);
        let work = blocking(move || {
            let is_chosen = |entry: &&Entry| {
                let ids = request.ids.as_deref();
                ids.is_none_or(|ids| ids.contains(&entry.id))
            };
            let all = entries.list(now_ms())?;
            entries.remove(all.iter().filter(is_chosen))
        });
        tracer.step("remove entries", "trash/", work).await?;
        let work = self.collect_images(Vec::new());
        let (deleted, freed_bytes) = tracer.step("unlink", "blobs and snapshots", work).await?;
        self.publish_trash().await?;
        Ok(tracer.finish(RemovedImage {
            untagged: Vec::new(),
            deleted,
            freed_bytes,
        }))
    }

    async fn forget_expired(&self) -> Result<()> {
        self.collect_images(Vec::new()).await?;
        self.publish_trash().await
    }

    /// How much is in the trash.
    ///
    /// # Errors
    /// What could not be read.
    pub(crate) async fn trash_summary(&self) -> Result<TrashSummary> {
        let entries = Entries::below(&self.config().data_root);
        let entries = blocking(move || entries.list(now_ms())).await?;
        let images = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        Ok(TrashSummary { images })
    }

    /// Tells every window that something went into the trash, or out of it.
    async fn publish_trash(&self) -> Result<()> {
        let value = self.trash_summary().await?;
        self.hub().change(ChangeKind::Trash { value });
        Ok(())
    }

    /// Frees what has been in the trash for too long, beside everything else.
    pub(crate) fn sweep_trash(&self) {
        let engine = self.clone();
        tokio::spawn(async move {
            let inner = Arc::clone(&engine.inner);
            let swept = blocking(move || {
                // Nobody is writing an entry meanwhile.
                let _naming = inner.images.naming();
                let entries = Entries::below(&inner.config.data_root);
                entries.drop_unfinished()?;
                entries.expire(now_ms())
            });
            let swept = swept.await;
            let swept = match swept {
                Ok(true) => engine.forget_expired().await,
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = swept {
                tracing::warn!(%error, "what expired in the trash is still there");
            }
        });
    }
}

/// What is removed from an image, as an entry of the trash in place of names. The caller holds the lock on
/// names.
pub(super) fn put_away(
    store: &Store,
    entries: &Entries,
    image: &Image,
    removal: &Removal,
) -> Result<Entry> {
    let names = names_of(store, image, removal);
    let entry = Entry::new(names, *removal != Removal::Whole, now_ms());
    entries.put(&entry).map_err(|error| match error.code {
        ErrorCode::DiskFull => error.hint("the trash needs room too: remove the image for good"),
        _ => error,
    })?;
    without_names(store, entry.names.keys())?;
    Ok(entry)
}

fn list(inner: &Inner) -> Result<Trash> {
    let (store, data_root) = (&inner.images.store, &inner.config.data_root);
    let entries = Entries::below(data_root).list(now_ms())?;
    let freed = |gone: &[&Entry]| freed_by(inner, &entries, gone);
    let nothing = freed(&[])?;
    let mut images = Vec::new();
    for entry in &entries {
        let image = entry.names.values().find_map(|target| load(store, target));
        let freed_bytes = freed(&[entry])?.saturating_sub(nothing);
        images.push(show(store, entry, image.as_ref(), freed_bytes));
    }
    let all: Vec<&Entry> = entries.iter().collect();
    Ok(Trash {
        images,
        freed_bytes: freed(&all)?.saturating_sub(nothing),
        kept_days: trash::KEPT_DAYS,
    })
}

/// What the collector would free if these entries were gone.
fn freed_by(inner: &Inner, entries: &[Entry], gone: &[&Entry]) -> Result<u64> {
    let store = &inner.images.store;
    let mut roots = roots(store, &inner.config.data_root, Vec::new());
    let staying = entries.iter().filter(|entry| !gone.contains(entry));
    let held = staying.flat_map(|entry| entry.names.values().cloned());
    roots.blobs.extend(held);
    let preview = store.preview(&roots, &BTreeSet::new());
    let preview = preview.map_err(|error| store_failed("add up what could be freed", &error))?;
    Ok(preview.freed_bytes)
}

/// An image that came out of the trash.
#[derive(Debug)]
pub(super) struct Back {
    id: Digest,
    named: Vec<String>,
    taken: Vec<String>,
}

/// The names of an entry, and the image with them. The caller holds the lock on names.
pub(super) fn bring_back(store: &Store, entries: &Entries, id: &str) -> Result<Back> {
    let entry = entries.find(id, now_ms())?;
    let image = entry.names.values().find_map(|target| load(store, target));
    let image = image
        .filter(|image| is_whole(store, image))
        .ok_or_else(|| {
            let text = "a part of the image in the trash is lost";
            Error::new(ErrorCode::ContentMismatch, text).hint("pull it again")
        })?;
    let (mut named, mut taken) = (Vec::new(), Vec::new());
    for (name, target) in &entry.names {
        let shown = name.parse::<Reference>().ok().filter(|_| !is_unnamed(name));
        let shown = shown.map(|reference| reference.familiar());
        let now = store.references().get(name);
        if now.is_none_or(|now| now == *target) && shown.is_some() {
            point(store, name, target)?;
            named.extend(shown);
        } else {
            keep(store, target)?;
            taken.extend(shown);
        }
    }
    // The names are back on disk; without the entry nothing is held twice.
    entries.remove([&entry])?;
    Ok(Back {
        id: image.id,
        named,
        taken,
    })
}

/// Keeps an image that no name leads to.
fn keep(store: &Store, target: &Descriptor) -> Result<()> {
    let references = store.references();
    if references.list().iter().any(|(_, named)| named == target) {
        return Ok(());
    }
    let kept = references.put(&unnamed(target), target);
    kept.map(drop)
        .map_err(|error| store_failed("keep the image", &error))
}

fn load(store: &Store, target: &Descriptor) -> Option<Image> {
    catalog::load(store, target).ok().flatten()
}

fn is_whole(store: &Store, image: &Image) -> bool {
    let mut blobs = image.layers.iter();
    let mut layers = image.chain.iter();
    blobs.all(|layer| store.content().has(&layer.digest))
        && layers.all(|chain| store.snapshots().info(&Name::from(chain)).is_some())
}

fn show(store: &Store, entry: &Entry, image: Option<&Image>, freed_bytes: u64) -> TrashedImage {
    let names = entry.names.keys().filter(|name| !is_unnamed(name));
    let names = names.filter_map(|name| name.parse::<Reference>().ok());
    let layers: BTreeSet<_> = image.iter().flat_map(|image| &image.chain).collect();
    let sizes = layers
        .iter()
        .map(|chain| layer_size(store, chain).size_bytes);
    TrashedImage {
        id: entry.id.clone(),
        image_id: image.map_or_else(String::new, |image| image.id.to_string()),
        references: names.map(|name| name.familiar()).collect(),
        names_only: entry.names_only,
        removed_at_ms: entry.removed_at_ms,
        expires_at_ms: entry.expires_at_ms(),
        size_bytes: sizes.sum(),
        freed_bytes,
        restorable: image.is_some_and(|image| is_whole(store, image)),
    }
}
