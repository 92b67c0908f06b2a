//! Files that survive a crash whole: written aside, synced, renamed, their folder synced.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use rand::RngCore as _;

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
