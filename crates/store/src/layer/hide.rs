//! What a layer takes away from those below: whiteouts and opaque folders.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use terrarium_sys::tree::{Kind, Tree};

use super::error::{Error, Result};
use super::lowers::Found;
use super::resolve::{FolderPath, View};

impl View<'_> {
    /// Finds `name` of a folder in the layers below, unless this layer hides or removes it.
    pub(super) fn find_below(
        &mut self,
        entry: &[u8],
        path: &[Vec<u8>],
        name: &[u8],
    ) -> Result<Option<Found>> {
        let removed =
            !self.removed.is_empty() && self.removed.contains(&(path.to_vec(), name.to_vec()));
        if removed {
            Ok(None)
        } else {
            self.find_unhidden(entry, path, name)
        }
    }

    fn find_unhidden(
        &mut self,
        entry: &[u8],
        path: &[Vec<u8>],
        name: &[u8],
    ) -> Result<Option<Found>> {
        if self.is_hidden(path) {
            return Ok(None);
        }
        let found = self.lowers()?.find(path, name);
        found.map_err(|error| Error::system("look below for", entry, error))
    }

    /// Whether this layer hides what the layers below have in a folder.
    fn is_hidden(&self, path: &[Vec<u8>]) -> bool {
        let opaque = (0..=path.len()).any(|len| self.opaque.contains(&path[..len]));
        let removed = |(len, name): (usize, &Vec<u8>)| {
            self.removed.contains(&(path[..len].to_vec(), name.clone()))
        };
        opaque || !self.removed.is_empty() && path.iter().enumerate().any(removed)
    }

    /// Hides what lies below the folder `name` of the current one.
    pub(super) fn hide_below(&mut self, entry: &[u8], name: &[u8], folder: &Tree) -> Result<()> {
        let mut path = self.path();
        path.push(name.to_vec());
        self.hide(entry, path, folder)
    }

    /// Hides what lies below the current folder. For the root overlay ignores the mark, so the
    /// caller has to remove what lies below name by name.
    pub(super) fn hide_here(&mut self, entry: &[u8]) -> Result<()> {
        let (path, here) = (self.path(), self.here());
        self.hide(entry, path, &here)
    }

    fn hide(&mut self, entry: &[u8], path: FolderPath, folder: &Tree) -> Result<()> {
        if self.opaque.insert(path) {
            self.options
                .marks
                .set_opaque(folder)
                .map_err(|error| Error::system("mark opaque", entry, error))?;
        }
        Ok(())
    }

    /// Removes `name` of the current folder from the layers below.
    pub(super) fn remove_below(&mut self, name: &[u8]) {
        self.removed.insert((self.path(), name.to_vec()));
    }

    /// Removes every name in the root of the layers below: overlay has no opaque root.
    pub(super) fn remove_root_below(&mut self) -> Result<()> {
        let names = self.lowers()?.names(&[]);
        let names = names.map_err(|error| Error::system("list", b"/", error))?;
        self.opaque.remove(&[][..]);
        self.removed
            .extend(names.into_iter().map(|name| (Vec::new(), name)));
        Ok(())
    }

    /// Marks the removed names. A whiteout is made only where there is something to hide: overlay
    /// lists one in a folder that no layer below has.
    pub(super) fn mark_removed(&mut self) -> Result<()> {
        for (path, name) in self.removed.clone() {
            let (joined, os_name) = (path.join(&b'/'), OsStr::from_bytes(&name));
            let system = |error| Error::system("remove", &joined, error);
            // A folder that was replaced since has nothing below it any more.
            let Ok(folder) = self.open_folder(&path) else {
                continue;
            };
            match folder.stat(os_name).map_err(system)? {
                Some(stat) if Kind::of_mode(stat.st_mode) == Kind::Directory => {
                    let child = folder.child(os_name).map_err(system)?;
                    self.options.marks.set_opaque(&child).map_err(system)?;
                }
                Some(_) => {}
                None if self.find_unhidden(&joined, &path, &name)?.is_some() => {
                    folder
                        .create_node(os_name, Kind::CharDevice, 0, 0)
                        .map_err(system)?;
                }
                None => {}
            }
        }
        Ok(())
    }
}
