//! Files that survive a crash whole: written aside, synced, renamed, their folder synced.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rand::RngCore as _;
use terrarium_api::{Error, ErrorCode};

use crate::{
    Result,
    error::{Context as _, quoted},
};

/// Writes or replaces `path` so that a crash leaves the old or the new content, never a mixture.
pub(crate) fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    write_aside(path, content, 0o666)
}

/// Like [`write_durably`], for what only this user may read, from the first byte on.
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    write_aside(path, content, 0o600)
}

fn write_aside(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let aside = folder.join(name);
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true);
    let mut file = options.mode(mode).open(&aside)?;
    if mode == 0o600 {
        // One that a crash left keeps the mode that it has.
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    sync_folder(folder)
}

/// Makes renames, creations and removals in `folder` durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// `bytes` random bytes as hexadecimal digits.
pub(crate) fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    rand::rng().fill_bytes(&mut random);
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Begins a file for the user at a path of theirs: beside it, so that nobody takes half of it for whole.
///
/// # Errors
/// `InvalidArgument` if the path is not absolute or something is there already.
pub(crate) fn begin_file(path: &Path) -> Result<(PathBuf, File)> {
    let refuse = |why: &str| {
        let text = format!("save to {}: {why}", quoted(&path.display().to_string()));
        Err(Error::new(ErrorCode::InvalidArgument, text))
    };
    if !path.is_absolute() || path.file_name().is_none() {
        return refuse("it is not the absolute path of a file");
    }
    if path.exists() {
        return refuse("there is a file already")
            .map_err(|error| error.hint("choose another name"));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let aside = PathBuf::from(name);
    let file = File::create(&aside).context(|| format!("make {}", aside.display()))?;
    Ok((aside, file))
}

/// Puts the file in its place, or removes it if it did not become whole.
pub(crate) fn end_file<T>(aside: &Path, path: &Path, written: Result<T>) -> Result<T> {
    let placed = written.and_then(|traced| {
        let synced = File::open(aside).and_then(|file| file.sync_all());
        let placed = synced.and_then(|()| fs::rename(aside, path));
        placed.context(|| format!("save to {}", path.display()))?;
        Ok(traced)
    });
    if placed.is_err() {
        let _ = fs::remove_file(aside);
    }
    placed
}
