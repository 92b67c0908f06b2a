//! Blobs on their way in: written aside, verified, and only then visible.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use terrarium_oci::{Algorithm, Descriptor, Digest, Hasher};

use crate::claims::Claim;
use crate::content::Content;
use crate::error::{Context, Error, Result};
use crate::files;
use crate::follow::{Follow, Tide};
use crate::lease::Lease;

/// A blob that is being fetched and whose digest is known.
///
/// Dropping it keeps what was written, so that a later try resumes at [`Ingest::offset`].
#[derive(Debug)]
pub struct Ingest {
    content: Content,
    digest: Digest,
    size_bytes: u64,
    part: Part,
    tide: Tide,
    _claim: Claim,
}

/// A blob that is being made, named by its digest when it is complete.
///
/// Dropping it removes what was written.
#[derive(Debug)]
pub struct BlobWriter {
    content: Content,
    part: Part,
    finished: bool,
    _claim: Claim,
}

/// The file aside, and the hash of what it holds so far.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    file: File,
    hasher: Hasher,
    len: u64,
}

impl Ingest {
    pub(crate) fn open(content: &Content, descriptor: &Descriptor, claim: Claim) -> Result<Self> {
        let digest = descriptor.digest.clone();
        content.blob_path(&digest)?;
        let path = content.ingest_path(digest.hex());
        let mut part = Part::open(path, digest.hasher())?;
        part.rehash()?;
        let size_bytes = descriptor.size_bytes;
        let tide = Tide::new(part.len);
        let content = content.clone();
        let mut ingest = Self {
            content,
            digest,
            size_bytes,
            part,
            tide,
            _claim: claim,
        };
        if ingest.part.len > size_bytes {
            ingest.restart()?;
        }
        Ok(ingest)
    }

    /// The blob.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// How many bytes are here already: where to resume the download.
    pub fn offset(&self) -> u64 {
        self.part.len
    }

    /// How many bytes the blob is to have.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Reads the blob from its start while it is being fetched, for whoever unpacks it.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn follow(&self) -> Result<Follow> {
        let file = File::open(&self.part.path).context("open", &self.part.path)?;
        Ok(self.tide.follow(file))
    }

    /// Forgets what was written, for a server that cannot resume.
    ///
    /// # Errors
    /// When the file cannot be cut.
    pub fn restart(&mut self) -> Result<()> {
        self.tide.restart();
        self.part.clear(self.digest.hasher())
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] as soon as there are too many: the sender may never stop.
    /// [`Error::Full`] leaves what was complete before, to be resumed when there is space.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let after = self.part.len + bytes.len() as u64;
        if after > self.size_bytes {
            return Err(self.wrong_size(after));
        }
        self.part.append(bytes)?;
        self.tide.rise(after);
        Ok(())
    }

    /// Verifies the blob and makes it visible. It is on disk, with its name, on return.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] if bytes are missing: the part stays and can be resumed.
    /// [`Error::DigestMismatch`]: the part is removed, since no byte of it can be trusted.
    pub fn commit(self) -> Result<()> {
        if self.part.len != self.size_bytes {
            return Err(self.wrong_size(self.part.len));
        }
        let actual = self.part.hasher.clone().finish();
        if actual != self.digest {
            files::remove_file(&self.part.path)?;
            return Err(Error::DigestMismatch {
                expected: self.digest,
                actual,
            });
        }
        // Before the slow part: who follows has all bytes, and they are the right ones.
        self.tide.commit();
        self.part.publish(&self.content, &self.digest)
    }

    /// Gives up and removes what was written.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn abort(self) -> Result<()> {
        files::remove_file(&self.part.path)
    }

    fn wrong_size(&self, actual_bytes: u64) -> Error {
        let (digest, expected_bytes) = (self.digest.clone(), self.size_bytes);
        Error::SizeMismatch {
            digest,
            expected_bytes,
            actual_bytes,
        }
    }
}

impl BlobWriter {
    pub(crate) fn open(content: &Content) -> Result<Self> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        // Unique: one process at a time has the store open, and its start removes these.
        let name = format!("new-{}", SERIAL.fetch_add(1, Ordering::Relaxed));
        let claim = content.claims.take(&name);
        let mut part = Part::open(content.ingest_path(&name), Hasher::new(Algorithm::Sha256))?;
        part.clear(Hasher::new(Algorithm::Sha256))?;
        Ok(Self {
            content: content.clone(),
            part,
            finished: false,
            _claim: claim,
        })
    }

    /// Makes the blob visible and holds it by `lease`; returns its digest and size.
    ///
    /// # Errors
    /// When it cannot be written to disk.
    pub fn commit(mut self, lease: &Lease) -> Result<(Digest, u64)> {
        let digest = self.part.hasher.clone().finish();
        lease.hold_blob(&digest)?;
        self.part.publish(&self.content, &digest)?;
        self.finished = true;
        Ok((digest, self.part.len))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.part.file.write(bytes)?;
        self.part.hasher.update(&bytes[..written]);
        self.part.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if !self.finished {
            // A start removes what this cannot.
            let _ = files::remove_file(&self.part.path);
        }
    }
}

impl Part {
    fn open(path: PathBuf, hasher: Hasher) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .context("open", &path)?;
        Ok(Self {
            path,
            file,
            hasher,
            len: 0,
        })
    }

    /// Takes up what an earlier process wrote. Its hash is computed anew: a hash state that was
    /// stored could not be trusted after a power cut.
    fn rehash(&mut self) -> Result<()> {
        self.file
            .seek(SeekFrom::Start(0))
            .context("seek", &self.path)?;
        self.len = io::copy(&mut self.file, &mut self.hasher).context("read", &self.path)?;
        Ok(())
    }

    fn clear(&mut self, hasher: Hasher) -> Result<()> {
        self.file.set_len(0).context("truncate", &self.path)?;
        self.file
            .seek(SeekFrom::Start(0))
            .context("seek", &self.path)?;
        (self.hasher, self.len) = (hasher, 0);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Cut off what did get through, so that the file and the hash agree.
            self.file
                .set_len(self.len)
                .context("truncate", &self.path)?;
            self.file
                .seek(SeekFrom::Start(self.len))
                .context("seek", &self.path)?;
            return Err(Error::io("write", &self.path, error));
        }
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn publish(&self, content: &Content, digest: &Digest) -> Result<()> {
        let target = content.blob_path(digest)?;
        self.file.sync_all().context("sync", &self.path)?;
        fs::set_permissions(&self.path, Permissions::from_mode(0o444))
            .context("change mode of", &self.path)?;
        let _running = content.gate.enter();
        rename_new(&self.path, &target)?;
        files::sync_folder(&content.blobs())
    }
}

/// Renames unless the target exists; then the same bytes are there and ours are not needed.
fn rename_new(from: &Path, to: &Path) -> Result<()> {
    match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EEXIST) => files::remove_file(from),
        // A file system without the flag. Replacing is harmless: equal names are equal bytes.
        Err(Errno::EINVAL) => fs::rename(from, to).context("rename", from),
        Err(error) => Err(Error::io("rename", from, error.into())),
    }
}
