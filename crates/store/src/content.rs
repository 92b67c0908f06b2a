//! The content store: an OCI image layout whose blobs are complete and verified, or absent.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use terrarium_oci::{Algorithm, Descriptor, Digest};

use crate::claims::Claims;
use crate::error::{Context, Error, Result};
use crate::files;
use crate::gate::Gate;
use crate::ingest::{BlobWriter, Ingest};
use crate::lease::Lease;

/// The blobs under `content/`, each named by its digest.
#[derive(Debug, Clone)]
pub struct Content {
    pub(crate) root: PathBuf,
    pub(crate) claims: Claims,
    pub(crate) gate: Gate,
}

/// A blob that is there.
#[derive(Debug)]
pub struct Blob {
    /// Its bytes, from the start.
    pub file: File,
    /// Its size.
    pub size_bytes: u64,
}

/// Where a blob stands that somebody wants.
#[derive(Debug)]
pub enum Wanted {
    /// It is there already.
    Present,
    /// The caller is the one to bring it.
    Missing(Box<Ingest>),
}

impl Content {
    pub(crate) fn open(root: PathBuf, claims: Claims, gate: Gate) -> Result<Self> {
        files::make_folder(&root.join("blobs/sha256"))?;
        files::make_folder(&root.join("ingest"))?;
        files::sweep_aside(&root)?;
        let layout = root.join("oci-layout");
        if !layout.exists() {
            let version = serde_json::json!({ "imageLayoutVersion": "1.0.0" });
            files::write_record(&layout, &version, files::Durability::Disk)?;
        }
        Ok(Self { root, claims, gate })
    }

    /// Whether the blob is there.
    pub fn has(&self, digest: &Digest) -> bool {
        self.blob_path(digest).is_ok_and(|path| path.is_file())
    }

    /// Opens a blob. Its bytes were verified when it came in; [`crate::Store::verify`] looks again.
    ///
    /// # Errors
    /// [`Error::BlobMissing`].
    pub fn blob(&self, digest: &Digest) -> Result<Blob> {
        let path = self.blob_path(digest)?;
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::BlobMissing(digest.clone()));
            }
            file => file.context("open", &path)?,
        };
        let size_bytes = file.metadata().context("open", &path)?.len();
        Ok(Blob { file, size_bytes })
    }

    /// Reads a small blob (a manifest, a config) and verifies it again: it is cheap, and these
    /// decide what everything else means.
    ///
    /// # Errors
    /// [`Error::BlobMissing`], [`Error::BlobTooLarge`], [`Error::DigestMismatch`].
    pub fn read(&self, digest: &Digest, limit_bytes: u64) -> Result<Vec<u8>> {
        let Blob { file, size_bytes } = self.blob(digest)?;
        if size_bytes > limit_bytes {
            return Err(Error::BlobTooLarge {
                digest: digest.clone(),
                size_bytes,
                limit_bytes,
            });
        }
        let mut bytes = Vec::new();
        file.take(limit_bytes)
            .read_to_end(&mut bytes)
            .context("read", &self.blob_path(digest)?)?;
        let mut hasher = digest.hasher();
        hasher.update(&bytes);
        let actual = hasher.finish();
        if actual != *digest {
            return Err(Error::DigestMismatch {
                expected: digest.clone(),
                actual,
            });
        }
        Ok(bytes)
    }

    /// Holds the blob by `lease` and says whether it is to be fetched. Waits while another thread
    /// of this process fetches the same blob, so that nothing is downloaded twice.
    ///
    /// # Errors
    /// When the digest is not sha256, or the ingest cannot be opened.
    pub fn want(&self, descriptor: &Descriptor, lease: &Lease) -> Result<Wanted> {
        let digest = &descriptor.digest;
        lease.hold_blob(digest)?;
        if self.has(digest) {
            return Ok(Wanted::Present);
        }
        let claim = self.claims.take(digest.as_str());
        if self.has(digest) {
            return Ok(Wanted::Present);
        }
        Ingest::open(self, descriptor, claim).map(|ingest| Wanted::Missing(Box::new(ingest)))
    }

    /// Starts a blob whose digest is known only at its end.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn writer(&self) -> Result<BlobWriter> {
        BlobWriter::open(self)
    }

    /// Puts a small blob that is at hand, held by `lease`.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`] if the bytes are not what the descriptor says.
    pub fn put(&self, descriptor: &Descriptor, bytes: &[u8], lease: &Lease) -> Result<()> {
        match self.want(descriptor, lease)? {
            Wanted::Present => Ok(()),
            Wanted::Missing(mut ingest) => {
                // What an earlier try left of so little is not worth a thought.
                ingest.restart()?;
                ingest.write(bytes)?;
                ingest.commit()
            }
        }
    }

    /// The digests of all blobs, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn digests(&self) -> Result<Vec<Digest>> {
        let names = files::names_in(&self.blobs())?;
        Ok(names
            .iter()
            .filter_map(|hex| format!("sha256:{hex}").parse().ok())
            .collect())
    }

    /// Removes a blob, whoever needs it; the garbage collector is the one to call this.
    ///
    /// # Errors
    /// When the kernel refuses; a blob that is not there is fine.
    pub fn remove(&self, digest: &Digest) -> Result<()> {
        files::remove_file(&self.blob_path(digest)?)
    }

    /// Removes what was downloaded in part and that `keep` does not want.
    pub(crate) fn sweep_ingests(&self, keep: impl Fn(&Digest) -> bool) -> Result<u64> {
        let folder = self.root.join("ingest");
        let mut freed = 0;
        for name in files::names_in(&folder)? {
            let digest = format!("sha256:{name}").parse::<Digest>().ok();
            let busy = self
                .claims
                .is_held(digest.as_ref().map_or(name.as_str(), Digest::as_str));
            if busy || digest.is_some_and(|digest| keep(&digest)) {
                continue;
            }
            let path = folder.join(name);
            freed += fs::metadata(&path).map_or(0, |file| file.len());
            files::remove_file(&path)?;
        }
        Ok(freed)
    }

    pub(crate) fn blob_path(&self, digest: &Digest) -> Result<PathBuf> {
        match digest.algorithm() {
            Algorithm::Sha256 => Ok(self.blobs().join(digest.hex())),
            Algorithm::Sha512 => Err(Error::UnsupportedDigest(digest.clone())),
        }
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    pub(crate) fn ingest_path(&self, name: &str) -> PathBuf {
        Path::new(&self.root).join("ingest").join(name)
    }
}
