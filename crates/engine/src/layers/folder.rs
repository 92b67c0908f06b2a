//! What is in a folder after a layer.

use terrarium_api::{
    Error, ErrorCode, FileBefore, FileChange, FileKind, FileRow, Folder, FolderQuery,
};
use terrarium_store::index::{Change, Entry, EntryKind, NodeId, Row, Stack, View};

use super::{name, open::Layers};
use crate::{Engine, Result, blocking::blocking, error::quoted};

/// A message to the window stays small, however many files are in a folder.
const PAGE: usize = 1_000;

impl Engine {
    /// What is in a folder after a layer, a page of it.
    ///
    /// # Errors
    /// `NoSuchImage`, `NoSuchContainer`, `InvalidArgument` for a layer or a folder that is not
    /// there.
    pub async fn list_folder(&self, query: FolderQuery) -> Result<Folder> {
        let layers = self.layers(&query.of).await?;
        blocking(move || {
            let view = layers.view(query.layer)?;
            let folder = find(&layers, &query.path)?;
            Ok(page(&layers.stack, &view, folder, &query))
        })
        .await
    }
}

pub(super) fn find(layers: &Layers, path: &str) -> Result<NodeId> {
    let names = name::components(path)?;
    let found = layers.stack.find(names.iter().map(Vec::as_slice));
    found.ok_or_else(|| {
        let message = format!("no such file in the layers: {}", quoted(path));
        Error::new(ErrorCode::InvalidArgument, message)
    })
}

fn page(stack: &Stack, view: &View, folder: NodeId, query: &FolderQuery) -> Folder {
    let children = stack.children(folder);
    let mut rows: Vec<(NodeId, Row)> = children
        .filter_map(|node| Some((node, view.row(stack, node)?)))
        .filter(|(_, row)| !query.changed_only || row.changes > 0)
        .collect();
    // Folders first, as file managers do; names are sorted already.
    rows.sort_by_key(|(_, row)| !row.entry.kind.is_directory());
    let total = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let files = rows
        .into_iter()
        .skip(query.offset as usize)
        .take(PAGE)
        .map(|(node, row)| told(stack, node, row))
        .collect();
    Folder { total, files }
}

fn told(stack: &Stack, node: NodeId, row: Row) -> FileRow {
    let Entry {
        kind,
        mode,
        uid,
        gid,
        modified_sec,
        link_group,
        ..
    } = row.entry;
    let target = stack.target(node, row.layer);
    FileRow {
        name: name::escape(stack.name(node)),
        kind: kind_of(kind),
        change: change_of(row.change),
        layer: row.layer.into(),
        mode: mode.into(),
        uid,
        gid,
        size_bytes: row.size_bytes,
        modified_sec,
        files: row.files,
        changes: row.changes,
        target: (kind == EntryKind::Symlink).then(|| name::escape(target)),
        linked: link_group != 0,
        before: row.before.map(before),
    }
}

fn before((layer, entry): (u16, Entry)) -> FileBefore {
    FileBefore {
        layer: layer.into(),
        mode: entry.mode.into(),
        uid: entry.uid,
        gid: entry.gid,
        size_bytes: entry.size_bytes,
        modified_sec: entry.modified_sec,
    }
}

pub(super) fn kind_of(kind: EntryKind) -> FileKind {
    match kind {
        EntryKind::Directory | EntryKind::OpaqueDirectory => FileKind::Directory,
        EntryKind::Symlink => FileKind::Symlink,
        EntryKind::CharDevice | EntryKind::BlockDevice => FileKind::Device,
        EntryKind::Fifo => FileKind::Fifo,
        EntryKind::Socket => FileKind::Socket,
        EntryKind::File | EntryKind::Whiteout => FileKind::File,
    }
}

fn change_of(change: Change) -> FileChange {
    match change {
        Change::Same => FileChange::Same,
        Change::Added => FileChange::Added,
        Change::Modified => FileChange::Modified,
        Change::Deleted => FileChange::Deleted,
    }
}
