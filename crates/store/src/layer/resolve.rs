//! Folders of the merged view, walked by descriptor and one component at a time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::rc::Rc;

use nix::sys::stat::futimens;
use nix::sys::time::TimeSpec;
use terrarium_sys::tree::{Kind, Tree};

use super::apply::{Host, Options};
use super::error::{Error, Result};
use super::lowers::{Found, Lowers};
use super::path::link_components;
use super::{write, xattrs};

/// As in the kernel (`MAXSYMLINKS`).
const MAX_LINKS: u32 = 40;

/// Folders within folders; each holds a descriptor.
const MAX_DEPTH: usize = 500;

/// The canonical path of a folder: names of folders only, from the root.
pub(super) type FolderPath = Vec<Vec<u8>>;

/// The folder that is unpacked into, over the layers below, with a current folder.
pub(super) struct View<'a> {
    pub(super) root: Rc<Tree>,
    pub(super) options: &'a Options,
    host: &'a mut dyn Host,
    lowers: Option<Lowers>,
    /// The folders on the way to the current one. Archives go through the tree in order, so the
    /// next entry mostly shares them.
    stack: Vec<(Vec<u8>, Rc<Tree>)>,
    /// Folders that hide what lies below.
    pub(super) opaque: HashSet<FolderPath>,
    /// Names that the layer removes from those below. Marked at the end, when it is known what the
    /// layer itself has: its own entries stay, in whatever order they come (image-spec, layer).
    pub(super) removed: BTreeSet<(FolderPath, Vec<u8>)>,
    /// The times that folders get when nothing is made in them any more.
    times: HashMap<FolderPath, TimeSpec>,
}

enum Step {
    Into(Rc<Tree>),
    Follow(Vec<u8>),
    Absent,
}

impl<'a> View<'a> {
    pub(super) fn new(
        root: &Tree,
        options: &'a Options,
        host: &'a mut dyn Host,
    ) -> io::Result<Self> {
        Ok(Self {
            root: Rc::new(root.try_clone()?),
            options,
            host,
            lowers: None,
            stack: Vec::new(),
            opaque: HashSet::new(),
            removed: BTreeSet::new(),
            times: HashMap::new(),
        })
    }

    pub(super) fn host(&mut self) -> &mut dyn Host {
        self.host
    }

    /// The current folder.
    pub(super) fn here(&self) -> Rc<Tree> {
        Rc::clone(self.stack.last().map_or(&self.root, |(_, tree)| tree))
    }

