//! Bytes on disk, walked on demand.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use nix::sys::statvfs::statvfs;
use terrarium_api::{DiskUsage, ImageSummary};
use terrarium_store::{Kind, Store};

use crate::{Engine, Result, blocking::blocking, error::Context as _, images::store_failed};

impl Engine {
    /// Bytes on disk: layers each once, and what sharing them saves.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn disk_usage(&self) -> Result<DiskUsage> {
        let store = self.inner.images.store.clone();
        let data_root = self.config().data_root.clone();
        let images = self.images().await?;
        blocking(move || measure(&store, &data_root, &images)).await
    }

    /// Bytes of every volume, by name; walked now.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn volume_sizes(&self) -> Result<BTreeMap<String, u64>> {
        let store = self.inner.images.store.clone();
        let volumes = self.volumes().await?;
        blocking(move || {
            let measured = volumes.into_iter().map(|volume| {
                let size = store.measure_tree(Path::new(&volume.mountpoint));
                let failed =
                    |error| store_failed(format!("measure volume {}", volume.name), &error);
                Ok((volume.name.clone(), size.map_err(failed)?.disk_bytes))
            });
            measured.collect()
        })
        .await
    }
}

fn measure(store: &Store, data_root: &Path, images: &[ImageSummary]) -> Result<DiskUsage> {
    let failed = |what: &str| {
        let what = format!("measure {what}");
        move |error| store_failed(what, &error)
    };
    let (mut layers_bytes, mut containers_bytes) = (0, 0);
    for snapshot in store.snapshots().list() {
        match (snapshot.kind, snapshot.size) {
            (Kind::Committed, Some(size)) => layers_bytes += size.disk_bytes,
            _ => {
                let usage = store.snapshots().usage(&snapshot.name);
                containers_bytes += usage.map_err(failed("a writable layer"))?.disk_bytes;
            }
        }
    }
    let blobs = store
        .measure_tree(&data_root.join("content"))
        .map_err(failed("the blobs"))?;
    let volumes = data_root.join("volumes");
    let volumes_bytes = if volumes.exists() {
        store
            .measure_tree(&volumes)
            .map_err(failed("the volumes"))?
            .disk_bytes
    } else {
        0
    };
    let free = statvfs(data_root).context(|| format!("measure {}", data_root.display()))?;
    Ok(DiskUsage {
        layers_bytes,
        blobs_bytes: blobs.disk_bytes,
        containers_bytes,
        volumes_bytes,
        shared_bytes: shared(images),
        free_bytes: free.blocks_available().saturating_mul(free.fragment_size()),
    })
}

/// What all images would need, each on its own, over what their layers need once.
fn shared(images: &[ImageSummary]) -> u64 {
    let alone: u64 = images.iter().map(|image| image.size_bytes).sum();
    let layers = images.iter().flat_map(|image| &image.layers);
    let once: BTreeSet<(&str, u64)> = layers
        .map(|layer| (layer.chain_id.as_str(), layer.size_bytes))
        .collect();
    alone.saturating_sub(once.iter().map(|(_, size)| size).sum())
}

#[cfg(test)]
mod tests {
    use terrarium_api::LayerMark;

    use super::*;

    fn image(layers: &[(&str, u64)]) -> ImageSummary {
        let mark = |(chain_id, size_bytes): &(&str, u64)| LayerMark {
            chain_id: (*chain_id).into(),
            size_bytes: *size_bytes,
        };
        ImageSummary {
            id: String::new(),
            manifest_digest: String::new(),
            references: Vec::new(),
            repo_digests: Vec::new(),
            created_at_ms: None,
            size_bytes: layers.iter().map(|(_, size)| size).sum(),
            unique_bytes: 0,
            compressed_bytes: 0,
            platform: String::new(),
            layers: layers.iter().map(mark).collect(),
            used_by: Vec::new(),
            labels: Default::default(),
        }
    }

    #[test]
    fn a_layer_of_three_images_saves_twice_its_size() {
        let images = [
            image(&[("a", 10), ("b", 1)]),
            image(&[("a", 10)]),
            image(&[("a", 10), ("c", 2)]),
        ];
        assert_eq!(shared(&images), 20);
    }
}
