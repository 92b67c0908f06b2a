use terrarium_api::{DocumentFact, DocumentKind, Error, ErrorCode, PullDocument};
use terrarium_oci::{Descriptor, Document, Index, Manifest, Platform};
use terrarium_store::Store;

use super::Pull;
use crate::{
    Result,
    blocking::blocking,
    images::{catalog, error::registry_failed, store_failed},
};

/// The documents from the name to the manifest, all of them verified and in the store.
pub(super) struct Documents {
    /// What the name points to. An index may be here for several platforms, so the one that was
    /// pulled stands with it.
    pub(super) root: Descriptor,
    /// The manifest's descriptor.
    pub(super) descriptor: Descriptor,
    /// The manifest.
    pub(super) manifest: Manifest,
}

/// Documents with their bytes.
struct Found {
    root: Descriptor,
    indexes: Vec<(Descriptor, Index, Vec<u8>)>,
    descriptor: Descriptor,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
}

/// Finds out what the name means, and keeps the documents.
pub(super) async fn find(pull: &std::sync::Arc<Pull>) -> Result<Documents> {
    let found = match known(pull).await? {
        Some(found) => found,
        None => ask(pull).await?,
    };
    if !found.manifest.is_image() {
        let kind = found.manifest.config.media_type.to_string();
        let kind = found.manifest.artifact_type.clone().unwrap_or(kind);
        let text = format!("it is an artifact of type `{kind}` and not an image");
        return Err(Error::new(ErrorCode::UnsupportedImage, text));
    }
    show(pull, &found);
    let (pull, documents) = (std::sync::Arc::clone(pull), found);
    blocking(move || keep(&pull, documents)).await
}

/// What is here already, if the registry says that it is still what the name means. That costs no
/// pull where pulls are counted.
async fn known(pull: &Pull) -> Result<Option<Found>> {
    let reference = &pull.reference;
    let Some(target) = pull.store.references().get(&reference.canonical()) else {
        return Ok(None);
    };
    let still_so = match reference.digest() {
        // A digest means the same for ever.
        Some(digest) => *digest == target.digest,
        // What fails here fails again when it is asked for in full, and is told then.
        None => {
            let told = pull.client.head(reference).await.ok().flatten();
            told.is_some_and(|told| told.digest == target.digest)
        }
    };
    if !still_so {
        return Ok(None);
    }
    let (store, platform) = (pull.store.clone(), pull.platform.clone());
    blocking(move || Ok(read(&store, &target, &platform))).await
}

/// Reads documents from the store; none if one of them is not there.
fn read(store: &Store, root: &Descriptor, platform: &Platform) -> Option<Found> {
    let mut indexes = Vec::new();
    let mut descriptor = root.clone();
    loop {
        let bytes = catalog::document(store, &descriptor.digest).ok()?;
        match Document::parse(Some(&descriptor.media_type), &bytes).ok()? {
            Document::Manifest(manifest) => {
                return Some(Found {
                    root: root.clone(),
                    indexes,
                    descriptor,
                    manifest: *manifest,
                    manifest_bytes: bytes,
                });
            }
            Document::Index(index) => {
                let next = index.select(platform)?.clone();
                indexes.push((descriptor, index, bytes));
                descriptor = next;
            }
        }
    }
}

async fn ask(pull: &Pull) -> Result<Found> {
    let resolved = pull.client.resolve(&pull.reference, &pull.platform).await;
    let resolved =
        resolved.map_err(|error| registry_failed("find out what the name means", &error))?;
    if let Some(limit) = &resolved.rate_limit {
        tracing::debug!(host = %resolved.host, ?limit, "the registry counts pulls");
    }
    Ok(Found {
        root: resolved.root,
        indexes: resolved.indexes,
        descriptor: resolved.descriptor,
        manifest: resolved.manifest,
        manifest_bytes: resolved.manifest_bytes,
    })
}

fn show(pull: &Pull, found: &Found) {
    for (descriptor, index, _) in &found.indexes {
        pull.board.document(PullDocument {
            kind: DocumentKind::Index,
            digest: descriptor.digest.to_string(),
            size_bytes: descriptor.size_bytes,
            fact: DocumentFact::Platforms {
                count: count(index.platforms().len()),
            },
        });
    }
    let platform = found.descriptor.platform.as_ref().unwrap_or(&pull.platform);
    pull.board.document(PullDocument {
        kind: DocumentKind::Manifest,
        digest: found.descriptor.digest.to_string(),
        size_bytes: found.descriptor.size_bytes,
        fact: DocumentFact::Platform {
            platform: platform.to_string(),
        },
    });
}

/// A number of things in one document, which has at most some megabytes.
pub(super) fn count(things: usize) -> u32 {
    u32::try_from(things).unwrap_or(u32::MAX)
}

fn keep(pull: &Pull, found: Found) -> Result<Documents> {
    let documents = found
        .indexes
        .iter()
        .map(|(descriptor, _, bytes)| (descriptor, bytes));
    for (descriptor, bytes) in documents.chain([(&found.descriptor, &found.manifest_bytes)]) {
        let put = pull.store.content().put(descriptor, bytes, &pull.lease);
        put.map_err(|error| store_failed(format!("keep {}", descriptor.digest), &error))?;
    }
    let platform = found.descriptor.platform.clone();
    Ok(Documents {
        root: Descriptor {
            platform: platform.filter(|_| !found.indexes.is_empty()),
            ..found.root
        },
        descriptor: found.descriptor,
        manifest: found.manifest,
    })
}
