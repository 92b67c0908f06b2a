//! Trees in use: files of a container, or of this machine, that come out as a tar and go in from one.

use std::io::{Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Store;
use crate::error::{Error, Result};
use crate::layer::live::{Crossing, PathStat, PutOptions};
use crate::snapshot::Overlay;
use crate::worker::Event;

/// Where a tree is seen from. It becomes the root of the worker, and so of every path and link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// From a process: what a running container sees.
    Process(u32),
    /// From nowhere: the layers of a container that does not run are mounted for the worker alone, and
    /// its mounts in them. Without an upper directory they can only be read.
    Mounted(Overlay, Vec<Bind>),
    /// A folder of this machine.
    Folder(PathBuf),
}

/// A path in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// The tree.
    pub view: View,
    /// The path, from its root.
    pub path: String,
}

impl At {
    /// `path` in `view`.
    pub fn new(view: View, path: &str) -> Self {
        let path = path.to_owned();
        Self { view, path }
    }

    fn told(self, act: Act) -> Viewed {
        let Self { view, path } = self;
        Viewed { view, path, act }
    }
}

/// What a container has mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// A path of this machine.
    pub source: PathBuf,
    /// Where the container has it; made if it is missing and the layers can be written.
    pub destination: PathBuf,
    /// Whether it can only be read.
    pub read_only: bool,
}

/// A piece of work on a tree in use, as the worker is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewed {
    /// The tree.
    pub view: View,
    /// A path in it.
    pub path: String,
    /// What to do.
    pub act: Act,
}

/// What is done at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Says what it is.
    Look,
    /// Packs it, under this name.
    Pack(String, Crossing),
    /// Puts a tar into it.
    Put(PutOptions),
}

/// What comes into view before a path is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// The tree is open: is it still the one that was meant?
    Tree,
    /// This is at the path, and this is what is packed.
    Path(PathStat),
}

impl Store {
    /// What is at a path of a tree; a link at its end is not followed. `confirm` is asked when the tree
    /// is open: whether it still is the one that was meant.
    ///
    /// # Errors
    /// [`Error::Files`] if there is no such path; what `confirm` says.
    pub fn look(&self, at: At, mut confirm: impl FnMut() -> Result<()>) -> Result<PathStat> {
        let viewed = at.told(Act::Look);
        let confirm = &mut || confirm().map(|()| Vec::new());
        match self.snapshots.worker().look(&viewed, confirm)? {
            Event::Looked(stat) => Ok(stat),
            _ => Err(silent()),
        }
    }

    /// Writes what is at a path of a tree, and all below it, into `sink`, as an uncompressed tar of the name
    /// `base`; returns the number of entries. What changes below it meanwhile is as it is when it is read.
    /// `watch` is told each [`Sight`] before anything else is done, and can end it.
    ///
    /// # Errors
    /// As [`Store::look`]; if a file cannot be read or shrinks meanwhile, or `sink` cannot be written.
    pub fn pack(
        &self,
        at: At,
        (base, crossing): (&str, Crossing),
        mut watch: impl FnMut(Sight) -> Result<()>,
        sink: impl Write + Send,
    ) -> Result<u64> {
        let viewed = at.told(Act::Pack(base.to_owned(), crossing));
        match self.snapshots.worker().pack(&viewed, &mut watch, sink)? {
            Event::Copied { entries } => Ok(entries),
            _ => Err(silent()),
        }
    }

    /// Puts a tar, plain or compressed with gzip or zstd, into a folder of a tree; returns
    /// the number of entries. What was written before an error stays.
    ///
    /// # Errors
    /// As [`Store::look`]; [`Error::Files`] for a malformed tar, a clash, or what cannot be written.
    pub fn put(
        &self,
        at: At,
        options: PutOptions,
        mut confirm: impl FnMut() -> Result<()>,
        source: impl Read + Send,
    ) -> Result<u64> {
        let viewed = at.told(Act::Put(options));
        let confirm = &mut || confirm().map(|()| Vec::new());
        match self.snapshots.worker().put(&viewed, confirm, source)? {
            Event::Copied { entries } => Ok(entries),
            _ => Err(silent()),
        }
    }
}

fn silent() -> Error {
    Error::WorkerDied {
        action: "view",
        status: "it did not say how it ended".to_owned(),
    }
}
