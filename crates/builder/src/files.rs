use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use crate::content::{Content, Skimmer};

/// A tree of files that only exists as an index of tars: nothing of it is unpacked on the machine.
#[derive(Debug, Default)]
pub struct Files {
    entries: BTreeMap<String, Entry>,
    hashes: Mutex<HashMap<String, String>>,
}

/// A file of a tree.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its permissions.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// When it changed, in seconds.
    pub modified: u64,
}

/// The kinds of files that can be copied.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A file with its bytes.
    File(Content),
    /// A folder.
    Folder,
    /// A symbolic link and where it points.
    Link(String),
    /// A device, pipe or socket.
    Special,
}

/// So many links in a row are a circle.
const LINKS_AT_MOST: u32 = 40;

impl Files {
    /// Indexes the layers of tars that lie on each other, bottom first. Whiteouts remove what is below.
    ///
    /// # Errors
    ///
    /// When one is no tar, or holds a name that is not UTF-8.
    pub fn of_tars(tars: impl IntoIterator<Item = File>) -> io::Result<Self> {
        let mut files = Self::default();
        for tar in tars {
            files.add_tar(tar)?;
        }
        Ok(files)
    }

    fn add_tar(&mut self, tar: File) -> io::Result<()> {
        let file = Arc::new(tar);
        let size = file.metadata()?.len();
        let below = std::mem::take(&mut self.entries);
        let mut hides = Vec::new();
        let mut archive = tar::Archive::new(Skimmer::of(&file));
        for entry in archive.entries_with_seek()? {
            let mut entry = entry?;
            // What is passed over is not read, so nothing else would miss its end.
            let is_sparse = entry.header().entry_type() == tar::EntryType::GNUSparse;
            if !is_sparse && entry.raw_file_position().saturating_add(entry.size()) > size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let path = entry.path_bytes().into_owned();
            let path =
                clean(&String::from_utf8(path).map_err(|_| invalid("a name that is not UTF-8"))?);
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            if name == ".wh..wh..opq" {
                hides.push((folder.to_owned(), true));
            } else if let Some(hidden) = name.strip_prefix(".wh.") {
                hides.push((join(folder, hidden), false));
            } else if !path.is_empty() {
                let read = read_entry(&mut entry, &file, |link| {
                    self.entries.get(link).or_else(|| below.get(link)).cloned()
                })?;
                self.replace(path, read);
            }
        }
        let over = std::mem::replace(&mut self.entries, below);
        for (path, opaque) in hides {
            self.hide(&path, opaque);
        }
        for (path, entry) in over {
            self.replace(path, entry);
        }
        Ok(())
    }

    fn hide(&mut self, path: &str, opaque: bool) {
        let inside = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        self.entries
            .retain(|other, _| !(other.starts_with(&inside) || (!opaque && other == path)));
    }

    /// Puts an entry, also in place of a folder with all that is in it.
    pub fn replace(&mut self, path: String, entry: Entry) {
        let was_folder = self
            .entries
            .get(&path)
            .is_some_and(|old| matches!(old.kind, Kind::Folder));
        if was_folder && !matches!(entry.kind, Kind::Folder) {
            self.hide(&path, false);
        }
        self.entries.insert(path, entry);
    }

    /// Removes what a rule leaves out. A folder stays while something that is in it does.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        let mut folders = BTreeSet::new();
        let mut gone = Vec::new();
        // What is in a folder sorts after it.
        for path in self.entries.keys().rev() {
            if keep(path) || folders.contains(path.as_str()) {
                folders.extend(path.rsplit_once('/').map(|(folder, _)| folder));
            } else {
                gone.push(path.clone());
            }
        }
        for path in gone {
            self.entries.remove(&path);
        }
    }

    /// All entries, sorted by path. Paths have no slash at their start.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .map(|(path, entry)| (path.as_str(), entry))
    }

    /// One entry, links not followed.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// What is in a folder, at any depth.
    pub fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        let start = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let inside = start.clone();
        self.entries
            .range(start..)
            .take_while(move |(path, _)| path.starts_with(&inside))
            .map(|(path, entry)| (path.as_str(), entry))
    }

    /// Whether a path is a folder, be it only because something is in it.
    #[must_use]
    pub fn is_folder(&self, path: &str) -> bool {
        path.is_empty()
            || self
                .get(path)
                .is_some_and(|entry| matches!(entry.kind, Kind::Folder))
            || (self.get(path).is_none() && self.below(path).next().is_some())
    }

    /// Follows all links of a path, within the tree; nothing where it leads nowhere.
    #[must_use]
    pub fn follow(&self, path: &str) -> Option<String> {
        let mut ahead: VecDeque<String> = clean(path).split('/').map(str::to_owned).collect();
        let mut at = String::new();
        let mut links = 0;
        while let Some(name) = ahead.pop_front() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    at = at
                        .rsplit_once('/')
                        .map_or(String::new(), |(folder, _)| folder.to_owned());
                    continue;
                }
                _ => {}
            }
            let next = join(&at, &name);
            match self.get(&next).map(|entry| &entry.kind) {
                Some(Kind::Link(target)) => {
                    links += 1;
                    if links > LINKS_AT_MOST {
                        return None;
                    }
                    if target.starts_with('/') {
                        at.clear();
                    }
                    for name in target.split('/').rev() {
                        ahead.push_front(name.to_owned());
                    }
                }
                Some(_) => at = next,
                None if self.is_folder(&next) => at = next,
                None => return None,
            }
        }
        Some(at)
    }

    /// Takes over the digests that are known of files which are the same here.
    pub fn take_hashes(&self, before: &Self, same: impl Fn(&str) -> bool) {
        let known = before.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = known.iter().filter(|(path, _)| same(path));
        let kept = kept.map(|(path, hash)| (path.clone(), hash.clone()));
        let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        hashes.extend(kept);
    }

    /// The digest of a file's bytes, computed once.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn hash(&self, path: &str, content: &Content) -> io::Result<String> {
        let known = self
            .hashes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(path)
            .cloned();
        if let Some(hash) = known {
            return Ok(hash);
        }
        let hash = content.hash()?;
        let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        hashes.insert(path.to_owned(), hash.clone());
        Ok(hash)
    }
}

