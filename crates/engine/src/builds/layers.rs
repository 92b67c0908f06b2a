//! Tars into layers, and layers into tars.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    ops::ControlFlow,
    os::unix::fs::FileExt as _,
};

use bzip2::read::MultiBzDecoder;
use flate2::{Compression, GzBuilder, read::MultiGzDecoder};
use lzma_rust2::XzReader;
use terrarium_api::{Error, ErrorCode};
use terrarium_builder::Layer;
use terrarium_oci::{self as oci, Algorithm, ChainId, Descriptor, DiffId, Hasher, MediaType};
use terrarium_store::{Lease, Store, WantedLayer};

use super::stubs::tempfile;
use crate::{Result, images::store_failed};

/// Fast rather than small: a build waits for it, and pushing can be done in the meantime.
const LEVEL: u32 = 3;

/// What `xz -9` needs, and the most that an archive may ask for.
const XZ_MEMORY_KIB: u32 = 80 << 10;

/// The plain bytes of a compressed stream; nothing for a compression that is not known.
pub(super) fn inflate<'a>(
    name: &str,
    source: Box<dyn Read + Send + 'a>,
) -> Option<Box<dyn Read + 'a>> {
    match name {
        "gzip" => Some(Box::new(MultiGzDecoder::new(source))),
        "bzip2" => Some(Box::new(MultiBzDecoder::new(source))),
        "xz" => Some(Box::new(XzReader::new_mem_limit(
            source,
            true,
            XZ_MEMORY_KIB,
        ))),
        "zstd" => zstd::stream::read::Decoder::new(source)
            .ok()
            .map(|plain| Box::new(plain) as Box<dyn Read>),
        _ => None,
    }
}

/// A tar that is not compressed, from one that may be.
pub(super) fn plain(file: File) -> io::Result<File> {
    let mut start = [0; 6];
    let read = file.read_at(&mut start, 0)?;
    let Some(name) = terrarium_builder::compression(&start[..read]) else {
        return rewound(file);
    };
    let mut source = rewound(file)?;
    let mut out = tempfile()?;
    let plain = inflate(name, Box::new(&mut source));
    io::copy(&mut plain.ok_or(io::ErrorKind::InvalidData)?, &mut out)?;
    rewound(out)
}

fn rewound(mut file: File) -> io::Result<File> {
    file.rewind()?;
    Ok(file)
}

/// Makes a layer of a tar: its blob, compressed, and its snapshot, both at the same time. Blocks.
pub(super) fn keep(
    store: &Store,
    on: Option<&ChainId>,
    mut tar: File,
    lease: &Lease,
) -> Result<Layer> {
    let io = |error: io::Error| Error::new(ErrorCode::Internal, "read a new layer").because(&error);
    let diff_id = hash(&mut tar).map_err(io)?;
    let chain = ChainId::on(on, &diff_id);
    let blob = std::thread::scope(|scope| {
        let compressed = scope.spawn(|| compress(store, &tar, lease));
        let unpacked = unpack(store, &chain, on, &mut At { file: &tar, at: 0 }, lease);
        let blob = compressed.join().expect("compressing does not panic");
        unpacked.and(blob)
    })?;
    Ok(Layer {
        diff_id,
        chain,
        blob,
        created: String::new(),
    })
}

fn hash(tar: &mut File) -> io::Result<DiffId> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    io::copy(&mut At { file: tar, at: 0 }, &mut hasher)?;
    Ok(DiffId(hasher.finish()))
}

fn compress(store: &Store, tar: &File, lease: &Lease) -> Result<Descriptor> {
    let failed = |error: &terrarium_store::Error| store_failed("keep a new layer", error);
    let io =
        |error: io::Error| Error::new(ErrorCode::Internal, "compress a new layer").because(&error);
    let writer = store.content().writer().map_err(|error| failed(&error))?;
    // Neither a name nor a time is in the header, so the same tar gives the same blob.
    let mut gzip = GzBuilder::new().mtime(0).write(
        io::BufWriter::with_capacity(1 << 18, writer),
        Compression::new(LEVEL),
    );
    io::copy(&mut At { file: tar, at: 0 }, &mut gzip).map_err(io)?;
    let mut buffered = gzip.finish().map_err(io)?;
    buffered.flush().map_err(io)?;
    let writer = buffered
        .into_inner()
        .map_err(|error| io(error.into_error()))?;
    let (digest, size_bytes) = writer.commit(lease).map_err(|error| failed(&error))?;
    let kind = MediaType::OciLayer(oci::Compression::Gzip);
    Ok(Descriptor::new(kind, digest, size_bytes))
}

/// Makes the snapshot of a layer where it is not there. Blocks.
pub(super) fn unpack(
    store: &Store,
    chain: &ChainId,
    on: Option<&ChainId>,
    source: &mut (impl Read + Send),
    lease: &Lease,
) -> Result<()> {
    let unpacked = || -> terrarium_store::Result<()> {
        match store.snapshots().want_layer(chain, on, lease)? {
            WantedLayer::Present => Ok(()),
            WantedLayer::Missing(work) => {
                let report = work.unpack(source, |_| ControlFlow::Continue(()))?;
                work.commit(&report)
            }
        }
    };
    unpacked().map_err(|error| store_failed("unpack a new layer", &error))
}

/// Reads a shared file by position.
pub(super) struct At<'a> {
    pub(super) file: &'a File,
    pub(super) at: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
