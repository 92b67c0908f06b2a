//! Layers that are made here, of a tar.

use std::io::{BufRead, Read, Write};

use terrarium_oci::{Compression, Descriptor, DiffId, MediaType};

use crate::Store;
use crate::error::{Context, Error, Result};
use crate::layer::{self, ParallelGzip, Source};
use crate::lease::Lease;

impl Store {
    /// Keeps a tar, plain or compressed, as a layer held by `lease`. The same tar gives the same blob,
    /// however it came; whether it is a tar at all turns out when it is unpacked.
    ///
    /// # Errors
    /// [`Error::Archive`] if it does not decompress; when the blob cannot be written.
    pub fn take_layer(
        &self,
        tar: impl Read + Send + 'static,
        lease: &Lease,
    ) -> Result<(Descriptor, DiffId)> {
        let mut source = Source::open(tar);
        let mut gzip = ParallelGzip::new(self.content.writer()?);
        loop {
            let piece = source.fill_buf();
            let piece = piece.map_err(|error| Error::Archive(layer::Error::Stream(error)))?;
            if piece.is_empty() {
                break;
            }
            let len = piece.len();
            let written = gzip.write_all(piece);
            written.context("write layer into", &self.content.root)?;
            source.consume(len);
        }
        let summary = source.finish().map_err(Error::Archive)?;
        let writer = gzip.finish();
        let writer = writer.context("write layer into", &self.content.root)?;
        let (digest, size_bytes) = writer.commit(lease)?;
        let media_type = MediaType::OciLayer(Compression::Gzip);
        let blob = Descriptor::new(media_type, digest, size_bytes);
        Ok((blob, DiffId(summary.diff_id)))
    }
}
