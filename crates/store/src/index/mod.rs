//! What is in layers, without mounting or reading them: one list of entries for each layer, and
//! what several on top of each other show.
//!
//! Start at [`LayerIndex`] (one layer, as it lies on disk) and [`Stack`] (several, merged by the
//! rules of overlayfs). All but [`walk`] is pure. Names are bytes from outside: nothing here uses
//! one as a path of the host.

mod format;
mod ids;
mod merge;
mod search;
mod sums;
mod view;
mod walk;

pub use format::{Malformed, Writer};
pub use merge::{NodeId, Stack, TooMany};
pub use search::Found;
pub use sums::{LayerSums, Sums, Wasted};
pub use view::{Change, Row, View};
pub use walk::walk;

/// The list of a layer that is committed, beside the layer's folder: it never changes again.
pub const KEPT: &str = "files.index";

/// Deeper folders are not looked into; nobody makes them by accident.
pub(crate) const MAX_DEPTH: u16 = 1_000;

/// More entries than this are not shown: the limit of a layer that is unpacked.
pub(crate) const MAX_ENTRIES: usize = 4_000_000;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory that merges with those below.
    Directory,
    /// A directory that hides those below.
    OpaqueDirectory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A unix socket.
    Socket,
    /// The removal of what lies below.
    Whiteout,
}

impl EntryKind {
    /// Whether it is a directory of either kind.
    pub fn is_directory(self) -> bool {
        matches!(self, Self::Directory | Self::OpaqueDirectory)
    }

    /// Whether it hides what lower layers have at its place or below it.
    pub(crate) fn cuts(self) -> bool {
        self != Self::Directory
    }
}

/// One entry of a layer, without its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits, set-id and sticky included.
    pub mode: u16,
    /// Owner, as the container sees it.
    pub uid: u32,
    /// Group, as the container sees it.
    pub gid: u32,
    /// Bytes of the content of a file.
    pub size_bytes: u64,
    /// Seconds since 1970.
    pub modified_sec: i64,
    /// Names of one layer with the same number, not 0, are one file.
    pub link_group: u32,
}

/// The entries of one layer, folders before what is in them, names sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerIndex {
    pub(crate) entries: Vec<Placed>,
    /// Names and targets of symbolic links.
    pub(crate) text: Vec<u8>,
}

/// An entry at its place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    /// 0 for what is in the root.
    pub(crate) depth: u16,
    pub(crate) name: Span,
    pub(crate) target: Span,
    pub(crate) entry: Entry,
}

/// A part of [`LayerIndex::text`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) at: u32,
    pub(crate) len: u16,
}

impl Span {
    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        &text[self.at as usize..self.at as usize + usize::from(self.len)]
    }
}

impl LayerIndex {
    /// How many entries there are, removals included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the layer changes nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
