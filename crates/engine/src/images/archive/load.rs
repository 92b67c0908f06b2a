use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    sync::Arc,
};

use terrarium_api::{ActivityKind, Error, ErrorCode, LoadImages, LoadedImage, Traced};
use terrarium_oci::{
    Compression, Descriptor, Digest, Document, MAX_DOCUMENT_BYTES, Manifest, MediaType, Platform,
    Reference,
};
use terrarium_store::{Archived, Lease, Store};

use super::{DockerEntry, LayoutIndex, NAME, REF_NAME};
use crate::{
    Engine, Result, Tracer,
    blocking::blocking,
    error::quoted,
    images::{
        catalog::document,
        keep,
        meter::Meter,
        names::{point, unnamed},
        pull::lease,
        store_failed,
    },
};

/// Images of one archive; more is not honest.
const MAX_IMAGES: usize = 1_000;

impl Engine {
    /// Takes in the images of an archive: of `docker save`, old or new, or an OCI layout, plain or
    /// compressed. Names that the archive has point to its images afterwards.
    ///
    /// # Errors
    /// `UnsupportedImage` for what is no such archive or lacks a part; `UnsafeLayer`;
    /// `ContentMismatch` where a layer is not what its config says. No name is moved then.
    pub async fn read_archive(
        &self,
        archive: impl Read + Send + 'static,
    ) -> Result<Traced<Vec<LoadedImage>>> {
        self.take_archive(archive, Meter::default()).await
    }

    async fn take_archive(
        &self,
        archive: impl Read + Send + 'static,
        meter: Meter,
    ) -> Result<Traced<Vec<LoadedImage>>> {
        let mut tracer = Tracer::new("image.load", "archive", "docker load".to_owned());
        let store = self.inner.images.store.clone();
        let lease = Arc::new(lease(&store).await?);
        let (held, into) = (Arc::clone(&lease), store.clone());
        let taking = blocking(move || {
            into.content()
                .take_in(archive, &held)
                .map_err(|error| store_failed("take in the archive", &error))
        });
        let taken = tracer.step("read archive", "blobs", taking).await?;
        let (held, inner) = (Arc::clone(&lease), Arc::clone(&self.inner));
        let unpacking = blocking(move || {
            let found = find(&inner.images.store, &taken, &held)?;
            found.iter().try_for_each(|image| {
                keep::unpack_all(&inner.images.store, &image.manifest, &held, &meter).map(drop)
            })?;
            let _naming = inner.images.naming();
            found
                .into_iter()
                .map(|image| name(&inner.images.store, image))
                .collect()
        });
        let loaded: Vec<LoadedImage> = tracer.step("unpack", "layers", unpacking).await?;
        for image in &loaded {
            self.image_event(
                "load",
                &image.id,
                image.references.first().unwrap_or(&image.id),
            );
        }
        self.publish_images().await?;
        Ok(tracer.finish(loaded))
    }

    /// Takes in the images of a file, as an activity.
    ///
    /// # Errors
    /// `InvalidArgument` if it cannot be opened, else as [`Engine::read_archive`].
    pub async fn load_images(&self, request: LoadImages) -> Result<Traced<Vec<LoadedImage>>> {
        let path = request.path.clone();
        let opened = blocking(move || {
            let file = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
            file.map_err(|error| {
                let text = format!("open {}", quoted(&path));
                Error::new(ErrorCode::InvalidArgument, text).because(&error)
            })
        });
        let (size_bytes, file) = opened.await?;
        let activity = (ActivityKind::LoadImages, request.path.as_str());
        self.metered(activity, |meter| {
            meter.expect(size_bytes);
            self.take_archive(meter.count(file), meter)
        })
        .await
    }
}

/// An image of an archive.
struct Found {
    descriptor: Descriptor,
    manifest: Manifest,
    names: BTreeSet<Reference>,
}

/// What images an archive has. The index of an OCI layout is believed first: it keeps digests.
fn find(store: &Store, archive: &Archived, lease: &Lease) -> Result<Vec<Found>> {
    let docker: Vec<DockerEntry> = json(store, archive, "manifest.json")?.unwrap_or_default();
    let found = match json::<LayoutIndex>(store, archive, "index.json")? {
        Some(index) => of_layout(store, &index, archive, &docker, lease)?,
        None => docker
            .iter()
            .map(|entry| of_docker(store, archive, entry, lease))
            .collect::<Result<_>>()?,
    };
    if found.is_empty() {
        let text = "the archive has neither manifest.json nor index.json with an image";
        return Err(unsupported(text).hint("give an archive of `docker save` or an OCI layout"));
    }
    if found.len() > MAX_IMAGES {
        return Err(unsupported("the archive has too many images"));
    }
    Ok(found)
}

