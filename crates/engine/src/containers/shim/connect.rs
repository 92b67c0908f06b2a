//! How a connection to a shim comes about.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::fd::{AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
    process::Stdio,
};

use terrarium_runtime::shim::protocol::file;
use tokio::{net::UnixStream, process::Command};

/// What a shim says when it cannot say it on its connection.
const WORDS: &str = "shim.err";
/// `sizeof(sun_path)` without the closing zero (`unix(7)`).
const ADDRESS_BYTES: usize = 107;

/// Starts the shim of a bundle, with one end of the returned connection as its standard input.
pub(super) fn spawn(runtime: &Path, bundle: &Path) -> io::Result<UnixStream> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let words = File::create(bundle.join(WORDS))?;
    let mut child = Command::new(runtime)
        .arg("shim")
        .arg("--bundle")
        .arg(bundle)
        // It outlives this host: nothing of the host's environment, folder or signals is its
        // business.
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(words)
        .spawn()?;
    // Reaped if it ends before the host does; how it ended is told by its connection.
    tokio::spawn(async move { child.wait().await });
    UnixStream::from_std(ours)
}

/// Connects to the shim of a bundle.
pub(super) async fn connect(bundle: &Path) -> io::Result<UnixStream> {
    let path = bundle.join(file::SOCKET);
    if path.as_os_str().len() <= ADDRESS_BYTES {
        return UnixStream::connect(path).await;
    }
    let folder = File::open(bundle)?;
    let short = format!("/proc/self/fd/{}/{}", folder.as_raw_fd(), file::SOCKET);
    UnixStream::connect(PathBuf::from(short)).await
}

/// What a shim that is gone said at last.
pub(super) fn last_words(bundle: &Path) -> Option<String> {
    let mut words = String::new();
    let file = fs::File::open(bundle.join(WORDS)).ok()?;
    file.take(4096).read_to_string(&mut words).ok()?;
    let words = words.trim();
    (!words.is_empty()).then(|| words.to_owned())
}
