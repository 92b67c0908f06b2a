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

/// So often a folder may fill up again while it is emptied: a worker whose host was killed goes on
/// for a moment.
const MAX_REFILLS: u32 = 1000;

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
        let (mut moved, mut retries) = (0_u64, MAX_REFILLS);
        while let Some(level) = stack.last_mut() {
            let Some(entry) = level.left.pop() else {
                let done = stack.pop().expect("the loop just saw it");
                let parent = stack.last().map_or(self, |level| &level.tree);
                match gone_is_fine(parent.remove_empty(&done.name)) {
                    Err(error) if is_refilled(&error) && retries > 0 => {
                        retries -= 1;
                        let again = parent.enter(&done.name)?;
                        stack.push(again);
                    }
                    removed => removed?,
                }
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
        super::mode::set(&self.fd, name, Mode::S_IRWXU)?;
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

fn is_refilled(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::ENOTEMPTY as i32)
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::Tree;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("terrarium-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).expect("make folder");
        path
    }

    #[test]
    fn trees_deeper_than_what_is_kept_open_are_removed() {
        let path = folder("deep");
        let root = Tree::open(&path).expect("open");
        let name = OsStr::new("d");
        let mut here = root.create_dir(OsStr::new("top"), 0o755).expect("make");
        for _ in 0..700 {
            here = here.create_dir(name, 0o755).expect("make");
        }
        drop(here);
        root.remove_tree(OsStr::new("top")).expect("removes");
        std::fs::remove_dir(&path).expect("is empty");
    }

    #[test]
    fn links_are_removed_and_not_followed() {
        let path = folder("links");
        std::fs::write(path.join("kept"), "k").expect("write");
        std::fs::create_dir(path.join("tree")).expect("make");
        symlink("../kept", path.join("tree/link")).expect("link");
        symlink("..", path.join("tree/up")).expect("link");
        let root = Tree::open(&path).expect("open");
        root.remove_tree(OsStr::new("tree")).expect("removes");
        root.remove_tree(OsStr::new("tree"))
            .expect("nothing of that name is fine");
        assert!(path.join("kept").exists());
        for bad in ["", ".", "..", "a/b", "/"] {
            assert!(root.remove_tree(OsStr::new(bad)).is_err(), "{bad:?}");
        }
        std::fs::remove_dir_all(&path).expect("clean up");
    }
}
