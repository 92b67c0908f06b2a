//! The bytes of files, wherever they are.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use terrarium_oci::{Algorithm, Hasher};

/// How much of an archive is read at once.
pub(crate) const AHEAD: usize = 1 << 18;
/// A file that is hashed at once.
const SMALL: usize = 8 << 10;

/// Where the bytes of a file are.
#[derive(Debug, Clone)]
pub enum Content {
    /// In memory.
    Bytes(Arc<[u8]>),
    /// A part of an open file.
    Part {
        /// The file.
        file: Arc<File>,
        /// Where they begin.
        offset: u64,
        /// How many.
        len: u64,
    },
    /// A file of this machine, opened when it is read.
    Path {
        /// Where it is.
        path: Arc<Path>,
        /// How many bytes of it.
        len: u64,
    },
}

impl Content {
    pub(crate) fn of(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::Bytes(bytes.into())
    }

    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Part { len, .. } | Self::Path { len, .. } => *len,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn hash(&self) -> io::Result<String> {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        match self {
            // Most files are small: one read, and no buffer to clear for the end of it.
            Self::Part { file, offset, len } if *len <= SMALL as u64 => {
                let mut buffer = [0; SMALL];
                let bytes = &mut buffer[..usize::try_from(*len).unwrap_or(SMALL)];
                file.read_exact_at(bytes, *offset)?;
                hasher.update(bytes);
            }
            _ => {
                io::copy(&mut self.open(), &mut hasher)?;
            }
        }
        Ok(hasher.finish().hex().to_owned())
    }

    /// Reads them from the start.
    #[must_use]
    pub fn open(&self) -> Box<dyn Read + Send + '_> {
        match self {
            Self::Bytes(bytes) => Box::new(&bytes[..]),
            Self::Part { file, offset, len } => Box::new(Whole { file, at: *offset }.take(*len)),
            Self::Path { path, len } => match File::open(path) {
                Ok(file) => Box::new(file.take(*len)),
                Err(error) => Box::new(Unopened(Some(error))),
            },
        }
    }
}

/// A file that cannot be opened cannot be read.
struct Unopened(Option<io::Error>);

impl Read for Unopened {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self
            .0
            .take()
            .unwrap_or_else(|| io::ErrorKind::NotFound.into()))
    }
}

/// Reads a shared file by position, so that several readers do not disturb each other.
struct Whole<'a> {
    file: &'a File,
    at: u64,
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Whole<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Reads headers and passes over what lies between them: small files stay in the buffer, large ones unread.
pub(crate) struct Skimmer<'a>(BufReader<Whole<'a>>);

impl<'a> Skimmer<'a> {
    pub(crate) fn of(file: &'a File) -> Self {
        Self(BufReader::with_capacity(AHEAD, Whole { file, at: 0 }))
    }
}

impl Read for Skimmer<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Skimmer<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Current(by) = to else {
            return self.0.seek(to);
        };
        // A plain seek would throw the buffer away.
        self.0.seek_relative(by)?;
        self.0.stream_position()
    }
}
