//! Making images out of blobs that are here: unpacking what no snapshot has yet.

use std::{io::Read, ops::ControlFlow};

use terrarium_api::{Error, ErrorCode};
use terrarium_oci::{ChainId, ImageConfig, Manifest};
use terrarium_store::{Lease, Store, WantedLayer};

use super::{catalog::document, meter::Meter, store_failed};
use crate::Result;

/// Unpacks a layer on top of `parent`, unless its snapshot is here.
pub(super) fn unpack(
    store: &Store,
    chain: &ChainId,
    parent: Option<&ChainId>,
    tar: impl Read + Send,
    lease: &Lease,
) -> terrarium_store::Result<()> {
    match store.snapshots().want_layer(chain, parent, lease)? {
        WantedLayer::Present => Ok(()),
        WantedLayer::Missing(work) => {
            let report = work.unpack(tar, |_| ControlFlow::Continue(()))?;
            work.commit(&report)
        }
    }
}

/// Unpacks the layers of an image whose blobs are all here, bottom first, and puts them on disk.
/// The digest of what a layer unpacks to is compared with the config's.
///
/// # Errors
/// `UnsupportedImage` if config and manifest disagree or a blob is missing; `UnsafeLayer`.
pub(super) fn unpack_all(
    store: &Store,
    manifest: &Manifest,
    lease: &Lease,
    meter: &Meter,
) -> Result<ImageConfig> {
    let config = document(store, &manifest.config.digest)
        .map_err(|error| store_failed("read the config of the image", &error))?;
    let config = ImageConfig::parse(&config).map_err(|error| {
        Error::new(ErrorCode::UnsupportedImage, "read the config of the image").because(&error)
    })?;
    let chain = ChainId::all(&config.rootfs.diff_ids);
    if chain.len() != manifest.layers.len() {
        return Err(Error::new(
            ErrorCode::UnsupportedImage,
            format!(
                "the manifest has {} layers and the config {}",
                manifest.layers.len(),
                chain.len()
            ),
        ));
    }
    for (number, layer) in manifest.layers.iter().enumerate() {
        let failed = |error: terrarium_store::Error| {
            store_failed(
                format!("unpack layer {} of {}", number + 1, chain.len()),
                &error,
            )
        };
        lease.hold_blob(&layer.digest).map_err(failed)?;
        let blob = store.content().blob(&layer.digest).map_err(failed)?;
        let parent = number.checked_sub(1).map(|below| &chain[below]);
        let tar = meter.guard(blob.file);
        unpack(store, &chain[number], parent, tar, lease).map_err(failed)?;
    }
    let synced = store.snapshots().sync();
    synced.map_err(|error| store_failed("write layers to disk", &error))?;
    Ok(config)
}
