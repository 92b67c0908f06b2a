//! Layers on top of each other: one tree of names, each with the entries that layers have for it.

use super::ids::Ids;
use super::{Entry, EntryKind, LayerIndex, MAX_ENTRIES, Span};

/// More entries than can be shown at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the layers have more than {MAX_ENTRIES} entries")]
pub struct TooMany;

/// A name in a [`Stack`]. Parents have smaller ids than what is in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// The root of the tree.
    pub const ROOT: Self = Self(0);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) parent: u32,
    pub(crate) name: Span,
    /// Of [`Stack::versions`]; a list through [`Version::before`], topmost first.
    pub(crate) newest: u32,
    /// The next name with the same hash.
    twin: u32,
}

/// What one layer has at a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version {
    pub(crate) layer: u16,
    pub(crate) entry: Entry,
    pub(crate) target: Span,
    pub(crate) before: u32,
}

pub(crate) const NONE: u32 = u32::MAX;

/// The layers of an image (and, as the topmost, what a container writes) as one tree.
///
/// Cheap to extend: a clone with one more layer shows a container.
#[derive(Debug, Clone)]
pub struct Stack {
    pub(crate) nodes: Vec<Node>,
    pub(crate) versions: Vec<Version>,
    pub(crate) text: Vec<u8>,
    /// By parent, then by name.
    pub(crate) sorted: Vec<u32>,
    /// Where in `sorted` the entries of each node begin; one more than there are nodes.
    pub(crate) starts: Vec<u32>,
    layers: u16,
    ids: Ids,
}

impl Stack {
    /// Merges layers, bottom first.
    ///
    /// # Errors
    /// [`TooMany`] entries.
    pub fn new(layers: &[LayerIndex]) -> Result<Self, TooMany> {
        let root = Node {
            parent: 0,
            name: Span::default(),
            newest: NONE,
            twin: NONE,
        };
        let mut stack = Self {
            nodes: vec![root],
            versions: Vec::with_capacity(layers.iter().map(LayerIndex::len).sum()),
            text: Vec::new(),
            sorted: Vec::new(),
            starts: Vec::new(),
            layers: 0,
            ids: Ids::default(),
        };
        for layer in layers {
            stack.add(layer)?;
        }
        stack.sort();
        Ok(stack)
    }

    /// The same with one more layer on top.
    ///
    /// # Errors
    /// [`TooMany`] entries.
    pub fn with(&self, layer: &LayerIndex) -> Result<Self, TooMany> {
        let mut stack = self.clone();
        stack.add(layer)?;
        stack.sort();
        Ok(stack)
    }

    /// How many layers there are.
    pub fn layers(&self) -> u16 {
        self.layers
    }

