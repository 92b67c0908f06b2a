//! The tree as it is after some layer, and what that layer changed in it.

use super::merge::{NONE, NodeId, Stack, Version};
use super::{Entry, EntryKind};

/// What a layer did to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Nothing, or it only carries a folder on.
    Same,
    /// It was not there before.
    Added,
    /// It was there, with other content or attributes.
    Modified,
    /// It is there no more.
    Deleted,
}

/// A name after the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// What the layer did to it.
    pub change: Change,
    /// What is to be seen, or what was when it is deleted.
    pub entry: Entry,
    /// The layer that this entry is of.
    pub layer: u16,
    /// The entry before, when it is modified, and its layer.
    pub before: Option<(u16, Entry)>,
    /// Bytes of the files in it; its own for a file.
    pub size_bytes: u64,
    /// Files in it; 1 for one.
    pub files: u32,
    /// How many names in it the layer changed, it included.
    pub changes: u32,
}

/// The tree of a [`Stack`] after one of its layers.
#[derive(Debug)]
pub struct View {
    top: u16,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    /// Of [`Stack::versions`]: what is to be seen, or was when it is deleted.
    shown: u32,
    before: u32,
    change: Change,
    size_bytes: u64,
    files: u32,
    changes: u32,
}

impl View {
    /// Looks at `stack` after the layer `top`, the bottom one being 0.
    pub fn new(stack: &Stack, top: u16) -> Self {
        let now = stack.floors(top);
        // Before the bottom layer nothing is to be seen.
        let before = top.checked_sub(1).map(|below| (below, stack.floors(below)));
        let mut cells = Vec::with_capacity(stack.nodes.len());
        for (id, node) in stack.nodes.iter().enumerate() {
            let (id, parent) = (id as u32, node.parent as usize);
            let new = stack.visible(id, top, now[parent]);
            let old = before
                .as_ref()
                .and_then(|(below, floors)| stack.visible(id, *below, floors[parent]));
            cells.push(Cell::new(stack, id, new, old));
        }
        let mut view = Self { top, cells };
        view.add_up(stack);
        view
    }

    /// The layer that it is after.
    pub fn top(&self) -> u16 {
        self.top
    }

    /// A name; none where the layer neither shows nor removes it.
    pub fn row(&self, stack: &Stack, node: NodeId) -> Option<Row> {
        let cell = self.cells[node.index()];
        let shown = stack.versions.get(cell.shown as usize)?;
        let before = stack.versions.get(cell.before as usize);
        Some(Row {
            change: cell.change,
            entry: shown.entry,
            layer: shown.layer,
            before: before.map(|version| (version.layer, version.entry)),
            size_bytes: cell.size_bytes,
            files: cell.files,
            changes: cell.changes,
        })
    }

    /// Bytes of all files.
    pub fn size_bytes(&self) -> u64 {
        self.cells[0].size_bytes
    }

    /// Adds what is in folders up into them, from the leaves to the root: ids of parents are
    /// smaller.
    fn add_up(&mut self, stack: &Stack) {
        for id in (1..self.cells.len()).rev() {
            let cell = self.cells[id];
            let parent = &mut self.cells[stack.nodes[id].parent as usize];
            // What is deleted takes no room any more, but its folder shows that it was changed.
            if cell.change != Change::Deleted {
                parent.size_bytes = parent.size_bytes.saturating_add(cell.size_bytes);
                parent.files = parent.files.saturating_add(cell.files);
            }
            parent.changes = parent.changes.saturating_add(cell.changes);
        }
    }
}

impl Cell {
    fn new(stack: &Stack, node: u32, new: Option<&Version>, old: Option<&Version>) -> Self {
        let change = match (new, old) {
            (Some(new), Some(old)) if differs(stack, new, old) => Change::Modified,
            (Some(_), None) => Change::Added,
            (None, Some(_)) => Change::Deleted,
            _ => Change::Same,
        };
        let at = |version: Option<&Version>| {
            let layer = version.map(|version| version.layer);
            layer.map_or(NONE, |layer| stack.position(node, layer))
        };
        let shown = new.or(old);
        let is_file = shown.is_some_and(|version| version.entry.kind == EntryKind::File);
        // Deleted files are shown with the size that they had.
        let size_bytes = shown.map_or(0, |version| version.entry.size_bytes);
        Self {
            shown: at(shown),
            before: if change == Change::Modified {
                at(old)
            } else {
                NONE
            },
            change,
            size_bytes,
            files: u32::from(is_file),
            changes: u32::from(change != Change::Same),
        }
    }
}

/// Whether a layer changed what was to be seen. A folder that is only there to hold others has the
/// attributes of the one below.
fn differs(stack: &Stack, new: &Version, old: &Version) -> bool {
    if new.layer == old.layer {
        return false;
    }
    let (a, b) = (new.entry, old.entry);
    let folders = a.kind.is_directory() && b.kind.is_directory();
    if folders {
        return (a.mode, a.uid, a.gid) != (b.mode, b.uid, b.gid);
    }
    if a.kind == EntryKind::Symlink && b.kind == EntryKind::Symlink {
        return new.target.of(&stack.text) != old.target.of(&stack.text);
    }
    true
}

impl Stack {
    fn position(&self, node: u32, layer: u16) -> u32 {
        let mut next = self.nodes[node as usize].newest;
        while let Some(version) = self.versions.get(next as usize) {
            if version.layer == layer {
                return next;
            }
            next = version.before;
        }
        NONE
    }
}
