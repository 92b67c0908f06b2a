//! The stream of a layer: decompressed in one thread, hashed in another, unpacked by the caller.
//!
//! Inflating takes most of the time of a pull, so nothing else may wait in its thread. The pieces
//! are shared, not copied, and their buffers go round.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use flate2::bufread::MultiGzDecoder;
use terrarium_oci::{Algorithm, Digest, Hasher};

use super::error::{Error, Result};

/// Large enough that handing over costs nothing, small enough for the second-level cache.
const CHUNK_BYTES: usize = 256 * 1024;

/// So many chunks may wait for the hash or the disk: 4 MiB.
const CHUNKS_AHEAD: usize = 16;

/// The uncompressed tar of a layer, whatever it came as.
#[derive(Debug)]
pub struct Source {
    chunks: Receiver<io::Result<Arc<Chunk>>>,
    current: Option<Arc<Chunk>>,
    position: usize,
    tar_bytes: u64,
    compressed: Arc<AtomicU64>,
    hasher: JoinHandle<Digest>,
}

/// What the stream turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The digest of the uncompressed tar.
    pub diff_id: Digest,
    /// Its size.
    pub tar_bytes: u64,
}

/// A piece of the tar; its buffer returns to the pool when both readers are done.
#[derive(Debug)]
struct Chunk {
    bytes: Vec<u8>,
    pool: SyncSender<Vec<u8>>,
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // A full or closed pool lets the buffer go.
        let _ = self.pool.try_send(std::mem::take(&mut self.bytes));
    }
}

impl Source {
    /// Starts to decompress: gzip, zstd, or a plain tar, told by the first bytes. What a manifest
    /// says about the compression is often wrong, and a wrong guess only fails.
    pub fn open(reader: impl Read + Send + 'static) -> Self {
        let (to_caller, chunks) = sync_channel(CHUNKS_AHEAD);
        let (to_hasher, hashed) = sync_channel::<Arc<Chunk>>(CHUNKS_AHEAD);
        let compressed = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            reader,
            count: Arc::clone(&compressed),
        };
        let hasher = thread::spawn(move || hash(&hashed));
        thread::spawn(move || {
            let result = decompress(counted).and_then(|tar| pump(tar, &to_caller, &to_hasher));
            if let Err(error) = result {
                // A caller that is gone does not want to know.
                let _ = to_caller.send(Err(error));
            }
        });
        Self {
            chunks,
            current: None,
            position: 0,
            tar_bytes: 0,
            compressed,
            hasher,
        }
    }

    /// Bytes of the tar, and of the stream it comes from, so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.tar_bytes, self.compressed.load(Ordering::Relaxed))
    }

    /// What the stream was; to be asked at its end.
    ///
    /// # Errors
    /// [`Error::Stream`] if the stream breaks behind the end of the tar.
    pub fn finish(mut self) -> Result<Summary> {
        io::copy(&mut self, &mut io::sink()).map_err(Error::Stream)?;
        let Self {
            tar_bytes, hasher, ..
        } = self;
        match hasher.join() {
            Ok(diff_id) => Ok(Summary { diff_id, tar_bytes }),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let used_up = |chunk: &Arc<Chunk>| self.position == chunk.bytes.len();
        if self.current.as_ref().is_none_or(used_up) {
            self.position = 0;
            self.current = self.chunks.recv().ok().transpose()?;
        }
        let Some(chunk) = &self.current else {
            return Ok(&[]);
        };
        Ok(&chunk.bytes[self.position..])
    }

    fn consume(&mut self, len: usize) {
        self.position += len;
        self.tar_bytes += len as u64;
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.fill_buf()?.read(buffer)?;
        self.consume(len);
        Ok(len)
    }
}

fn hash(chunks: &Receiver<Arc<Chunk>>) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    while let Ok(chunk) = chunks.recv() {
        hasher.update(&chunk.bytes);
    }
    hasher.finish()
}

