//! The listening socket: bound with care, removed at the end.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    os::unix::net::UnixStream as StdStream,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::net::{UnixListener, UnixStream};

use super::ServeError;

/// A bound socket; dropping it removes its file.
#[derive(Debug)]
pub struct Listening {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode, so that only the own file is removed.
    identity: (u64, u64),
}

impl Listening {
    /// Binds the socket, over a stale one if nobody listens on it.
    ///
    /// Only its owner can use it, and, for the sake of a `docker` group, as root its group.
    ///
    /// # Errors
    /// [`ServeError`] when another server listens, or when the kernel refuses a step.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(path: &Path) -> Result<Self, ServeError> {
        let failed = |step| {
            let path = path.to_owned();
            move |source| ServeError::Socket { step, path, source }
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed("create the folder of"))?;
        }
        remove_stale(path)?;
        // Bound under another name and given its mode before it appears: nobody can connect while
        // the mode is still that of the umask.
        let aside = aside(path);
        let listener = UnixListener::bind(&aside).map_err(failed("bind"))?;
        let place = || {
            fs::set_permissions(&aside, fs::Permissions::from_mode(mode(&aside)?))?;
            fs::rename(&aside, path)?;
            let placed = fs::symlink_metadata(path)?;
            io::Result::Ok((placed.dev(), placed.ino()))
        };
        let identity = place().map_err(|error| {
            let _ = fs::remove_file(&aside);
            failed("place")(error)
        })?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            identity,
        })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn accept(&self) -> UnixStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return stream,
                Err(error) => {
                    // Out of file descriptors, or a client that was gone at once: others go on.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let ours = |found: &fs::Metadata| (found.dev(), found.ino()) == self.identity;
        if fs::symlink_metadata(&self.path).is_ok_and(|found| ours(&found)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn remove_stale(path: &Path) -> Result<(), ServeError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            let (step, path) = ("look at", path.to_owned());
            return Err(ServeError::Socket { step, path, source });
        }
    };
    if !found.file_type().is_socket() {
        return Err(ServeError::NotASocket(path.to_owned()));
    }
    match StdStream::connect(path) {
        // A refused connection is the mark of a socket whose server died.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)
            .map_err(|source| ServeError::Socket {
                step: "remove the stale socket",
                path: path.to_owned(),
                source,
            }),
        _ => Err(ServeError::InUse(path.to_owned())),
    }
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    PathBuf::from(name)
}

/// The owner's alone, unless the owner is root.
fn mode(path: &Path) -> io::Result<u32> {
    let owner = fs::symlink_metadata(path)?.uid();
    Ok(if owner == 0 { 0o660 } else { 0o600 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sub/docker.sock");
        fs::create_dir_all(folder.path().join("sub")).expect("a folder");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("it is free"));

        let first = Listening::bind(&path).expect("the stale socket is in nobody's way");
        let second = Listening::bind(&path).expect_err("somebody listens");
        assert!(matches!(second, ServeError::InUse(_)));
        let mode = fs::metadata(&path).expect("it is there").mode() & 0o777;
        assert!(matches!(mode, 0o660 | 0o600));

        drop(first);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("precious");
        fs::write(&path, "data").expect("it is written");
        let refused = Listening::bind(&path).expect_err("it is a file");
        assert!(matches!(refused, ServeError::NotASocket(_)));
        assert_eq!(fs::read(&path).expect("it is there"), b"data");
    }

    #[tokio::test]
    async fn the_socket_of_a_successor_is_not_removed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("docker.sock");
        let first = Listening::bind(&path).expect("it is free");
        fs::remove_file(&path).expect("it is there");
        let _second = Listening::bind(&path).expect("it is free again");
        drop(first);
        assert!(path.exists());
    }
}
