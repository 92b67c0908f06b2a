//! Reading a tar stream member by member.
//!
//! The blocks are taken apart with the `tar` crate; the framing is here, because its own iterator
//! reads extended headers of any length into memory and does not know GNU's newer sparse files.
//! Where archives are ambiguous, this reads them as Go's `archive/tar` does, which is what Docker
//! and containerd read with: another reading of the same digest would be another image.

use std::io::{BufRead, ErrorKind};

use tar::{GnuExtSparseHeader, Header};

use super::error::{Error, Result};
use super::header::{Block, MemberKind, Numbers, classify, numbers};
use super::pax::{Pax, PaxSparse};
use super::sparse::{MAX_PARTS, SparseMap, map_from_data};

/// So long a header beyond its block may be (Go: `maxSpecialFileSize`).
const MAX_EXTENSION_BYTES: u64 = 1 << 20;

/// A breach of the format, to which the archive adds where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault(pub(super) &'static str);

/// One member, without its data.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) kind: MemberKind,
    pub(crate) path: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) mtime: (i64, u32),
    pub(super) device: (u32, u32),
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Bytes of data that the archive has.
    pub(super) stored: u64,
    pub(super) sparse: Option<SparseMap>,
}

/// A tar stream.
#[derive(Debug)]
pub(crate) struct Archive<R> {
    reader: R,
    position: u64,
    /// Bytes of data of the current member that were not read yet, and its padding.
    data: u64,
    padding: u64,
}