fn pump(
    mut tar: Box<dyn Read>,
    to_caller: &SyncSender<io::Result<Arc<Chunk>>>,
    to_hasher: &SyncSender<Arc<Chunk>>,
) -> io::Result<()> {
    let (pool, returned) = sync_channel(CHUNKS_AHEAD);
    loop {
        let mut bytes: Vec<u8> = returned.try_recv().unwrap_or_default();
        bytes.resize(CHUNK_BYTES, 0);
        let len = read_full(&mut tar, &mut bytes)?;
        if len == 0 {
            return Ok(());
        }
        bytes.truncate(len);
        let chunk = Arc::new(Chunk {
            bytes,
            pool: pool.clone(),
        });
        let gone = to_hasher.send(Arc::clone(&chunk)).is_err();
        if to_caller.send(Ok(chunk)).is_err() || gone {
            return Ok(());
        }
    }
}

/// Fills the buffer unless the stream ends: decoders give a little at a time.
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(len) => filled += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn decompress(reader: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut magic = [0_u8; 6];
    let mut reader = BufReader::with_capacity(CHUNK_BYTES, reader);
    let len = read_full(&mut reader, &mut magic)?;
    let whole = io::Cursor::new(magic[..len].to_vec()).chain(reader);
    let unsupported = |name: &'static str| {
        let error = Error::Compression(name);
        Err(io::Error::new(io::ErrorKind::Unsupported, error))
    };
    match magic {
        [0x1f, 0x8b, ..] => Ok(Box::new(MultiGzDecoder::new(whole))),
        // A zstd frame, or one to be skipped, which zstd:chunked starts and ends with.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Ok(Box::new(zstd::Decoder::with_buffer(whole)?))
        }
        [b'B', b'Z', b'h', ..] => unsupported("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => unsupported("xz"),
        _ => Ok(Box::new(whole)),
    }
}

/// Counts what is taken from the stream, for the ratio.
struct Counted<R> {
    reader: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.reader.read(buffer)?;
        self.count.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use terrarium_oci::Digest;

    use super::Source;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("compress");
        encoder.finish().expect("compress")
    }

    fn check(stream: Vec<u8>, expect: &[u8]) {
        let mut source = Source::open(Cursor::new(stream));
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).expect("reads");
        assert!(bytes == expect);
        let summary = source.finish().expect("finishes");
        assert_eq!(summary.diff_id, Digest::sha256_of(expect));
        assert_eq!(summary.tar_bytes, expect.len() as u64);
    }

    #[test]
    fn every_compression_yields_the_same_bytes_and_digest() {
        let plain: Vec<u8> = (0..1_000_000_u32)
            .map(|n| (n.wrapping_mul(n) >> 7) as u8)
            .collect();
        check(plain.clone(), &plain);
        check(gzip(&plain), &plain);
        check(
            zstd::encode_all(plain.as_slice(), 1).expect("compress"),
            &plain,
        );
        let (head, tail) = plain.split_at(400_000);
        check([gzip(head), gzip(tail)].concat(), &plain);
        let frame = |bytes| zstd::encode_all(bytes, 1).expect("compress");
        let skipped = [
            &[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..],
            &frame(tail),
        ]
        .concat();
        check([frame(head), skipped].concat(), &plain);
        check(Vec::new(), &[]);
    }

    #[test]
    fn a_stream_that_ends_early_is_an_error() {
        let plain = vec![7_u8; 300_000];
        let zstd = zstd::encode_all(plain.as_slice(), 1).expect("compress");
        for whole in [gzip(&plain), zstd] {
            let cut = whole[..whole.len() - 3].to_vec();
            let mut source = Source::open(Cursor::new(cut));
            assert!(source.read_to_end(&mut Vec::new()).is_err());
        }
        let source = Source::open(Cursor::new(b"BZh91AY".to_vec()));
        assert!(source.finish().is_err());
    }
}
