//! [`Root::target`](super::root::Root::target) against a model: a tree in memory, resolved by the book
//! (path_resolution(7), with the container's root for `/`).

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use nix::sys::stat::fstat;
use proptest::prelude::*;

use super::root::{Root, Target};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Directory(BTreeMap<String, Node>),
    File,
    Link(String),
}

impl Node {
    /// What is there, by names that are no links.
    fn at(&mut self, names: &[String]) -> Option<&mut Self> {
        names.iter().try_fold(self, |node, name| match node {
            Self::Directory(children) => children.get_mut(name),
            _ => None,
        })
    }

    /// Where `path` leads, with what is missing made on the way. `None` where no path leads anywhere:
    /// through a file, or in a circle.
    fn target(&mut self, path: &str, kind: Target) -> Option<Vec<String>> {
        let mut todo: VecDeque<String> = parts(path).collect();
        let mut at: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            let Some(Self::Directory(children)) = self.at(&at) else {
                return None;
            };
            if name == ".." {
                at.pop();
                continue;
            }
            let made = if todo.is_empty() && kind == Target::File {
                Self::File
            } else {
                Self::Directory(BTreeMap::new())
            };
            match children.entry(name.clone()).or_insert(made) {
                Self::Link(target) => {
                    links += 1;
                    if links > 40 {
                        return None;
                    }
                    if target.starts_with('/') {
                        at.clear();
                    }
                    for part in parts(target).collect::<Vec<_>>().into_iter().rev() {
                        todo.push_front(part);
                    }
                }
                _ => at.push(name),
            }
        }
        Some(at)
    }

    fn write(&self, path: &Path) {
        match self {
            Self::Directory(children) => {
                fs::create_dir(path).unwrap();
                for (name, child) in children {
                    child.write(&path.join(name));
                }
            }
            Self::File => fs::write(path, "").unwrap(),
            Self::Link(target) => symlink(target, path).unwrap(),
        }
    }

    fn read(path: &Path) -> Self {
        let kind = fs::symlink_metadata(path).unwrap().file_type();
        if kind.is_symlink() {
            return Self::Link(fs::read_link(path).unwrap().to_str().unwrap().to_owned());
        }
        if kind.is_file() {
            return Self::File;
        }
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
        let child = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().unwrap();
            (name, Self::read(&entry.path()))
        };
        Self::Directory(entries.map(child).collect())
    }
}

fn parts(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
}

/// Few names, so that paths meet links.
fn path() -> impl Strategy<Value = String> {
    "/?(a|b|c|\\.\\.)(/(a|b|c|\\.\\.)){0,4}"
}

fn children(of: impl Strategy<Value = Node>) -> impl Strategy<Value = Node> {
    prop::collection::btree_map("[abc]", of, 0..4).prop_map(Node::Directory)
}

fn tree() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(Node::File),
        path().prop_map(Node::Link),
        path().prop_map(Node::Link),
        Just(Node::Directory(BTreeMap::new())),
    ];
    children(leaf.prop_recursive(3, 12, 3, children))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_target_is_where_the_model_says_and_nothing_else_is_made(
        mut model in tree(),
        path in path(),
        is_file in any::<bool>(),
    ) {
        let kind = if is_file { Target::File } else { Target::Directory };
        let outside = tempfile::tempdir().unwrap();
        let inside = outside.path().join("root");
        model.write(&inside);
        let root = Root::new(fs::File::open(&inside).unwrap().into());
        let found = root.target(Path::new(&path), kind);
        let expected = model.target(&path, kind);
        prop_assert_eq!(found.is_ok(), expected.is_some(), "{:?}, not {:?}", found, expected);
        if let (Ok(found), Some(names)) = (found, expected) {
            let expected = inside.join(names.iter().collect::<PathBuf>());
            let expected = fs::symlink_metadata(expected).unwrap();
            prop_assert_eq!(fstat(&found).unwrap().st_ino, expected.ino());
        }
        prop_assert_eq!(Node::read(&inside), model);
        prop_assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }
}
