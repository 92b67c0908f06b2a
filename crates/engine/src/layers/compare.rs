//! How the files of two images differ.

use std::collections::HashMap;

use terrarium_api::{CompareImages, FileChange, FileDifference, FilesOf, ImageComparison};
use terrarium_store::index::Entry;

use super::name;
use crate::{Engine, Result, blocking::blocking};

/// More than anybody reads; the counts say how many there are.
const SHOWN: usize = 500;

type Files = HashMap<Vec<u8>, Entry>;

impl Engine {
    /// How the files of two images differ, by kind, owner, permissions, size and time.
    ///
    /// # Errors
    /// `NoSuchImage`, or what could not be read.
    pub async fn compare_images(&self, request: CompareImages) -> Result<ImageComparison> {
        let image = |image: String| FilesOf::Image { image };
        let left = self.layers(&image(request.left)).await?;
        let right = self.layers(&image(request.right)).await?;
        blocking(move || {
            let pairs = left.snapshots.iter().zip(&right.snapshots);
            let shared_layers = pairs.take_while(|(left, right)| left == right).count();
            let (left, right) = (left.stack.visible_files(), right.stack.visible_files());
            Ok(compare(&left, &right, shared_layers))
        })
        .await
    }
}

fn compare(left: &Files, right: &Files, shared_layers: usize) -> ImageComparison {
    let mut differences: Vec<(&[u8], FileChange)> = Vec::new();
    for (path, entry) in left {
        match right.get(path) {
            None => differences.push((path.as_slice(), FileChange::Deleted)),
            Some(other) if differs(entry, other) => {
                differences.push((path.as_slice(), FileChange::Modified));
            }
            Some(_) => {}
        }
    }
    let added = right.keys().filter(|path| !left.contains_key(*path));
    differences.extend(added.map(|path| (path.as_slice(), FileChange::Added)));
    differences.sort_unstable_by_key(|(path, _)| *path);
    let count = |wanted| {
        let of_kind = differences.iter().filter(|(_, change)| *change == wanted);
        u32::try_from(of_kind.count()).unwrap_or(u32::MAX)
    };
    let bytes = |files: &Files, path| files.get(path).map(|entry| entry.size_bytes);
    ImageComparison {
        shared_layers: u32::try_from(shared_layers).unwrap_or(u32::MAX),
        removed: count(FileChange::Deleted),
        added: count(FileChange::Added),
        modified: count(FileChange::Modified),
        files: differences
            .iter()
            .take(SHOWN)
            .map(|(path, change)| FileDifference {
                path: name::escape(path),
                change: *change,
                left_bytes: bytes(left, *path),
                right_bytes: bytes(right, *path),
            })
            .collect(),
    }
}

/// Times of folders differ whenever something in them does, which is told already.
fn differs(left: &Entry, right: &Entry) -> bool {
    let facts = |entry: &Entry| {
        (
            entry.kind,
            entry.mode,
            entry.uid,
            entry.gid,
            entry.size_bytes,
        )
    };
    let time = left.modified_sec != right.modified_sec && !left.kind.is_directory();
    time || facts(left) != facts(right)
}