fn of_layout(
    store: &Store,
    index: &LayoutIndex,
    archive: &Archived,
    docker: &[DockerEntry],
    lease: &Lease,
) -> Result<Vec<Found>> {
    let mut found: BTreeMap<Digest, Found> = BTreeMap::new();
    for entry in &index.manifests {
        let digest: Digest = entry.digest.parse().map_err(|_| {
            unsupported(&format!(
                "index.json has the digest {}",
                quoted(&entry.digest)
            ))
        })?;
        let root = Descriptor::new(MediaType::parse(&entry.media_type), digest, entry.size);
        let Some((descriptor, manifest)) = manifest(store, &root)? else {
            continue;
        };
        check(store, &manifest)?;
        for digest in [&root.digest, &descriptor.digest, &manifest.config.digest] {
            let held = lease.hold_blob(digest);
            held.map_err(|error| store_failed("keep the image", &error))?;
        }
        let of_config = |docker: &&DockerEntry| {
            let config = archive.file(&docker.config).map(|(digest, _)| digest);
            config == Some(&manifest.config.digest)
        };
        let tags = docker
            .iter()
            .filter(of_config)
            .flat_map(|entry| entry.repo_tags.iter().flatten());
        let mut names: BTreeSet<Reference> = tags.filter_map(|tag| tag.parse().ok()).collect();
        let full = entry
            .annotations
            .get(NAME)
            .or(entry.annotations.get(REF_NAME));
        names.extend(full.and_then(|name| full_name(name)));
        let key = descriptor.digest.clone();
        let image = found.entry(key).or_insert(Found {
            descriptor,
            manifest,
            names: BTreeSet::new(),
        });
        image.names.extend(names);
    }
    Ok(found.into_values().collect())
}

/// A name with a registry or a tag in it; a tag alone names nothing.
fn full_name(text: &str) -> Option<Reference> {
    text.contains(['/', ':'])
        .then(|| text.parse().ok())
        .flatten()
}

/// The manifest that a descriptor leads to: for an index, that of this machine or else the first that
/// is whole.
fn manifest(store: &Store, root: &Descriptor) -> Result<Option<(Descriptor, Manifest)>> {
    let Ok(bytes) = document(store, &root.digest) else {
        return Err(unsupported(&format!(
            "the archive lacks the manifest {}",
            root.digest
        )));
    };
    let root = Descriptor::new(
        root.media_type.clone(),
        root.digest.clone(),
        bytes.len() as u64,
    );
    let parsed = Document::parse(Some(&root.media_type), &bytes)
        .map_err(|error| unsupported("read a manifest of the archive").because(&error))?;
    let index = match parsed {
        Document::Manifest(manifest) => {
            return Ok(manifest.is_image().then_some((root, *manifest)));
        }
        Document::Index(index) => index,
    };
    let here = |entry: &&Descriptor| !entry.is_attestation() && store.content().has(&entry.digest);
    let own = index.select(&Platform::host()).filter(here);
    match own.or_else(|| index.manifests.iter().find(here)) {
        Some(entry) if !entry.media_type.is_index() => manifest(store, entry),
        _ => Ok(None),
    }
}

/// Checks that everything which a manifest names is here.
fn check(store: &Store, manifest: &Manifest) -> Result<()> {
    let mut blobs = manifest.layers.iter().chain([&manifest.config]);
    match blobs.find(|blob| !store.content().has(&blob.digest)) {
        None => Ok(()),
        Some(missing) => {
            let text = format!("the archive lacks the blob {}", missing.digest);
            Err(unsupported(&text))
        }
    }
}

/// Makes a manifest for an entry that comes without one.
fn of_docker(
    store: &Store,
    archive: &Archived,
    entry: &DockerEntry,
    lease: &Lease,
) -> Result<Found> {
    let part = |name: &str| {
        archive
            .file(name)
            .ok_or_else(|| unsupported(&format!("the archive lacks {}", quoted(name))))
    };
    let (config, config_bytes) = part(&entry.config)?;
    let config = Descriptor::new(MediaType::OciConfig, config.clone(), config_bytes);
    let mut layers = Vec::new();
    for name in &entry.layers {
        let (digest, size_bytes) = part(name)?;
        let kind = MediaType::OciLayer(compression(store, digest)?);
        layers.push(Descriptor::new(kind, digest.clone(), size_bytes));
    }
    let manifest = Manifest::new(config, layers);
    let bytes = manifest.to_bytes();
    let descriptor = Descriptor::of(MediaType::OciManifest, &bytes);
    store
        .content()
        .put(&descriptor, &bytes, lease)
        .map_err(|error| store_failed("keep the manifest", &error))?;
    let tags = entry.repo_tags.iter().flatten();
    Ok(Found {
        descriptor,
        manifest,
        names: tags.filter_map(|tag| tag.parse().ok()).collect(),
    })
}

/// How a layer is compressed, by its first bytes.
fn compression(store: &Store, digest: &Digest) -> Result<Compression> {
    let mut magic = [0; 4];
    let blob = store.content().blob(digest);
    let mut file = blob
        .map_err(|error| store_failed("read a layer", &error))?
        .file;
    let read = file.read(&mut magic).unwrap_or(0);
    Ok(match &magic[..read] {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
        _ => Compression::None,
    })
}

fn json<T: serde::de::DeserializeOwned>(
    store: &Store,
    archive: &Archived,
    name: &str,
) -> Result<Option<T>> {
    let Some((digest, _)) = archive.file(name) else {
        return Ok(None);
    };
    let bytes = store
        .content()
        .read(digest, MAX_DOCUMENT_BYTES as u64)
        .map_err(|error| store_failed(format!("read {name} of the archive"), &error))?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| unsupported(&format!("read {name} of the archive")).because(&error))
}

/// Points the names to the image, or keeps it without one.
fn name(store: &Store, image: Found) -> Result<LoadedImage> {
    for name in &image.names {
        point(store, &name.canonical(), &image.descriptor)?;
    }
    if image.names.is_empty() {
        store
            .references()
            .put(&unnamed(&image.descriptor), &image.descriptor)
            .map_err(|error| store_failed("keep the image", &error))?;
    }
    Ok(LoadedImage {
        id: image.manifest.config.digest.to_string(),
        references: image.names.iter().map(Reference::familiar).collect(),
    })
}

fn unsupported(text: &str) -> Error {
    Error::new(ErrorCode::UnsupportedImage, text)
}