    /// Finds a name by the components of its path.
    pub fn find<'a>(&self, path: impl IntoIterator<Item = &'a [u8]>) -> Option<NodeId> {
        let mut node = 0;
        for name in path {
            node = self.known(node, name, self.ids.hash(node, name))?;
        }
        Some(NodeId(node))
    }

    /// The last component of a path; empty for the root.
    pub fn name(&self, node: NodeId) -> &[u8] {
        self.nodes[node.index()].name.of(&self.text)
    }

    /// The whole path, `/usr/bin/env`.
    pub fn path(&self, node: NodeId) -> Vec<u8> {
        let mut path = Vec::new();
        self.path_into(node, &mut path);
        path
    }

    /// The same in place of what `path` held.
    pub(crate) fn path_into(&self, node: NodeId, path: &mut Vec<u8>) {
        path.clear();
        // Written backwards, from the name to the root.
        let mut next = node.0;
        while next != 0 {
            path.extend(self.name(NodeId(next)).iter().rev());
            path.push(b'/');
            next = self.nodes[next as usize].parent;
        }
        if path.is_empty() {
            path.push(b'/');
        }
        path.reverse();
    }

    /// Everything that any layer has in a folder, sorted by name.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let range = self.starts[node.index()] as usize..self.starts[node.index() + 1] as usize;
        self.sorted[range].iter().map(|id| NodeId(*id))
    }

    /// The entries of a name with their layers, topmost first.
    pub fn versions(&self, node: NodeId) -> impl Iterator<Item = (u16, Entry)> {
        self.history(node.0)
            .map(|version| (version.layer, version.entry))
    }

    pub(crate) fn history(&self, node: u32) -> impl Iterator<Item = &Version> {
        let mut next = self.nodes[node as usize].newest;
        std::iter::from_fn(move || {
            let version = self.versions.get(next as usize)?;
            next = version.before;
            Some(version)
        })
    }

    /// Where a symbolic link leads as a layer has it.
    pub fn target(&self, node: NodeId, layer: u16) -> &[u8] {
        let mut history = self.history(node.0);
        let version = history.find(|version| version.layer == layer);
        version.map_or(&[], |version| version.target.of(&self.text))
    }

    fn add(&mut self, layer: &LayerIndex) -> Result<(), TooMany> {
        if self.versions.len() + layer.len() > MAX_ENTRIES {
            return Err(TooMany);
        }
        // The node of each level that leads to the entry.
        let mut open: Vec<u32> = vec![0];
        for placed in &layer.entries {
            open.truncate(usize::from(placed.depth) + 1);
            let parent = *open.last().expect("the root stays");
            let node = self.node(parent, placed.name.of(&layer.text));
            let target = self.keep(placed.target.of(&layer.text));
            let at = self.versions.len() as u32;
            self.versions.push(Version {
                layer: self.layers,
                entry: placed.entry,
                target,
                before: self.nodes[node as usize].newest,
            });
            self.nodes[node as usize].newest = at;
            open.push(node);
        }
        self.layers += 1;
        Ok(())
    }

    fn known(&self, parent: u32, name: &[u8], hash: u64) -> Option<u32> {
        let mut next = self.ids.first(hash)?;
        while let Some(node) = self.nodes.get(next as usize) {
            if node.parent == parent && node.name.of(&self.text) == name {
                return Some(next);
            }
            next = node.twin;
        }
        None
    }

    fn node(&mut self, parent: u32, name: &[u8]) -> u32 {
        let hash = self.ids.hash(parent, name);
        if let Some(node) = self.known(parent, name, hash) {
            return node;
        }
        let node = self.nodes.len() as u32;
        let name = self.keep(name);
        let twin = self.ids.put_first(hash, node).unwrap_or(NONE);
        self.nodes.push(Node {
            parent,
            name,
            newest: NONE,
            twin,
        });
        node
    }

    fn keep(&mut self, bytes: &[u8]) -> Span {
        let at = self.text.len() as u32;
        self.text.extend_from_slice(bytes);
        Span {
            at,
            len: bytes.len() as u16,
        }
    }

    /// Puts the names of each folder together, then in order. Layers are sorted mostly, which makes the
    /// second step short.
    fn sort(&mut self) {
        let (nodes, text) = (&self.nodes, &self.text);
        // The root is its own parent, and in no folder.
        let mut starts = vec![0_u32; nodes.len() + 1];
        for node in &nodes[1..] {
            starts[node.parent as usize + 1] += 1;
        }
        for id in 1..starts.len() {
            starts[id] += starts[id - 1];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0_u32; nodes.len() - 1];
        for (id, node) in (0_u32..).zip(nodes).skip(1) {
            let at = &mut next[node.parent as usize];
            sorted[*at as usize] = id;
            *at += 1;
        }
        for folder in starts.windows(2) {
            let names = &mut sorted[folder[0] as usize..folder[1] as usize];
            names.sort_by_key(|id| nodes[*id as usize].name.of(text));
        }
        (self.sorted, self.starts) = (sorted, starts);
    }

    /// From which layer on things in a folder can be seen, for every folder, as the layers up to
    /// and with `top` have it: what is below a whiteout, an opaque folder or a file is hidden.
    pub(crate) fn floors(&self, top: u16) -> Vec<u16> {
        let mut floors = vec![0_u16; self.nodes.len()];
        for id in 1..self.nodes.len() {
            let above = floors[self.nodes[id].parent as usize];
            let cut = self
                .history(id as u32)
                .find(|version| version.layer <= top && version.entry.kind.cuts());
            floors[id] = above.max(cut.map_or(0, |version| version.layer));
        }
        floors
    }

    /// What is to be seen of a name as the layers up to and with `top` have it; `floor` is that of
    /// its folder.
    pub(crate) fn visible(&self, node: u32, top: u16, floor: u16) -> Option<&Version> {
        let newest = self.history(node).find(|version| version.layer <= top)?;
        let shown = newest.layer >= floor && newest.entry.kind != EntryKind::Whiteout;
        shown.then_some(newest)
    }
}
