//! Images made in memory.

use std::io::Write as _;

use flate2::{Compression as Level, write::GzEncoder};
use tar::{Builder, EntryType, Header};
use terrarium_oci::{
    Compression, Descriptor, DiffId, Digest, Document, HistoryEntry, ImageConfig, Index, Manifest,
    MediaType, Platform, RootFs,
};

/// A layer as a registry serves it.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) blob: Vec<u8>,
    pub(crate) diff_id: DiffId,
}

impl Layer {
    /// A layer with these files.
    pub(crate) fn of(files: &[(&str, &[u8])]) -> Self {
        let mut tar = Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = header(content.len());
            tar.append_data(&mut header, path, *content).unwrap();
        }
        Self::of_tar(&tar.into_inner().unwrap())
    }

    /// A layer with one file whose path is written as it is, however bad it is.
    pub(crate) fn with_raw_path(path: &str) -> Self {
        let mut header = header(1);
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        let mut tar = header.as_bytes().to_vec();
        tar.extend([b'x'; 1]);
        tar.resize(512 * 4, 0);
        Self::of_tar(&tar)
    }

    /// A layer of these bytes, which need not be a tar.
    pub(crate) fn of_tar(tar: &[u8]) -> Self {
        let mut gzip = GzEncoder::new(Vec::new(), Level::fast());
        gzip.write_all(tar).unwrap();
        Self {
            blob: gzip.finish().unwrap(),
            diff_id: DiffId(Digest::sha256_of(tar)),
        }
    }

    pub(crate) fn descriptor(&self) -> Descriptor {
        Descriptor::of(MediaType::OciLayer(Compression::Gzip), &self.blob)
    }
}

fn header(size: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// An image for this machine, with an index around its manifest.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) index: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) config: Vec<u8>,
    pub(crate) layers: Vec<Layer>,
}

impl Image {
    pub(crate) fn of(layers: &[Layer]) -> Self {
        Self::with_diff_ids(
            layers,
            layers.iter().map(|layer| layer.diff_id.clone()).collect(),
        )
    }

    /// An image whose config may lie about its layers.
    pub(crate) fn with_diff_ids(layers: &[Layer], diff_ids: Vec<DiffId>) -> Self {
        Self::made(
            layers,
            diff_ids,
            Platform::new("linux", std::env::consts::ARCH).normalized(),
        )
    }

    /// An image for another platform.
    pub(crate) fn for_platform(layers: &[Layer], platform: &str) -> Self {
        let diff_ids = layers.iter().map(|layer| layer.diff_id.clone()).collect();
        Self::made(layers, diff_ids, platform.parse().unwrap())
    }

    /// Puts another image into the index of this one.
    pub(crate) fn beside(mut self, other: &Self) -> Self {
        let index = |image: &Self| match Document::parse(None, &image.index).unwrap() {
            Document::Index(index) => index.manifests,
            Document::Manifest(_) => unreachable!("an index was written"),
        };
        self.index = Index::new([index(&self), index(other)].concat()).to_bytes();
        self
    }

    fn made(layers: &[Layer], diff_ids: Vec<DiffId>, platform: Platform) -> Self {
        let history = (1..=layers.len()).map(|number| HistoryEntry {
            created_by: Some(format!("COPY {number} /")),
            ..HistoryEntry::default()
        });
        let config = ImageConfig {
            created: Some("2026-01-02T03:04:05Z".into()),
            platform: platform.clone(),
            rootfs: RootFs::new(diff_ids),
            history: history.collect(),
            ..ImageConfig::default()
        };
        let config = config.to_bytes();
        let blobs = layers.iter().map(Layer::descriptor).collect();
        let manifest =
            Manifest::new(Descriptor::of(MediaType::OciConfig, &config), blobs).to_bytes();
        let entry = Descriptor {
            platform: Some(platform),
            ..Descriptor::of(MediaType::OciManifest, &manifest)
        };
        let index = Index::new(vec![entry]).to_bytes();
        Self {
            index,
            manifest,
            config,
            layers: layers.to_vec(),
        }
    }

    /// The image's id.
    pub(crate) fn id(&self) -> String {
        Digest::sha256_of(&self.config).to_string()
    }
}

/// Bytes that do not compress and are the same every time.
pub(crate) fn noise(count: usize) -> Vec<u8> {
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
