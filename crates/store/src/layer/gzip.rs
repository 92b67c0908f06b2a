//! Compression on all processors, whose output does not depend on how many there are.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::num::NonZero;
use std::thread::{self, JoinHandle};

use flate2::Compression;
use flate2::write::GzEncoder;

/// So much becomes one member of the gzip file (RFC 1952, 2.2). Smaller ones cost ratio, larger ones
/// memory; it decides the digest of every layer that is made here, so it is not to be changed.
const BLOCK_BYTES: usize = 1 << 20;

/// Writes gzip in blocks that are compressed beside each other and written in order.
///
/// Every reader of gzip takes the members for one stream. Memory is bounded by two blocks for each
/// thread.
#[derive(Debug)]
pub struct ParallelGzip<W> {
    sink: W,
    block: Vec<u8>,
    running: VecDeque<JoinHandle<io::Result<Vec<u8>>>>,
    threads: usize,
    wrote: bool,
}

impl<W: Write> ParallelGzip<W> {
    /// Compresses with as many threads as there are processors.
    pub fn new(sink: W) -> Self {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        Self::with_threads(sink, threads)
    }

    /// Compresses with up to `threads` threads.
    pub fn with_threads(sink: W, threads: usize) -> Self {
        Self {
            sink,
            block: Vec::with_capacity(BLOCK_BYTES),
            running: VecDeque::new(),
            threads: threads.max(1),
            wrote: false,
        }
    }

    /// Writes what is left and gives the sink back.
    ///
    /// # Errors
    /// What the sink says.
    pub fn finish(mut self) -> io::Result<W> {
        // Nothing at all is a member as well; an empty file is no gzip.
        if !self.block.is_empty() || !self.wrote {
            self.start_block()?;
        }
        while self.write_oldest()? {}
        self.sink.flush()?;
        Ok(self.sink)
    }

    fn start_block(&mut self) -> io::Result<()> {
        if self.running.len() >= self.threads {
            self.write_oldest()?;
        }
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK_BYTES));
        let compress = thread::Builder::new().name("gzip".into());
        self.running
            .push_back(compress.spawn(move || member(&block))?);
        self.wrote = true;
        Ok(())
    }

    fn write_oldest(&mut self) -> io::Result<bool> {
        let Some(oldest) = self.running.pop_front() else {
            return Ok(false);
        };
        let ended = oldest.join();
        let bytes = ended.map_err(|_| io::Error::other("the compression stopped"))??;
        self.sink.write_all(&bytes)?;
        Ok(true)
    }
}

impl<W: Write> Write for ParallelGzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(BLOCK_BYTES - self.block.len());
        self.block.extend_from_slice(&bytes[..len]);
        if self.block.len() == BLOCK_BYTES {
            self.start_block()?;
        }
        Ok(len)
    }

    /// Nothing: a block that is cut here would make the output depend on who flushes when.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn member(block: &[u8]) -> io::Result<Vec<u8>> {
    // Its header has no time and no name.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(block)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::MultiGzDecoder;

    use super::*;

    fn compress(bytes: &[u8], threads: usize, piece: usize) -> Vec<u8> {
        let mut gzip = ParallelGzip::with_threads(Vec::new(), threads);
        for piece in bytes.chunks(piece) {
            gzip.write_all(piece).expect("compress");
            gzip.flush().expect("flush");
        }
        gzip.finish().expect("finish")
    }

    #[test]
    fn the_output_depends_only_on_the_input() {
        let numbers = (0..900_000_u32).flat_map(|n| (n.wrapping_mul(n) >> 9).to_le_bytes());
        let all: Vec<u8> = numbers.collect();
        for len in [0, 1, BLOCK_BYTES, BLOCK_BYTES + 1, all.len()] {
            let bytes = &all[..len];
            let expect = compress(bytes, 1, 4096);
            for (threads, piece) in [(2, 100_000), (8, 7_777_777)] {
                assert!(compress(bytes, threads, piece) == expect, "{len} {threads}");
            }
            let mut back = Vec::new();
            let mut decoder = MultiGzDecoder::new(expect.as_slice());
            decoder.read_to_end(&mut back).expect("decompress");
            assert!(back == bytes, "{len}");
        }
    }

    #[test]
    fn a_sink_that_is_full_is_an_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut gzip = ParallelGzip::with_threads(Full, 2);
        let wrote = gzip.write_all(&vec![0; 10 * BLOCK_BYTES]);
        let error = wrote
            .and_then(|()| gzip.finish().map(drop))
            .expect_err("full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
