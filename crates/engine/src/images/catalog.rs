//! What images there are, read from the references of the store.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_api::{Error, ErrorCode};
use terrarium_oci::{
    ChainId, Descriptor, Digest, Document, ImageConfig, Index, MAX_DOCUMENT_BYTES, Manifest,
    Platform, Reference,
};
use terrarium_store::{Name, Size, Store};

use super::names::is_unnamed;
use crate::{
    Result,
    error::{no_such_image, quoted},
};

/// An image that is here, with all its names.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// The digest of its config.
    pub(crate) id: Digest,
    /// What its first name points to: an index with the platform that was pulled, or the manifest.
    pub(crate) root: Descriptor,
    /// Its manifest.
    pub(crate) manifest: Descriptor,
    /// The blobs of its layers, bottom first.
    pub(crate) layers: Vec<Descriptor>,
    /// What it is made of and how it starts.
    pub(crate) config: ImageConfig,
    /// The snapshots of its layers, bottom first.
    pub(crate) chain: Vec<ChainId>,
    /// Names with a tag.
    pub(crate) tags: BTreeSet<Reference>,
    /// Names with the digest of what they point to.
    pub(crate) digests: BTreeSet<Reference>,
}

impl Image {
    /// The snapshot that a container of it lies on; none for an image without layers.
    pub(crate) fn chain_id(&self) -> Option<&ChainId> {
        self.chain.last()
    }

    /// The image that a reference of the store names, without its other names: most containers are
    /// made from one, and then no other image has to be read.
    pub(crate) fn by_reference(store: &Store, name: &str) -> Result<Option<Self>> {
        let Ok(reference) = name.parse::<Reference>() else {
            return Ok(None);
        };
        let Some(target) = store.references().get(&reference.canonical()) else {
            return Ok(None);
        };
        let mut image = load(store, &target)?;
        if let Some(image) = &mut image {
            image.name(reference, target.digest);
        }
        Ok(image)
    }

    /// Gives it one more name, which points to `root`.
    fn name(&mut self, reference: Reference, root: Digest) {
        self.digests.insert(reference.at_digest(root));
        if reference.digest().is_none() {
            self.tags.insert(reference);
        }
    }

    /// The name that is shown for it: a tag, else a digest, else its id.
    pub(crate) fn shown_name(&self) -> String {
        let named = self.tags.iter().chain(&self.digests).next();
        named.map_or_else(|| self.id.to_string(), Reference::familiar)
    }
}

/// All images, by id.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) images: BTreeMap<Digest, Image>,
}

impl Catalog {
    /// Reads every reference. Those that lead to something damaged or missing are left out, with a
    /// warning: one of them must not hide all others.
    pub(crate) fn read(store: &Store) -> Self {
        let mut catalog = Self::default();
        for (name, target) in store.references().list() {
            match load(store, &target) {
                Ok(Some(image)) => catalog.add(&name, image),
                Ok(None) => tracing::warn!(%name, "the reference leads to no image that is here"),
                Err(error) => tracing::warn!(%name, %error, "the reference cannot be followed"),
            }
        }
        catalog
    }

    fn add(&mut self, name: &str, image: Image) {
        let root = image.root.digest.clone();
        let image = self.images.entry(image.id.clone()).or_insert(image);
        let named = name.parse().ok().filter(|_| !is_unnamed(name));
        if let Some(reference) = named {
            image.name(reference, root);
        }
    }

    /// Finds an image by reference, id, or the beginning of an id.
    pub(crate) fn find(&self, name: &str) -> Result<&Image> {
        let reference = name.parse::<Reference>().ok();
        if let Some(image) = reference.and_then(|reference| self.named(&reference)) {
            return Ok(image);
        }
        let hex = name.strip_prefix("sha256:").unwrap_or(name);
        let is_hex = !hex.is_empty() && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let mut found = self
            .images
            .values()
            .filter(|image| is_hex && image.id.hex().starts_with(hex));
        match (found.next(), found.next()) {
            (Some(image), None) => Ok(image),
            (None, _) => Err(no_such_image(name)),
            (Some(_), Some(_)) => Err(Error::new(
                ErrorCode::InvalidArgument,
                format!("several images have an id that begins with {}", quoted(hex)),
            )
            .hint("give more digits")),
        }
    }

