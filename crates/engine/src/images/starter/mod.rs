//! The starter image: made here, from this machine's own busybox, so that a first container runs
//! without a network. The same busybox gives the same bytes, and so the same digests.

mod busybox;
mod contents;

use std::{io::Write as _, sync::Arc};

use flate2::{Compression, GzBuilder};
use terrarium_api::{ActivityKind, Error, ErrorCode, ImageSummary, Traced};
use terrarium_oci::{
    self as oci, ChainId, Descriptor, DiffId, Digest, ExecConfig, HistoryEntry, ImageConfig,
    Manifest, MediaType, Platform, RootFs,
};
use terrarium_store::{Lease, Store};

use self::{busybox::Busybox, contents::Layer};
use super::{keep, names::point, pull::lease, store_failed};
use crate::{Engine, Result, Tracer, blocking::blocking, error::Wrap as _};

/// The name of the starter image.
pub(crate) const NAME: &str = "terrarium/hello:1";

impl Engine {
    /// Makes the starter image from this machine's own busybox.
    ///
    /// # Errors
    /// `Unsupported` without a static busybox, or what could not be written.
    pub async fn make_starter_image(&self) -> Result<Traced<ImageSummary>> {
        let running = self
            .activities()
            .begin(ActivityKind::MakeStarterImage, NAME);
        let result = self.make_starter().await;
        running.end(result.wrap(|| format!("make {NAME}")))
    }

    async fn make_starter(&self) -> Result<Traced<ImageSummary>> {
        let mut tracer = Tracer::new(
            "image.make_starter",
            NAME,
            format!("docker build --tag {NAME} ."),
        );
        let built = tracer
            .step(
                "write layers",
                "busybox",
                blocking(|| build(&Busybox::find()?)),
            )
            .await?;
        let lease = Arc::new(lease(&self.inner.images.store).await?);
        let (inner, held) = (Arc::clone(&self.inner), Arc::clone(&lease));
        let work = blocking(move || store_all(&inner.images.store, &built, &held));
        let root = tracer.step("unpack", "layers", work).await?;
        let inner = Arc::clone(&self.inner);
        let work = blocking(move || {
            let _naming = inner.images.naming();
            let name = super::names::parse(NAME)?.canonical();
            point(&inner.images.store, &name, &root.manifest)?;
            Ok(root.id)
        });
        let id = tracer.step("write reference", NAME, work).await?;
        drop(lease);
        self.image_event("tag", id.as_str(), NAME);
        let summary = self.published_image(id.as_str()).await?;
        Ok(tracer.finish(summary))
    }
}

/// An image as bytes.
struct Built {
    layers: Vec<(Descriptor, Vec<u8>)>,
    diff_ids: Vec<DiffId>,
    config: Vec<u8>,
}

/// An image in the store.
struct Kept {
    id: Digest,
    manifest: Descriptor,
}

fn build(busybox: &Busybox) -> Result<Built> {
    let (mut layers, mut diff_ids, mut history) = (Vec::new(), Vec::new(), Vec::new());
    let created = busybox.created();
    let entry = |instruction: &str, empty_layer: bool| HistoryEntry {
        created: Some(created.clone()),
        created_by: Some(instruction.to_owned()),
        comment: Some("terrarium".to_owned()),
        empty_layer,
        ..HistoryEntry::default()
    };
    for Layer { instruction, tar } in contents::layers(busybox)? {
        diff_ids.push(DiffId(Digest::sha256_of(&tar)));
        let blob = compress(&tar)?;
        let kind = MediaType::OciLayer(oci::Compression::Gzip);
        layers.push((Descriptor::of(kind, &blob), blob));
        history.push(entry(instruction, false));
    }
    history.push(entry(&format!("ENV PATH={}", contents::PATH), true));
    history.push(entry(r#"CMD ["/usr/bin/hello"]"#, true));
    let config = ImageConfig {
        created: Some(created.clone()),
        author: Some("Terrarium".to_owned()),
        platform: Platform::new("linux", std::env::consts::ARCH).normalized(),
        config: ExecConfig {
            env: vec![format!("PATH={}", contents::PATH)],
            cmd: vec!["/usr/bin/hello".to_owned()],
            ..ExecConfig::default()
        },
        rootfs: RootFs::new(diff_ids.clone()),
        history,
    };
    Ok(Built {
        layers,
        diff_ids,
        config: config.to_bytes(),
    })
}

/// Neither a name nor a time is in the header, so the same tar gives the same blob.
fn compress(tar: &[u8]) -> Result<Vec<u8>> {
    let failed =
        |error: std::io::Error| Error::new(ErrorCode::Internal, "compress a layer").because(&error);
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::default());
    gzip.write_all(tar).map_err(failed)?;
    gzip.finish().map_err(failed)
}

fn store_all(store: &Store, built: &Built, lease: &Lease) -> Result<Kept> {
    let put = |descriptor: &Descriptor, bytes: &[u8]| {
        let put = store.content().put(descriptor, bytes, lease);
        put.map_err(|error| store_failed(format!("keep {}", descriptor.digest), &error))
    };
    let chain = ChainId::all(&built.diff_ids);
    for (number, (descriptor, blob)) in built.layers.iter().enumerate() {
        put(descriptor, blob)?;
        let parent = number.checked_sub(1).map(|below| &chain[below]);
        keep::unpack(store, &chain[number], parent, &blob[..], lease)
            .map_err(|error| store_failed(format!("unpack layer {}", number + 1), &error))?;
    }
    let config = Descriptor::of(MediaType::OciConfig, &built.config);
    put(&config, &built.config)?;
    let layers = built
        .layers
        .iter()
        .map(|(descriptor, _)| descriptor.clone())
        .collect();
    let id = config.digest.clone();
    let bytes = Manifest::new(config, layers).to_bytes();
    let manifest = Descriptor::of(MediaType::OciManifest, &bytes);
    put(&manifest, &bytes)?;
    store
        .snapshots()
        .sync()
        .map_err(|error| store_failed("write layers to disk", &error))?;
    Ok(Kept { id, manifest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_busybox_gives_the_same_image() {
        let busybox = Busybox::of_bytes(b"not run here".to_vec(), &["bin/sh", "usr/bin/env"]);
        let (one, two) = (build(&busybox).unwrap(), build(&busybox).unwrap());
        assert_eq!(one.config, two.config);
        assert_eq!(one.layers, two.layers);
        let config = ImageConfig::parse(&one.config).unwrap();
        assert_eq!(config.rootfs.diff_ids.len(), 4);
        let instructions = config
            .steps()
            .into_iter()
            .filter(|step| step.layer.is_some())
            .count();
        assert_eq!(instructions, 4);
    }

    #[test]
    fn a_layer_unpacks_to_the_tar_that_its_diff_id_names() {
        let busybox = Busybox::of_bytes(b"x".to_vec(), &["bin/sh"]);
        let built = build(&busybox).unwrap();
        for ((_, blob), diff_id) in built.layers.iter().zip(&built.diff_ids) {
            let mut tar = Vec::new();
            std::io::copy(&mut flate2::read::GzDecoder::new(&blob[..]), &mut tar).unwrap();
            assert!(diff_id.0.matches(&tar));
            assert!(
                tar::Archive::new(&tar[..])
                    .entries()
                    .unwrap()
                    .all(|entry| entry.is_ok())
            );
        }
    }
}
