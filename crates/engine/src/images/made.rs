//! From layers and a config to an image in the store.

use terrarium_oci::{Descriptor, Digest, ImageConfig, Manifest, MediaType};
use terrarium_store::{Lease, Store};

use super::{
    names::{point, unnamed},
    state::Images,
    store_failed,
};
use crate::Result;

/// Writes the documents of an image whose layers are here, and puts the layers on disk. Blocks.
pub(crate) fn write(
    store: &Store,
    config: &ImageConfig,
    layers: Vec<Descriptor>,
    lease: &Lease,
) -> Result<(Digest, Descriptor)> {
    let put = |descriptor: &Descriptor, bytes: &[u8]| {
        let put = store.content().put(descriptor, bytes, lease);
        put.map_err(|error| store_failed(format!("keep {}", descriptor.digest), &error))
    };
    let bytes = config.to_bytes();
    let config = Descriptor::of(MediaType::OciConfig, &bytes);
    put(&config, &bytes)?;
    let id = config.digest.clone();
    let bytes = Manifest::new(config, layers).to_bytes();
    let manifest = Descriptor::of(MediaType::OciManifest, &bytes);
    put(&manifest, &bytes)?;
    // Before the name: what has a name survives a power cut.
    store
        .snapshots()
        .sync()
        .map_err(|error| store_failed("write layers to disk", &error))?;
    Ok((id, manifest))
}

/// Points names to an image, or keeps it without one. Blocks.
pub(crate) fn name(images: &Images, names: &[String], manifest: &Descriptor) -> Result<()> {
    let _naming = images.naming();
    let store = &images.store;
    for name in names {
        point(store, name, manifest)?;
    }
    let references = store.references();
    let is_named = references
        .list()
        .iter()
        .any(|(_, target)| target == manifest);
    if !is_named {
        let kept = references.put(&unnamed(manifest), manifest);
        kept.map_err(|error| store_failed("keep the image", &error))?;
    }
    Ok(())
}