/// What precedes a member and belongs to it.
#[derive(Debug, Default)]
struct Extensions {
    pax: Option<Pax>,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl<R: BufRead> Archive<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            position: 0,
            data: 0,
            padding: 0,
        }
    }

    /// The stream.
    pub(super) fn source(&self) -> &R {
        &self.reader
    }

    /// The stream, to be finished.
    pub(super) fn into_source(self) -> R {
        self.reader
    }

    /// Bytes that were read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Skips what is left of the current member and reads the header of the next one.
    pub(crate) fn next(&mut self) -> Result<Option<Member>> {
        let mut extensions = Extensions::default();
        loop {
            self.skip_data()?;
            let Some(block) = self.header_block()? else {
                return Ok(None);
            };
            let header = Header::from_byte_slice(&block);
            let size = || {
                header
                    .entry_size()
                    .map_err(|_| Fault("a size does not parse"))
            };
            match classify(&block).map_err(|fault| self.fault(fault))? {
                Block::Zero => return self.end(),
                Block::Member(kind) => {
                    return self.member(header, kind, extensions).map(Some);
                }
                Block::Pax => {
                    let bytes = self.extension(size().map_err(|fault| self.fault(fault))?)?;
                    extensions.pax = Some(Pax::parse(&bytes).map_err(|fault| self.fault(fault))?);
                }
                Block::LongName => {
                    let size = size().map_err(|fault| self.fault(fault))?;
                    extensions.name = Some(until_nul(self.extension(size)?));
                }
                Block::LongLink => {
                    let size = size().map_err(|fault| self.fault(fault))?;
                    extensions.link = Some(until_nul(self.extension(size)?));
                }
                Block::Global | Block::Other => {
                    self.set_data(size().map_err(|fault| self.fault(fault))?);
                    extensions = Extensions::default();
                }
            }
        }
    }

    /// The next bytes of the current member's data, at most `limit` of them; empty at its end.
    /// They are to be taken with [`Archive::consume`].
    pub(crate) fn data(&mut self, limit: u64) -> Result<&[u8]> {
        let want = self.data.min(limit);
        if want == 0 {
            return Ok(&[]);
        }
        let position = self.position;
        let bytes = fill(&mut self.reader)?;
        if bytes.is_empty() {
            return Err(truncated(position));
        }
        let len = bytes.len().min(usize::try_from(want).unwrap_or(usize::MAX));
        Ok(&bytes[..len])
    }

    pub(crate) fn consume(&mut self, len: usize) {
        self.reader.consume(len);
        self.position += len as u64;
        self.data -= len as u64;
    }

    fn member(&mut self, header: &Header, kind: MemberKind, ext: Extensions) -> Result<Member> {
        let parsed = numbers(header, kind).map_err(|fault| self.fault(fault))?;
        let Numbers {
            mode,
            uid,
            gid,
            mtime,
            device,
        } = parsed;
        let pax = ext.pax.unwrap_or_default();
        let stored = match kind {
            // Only files have data, whatever the size says: some tars give one for links.
            MemberKind::File | MemberKind::Sparse => match pax.size {
                Some(size) => size,
                None => header
                    .entry_size()
                    .map_err(|_| self.fault(Fault("a size does not parse")))?,
            },
            _ => 0,
        };
        self.set_data(stored);
        let sparse = match kind {
            MemberKind::Sparse => Some(self.old_sparse_map(header)?),
            MemberKind::File => self.pax_sparse_map(&pax.sparse)?,
            _ => None,
        };
        let sparse_name = pax.sparse.name.filter(|_| sparse.is_some());
        let header_link = || header.link_name_bytes().unwrap_or_default().into_owned();
        let path = ext.name.or(sparse_name).or(pax.path);
        Ok(Member {
            kind: if kind == MemberKind::Sparse {
                MemberKind::File
            } else {
                kind
            },
            path: path.unwrap_or_else(|| header.path_bytes().into_owned()),
            link: ext.link.or(pax.link).unwrap_or_else(header_link),
            mode,
            uid: pax.uid.unwrap_or(uid),
            gid: pax.gid.unwrap_or(gid),
            mtime: pax.mtime.unwrap_or((mtime, 0)),
            device,
            xattrs: pax.xattrs,
            stored: self.data,
            sparse,
        })
    }

    fn pax_sparse_map(&mut self, sparse: &PaxSparse) -> Result<Option<SparseMap>> {
        let Some(real_size) = sparse.real_size else {
            return Ok(None);
        };
        let numbers = if sparse.map_in_data {
            let mut left = self.data;
            let numbers = map_from_data(|| {
                let position = self.position;
                left = left.checked_sub(512).ok_or_else(|| truncated(position))?;
                self.block()
            })?;
            self.data = left;
            numbers
        } else {
            sparse.map.clone()
        };
        let map = SparseMap::new(&numbers, real_size, self.data);
        map.map(Some).map_err(|fault| self.fault(fault))
    }

    fn old_sparse_map(&mut self, header: &Header) -> Result<SparseMap> {
        let fault = self.fault(Fault("the map of a sparse file does not parse"));
        let Some(gnu) = header.as_gnu() else {
            return Err(fault);
        };
        let mut numbers = Vec::new();
        let mut take = |part: &tar::GnuSparseHeader| -> std::io::Result<()> {
            if !part.is_empty() {
                numbers.extend([part.offset()?, part.length()?]);
            }
            Ok(())
        };
        let mut fine = gnu.sparse.iter().try_for_each(&mut take).is_ok();
        let mut more = gnu.is_extended();
        let mut blocks = 0;
        while more && fine && blocks < MAX_PARTS / 21 {
            let mut extended = GnuExtSparseHeader::new();
            extended.as_mut_bytes().copy_from_slice(&self.block()?);
            fine = extended.sparse.iter().try_for_each(&mut take).is_ok();
            more = extended.is_extended();
            blocks += 1;
        }
        let real_size = gnu
            .real_size()
            .ok()
            .filter(|_| fine && !more)
            .ok_or(fault)?;
        SparseMap::new(&numbers, real_size, self.data).map_err(|fault| self.fault(fault))
    }

    fn header_block(&mut self) -> Result<Option<[u8; 512]>> {
        // An archive that ends without its two zero blocks is accepted, as everywhere.
        if fill(&mut self.reader)?.is_empty() {
            return Ok(None);
        }
        self.block().map(Some)
    }

    fn block(&mut self) -> Result<[u8; 512]> {
        let mut block = [0_u8; 512];
        let read = self.reader.read_exact(&mut block);
        read.map_err(|error| early_end(error, self.position))?;
        self.position += 512;
        Ok(block)
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > MAX_EXTENSION_BYTES {
            return Err(self.fault(Fault("a header is longer than 1 MiB")));
        }
        self.set_data(size);
        let mut bytes = vec![0_u8; usize::try_from(size).expect("at most 1 MiB")];
        let read = self.reader.read_exact(&mut bytes);
        read.map_err(|error| early_end(error, self.position))?;
        self.position += size;
        self.data = 0;
        Ok(bytes)
    }

    fn set_data(&mut self, size: u64) {
        self.data = size;
        self.padding = size.wrapping_neg() % 512;
    }

    fn skip_data(&mut self) -> Result<()> {
        self.skip()?;
        // An archive that ends with the last byte of its last file, as umoci writes them, is complete
        // to Go's reader, and so to every other engine.
        if self.padding > 0 && !fill(&mut self.reader)?.is_empty() {
            self.data = self.padding;
            self.skip()?;
        }
        self.padding = 0;
        Ok(())
    }

    fn skip(&mut self) -> Result<()> {
        while self.data > 0 {
            let len = self.data(u64::MAX)?.len();
            self.consume(len);
        }
        Ok(())
    }

    /// After the first zero block: reads the second, and the rest, which belongs to the digest.
    fn end(&mut self) -> Result<Option<Member>> {
        if let Some(block) = self.header_block()?
            && block.iter().any(|byte| *byte != 0)
        {
            return Err(self.fault(Fault("a single zero block is followed by more")));
        }
        loop {
            let len = fill(&mut self.reader)?.len();
            if len == 0 {
                return Ok(None);
            }
            self.reader.consume(len);
            self.position += len as u64;
        }
    }

    fn fault(&self, Fault(reason): Fault) -> Error {
        Error::Malformed {
            position: self.position,
            reason,
        }
    }
}

impl From<Fault> for Error {
    fn from(Fault(reason): Fault) -> Self {
        Self::Malformed {
            position: 0,
            reason,
        }
    }
}

fn fill<R: BufRead>(reader: &mut R) -> Result<&[u8]> {
    reader.fill_buf().map_err(Error::Stream)
}

fn early_end(error: std::io::Error, position: u64) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => truncated(position),
        _ => Error::Stream(error),
    }
}

fn truncated(position: u64) -> Error {
    let text = format!("the tar ends early, at byte {position}");
    Error::Stream(std::io::Error::new(ErrorKind::UnexpectedEof, text))
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}
