//! Removal of whole trees, without recursion and with few descriptors.

use std::ffi::{OsStr, OsString};
use std::io;

use nix::errno::Errno;
use nix::fcntl::{RenameFlags, renameat2};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::{Entry, Kind, Tree};

/// So deep a removal keeps its directories open. What lies deeper is first moved up, since a
/// container can nest directories far beyond any limit on descriptors.
const MAX_OPEN: usize = 100;

struct Level {
    tree: Tree,
    name: OsString,
    left: Vec<Entry>,
}

impl Tree {
    /// Removes `name` and everything below it; nothing of that name is success.
    ///
    /// # Errors
    /// The first failure other than a name that vanished meanwhile.
    pub fn remove_tree(&self, name: &OsStr) -> io::Result<()> {
        match self.stat(name)? {
            None => return Ok(()),
            Some(stat) if Kind::of_mode(stat.st_mode) != Kind::Directory => {
                return gone_is_fine(self.remove_file(name));
            }
            Some(_) => {}
        }
        let mut stack = vec![self.enter(name)?];
        let mut moved = 0_u64;
        while let Some(level) = stack.last_mut() {
            let Some(entry) = level.left.pop() else {
                let done = stack.pop().expect("the loop just saw it");
                let parent = stack.last().map_or(self, |level| &level.tree);
                gone_is_fine(parent.remove_empty(&done.name))?;
                continue;
            };
            if entry.kind != Kind::Directory {
                gone_is_fine(level.tree.remove_file(&entry.name))?;
            } else if stack.len() < MAX_OPEN {
                let parent = &stack.last().expect("the loop just saw it").tree;
                let next = parent.enter(&entry.name)?;
                stack.push(next);
            } else {
                moved += 1;
                move_to_bottom(&mut stack, entry.name, moved)?;
            }
        }
        Ok(())
    }

    fn enter(&self, name: &OsStr) -> io::Result<Level> {
        let tree = match self.child(name) {
            // A directory without read permission, owned by whoever removes it.
            Err(error) if error.raw_os_error() == Some(Errno::EACCES as i32) => {
                self.force_open(name)?
            }
            tree => tree?,
        };
        let left = tree.entries()?;
        Ok(Level {
            tree,
            name: name.to_owned(),
            left,
        })
    }

    fn force_open(&self, name: &OsStr) -> io::Result<Tree> {
        use nix::sys::stat::{FchmodatFlags, fchmodat};
        fchmodat(
            &self.fd,
            name,
            Mode::S_IRWXU,
            FchmodatFlags::NoFollowSymlink,
        )?;
        let tree = self.child(name)?;
        fchmod(&tree.fd, Mode::S_IRWXU)?;
        Ok(tree)
    }

    fn remove_empty(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.fd, name, UnlinkatFlags::RemoveDir)?)
    }
}

/// Moves the directory `name` of the deepest level to the lowest one, to be emptied from there.
fn move_to_bottom(stack: &mut [Level], name: OsString, serial: u64) -> io::Result<()> {
    let new_name = OsString::from(format!(".terrarium-deep-{serial}"));
    let (bottom, rest) = stack
        .split_first_mut()
        .expect("a full stack has a first level");
    let deepest = &rest.last().expect("a full stack has a last level").tree;
    renameat2(
        &deepest.fd,
        name.as_os_str(),
        &bottom.tree.fd,
        new_name.as_os_str(),
        RenameFlags::RENAME_NOREPLACE,
    )?;
    bottom.left.push(Entry {
        name: new_name,
        kind: Kind::Directory,
    });
    Ok(())
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
