//! Writing the changes of a snapshot in the sandbox.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter};
use std::os::fd::AsFd;
use std::path::Path;

use terrarium_store::Ids;
use terrarium_store::layer::{self, Lowers, Options};
use terrarium_store::worker::Written;

use super::Error;
use super::sandbox;
use super::talk::Talk;

/// Writes what is in `snapshot/fs` as a layer to standard input, which is the writing end of a pipe:
/// standard output is where the worker talks.
pub(super) fn diff(snapshot: &Path, ids: &Ids, talk: &mut Talk) -> Result<Written, Error> {
    let snapshots = snapshot.parent().ok_or(Error::Usage)?;
    let (upper, below) = sandbox::enter_beside(&snapshot.join("fs"), snapshots, ids)?;
    let failed = |error| Error::system("open the layers below", error);
    let answer = talk.ask_parents().map_err(failed)?;
    let open = |folder: &String| below.child(OsStr::new(folder))?.child(OsStr::new("fs"));
    let trees = answer
        .folders
        .iter()
        .map(open)
        .collect::<io::Result<_>>()
        .map_err(failed)?;
    let marks = Options::of(ids).marks;
    let out: File = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map_err(failed)?
        .into();
    let out = BufWriter::with_capacity(256 * 1024, out);
    let written = layer::diff(&upper, &Lowers::new(trees, marks), marks, out)?;
    // The reader sees the end only when no descriptor of the pipe is left; ending closes this one.
    Ok(written)
}