    /// Finds the image that a reference names. A digest may be that of the manifest or of the index.
    pub(crate) fn named(&self, reference: &Reference) -> Option<&Image> {
        let Some(digest) = reference.digest() else {
            return self
                .images
                .values()
                .find(|image| image.tags.contains(reference));
        };
        let of_repository = |image: &&Image| {
            let mut names = image.digests.iter();
            names.any(|name| name.name() == reference.name())
        };
        let has_digest = |image: &&Image| {
            let by_root = image.digests.contains(&reference.at_digest(digest.clone()));
            by_root || image.manifest.digest == *digest
        };
        self.images.values().filter(of_repository).find(has_digest)
    }

    /// The images that have each snapshot, by their shown names.
    pub(crate) fn owners(&self) -> BTreeMap<&ChainId, Vec<&Image>> {
        let mut owners: BTreeMap<&ChainId, Vec<&Image>> = BTreeMap::new();
        for image in self.images.values() {
            for chain in &image.chain {
                owners.entry(chain).or_default().push(image);
            }
        }
        owners
    }
}

/// What a layer takes, unpacked; 0 for one that is not here.
pub(crate) fn layer_size(store: &Store, chain: &ChainId) -> Size {
    let info = store.snapshots().info(&Name::from(chain));
    info.and_then(|info| info.size).unwrap_or_default()
}

/// Reads a small document.
pub(crate) fn document(store: &Store, digest: &Digest) -> terrarium_store::Result<Vec<u8>> {
    store.content().read(digest, MAX_DOCUMENT_BYTES as u64)
}

/// Follows a reference's target to the image that is here; none if there is none.
pub(super) fn load(store: &Store, root: &Descriptor) -> Result<Option<Image>> {
    let read = |digest: &Digest| {
        document(store, digest).map_err(|error| super::store_failed("read the image", &error))
    };
    let parsed = Document::parse(Some(&root.media_type), &read(&root.digest)?);
    let (descriptor, manifest) = match parsed.map_err(|error| unreadable(&error))? {
        Document::Manifest(manifest) => (root.clone(), *manifest),
        Document::Index(index) => match child(store, &index, root.platform.as_ref()) {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    let config = read(&manifest.config.digest)?;
    let config = ImageConfig::parse(&config).map_err(|error| unreadable(&error))?;
    Ok(Some(Image {
        id: manifest.config.digest,
        root: root.clone(),
        manifest: descriptor,
        layers: manifest.layers,
        chain: ChainId::all(&config.rootfs.diff_ids),
        config,
        tags: BTreeSet::new(),
        digests: BTreeSet::new(),
    }))
}

/// The image of an index that is here: for the platform that was pulled, or else the one that runs
/// best on this machine.
fn child(
    store: &Store,
    index: &Index,
    pulled: Option<&Platform>,
) -> Option<(Descriptor, Manifest)> {
    let wanted = pulled.cloned().unwrap_or_else(Platform::host);
    let here = index
        .manifests
        .iter()
        .filter(|entry| !entry.is_attestation());
    let mut here: Vec<_> = here
        .filter_map(|entry| Some((entry.clone(), manifest(store, entry)?)))
        .collect();
    let rank = |entry: &Descriptor| {
        let rank = entry
            .platform
            .as_ref()
            .and_then(|platform| wanted.rank(platform));
        rank.unwrap_or(usize::MAX)
    };
    here.sort_by_key(|(entry, _)| rank(entry));
    here.into_iter().next()
}

/// A manifest that is here together with its config.
fn manifest(store: &Store, entry: &Descriptor) -> Option<Manifest> {
    if !store.content().has(&entry.digest) {
        return None;
    }
    let bytes = document(store, &entry.digest).ok()?;
    match Document::parse(Some(&entry.media_type), &bytes).ok()? {
        Document::Manifest(manifest) => {
            Some(*manifest).filter(|found| store.content().has(&found.config.digest))
        }
        Document::Index(_) => None,
    }
}

fn unreadable(error: &terrarium_oci::Error) -> Error {
    Error::new(ErrorCode::UnsupportedImage, "read the image").because(error)
}
