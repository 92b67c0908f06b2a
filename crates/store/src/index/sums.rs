//! What each layer adds and hides, and how much of all bytes nobody can see.

use std::collections::{HashMap, HashSet};

use super::merge::{NodeId, Stack};
use super::view::{Change, View};
use super::{Entry, EntryKind};

/// So many wasteful names are told, the largest first.
const MOST_WASTED: usize = 200;

/// What one layer does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LayerSums {
    /// Names that were not there before.
    pub added: u32,
    /// Names with other content or attributes.
    pub modified: u32,
    /// Names that are there no more, those within removed folders included.
    pub deleted: u32,
    /// Bytes of its files, several names of one file once.
    pub size_bytes: u64,
    /// Of these, what layers above hide.
    pub hidden_bytes: u64,
}

/// A name that takes room which nobody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wasted {
    /// Where.
    pub node: NodeId,
    /// The bytes that are hidden.
    pub size_bytes: u64,
    /// The layers that have it, bottom first, removals included.
    pub layers: Vec<u16>,
    /// Whether it is gone at the end, or there in a newer form.
    pub removed: bool,
}

/// All layers together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// Bottom first.
    pub layers: Vec<LayerSums>,
    /// Bytes of all files of all layers.
    pub size_bytes: u64,
    /// Of these, what the topmost view hides.
    pub wasted_bytes: u64,
    /// The names that waste most.
    pub wasted: Vec<Wasted>,
    /// How many names waste something.
    pub wasteful_names: usize,
    /// Files that are to be seen at the end.
    pub files: u32,
}

impl Sums {
    /// Sums up a stack. Takes one pass over all names for each layer.
    pub fn new(stack: &Stack) -> Self {
        let mut sums = Self {
            layers: (0..stack.layers())
                .map(|layer| count(stack, layer))
                .collect(),
            ..Self::default()
        };
        if let Some(top) = stack.layers().checked_sub(1) {
            sums.add_bytes(stack, top);
        }
        sums
    }

    /// The part of all bytes that is to be seen; 1 when there are none.
    pub fn efficiency(&self) -> f64 {
        if self.size_bytes == 0 {
            return 1.0;
        }
        (self.size_bytes - self.wasted_bytes) as f64 / self.size_bytes as f64
    }

    fn add_bytes(&mut self, stack: &Stack, top: u16) {
        let floors = stack.floors(top);
        let shown = |id: u32| {
            let parent = stack.nodes[id as usize].parent as usize;
            let version = stack.visible(id, top, floors[parent]);
            version.map(|version| version.layer)
        };
        let seen = groups_in_sight(stack, &shown);
        let mut counted = HashSet::new();
        for id in 1..stack.nodes.len() as u32 {
            let visible = shown(id);
            self.files += u32::from(visible.is_some_and(|layer| is_file(stack, id, layer)));
            let mut hidden = 0;
            for version in stack.history(id) {
                let group = (version.layer, version.entry.link_group);
                if version.entry.link_group != 0 && !counted.insert(group) {
                    continue;
                }
                let in_sight = visible == Some(version.layer) || seen.contains(&group);
                let bytes = version.entry.size_bytes;
                let layer = &mut self.layers[usize::from(version.layer)];
                layer.size_bytes = layer.size_bytes.saturating_add(bytes);
                self.size_bytes = self.size_bytes.saturating_add(bytes);
                if !in_sight {
                    layer.hidden_bytes = layer.hidden_bytes.saturating_add(bytes);
                    hidden += bytes;
                }
            }
            if hidden > 0 {
                self.waste(stack, NodeId(id), hidden, visible.is_none());
            }
        }
        self.wasted
            .sort_by_key(|wasted| (std::cmp::Reverse(wasted.size_bytes), wasted.node));
        self.wasted.truncate(MOST_WASTED);
    }

    fn waste(&mut self, stack: &Stack, node: NodeId, size_bytes: u64, removed: bool) {
        let mut layers: Vec<u16> = stack.versions(node).map(|(layer, _)| layer).collect();
        layers.reverse();
        self.wasted_bytes = self.wasted_bytes.saturating_add(size_bytes);
        self.wasteful_names += 1;
        self.wasted.push(Wasted {
            node,
            size_bytes,
            layers,
            removed,
        });
        // Bounded, however many names a hostile image has.
        if self.wasted.len() > 64 * MOST_WASTED {
            self.wasted
                .sort_by_key(|wasted| std::cmp::Reverse(wasted.size_bytes));
            self.wasted.truncate(MOST_WASTED);
        }
    }
}

/// A file with several names is in sight as long as one of them is.
fn groups_in_sight(stack: &Stack, shown: &impl Fn(u32) -> Option<u16>) -> HashSet<(u16, u32)> {
    let mut seen = HashSet::new();
    for id in 1..stack.nodes.len() as u32 {
        let visible = shown(id);
        for version in stack.history(id) {
            if version.entry.link_group != 0 && visible == Some(version.layer) {
                seen.insert((version.layer, version.entry.link_group));
            }
        }
    }
    seen
}

fn is_file(stack: &Stack, id: u32, layer: u16) -> bool {
    let mut versions = stack.versions(NodeId(id));
    versions.any(|(of, entry)| of == layer && entry.kind == EntryKind::File)
}

fn count(stack: &Stack, layer: u16) -> LayerSums {
    let view = View::new(stack, layer);
    let mut sums = LayerSums::default();
    for id in 1..stack.nodes.len() as u32 {
        match view.row(stack, NodeId(id)).map(|row| row.change) {
            Some(Change::Added) => sums.added += 1,
            Some(Change::Modified) => sums.modified += 1,
            Some(Change::Deleted) => sums.deleted += 1,
            Some(Change::Same) | None => {}
        }
    }
    sums
}

/// How two trees differ, of images or of a container and its image.
impl Stack {
    /// What is to be seen at the end, by path: for comparing with another stack.
    pub fn visible_files(&self) -> HashMap<Vec<u8>, Entry> {
        let Some(top) = self.layers().checked_sub(1) else {
            return HashMap::new();
        };
        let floors = self.floors(top);
        let mut all = HashMap::new();
        for id in 1..self.nodes.len() as u32 {
            let parent = self.nodes[id as usize].parent as usize;
            if let Some(version) = self.visible(id, top, floors[parent]) {
                all.insert(self.path(NodeId(id)), version.entry);
            }
        }
        all
    }
}
