//! What files are, without following links.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
};

use nix::{libc::O_NONBLOCK, sys::stat};
use serde_json::{Map, Value, json};

use crate::acts::errno;

/// An object by path.
pub(crate) fn all(paths: &[String]) -> Value {
    let found: Map<String, Value> = paths
        .iter()
        .map(|path| (path.clone(), describe(path)))
        .collect();
    found.into()
}

fn describe(path: &str) -> Value {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return json!({"kind": errno(&error)}),
    };
    let device = metadata.rdev();
    json!({
        "kind": kind(metadata.file_type()),
        "mode": format!("{:04o}", metadata.mode() & 0o7777),
        "owner": format!("{}:{}", metadata.uid(), metadata.gid()),
        "device": format!("{}:{}", stat::major(device), stat::minor(device)),
        "target": fs::read_link(path).ok(),
        "entries": fs::read_dir(path).ok().map(Iterator::count),
        "read": answer(read(path)),
        "write": answer(write(path).map(|()| String::new())),
    })
}

fn kind(file: fs::FileType) -> &'static str {
    match file {
        _ if file.is_dir() => "folder",
        _ if file.is_symlink() => "link",
        _ if file.is_char_device() => "character device",
        _ if file.is_block_device() => "block device",
        _ if file.is_fifo() => "pipe",
        _ if file.is_socket() => "socket",
        _ => "file",
    }
}

fn answer(result: io::Result<String>) -> Value {
    match result {
        Ok(text) => Value::from(text),
        Err(error) => Value::from(errno(&error)),
    }
}

/// The first bytes; a pipe or a terminal without any has none.
fn read(path: &str) -> io::Result<String> {
    let mut options = OpenOptions::new();
    let mut file = options.read(true).custom_flags(O_NONBLOCK).open(path)?;
    let mut start = [0; 200];
    let length = file.read(&mut start)?;
    Ok(String::from_utf8_lossy(&start[..length]).into_owned())
}

/// Whether it can be opened for writing; nothing is written.
fn write(path: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(O_NONBLOCK).open(path)?;
    Ok(())
}
