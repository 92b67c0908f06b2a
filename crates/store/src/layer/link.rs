//! Hard links, also to files of layers below.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use nix::sys::stat::{FileStat, fstat, futimens};
use nix::sys::time::TimeSpec;
use terrarium_sys::tree::{Kind, Tree};

use super::apply::Ownership;
use super::archive::Member;
use super::error::{Error, Result};
use super::lowers::Found;
use super::path::CleanPath;
use super::write::{Writer, change_mode, ids_of, own, owner_error, time_of};
use super::xattrs;

impl Writer<'_> {
    /// Makes another name of a file. The target is resolved in the root as an entry's name is, its
    /// last component not followed; if only a layer below has it, it is copied up first, as
    /// `link(2)` on a mounted overlay would do.
    pub(super) fn put_link(&mut self, member: &Member, name: &[u8]) -> Result<()> {
        let entry = member.path.as_slice();
        xattrs::check(entry, &member.xattrs)?;
        let (dir, dir_path) = (self.view.here(), self.view.path());
        let target = CleanPath::parse(&member.link)?;
        let Some((target_parent, target_name)) = target.split() else {
            return Err(Error::entry(entry, "a hard link to the root"));
        };
        self.view.enter(entry, target_parent)?;
        let same = self.view.path() == dir_path && target_name == name;
        let (target_dir, kind) = self.target(entry, target_name)?;
        if kind == Kind::Directory {
            return Err(Error::entry(entry, "a hard link to a folder"));
        }
        self.view.enter(entry, &dir_path)?;
        if !same {
            let source = OsStr::from_bytes(target_name);
            self.create(member, name, |here, name| {
                here.create_link(name, &target_dir, source)
            })?;
        }
        self.dress_link(&dir, member, name, kind)
    }

    /// The folder and the kind of a link's target; it is in this layer on return.
    fn target(&mut self, entry: &[u8], name: &[u8]) -> Result<(Rc<Tree>, Kind)> {
        let (here, os_name) = (self.view.here(), OsStr::from_bytes(name));
        let missing = || Error::entry(entry, "the target of the hard link does not exist");
        let system = |error| Error::system("look at target of", entry, error);
        if let Some(stat) = here.stat(os_name).map_err(system)? {
            return Ok((here, Kind::of_mode(stat.st_mode)));
        }
        let path = self.view.path();
        let found = self
            .view
            .find_below(entry, &path, name)?
            .ok_or_else(missing)?;
        let kind = found.kind();
        if kind != Kind::Directory {
            copy_up(&here, &found, os_name, self.options.ownership)
                .map_err(|error| Error::system("copy up target of", entry, error))?;
        }
        Ok((here, kind))
    }

    /// A link's header has attributes as well, and Docker and containerd set them. Only what
    /// differs is set, since any change of the owner would clear capabilities of the file.
    fn dress_link(&mut self, dir: &Tree, member: &Member, name: &[u8], kind: Kind) -> Result<()> {
        if kind != Kind::File {
            return Ok(());
        }
        let system = |error| Error::system("change mode of", &member.path, error);
        let file = dir.open_file(OsStr::from_bytes(name)).map_err(system)?;
        let stat = fstat(&file).map_err(|error| system(error.into()))?;
        let (uid, gid) = ids_of(member)?;
        if (stat.st_uid, stat.st_gid) != (uid, gid) {
            own(&file, uid, gid, self.options.ownership).map_err(|e| owner_error(member, e))?;
        }
        if stat.st_mode & 0o7777 != member.mode {
            change_mode(&file, member.mode).map_err(system)?;
        }
        let time = time_of(member);
        futimens(&file, &time, &time).map_err(|error| system(error.into()))
    }
}

/// Copies a file of a layer below into this one, with all that belongs to it.
fn copy_up(here: &Tree, found: &Found, name: &OsStr, ownership: Ownership) -> io::Result<()> {
    let stat = &found.stat;
    let time = TimeSpec::new(stat.st_mtime, stat.st_mtime_nsec);
    match found.kind() {
        Kind::File => {
            let mut source = found.dir.open_file(name)?;
            let mut file = here.create_file(name, 0o600)?;
            io::copy(&mut source, &mut file)?;
            copy_attributes(&file, stat, ownership)?;
            xattrs::copy(&source, &file)?;
            Ok(futimens(&file, &time, &time)?)
        }
        Kind::Symlink => {
            here.create_symlink(name, &found.dir.read_link(name)?)?;
            if ownership == Ownership::Layer {
                here.set_owner(name, stat.st_uid, stat.st_gid)?;
            }
            here.set_times(name, time)
        }
        kind => {
            here.create_node(name, kind, 0o600, stat.st_rdev)?;
            if ownership == Ownership::Layer {
                here.set_owner(name, stat.st_uid, stat.st_gid)?;
            }
            here.set_mode(name, stat.st_mode & 0o7777)?;
            here.set_times(name, time)
        }
    }
}

fn copy_attributes(file: impl AsFd, stat: &FileStat, ownership: Ownership) -> io::Result<()> {
    own(&file, stat.st_uid, stat.st_gid, ownership)?;
    change_mode(&file, stat.st_mode & 0o7777)
}
