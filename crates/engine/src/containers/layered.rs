//! Reads a file as a container would see it, from the folders of its layers, without mounting them.
//!
//! The layers are untrusted: every step is one name on one descriptor, and symbolic links are
//! resolved here, within the merged tree.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
};

use nix::errno::Errno;
use terrarium_sys::{
    tree::{Kind, Tree},
    xattr,
};

/// More links than this are a circle, as for the kernel.
const LINKS_AT_MOST: u32 = 40;

/// The merged view of some layers.
#[derive(Debug)]
pub(crate) struct Layers {
    /// Topmost first.
    roots: Vec<Tree>,
}

/// A directory of the merged view: the directories that make it up, topmost first.
type Merged = Vec<Tree>;

enum Found {
    Directory(Merged),
    /// The directory of one layer that has the name.
    Other(Tree),
}

impl Layers {
    /// Opens the folders of layers, topmost first.
    pub(crate) fn open<'a>(folders: impl IntoIterator<Item = &'a Path>) -> io::Result<Self> {
        let roots: io::Result<_> = folders.into_iter().map(Tree::open).collect();
        Ok(Self { roots: roots? })
    }

    /// The content of the regular file at `path`, an absolute one, up to `limit` bytes; none if
    /// nothing is there.
    ///
    /// # Errors
    /// `EFBIG` beyond the limit; what the kernel says otherwise.
    pub(crate) fn read(&self, path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
        match self.find(path) {
            Ok(Some((tree, name))) => {
                let mut content = Vec::new();
                tree.open_file(&name)?
                    .take(limit + 1)
                    .read_to_end(&mut content)?;
                let fits = content.len() as u64 <= limit;
                fits.then_some(Some(content))
                    .ok_or_else(|| Errno::EFBIG.into())
            }
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The layer's directory that holds what `path` leads to, and its name there; none for a
    /// directory.
    fn find(&self, path: &Path) -> io::Result<Option<(Tree, OsString)>> {
        let mut ahead: VecDeque<OsString> = components(path);
        let mut behind: Vec<Merged> = vec![clone(&self.roots)?];
        let mut links = 0;
        while let Some(name) = ahead.pop_front() {
            if name == ".." {
                if behind.len() > 1 {
                    behind.pop();
                }
                continue;
            }
            let here = behind.last().expect("the root is never popped");
            match lookup(here, &name)? {
                None => return Ok(None),
                Some(Found::Directory(merged)) => behind.push(merged),
                Some(Found::Other(tree)) => {
                    let Some(target) = link_target(&tree, &name)? else {
                        return Ok(ahead.is_empty().then_some((tree, name)));
                    };
                    links += 1;
                    if links > LINKS_AT_MOST {
                        return Err(Errno::ELOOP.into());
                    }
                    if target.is_absolute() {
                        behind.truncate(1);
                    }
                    for component in components(&target).into_iter().rev() {
                        ahead.push_front(component);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Follows a path to its end, also where nothing is there: what is missing is taken as it is written.
    ///
    /// # Errors
    /// What could not be read, or links that lead in a circle.
    pub(crate) fn resolve(&self, path: &Path) -> io::Result<Resolved> {
        let mut ahead = components(path);
        let mut behind: Vec<(OsString, Merged)> = vec![(OsString::new(), clone(&self.roots)?)];
        let mut links = 0;
        while let Some(name) = ahead.pop_front() {
            if name == ".." {
                if behind.len() > 1 {
                    behind.pop();
                }
                continue;
            }
            let (_, here) = behind.last().expect("the root is never popped");
            match lookup(here, &name)? {
                Some(Found::Directory(merged)) => behind.push((name, merged)),
                Some(Found::Other(tree)) => {
                    let Some(target) = link_target(&tree, &name)? else {
                        let is_folder = ahead.is_empty().then_some(false);
                        return Ok(Resolved::new(&behind, Some(name), ahead, is_folder));
                    };
                    links += 1;
                    if links > LINKS_AT_MOST {
                        return Err(Errno::ELOOP.into());
                    }
                    if target.is_absolute() {
                        behind.truncate(1);
                    }
                    for component in components(&target).into_iter().rev() {
                        ahead.push_front(component);
                    }
                }
                None => return Ok(Resolved::new(&behind, Some(name), ahead, None)),
            }
        }
        Ok(Resolved::new(&behind, None, VecDeque::new(), Some(true)))
    }
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The path from the root, without links.
    pub(crate) path: PathBuf,
    /// Whether a folder is there; nothing where nothing is.
    pub(crate) is_folder: Option<bool>,
}

impl Resolved {
    fn new(
        behind: &[(OsString, Merged)],
        name: Option<OsString>,
        ahead: VecDeque<OsString>,
        is_folder: Option<bool>,
    ) -> Self {
        let mut path: PathBuf = behind.iter().map(|(name, _)| name).collect();
        path.extend(name);
        for name in ahead {
            if name == ".." {
                path.pop();
            } else {
                path.push(name);
            }
        }
        Self { path, is_folder }
    }
}

fn components(path: &Path) -> VecDeque<OsString> {
    let name = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(name).collect()
}

fn clone(trees: &[Tree]) -> io::Result<Merged> {
    trees.iter().map(Tree::try_clone).collect()
}

/// Finds `name` by overlay's rules (kernel documentation, `filesystems/overlayfs`): the topmost
/// layer wins, directories merge, a character device 0:0 hides what is below.
fn lookup(merged: &[Tree], name: &OsStr) -> io::Result<Option<Found>> {
    let mut directories = Merged::new();
    for tree in merged {
        let Some(stat) = tree.stat(name)? else {
            continue;
        };
        match Kind::of_mode(stat.st_mode) {
            Kind::Directory => {
                let child = tree.child(name)?;
                let opaque = is_opaque(&child);
                directories.push(child);
                if opaque {
                    break;
                }
            }
            Kind::CharDevice if stat.st_rdev == 0 => break,
            _ if directories.is_empty() => return Ok(Some(Found::Other(tree.try_clone()?))),
            _ => break,
        }
    }
    Ok((!directories.is_empty()).then_some(Found::Directory(directories)))
}

fn is_opaque(directory: &Tree) -> bool {
    [c"trusted.overlay.opaque", c"user.overlay.opaque"]
        .into_iter()
        .any(|name| matches!(xattr::get(directory, name), Ok(Some(value)) if value == b"y"))
}

fn link_target(tree: &Tree, name: &OsStr) -> io::Result<Option<PathBuf>> {
    match tree.read_link(name) {
        Ok(target) => Ok(Some(target.into())),
        // Not a symbolic link.
        Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    /// Makes layers, topmost first, from `path` or `path -> target` or `path/` or `path = content`.
    fn layers(specs: &[&[&str]]) -> (tempfile::TempDir, Layers) {
        let folder = tempfile::tempdir().unwrap();
        let mut roots = Vec::new();
        for (index, entries) in specs.iter().enumerate() {
            let root = folder.path().join(index.to_string());
            fs::create_dir(&root).unwrap();
            for entry in *entries {
                make(&root, entry);
            }
            roots.push(root);
        }
        let layers = Layers::open(roots.iter().map(PathBuf::as_path)).unwrap();
        (folder, layers)
    }

    fn make(root: &Path, entry: &str) {
        let parent = |path: &Path| fs::create_dir_all(path.parent().unwrap()).unwrap();
        if let Some((path, target)) = entry.split_once(" -> ") {
            parent(&root.join(path));
            symlink(target, root.join(path)).unwrap();
        } else if let Some((path, content)) = entry.split_once(" = ") {
            parent(&root.join(path));
            fs::write(root.join(path), content).unwrap();
        } else {
            fs::create_dir_all(root.join(entry)).unwrap();
        }
    }

    fn check(layers: &Layers, path: &str, expect: Option<&str>) {
        let content = layers.read(Path::new(path), 100).unwrap();
        let content = content.map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(content.as_deref(), expect, "{path}");
    }

    #[test]
    fn the_topmost_layer_wins_and_directories_merge() {
        let (_folder, layers) = layers(&[&["etc/a = top"], &["etc/a = low", "etc/b = low"]]);
        check(&layers, "/etc/a", Some("top"));
        check(&layers, "/etc/b", Some("low"));
        check(&layers, "/etc", None);
        check(&layers, "/etc/a/b", None);
    }

    #[test]
    fn a_link_of_one_layer_leads_to_a_file_of_another_and_never_outside() {
        let (folder, layers) = layers(&[
            &[
                "etc/passwd -> ../usr/etc/passwd",
                "out -> /../../../../secret",
                "loop -> loop",
            ],
            &["usr/etc/passwd = root"],
        ]);
        fs::write(folder.path().join("secret"), "host").unwrap();
        check(&layers, "/etc/passwd", Some("root"));
        check(&layers, "/out", None);
        assert!(layers.read(Path::new("/loop"), 100).is_err());
    }

    #[test]
    fn a_path_is_followed_also_where_nothing_is_there() {
        let (_folder, layers) = layers(&[&["lib -> usr/lib", "loop -> loop"], &["usr/lib/a = x"]]);
        let check = |path: &str, expect: &str, is_folder: Option<bool>| {
            let found = layers.resolve(Path::new(path)).unwrap();
            assert_eq!(
                (found.path.to_str().unwrap(), found.is_folder),
                (expect, is_folder),
                "{path}"
            );
        };
        check("/", "", Some(true));
        check("/lib", "usr/lib", Some(true));
        check("/lib/a", "usr/lib/a", Some(false));
        check("/lib/new/x", "usr/lib/new/x", None);
        check("/../../lib/../x", "usr/x", None);
        assert!(layers.resolve(Path::new("/loop")).is_err());
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused() {
        let (_folder, layers) = layers(&[&["a = 12345"]]);
        assert!(layers.read(Path::new("/a"), 4).is_err());
        assert!(layers.read(Path::new("/a"), 5).is_ok());
    }

    #[test]
    fn a_directory_over_a_file_hides_it() {
        let (_folder, layers) = layers(&[&["etc/"], &["etc = file"]]);
        check(&layers, "/etc", None);
    }
}
