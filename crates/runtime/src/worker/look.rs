//! Listing and reading the files of a layer in the sandbox. What is found goes to standard input,
//! which is the writing end of a pipe: standard output is where the worker talks.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::AsFd;
use std::path::{Component, Path};

use nix::errno::Errno;
use terrarium_store::Ids;
use terrarium_store::index::{self, Writer};
use terrarium_store::layer::Options;
use terrarium_store::worker::Event;
use terrarium_sys::tree::Tree;

use super::{Arguments, Error, sandbox};

/// Lists what is in the folder of a layer.
pub(super) fn index(folder: &Path, ids: &Ids) -> Result<Event, Error> {
    let root = sandbox::enter(folder, ids)?;
    let failed = |error| Error::path("list the files of", folder, error);
    let out = BufWriter::with_capacity(256 * 1024, pipe().map_err(failed)?);
    let mut writer = Writer::new(out).map_err(failed)?;
    index::walk(&root, Options::of(ids).marks, &mut writer).map_err(failed)?;
    let rows = writer.rows() as u64;
    writer.finish().map_err(failed)?;
    Ok(Event::Listed { rows })
}

/// Reads one regular file, as far as is asked. Every component is one name on a descriptor; links
/// are not followed.
pub(super) fn read(folder: &Path, ids: &Ids, arguments: &Arguments) -> Result<Event, Error> {
    let root = sandbox::enter(folder, ids)?;
    let failed = |error| Error::path("read", &arguments.file, error);
    let file = open(root, &arguments.file).map_err(failed)?;
    let size_bytes = file.metadata().map_err(failed)?.len();
    let mut out = pipe().map_err(failed)?;
    io::copy(&mut file.take(arguments.limit), &mut out).map_err(failed)?;
    out.flush().map_err(failed)?;
    Ok(Event::Read { size_bytes })
}

fn open(root: Tree, path: &Path) -> io::Result<File> {
    let mut names: Vec<&OsStr> = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(Errno::EINVAL.into()),
        }
    }
    let (name, parents) = names.split_last().ok_or(Errno::EISDIR)?;
    let mut folder = root;
    for parent in parents {
        folder = folder.child(parent)?;
    }
    folder.open_file(name)
}

fn pipe() -> io::Result<File> {
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}
