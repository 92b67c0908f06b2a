//! A small image for two platforms, with layers of bytes that mean nothing to a registry.

use std::path::Path;
use std::process::Command;

use terrarium_oci::{
    Compression, Descriptor, DiffId, Digest, ExecConfig, ImageConfig, Index, Manifest, MediaType,
    Platform, RootFs,
};

pub(crate) struct Image {
    pub(crate) index: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) config: Vec<u8>,
    pub(crate) layer: Vec<u8>,
    blobs: Vec<(MediaType, Vec<u8>)>,
}

/// The larger of the layers: enough for a connection to break in the middle.
pub(crate) const LAYER_BYTES: usize = 3 << 20;

impl Image {
    pub(crate) fn new() -> Self {
        let mut layer = noise(LAYER_BYTES);
        // With the beginning of a gzip file, skopeo takes it for one and leaves it as it is.
        layer[..3].copy_from_slice(&[0x1f, 0x8b, 8]);
        let mut blobs = vec![(MediaType::OciLayer(Compression::Gzip), layer.clone())];
        let mut entries = Vec::new();
        let mut amd64 = (Vec::new(), Vec::new());
        for name in ["linux/amd64", "linux/arm64"] {
            let platform: Platform = name.parse().unwrap();
            let config = config(&platform, &layer);
            let manifest = Manifest::new(
                Descriptor::of(MediaType::OciConfig, &config),
                vec![Descriptor::of(
                    MediaType::OciLayer(Compression::Gzip),
                    &layer,
                )],
            );
            let manifest = manifest.to_bytes();
            let entry = Descriptor::of(MediaType::OciManifest, &manifest);
            entries.push(Descriptor {
                platform: Some(platform),
                ..entry
            });
            blobs.push((MediaType::OciConfig, config.clone()));
            blobs.push((MediaType::OciManifest, manifest.clone()));
            if name == "linux/amd64" {
                amd64 = (manifest, config);
            }
        }
        let index = Index::new(entries).to_bytes();
        Self {
            index,
            manifest: amd64.0,
            config: amd64.1,
            layer,
            blobs,
        }
    }

    pub(crate) fn layer_descriptor(&self) -> Descriptor {
        Descriptor::of(MediaType::OciLayer(Compression::Gzip), &self.layer)
    }

    pub(crate) fn config_descriptor(&self) -> Descriptor {
        Descriptor::of(MediaType::OciConfig, &self.config)
    }

    pub(crate) fn index_digest(&self) -> Digest {
        Digest::sha256_of(&self.index)
    }

    /// Writes an OCI layout and has skopeo push it.
    pub(crate) fn push(&self, folder: &Path, to: &str, extra: &[&str]) {
        let blobs = folder.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        let root = (MediaType::OciIndex, self.index.clone());
        for (_, bytes) in self.blobs.iter().chain([&root]) {
            std::fs::write(blobs.join(Digest::sha256_of(bytes).hex()), bytes).unwrap();
        }
        let mut descriptor = Descriptor::of(root.0, &root.1);
        descriptor
            .annotations
            .insert("org.opencontainers.image.ref.name".into(), "x".into());
        std::fs::write(
            folder.join("index.json"),
            Index::new(vec![descriptor]).to_bytes(),
        )
        .unwrap();
        std::fs::write(
            folder.join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .unwrap();
        let source = format!("oci:{}:x", folder.display());
        let output = Command::new("skopeo")
            .args(["--insecure-policy", "copy", "--all", "--quiet"])
            .args(extra)
            .args([&source, &format!("docker://{to}")])
            .output()
            .expect("skopeo is installed");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

fn config(platform: &Platform, layer: &[u8]) -> Vec<u8> {
    let config = ImageConfig {
        platform: platform.clone(),
        config: ExecConfig {
            cmd: vec!["/bin/sh".into()],
            ..ExecConfig::default()
        },
        rootfs: RootFs::new(vec![DiffId(Digest::sha256_of(layer))]),
        ..ImageConfig::default()
    };
    config.to_bytes()
}

/// Bytes that look random and are the same every time.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    })
    .take(count)
    .collect()
}