    /// The path of the current folder.
    pub(super) fn path(&self) -> FolderPath {
        self.stack.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Makes `path` the current folder, following symbolic links of this layer and of those below
    /// as if the root were `/`. Folders that only layers below have are made with the attributes
    /// they have there, and folders that nobody has are made as root's, mode 755.
    pub(super) fn enter(&mut self, entry: &[u8], path: &[Vec<u8>]) -> Result<()> {
        let shared = self
            .stack
            .iter()
            .zip(path)
            .take_while(|((have, _), want)| have == *want);
        let shared = shared.count();
        self.stack.truncate(shared);
        let mut todo: Vec<Vec<u8>> = path[shared..].iter().rev().cloned().collect();
        let mut links = 0;
        while let Some(name) = todo.pop() {
            if name == b".." {
                self.stack.pop();
                continue;
            }
            match self.step(entry, &name)? {
                Step::Into(tree) => {
                    self.stack.push((name, tree));
                    self.check_depth(entry)?;
                }
                // Only the target of a link has `..`; nothing is made just to be left again.
                Step::Absent if todo.last().is_some_and(|next| next == b"..") => {
                    todo.pop();
                }
                Step::Absent => {
                    let tree = self.make_folder(entry, &name, None)?;
                    self.stack.push((name, tree));
                    self.check_depth(entry)?;
                }
                Step::Follow(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Error::entry(entry, "too many symbolic links"));
                    }
                    if target.starts_with(b"/") {
                        self.stack.clear();
                    }
                    todo.extend(link_components(&target).rev().map(<[u8]>::to_vec));
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, entry: &[u8], name: &[u8]) -> Result<Step> {
        let (here, os_name) = (self.here(), OsStr::from_bytes(name));
        let error = match here.child(os_name) {
            Ok(child) => return Ok(Step::Into(Rc::new(child))),
            Err(error) => error,
        };
        let stat = here
            .stat(os_name)
            .map_err(|error| Error::system("look at", entry, error))?;
        match stat {
            None => self.step_below(entry, name),
            Some(stat) if Kind::of_mode(stat.st_mode) == Kind::Symlink => here
                .read_link(os_name)
                .map(|target| Step::Follow(target.into_vec()))
                .map_err(|error| Error::system("read link of", entry, error)),
            Some(stat) if Kind::of_mode(stat.st_mode) == Kind::Directory => {
                Err(Error::system("open folder of", entry, error))
            }
            Some(_) => Err(Error::entry(entry, "what it lies in is not a folder")),
        }
    }

    fn step_below(&mut self, entry: &[u8], name: &[u8]) -> Result<Step> {
        let path = self.path();
        let found = self.find_below(entry, &path, name)?;
        match found.as_ref().map(Found::kind) {
            None => Ok(Step::Absent),
            Some(Kind::Directory) => self
                .make_folder(entry, name, found.as_ref())
                .map(Step::Into),
            Some(Kind::Symlink) => {
                let dir = found.expect("it has a kind").dir;
                dir.read_link(OsStr::from_bytes(name))
                    .map(|target| Step::Follow(target.into_vec()))
                    .map_err(|error| Error::system("read link of", entry, error))
            }
            Some(_) => Err(Error::entry(entry, "what it lies in is not a folder")),
        }
    }

    pub(super) fn lowers(&mut self) -> Result<&Lowers> {
        if self.lowers.is_none() {
            self.lowers = Some(self.host.parents().map_err(Error::Parents)?);
        }
        Ok(self.lowers.as_ref().expect("it was just set"))
    }

    /// Makes a folder that has no entry of its own (yet), like the one below if there is one.
    fn make_folder(&mut self, entry: &[u8], name: &[u8], like: Option<&Found>) -> Result<Rc<Tree>> {
        let system = |error| Error::system("make folder of", entry, error);
        let os_name = OsStr::from_bytes(name);
        let child = self.here().create_dir(os_name, 0o700).map_err(system)?;
        let (mut mode, mut owner) = (0o755, None);
        if let Some(found) = like {
            mode = found.stat.st_mode & 0o7777;
            owner = Some((found.stat.st_uid, found.stat.st_gid));
        }
        if let Some((uid, gid)) = owner {
            write::own(&child, uid, gid, self.options.ownership).map_err(system)?;
        }
        write::change_mode(&child, mode).map_err(system)?;
        if let Some(found) = like {
            let source = found.dir.child(os_name).map_err(system)?;
            xattrs::copy(&source, &child).map_err(system)?;
            let mut path = self.path();
            path.push(name.to_vec());
            self.set_time(
                path,
                TimeSpec::new(found.stat.st_mtime, found.stat.st_mtime_nsec),
            );
        }
        Ok(Rc::new(child))
    }

    /// Opens a folder by its canonical path.
    pub(super) fn open_folder(&self, path: &[Vec<u8>]) -> io::Result<Tree> {
        if path.is_empty() {
            return self.root.try_clone();
        }
        self.root
            .open_plain(&PathBuf::from(OsStr::from_bytes(&path.join(&b'/'))))
    }

    /// Remembers the time of a folder.
    pub(super) fn set_time(&mut self, path: FolderPath, time: TimeSpec) {
        self.times.insert(path, time);
    }

    /// Sets the times of all folders; nothing may be made in them afterwards.
    pub(super) fn set_times(&mut self) -> Result<()> {
        for (path, time) in std::mem::take(&mut self.times) {
            // A folder may have been replaced by a link since; that has its own time.
            let Ok(folder) = self.open_folder(&path) else {
                continue;
            };
            futimens(&folder, &time, &time)
                .map_err(|error| Error::system("set time of", &path.join(&b'/'), error.into()))?;
        }
        Ok(())
    }

    fn check_depth(&self, entry: &[u8]) -> Result<()> {
        let len: usize = self.stack.iter().map(|(name, _)| name.len() + 1).sum();
        if self.stack.len() > MAX_DEPTH || len > 4000 {
            return Err(Error::entry(entry, "it is nested too deeply"));
        }
        Ok(())
    }
}
