//! The bundle folder, held by descriptor: what the shim reads from it and leaves in it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{UnlinkatFlags, unlinkat};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::protocol::{ExitStatus, ShimState, file};
use crate::error::{Context, Error, Result};

/// A bundle of which this process is the shim.
#[derive(Debug)]
pub(super) struct Bundle {
    path: PathBuf,
    folder: OwnedFd,
    _lock: Flock<OwnedFd>,
}

impl Bundle {
    /// Opens the folder and takes its lock, which the kernel releases when this process ends.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let name = || format!("open bundle `{}`", path.display());
        let path = path.canonicalize().doing(name)?;
        let folder = openat(AT_FDCWD, &path, flags, Mode::empty()).doing(name)?;
        let lock = create(&folder, file::LOCK).doing(|| format!("create `{}`", file::LOCK))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock)
            .map_err(|(_, errno)| errno)
            .doing(|| format!("lock `{}` (does another shim run?)", file::LOCK))?;
        for stale in [file::EXIT, file::STATE] {
            // Of an earlier run of the container: a host would take them for this one's.
            match unlinkat(&folder, stale, UnlinkatFlags::NoRemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(errno) => return Err(errno).doing(|| format!("remove old `{stale}`")),
            }
        }
        Ok(Self {
            path,
            folder,
            _lock: lock,
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads one of its JSON files.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let mut text = Vec::new();
        openat(
            &self.folder,
            name,
            OFlag::O_RDONLY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )
        .map_err(io::Error::from)
        .and_then(|file| File::from(file).read_to_end(&mut text))
        .doing(|| format!("read `{name}`"))?;
        serde_json::from_slice(&text).map_err(|source| Error::Json {
            path: self.path.join(name),
            source,
        })
    }

    /// Listens on its socket. A path of any length will do: the address names the descriptor.
    pub(super) fn listen(&self) -> Result<UnixListener> {
        match unlinkat(&self.folder, file::SOCKET, UnlinkatFlags::NoRemoveDir) {
            // Left by a shim that was killed: this one holds the lock.
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno).doing(|| format!("remove old `{}`", file::SOCKET)),
        }
        let address = format!("/proc/self/fd/{}/{}", self.folder.as_raw_fd(), file::SOCKET);
        let before = umask(Mode::from_bits_truncate(0o177));
        let listener = UnixListener::bind(address);
        umask(before);
        listener
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .doing(|| format!("listen on `{}`", file::SOCKET))
    }

    /// Replaces `state.json`. It tells of processes, so it need not survive the machine.
    pub(super) fn write_state(&self, state: &ShimState) -> io::Result<()> {
        self.replace(file::STATE, state).map(drop)
    }

    /// Replaces `exit.json`; when this returns, it survives a power cut.
    pub(super) fn write_exit(&self, status: &ExitStatus) -> io::Result<()> {
        self.replace(file::EXIT, status)?;
        nix::unistd::fsync(&self.folder).map_err(io::Error::from)
    }

    /// Writes the file aside and renames it, so that a reader finds the old or the new one.
    fn replace(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let aside = format!(".{name}");
        let mut file = File::from(create(&self.folder, &aside)?);
        let mut text = serde_json::to_vec(value)?;
        text.push(b'\n');
        file.write_all(&text)?;
        if name == file::EXIT {
            file.sync_all()?;
        }
        renameat(&self.folder, aside.as_str(), &self.folder, name)?;
        Ok(())
    }
}

fn create(folder: &OwnedFd, name: &str) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_CLOEXEC;
    openat(folder, name, flags, Mode::from_bits_truncate(0o600))
}
