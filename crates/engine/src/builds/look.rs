//! Looking into layers that are here, for a build and for the thought of one.

use std::{path::Path, path::PathBuf, sync::Arc};

use terrarium_api::{Error, ErrorCode};
use terrarium_builder::{Files, Found, Layer};
use terrarium_oci::ChainId;
use terrarium_store::{Name, Overlay};

use super::layers;
use crate::{
    Engine, Result,
    blocking::blocking,
    containers::{Databases, Layers, databases},
    images::{Image, store_failed},
};

/// The layers of an image, bottom first.
pub(super) fn layers_of(image: &Image) -> Vec<Layer> {
    let diff_ids = image.config.rootfs.diff_ids.iter();
    let layers = diff_ids.zip(&image.chain).zip(&image.layers);
    layers
        .map(|((diff_id, chain), blob)| Layer {
            diff_id: diff_id.clone(),
            chain: chain.clone(),
            blob: blob.clone(),
            created: String::new(),
        })
        .collect()
}

/// Follows a path in a file system to its end.
pub(super) async fn find(engine: &Engine, on: Option<&ChainId>, path: &str) -> Result<Found> {
    let Some(on) = on.cloned() else {
        let exists = path.trim_matches('/').is_empty();
        return Ok(Found {
            path: terrarium_builder::clean(path),
            is_folder: exists,
            exists,
        });
    };
    let (engine, path) = (engine.clone(), path.to_owned());
    let found = blocking(move || {
        let overlay = folders(&engine, &on)?;
        let layers = Layers::open(overlay.lowerdirs.iter().map(PathBuf::as_path));
        let found = layers.and_then(|layers| layers.resolve(Path::new(&path)));
        found.map_err(|error| {
            Error::new(ErrorCode::InvalidArgument, format!("look for {path:?}")).because(&error)
        })
    });
    let found = found.await?;
    let path = found.path.to_string_lossy().trim_matches('/').to_owned();
    Ok(Found {
        path,
        is_folder: found.is_folder == Some(true),
        exists: found.is_folder.is_some(),
    })
}

/// The numbers of `user[:group]`.
pub(super) async fn owner(engine: &Engine, on: Option<&ChainId>, user: &str) -> Result<(u32, u32)> {
    let (engine, on, user) = (engine.clone(), on.cloned(), user.to_owned());
    blocking(move || {
        let known = match &on {
            Some(on) => databases(&folders(&engine, on)?)?,
            None => Databases::default(),
        };
        known.owner(&user)
    })
    .await
}

/// The files of layers, bottom first.
pub(super) async fn files(engine: &Engine, all: &[Layer]) -> Result<Arc<Files>> {
    let (store, all) = (engine.store().clone(), all.to_vec());
    blocking(move || {
        let mut tars = Vec::new();
        for layer in &all {
            let blob = store.content().blob(&layer.blob.digest);
            let blob = blob.map_err(|error| store_failed("open a layer", &error))?;
            tars.push(layers::plain(blob.file).map_err(unreadable)?);
        }
        Files::of_tars(tars).map(Arc::new).map_err(unreadable)
    })
    .await
}

/// The folders of a file system, topmost first.
fn folders(engine: &Engine, on: &ChainId) -> Result<Overlay> {
    let mounts = engine.store().snapshots().mounts(&Name::from(on));
    mounts.map_err(|error| store_failed("look into a layer", &error))
}

fn unreadable(error: std::io::Error) -> Error {
    Error::new(ErrorCode::InvalidArgument, "read the files of a layer").because(&error)
}
