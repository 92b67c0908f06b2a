//! Finding files by name in all layers.

use terrarium_api::{FileKind, FileSearch, FoundFile, FoundFiles};
use terrarium_store::index::{EntryKind, NodeId, Stack, View};

use super::{folder::kind_of, name};
use crate::{Engine, Result, blocking::blocking};

/// More than anybody reads; the total says how many there are.
const SHOWN: usize = 500;

impl Engine {
    /// Finds files by name in all layers, also where they are hidden.
    ///
    /// # Errors
    /// `NoSuchImage`, `NoSuchContainer`, or what could not be read.
    pub async fn search_files(&self, search: FileSearch) -> Result<FoundFiles> {
        let layers = self.layers(&search.of).await?;
        blocking(move || {
            let stack = &layers.stack;
            let Some(top) = stack.layers().checked_sub(1) else {
                return Ok(FoundFiles {
                    total: 0,
                    files: Vec::new(),
                });
            };
            let view = layers.view(top.into())?;
            let found = stack.search(search.text.as_bytes(), SHOWN);
            Ok(FoundFiles {
                total: u32::try_from(found.total).unwrap_or(u32::MAX),
                files: found
                    .nodes
                    .into_iter()
                    .map(|node| told(stack, &view, node))
                    .collect(),
            })
        })
        .await
    }
}

fn told(stack: &Stack, view: &View, node: NodeId) -> FoundFile {
    let mut layers: Vec<u32> = stack
        .versions(node)
        .map(|(layer, _)| layer.into())
        .collect();
    layers.reverse();
    // A whiteout is no file; what it removes is.
    let entry = stack
        .versions(node)
        .map(|(_, entry)| entry)
        .find(|entry| entry.kind != EntryKind::Whiteout);
    let row = view.row(stack, node);
    FoundFile {
        path: name::escape(&stack.path(node)),
        kind: entry.map_or(FileKind::File, |entry| kind_of(entry.kind)),
        size_bytes: entry.map_or(0, |entry| entry.size_bytes),
        layers,
        visible: row.is_some_and(|row| row.change != terrarium_store::index::Change::Deleted),
    }
}