fn read_entry<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    file: &Arc<File>,
    linked: impl Fn(&str) -> Option<Entry>,
) -> io::Result<Entry> {
    use tar::EntryType as T;
    let link = entry
        .link_name_bytes()
        .map(|link| String::from_utf8_lossy(&link).into_owned());
    let header = entry.header();
    // Some writers leave out whose a file is and when it changed.
    let number = |number: io::Result<u64>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
    let kind = match header.entry_type() {
        T::Regular | T::Continuous => Kind::File(Content::Part {
            file: Arc::clone(file),
            offset: entry.raw_file_position(),
            len: entry.size(),
        }),
        T::Directory => Kind::Folder,
        T::Symlink => Kind::Link(link.ok_or_else(|| invalid("a link without a target"))?),
        T::Link => {
            let target = clean(&link.ok_or_else(|| invalid("a link without a target"))?);
            return linked(&target)
                .ok_or_else(|| invalid("a hard link to a file that is not there"));
        }
        T::GNUSparse => return Err(invalid("a sparse file")),
        _ => Kind::Special,
    };
    Ok(Entry {
        kind,
        mode: header.mode()? & 0o7777,
        uid: number(header.uid()),
        gid: number(header.gid()),
        modified: header.mtime().unwrap_or(0),
    })
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the archive holds {what}"),
    )
}

/// A path without `.`, `..` and doubled or leading slashes: what leads outside ends at the root.
#[must_use]
pub fn clean(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

pub(crate) fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, name) => format!("{folder}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::content::AHEAD;

    fn tar(entries: &[(&str, &str)]) -> File {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            if let Some(target) = content.strip_prefix("-> ") {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                builder.append_link(&mut header, path, target).unwrap();
            } else {
                header.set_size(content.len() as u64);
                builder
                    .append_data(&mut header, path, content.as_bytes())
                    .unwrap();
            }
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&builder.into_inner().unwrap()).unwrap();
        file
    }

    fn text(files: &Files, path: &str) -> Option<String> {
        let Kind::File(content) = &files.get(path)?.kind else {
            return None;
        };
        let mut text = String::new();
        content.open().read_to_string(&mut text).unwrap();
        Some(text)
    }

    #[test]
    fn layers_cover_and_remove_what_is_below() {
        let files = Files::of_tars([
            tar(&[("a/x", "1"), ("a/y", "2"), ("b/z", "3"), ("c", "4")]),
            tar(&[
                ("a/.wh.x", ""),
                ("b/.wh..wh..opq", ""),
                ("b/new", "5"),
                ("c/in", "6"),
            ]),
        ])
        .unwrap();
        let paths: Vec<&str> = files
            .iter()
            .map(|(path, _)| path)
            .filter(|path| *path != "c")
            .collect();
        assert_eq!(paths, ["a/y", "b/new", "c/in"]);
        assert_eq!(text(&files, "a/y").as_deref(), Some("2"));
    }

    #[test]
    fn an_archive_that_breaks_off_within_a_file_is_refused() {
        let whole = tar(&[("small", "1"), ("large", &"x".repeat(3 * AHEAD))]);
        let files = Files::of_tars([whole.try_clone().unwrap()]).unwrap();
        assert_eq!(
            text(&files, "large").map(|text| text.len()),
            Some(3 * AHEAD)
        );
        whole.set_len(2 * AHEAD as u64).unwrap();
        let refused = Files::of_tars([whole]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_sparse_file_is_named_as_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (hole, made) = (folder.path().join("hole"), folder.path().join("made.tar"));
        File::create(&hole).unwrap().set_len(1 << 20).unwrap();
        let mut tar = std::process::Command::new("tar");
        tar.args(["--format=gnu", "-Scf"]).arg(&made);
        let packed = tar.arg("-C").arg(folder.path()).arg("hole").status();
        assert!(packed.unwrap().success());
        let refused = Files::of_tars([File::open(made).unwrap()]).unwrap_err();
        assert_eq!(refused.to_string(), "the archive holds a sparse file");
    }

    #[test]
    fn a_folder_stays_while_something_in_it_does() {
        let paths = [
            ("a", "1"),
            ("dir/", ""),
            ("dir/in/", ""),
            ("dir/in/kept", "2"),
            ("dir/out", "3"),
            ("dir-x", "4"),
        ];
        let mut files = Files::of_tars([tar(&paths)]).unwrap();
        files.retain(|path| path == "a" || path == "dir/in/kept");
        let left: Vec<&str> = files.iter().map(|(path, _)| path).collect();
        assert_eq!(left, ["a", "dir", "dir/in", "dir/in/kept"]);
    }

    #[test]
    fn links_never_lead_outside_or_round_and_round() {
        let files = Files::of_tars([tar(&[
            ("dir/file", "x"),
            ("up", "-> ../../dir"),
            ("abs", "-> /dir/file"),
            ("loop", "-> loop"),
        ])])
        .unwrap();
        assert_eq!(files.follow("up/file").as_deref(), Some("dir/file"));
        assert_eq!(files.follow("/abs").as_deref(), Some("dir/file"));
        assert_eq!(files.follow("loop"), None);
        assert_eq!(files.follow("../../dir").as_deref(), Some("dir"));
        assert_eq!(files.follow("none"), None);
    }
}
