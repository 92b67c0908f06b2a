//! Old log files: `log.1` is the newest, `log.2` older, each perhaps gzipped.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// Makes every old file one older, drops the oldest and moves the current file to `path.1`.
pub(super) fn shift(path: &Path, max_files: u32) -> io::Result<()> {
    for number in (1..max_files).rev() {
        for gzipped in ["", ".gz"] {
            let from = old(path, number, gzipped);
            let moved = if number == max_files - 1 {
                fs::remove_file(from)
            } else {
                fs::rename(from, old(path, number + 1, gzipped))
            };
            match moved {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    fs::rename(path, old(path, 1, ""))
}

/// A child that gzips `path.1`: it takes long and much memory, the shim has neither.
#[derive(Debug)]
pub(super) struct Compression {
    pid: i32,
    plain: PathBuf,
    partial: PathBuf,
    finished: PathBuf,
}

impl Compression {
    /// Starts the child; it works on descriptors, so files may be renamed meanwhile.
    pub(super) fn spawn(path: &Path) -> io::Result<Self> {
        let plain = old(path, 1, "");
        let partial = old(path, 1, ".gz.part");
        let child = Command::new("/proc/self/exe")
            .args(["shim", "--gzip"])
            .stdin(File::open(&plain)?)
            .stdout(create(&partial)?)
            .stderr(Stdio::null())
            .spawn()?;
        let pid = i32::try_from(child.id()).expect("a pid is positive");
        Ok(Self {
            pid,
            plain,
            partial,
            finished: old(path, 1, ".gz"),
        })
    }

    /// The child, which the shim's loop reaps.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Puts the gzipped file in the place of the plain one. Without success the plain one stays.
    pub(super) fn finish(self, success: bool) {
        if success && fs::rename(&self.partial, &self.finished).is_ok() {
            let _ = fs::remove_file(&self.plain);
        } else {
            let _ = fs::remove_file(&self.partial);
        }
    }

    /// Waits for the child, before the files move on.
    pub(super) fn wait(self) {
        let status = waitpid(Pid::from_raw(self.pid), None);
        self.finish(matches!(status, Ok(WaitStatus::Exited(_, 0))));
    }
}

/// What the child does: gzips descriptor 0 to descriptor 1.
pub(crate) fn gzip_stdin() -> io::Result<()> {
    let mut encoder = GzEncoder::new(io::stdout().lock(), Level::fast());
    io::copy(&mut io::stdin().lock(), &mut encoder)?;
    encoder.finish().map(drop)
}

fn create(path: &Path) -> io::Result<File> {
    File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o640)
        .open(path)
}

fn old(path: &Path, number: u32, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}{suffix}"));
    name.into()
}
