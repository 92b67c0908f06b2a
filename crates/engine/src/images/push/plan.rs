//! What has to be in the registry before a name can point to an image there.

use std::collections::BTreeSet;

use terrarium_api::{Error, ErrorCode};
use terrarium_oci::{Descriptor, Digest, Document, Index, Manifest, MediaType, Reference};
use terrarium_store::Store;

use super::super::catalog::{Catalog, Image, document};
use crate::{Result, error::quoted, images::store_failed};

/// Everything of a push, in the order in which it must arrive.
#[derive(Debug)]
pub(super) struct Plan {
    /// Configs and layers, each once.
    pub(super) blobs: Vec<PlannedBlob>,
    /// Manifests of the index, which go by their digest.
    pub(super) children: Vec<PlannedDocument>,
    /// What the name will point to.
    pub(super) root: PlannedDocument,
}

/// A blob and who else may have it.
#[derive(Debug)]
pub(super) struct PlannedBlob {
    pub(super) descriptor: Descriptor,
    /// Number of the layer from the bottom, 1 first; absent for a config.
    pub(super) layer: Option<u32>,
    /// A repository of the same registry with an image that has it.
    pub(super) neighbor: Option<String>,
}

/// A manifest or an index, byte for byte.
#[derive(Debug)]
pub(super) struct PlannedDocument {
    pub(super) digest: Digest,
    pub(super) media_type: MediaType,
    pub(super) bytes: Vec<u8>,
}

impl Plan {
    /// Plans the push of what `reference` names here. An index of which only some platforms are here
    /// cannot be pushed; then the image that is here is, as Docker does.
    ///
    /// # Errors
    /// `NoSuchImage`, or what could not be read.
    pub(super) fn of(store: &Store, reference: &Reference) -> Result<Self> {
        let image = Image::by_reference(store, &reference.canonical())?
            .ok_or_else(|| no_such_name(reference))?;
        let root = read(store, &image.root)?;
        let mut plan = match root.index()? {
            None => Self::of_manifests(root, Vec::new())?,
            Some(index) => match whole(store, &index)? {
                Some(children) => Self::of_manifests(root, children)?,
                None => Self::of_manifests(read(store, &image.manifest)?, Vec::new())?,
            },
        };
        plan.find_neighbors(&Catalog::read(store), reference);
        Ok(plan)
    }

    /// Plans the push of a manifest and what it names.
    pub(super) fn of_manifest(store: &Store, manifest: &Descriptor) -> Result<Self> {
        Self::of_manifests(read(store, manifest)?, Vec::new())
    }

    fn of_manifests(root: PlannedDocument, children: Vec<PlannedDocument>) -> Result<Self> {
        let mut seen = BTreeSet::new();
        let mut blobs = Vec::new();
        for document in children.iter().chain([&root]) {
            let Some(manifest) = document.manifest()? else {
                continue;
            };
            let layers = (1..).map(Some).zip(manifest.layers);
            for (layer, descriptor) in [(None, manifest.config)].into_iter().chain(layers) {
                // What may not be distributed stays where its URLs say.
                if descriptor.media_type.is_foreign() || !seen.insert(descriptor.digest.clone()) {
                    continue;
                }
                blobs.push(PlannedBlob {
                    descriptor,
                    layer,
                    neighbor: None,
                });
            }
        }
        Ok(Self {
            blobs,
            children,
            root,
        })
    }

    fn find_neighbors(&mut self, catalog: &Catalog, reference: &Reference) {
        for blob in &mut self.blobs {
            let has_it = |image: &&Image| {
                let mut layers = image.layers.iter();
                layers.any(|layer| layer.digest == blob.descriptor.digest)
            };
            let names = catalog.images.values().filter(has_it);
            let mut names = names.flat_map(|image| image.digests.iter());
            let neighbor = names.find(|name| {
                name.registry() == reference.registry()
                    && name.repository() != reference.repository()
            });
            blob.neighbor = neighbor.map(|name| name.repository().to_owned());
        }
    }
}

impl PlannedDocument {
    fn parse(&self) -> Result<Document> {
        Document::parse(Some(&self.media_type), &self.bytes).map_err(|error| {
            Error::new(ErrorCode::UnsupportedImage, "read the image").because(&error)
        })
    }

    fn index(&self) -> Result<Option<Index>> {
        Ok(match self.parse()? {
            Document::Index(index) => Some(*Box::new(index)),
            Document::Manifest(_) => None,
        })
    }

    fn manifest(&self) -> Result<Option<Manifest>> {
        Ok(match self.parse()? {
            Document::Manifest(manifest) => Some(*manifest),
            Document::Index(_) => None,
        })
    }
}

/// The manifests of an index, if each of them and everything that they name is here.
fn whole(store: &Store, index: &Index) -> Result<Option<Vec<PlannedDocument>>> {
    let mut children = Vec::new();
    for entry in &index.manifests {
        if !store.content().has(&entry.digest) {
            return Ok(None);
        }
        let child = read(store, entry)?;
        let Some(manifest) = child.manifest()? else {
            return Ok(None);
        };
        let mut blobs = manifest.layers.iter().chain([&manifest.config]);
        if !blobs.all(|blob| blob.media_type.is_foreign() || store.content().has(&blob.digest)) {
            return Ok(None);
        }
        children.push(child);
    }
    Ok(Some(children))
}

fn read(store: &Store, descriptor: &Descriptor) -> Result<PlannedDocument> {
    let bytes = document(store, &descriptor.digest)
        .map_err(|error| store_failed("read the image", &error))?;
    Ok(PlannedDocument {
        digest: descriptor.digest.clone(),
        media_type: descriptor.media_type.clone(),
        bytes,
    })
}

fn no_such_name(reference: &Reference) -> Error {
    let name = reference.familiar();
    Error::new(
        ErrorCode::NoSuchImage,
        format!(
            "an image does not exist locally with the tag: {}",
            quoted(&reference.familiar_name())
        ),
    )
    .hint(format!(
        "give the image this name first: docker tag IMAGE {name}"
    ))
}
