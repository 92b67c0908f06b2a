//! The files of a tree in the order in which a walk comes to them.

use std::collections::BTreeMap;

use crate::{Entry, Files, Kind};

impl Files {
    /// All entries, each after its folder and what is in a folder right after it: a slash counts as the lowest
    /// character. Folders that no tar lists, since only something in them was packed, are there as well.
    #[must_use]
    pub fn walk(&self) -> Vec<(&str, Entry)> {
        let mut all = BTreeMap::new();
        for (path, entry) in self.iter() {
            let ends = path.match_indices('/').map(|(end, _)| end);
            for folder in ends.map(|end| &path[..end]) {
                all.entry(ranked(folder)).or_insert((folder, None));
            }
            all.insert(ranked(path), (path, Some(entry)));
        }
        let entries = all.into_values();
        entries
            .map(|(path, entry)| (path, entry.cloned().unwrap_or_else(folder)))
            .collect()
    }
}

fn ranked(path: &str) -> Vec<u8> {
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    path.bytes().map(rank).collect()
}

fn folder() -> Entry {
    Entry {
        kind: Kind::Folder,
        mode: 0o755,
        uid: 0,
        gid: 0,
        modified: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_comes_to_a_folder_before_its_files_and_its_neighbors() {
        let mut files = Files::default();
        for path in ["a-b", "a/c/d", "a/b", "z/"] {
            let kind = match path.strip_suffix('/') {
                Some(_) => Kind::Folder,
                None => Kind::Link("x".to_owned()),
            };
            let entry = Entry { kind, ..folder() };
            files.replace(path.trim_end_matches('/').to_owned(), entry);
        }
        let walk = files.walk();
        let paths: Vec<&str> = walk.iter().map(|(path, _)| *path).collect();
        assert_eq!(paths, ["a", "a/b", "a/c", "a/c/d", "a-b", "z"]);
        assert!(matches!(walk[2].1.kind, Kind::Folder));
    }
}
