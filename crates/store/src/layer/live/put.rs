//! The entries of a tar, written into a folder of a tree that is in use.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, Mode, futimens, makedev};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown};
use serde::{Deserialize, Serialize};
use terrarium_sys::tree::{Kind, Tree};

use super::place::{not_there, open_folder, refuse_kernel};
use crate::layer::archive::{Archive, Member};
use crate::layer::error::{Error, Result};
use crate::layer::header::MemberKind;
use crate::layer::limits::Limits;
use crate::layer::note::Notes;
use crate::layer::path::CleanPath;
use crate::layer::write::{change_mode, ids_of, time_of};
use crate::layer::xattrs;

const SET_ID_BITS: u32 = 0o6000;

/// How entries become files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutOptions {
    /// Whose they become.
    pub owner: Owner,
    /// What is done where a folder and something else want one name.
    pub clash: Clash,
}

/// Whose files become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// The owner that the tar says.
    Tar,
    /// This user and group.
    These(u32, u32),
    /// The one who writes them. Set-user-ID bits and devices are left out: the tar is not trusted,
    /// and the tree is this machine's own.
    Writer,
}

/// What is done where a folder and something else want one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clash {
    /// What the tar has takes the place.
    Replace,
    /// Nothing more is written.
    Refuse,
}

/// Writes the entries of `source` into the folder that `path` leads to in `root`. Links on the way
/// of an entry are followed within `root`; one at its end is replaced. Returns the number of entries.
///
/// What was written before an error stays.
///
/// # Errors
/// [`Error::Missing`] or [`Error::Refused`] for the path or a clash; as unpacking a layer else.
pub fn put(root: &Tree, path: &[u8], source: impl BufRead, options: PutOptions) -> Result<u64> {
    let folder = open_folder(root, path).map_err(|error| not_there(path, error))?;
    refuse_kernel(&folder, path)?;
    let mut archive = Archive::new(source);
    let mut writer = Writer {
        root,
        base: path,
        options,
        here: (Vec::new(), folder),
        folders: Vec::new(),
        notes: Notes::default(),
    };
    let (mut entries, limit) = (0, Limits::default().entries);
    while let Some(member) = archive.next()? {
        entries += 1;
        if entries > limit {
            let what = "entries";
            return Err(Error::Limit { what, limit });
        }
        writer.entry(&mut archive, &member)?;
    }
    writer.set_folder_times();
    Ok(entries)
}

struct Writer<'a> {
    root: &'a Tree,
    /// The folder that entries are relative to, as a path from the root.
    base: &'a [u8],
    options: PutOptions,
    /// The folder of the entry before, which mostly is that of the next: its path below the base.
    here: (Vec<Vec<u8>>, Tree),
    /// Times of folders, to be set when nothing is written into them any more.
    folders: Vec<(Vec<u8>, TimeSpec)>,
    notes: Notes,
}

impl Writer<'_> {
    fn entry<R: BufRead>(&mut self, archive: &mut Archive<R>, member: &Member) -> Result<()> {
        let path = CleanPath::parse(&member.path)?;
        // The folder itself is the container's, not the tar's.
        let Some((parent, name)) = path.split() else {
            return Ok(());
        };
        self.enter(parent)?;
        let there = self.here.1.stat(OsStr::from_bytes(name));
        let there = there.map_err(|error| Error::system("look at", &member.path, error))?;
        let is_folder = member.kind == MemberKind::Directory;
        if let Some(there) = &there {
            self.check_clash(member, there, is_folder)?;
        }
        match member.kind {
            MemberKind::Directory => self.folder(member, &path, name, there.as_ref()),
            MemberKind::File | MemberKind::Sparse => {
                self.file(archive, member, name, there.as_ref())
            }
            MemberKind::Link => self.link(member, name, there.is_some()),
            MemberKind::Symlink => {
                self.clear(member, name, there.is_some())?;
                self.symlink(member, name)
            }
            MemberKind::CharDevice | MemberKind::BlockDevice | MemberKind::Fifo => {
                self.node(member, name, there.is_some())
            }
        }
    }

    /// Makes `parent`, below the base, the current folder; what is missing on the way is made.
    fn enter(&mut self, parent: &[Vec<u8>]) -> Result<()> {
        if self.here.0 == parent {
            return Ok(());
        }
        let path = self.below_base(parent);
        let failed = |error| Error::system("open", &path, error);
        let tree = match open_folder(self.root, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !parent.is_empty() => {
                let (name, above) = parent.split_last().expect("it is not empty");
                self.enter(above)?;
                let made = self.here.1.create_dir(OsStr::from_bytes(name), 0o755);
                // A link to nowhere has the name: nothing is made behind it.
                made.map_err(failed)?
            }
            tree => tree.map_err(|error| not_there(&path, error))?,
        };
        self.here = (parent.to_vec(), tree);
        Ok(())
    }

    fn below_base(&self, parts: &[Vec<u8>]) -> Vec<u8> {
        let mut path = self.base.to_vec();
        for part in parts {
            path.push(b'/');
            path.extend_from_slice(part);
        }
        path
    }

    fn check_clash(&self, member: &Member, there: &FileStat, is_folder: bool) -> Result<()> {
        let was_folder = Kind::of_mode(there.st_mode) == Kind::Directory;
        if was_folder == is_folder || self.options.clash == Clash::Replace {
            return Ok(());
        }
        let why = match was_folder {
            true => "cannot overwrite directory with non-directory",
            false => "cannot overwrite non-directory with directory",
        };
        Err(Error::refused(&member.path, why))
    }

    fn clear(&self, member: &Member, name: &[u8], is_there: bool) -> Result<()> {
        if !is_there {
            return Ok(());
        }
        let removed = self.here.1.remove_tree(OsStr::from_bytes(name));
        removed.map_err(|error| Error::system("replace", &member.path, error))
    }

    fn folder(
        &mut self,
        member: &Member,
        path: &CleanPath,
        name: &[u8],
        there: Option<&FileStat>,
    ) -> Result<()> {
        let failed = |error| Error::system("make folder", &member.path, error);
        let os_name = OsStr::from_bytes(name);
        let was_folder = there.is_some_and(|stat| Kind::of_mode(stat.st_mode) == Kind::Directory);
        let folder = if was_folder {
            self.here.1.child(os_name).map_err(failed)?
        } else {
            self.clear(member, name, there.is_some())?;
            self.here.1.create_dir(os_name, 0o700).map_err(failed)?
        };
        self.dress(&folder, member)?;
        let parts: Vec<Vec<u8>> = path.split().map_or_else(Vec::new, |(parent, name)| {
            parent.iter().cloned().chain([name.to_vec()]).collect()
        });
        self.folders
            .push((self.below_base(&parts), time_of(member)));
        Ok(())
    }

    fn file<R: BufRead>(
        &mut self,
        archive: &mut Archive<R>,
        member: &Member,
        name: &[u8],
        there: Option<&FileStat>,
    ) -> Result<()> {
        let failed = |error| Error::system("make", &member.path, error);
        let mut file = match self.clear(member, name, there.is_some()) {
            // Something is mounted on it, as on /etc/hosts: it is filled in its place.
            Err(Error::System { source, .. }) if is_busy(&source, there) => {
                self.open_mounted(name).map_err(failed)?
            }
            cleared => {
                cleared?;
                let made = self.here.1.create_file(OsStr::from_bytes(name), 0o600);
                made.map_err(failed)?
            }
        };
        copy_data(archive, member, &mut file)?;
        self.dress(&file, member)?;
        let time = time_of(member);
        futimens(&file, &time, &time)
            .map_err(|error| Error::system("set time of", &member.path, error.into()))
    }

    /// Opens a regular file for writing anew.
    fn open_mounted(&self, name: &[u8]) -> io::Result<File> {
        let flags = OFlag::O_RDWR | OFlag::O_TRUNC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let path = Path::new(OsStr::from_bytes(name));
        let file = File::from(self.here.1.open_beneath(path, flags, Mode::empty())?);
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(Errno::EINVAL.into()),
        }
    }

    fn symlink(&mut self, member: &Member, name: &[u8]) -> Result<()> {
        if member.link.is_empty() || member.link.contains(&0) {
            let why = "its target is empty or contains NUL";
            return Err(Error::entry(&member.path, why));
        }
        let (os_name, target) = (OsStr::from_bytes(name), OsStr::from_bytes(&member.link));
        let made = self.here.1.create_symlink(os_name, target);
        made.map_err(|error| Error::system("make", &member.path, error))?;
        self.finish_name(member, os_name)
    }

    /// A hard link to what the tar has below the same folder.
    fn link(&mut self, member: &Member, name: &[u8], is_there: bool) -> Result<()> {
        let target = CleanPath::parse(&member.link)?;
        let Some((parent, target_name)) = target.split() else {
            return Err(Error::entry(&member.path, "a hard link to the root"));
        };
        let here = self.here.0.clone();
        if here == parent && name == target_name {
            return Ok(());
        }
        self.clear(member, name, is_there)?;
        self.enter(parent)?;
        let source = self.here.1.try_clone();
        let source =
            source.map_err(|error| Error::system("open target of", &member.path, error))?;
        self.enter(&here)?;
        let (name, target_name) = (OsStr::from_bytes(name), OsStr::from_bytes(target_name));
        let made = self.here.1.create_link(name, &source, target_name);
        made.map_err(|error| Error::system("link", &member.path, error))
    }

    fn node(&mut self, member: &Member, name: &[u8], is_there: bool) -> Result<()> {
        let kind = match member.kind {
            MemberKind::CharDevice => Kind::CharDevice,
            MemberKind::BlockDevice => Kind::BlockDevice,
            _ => Kind::Fifo,
        };
        if kind != Kind::Fifo && self.options.owner == Owner::Writer {
            return Ok(());
        }
        self.clear(member, name, is_there)?;
        let (major, minor) = member.device;
        let device = makedev(major.into(), minor.into());
        let failed = |error| Error::system("make", &member.path, error);
        let os_name = OsStr::from_bytes(name);
        match self.here.1.create_node(os_name, kind, 0o600, device) {
            // In a user namespace there are no devices to be made; Docker leaves them out too.
            Err(error) if kind != Kind::Fifo && is_not_permitted(&error) => return Ok(()),
            made => made.map_err(failed)?,
        }
        self.finish_name(member, os_name)?;
        let set = self.here.1.set_mode(os_name, self.mode(member));
        set.map_err(failed)
    }

    fn owner(&self, member: &Member) -> Result<Option<(u32, u32)>> {
        Ok(match self.options.owner {
            Owner::Tar => Some(ids_of(member)?),
            Owner::These(uid, gid) => Some((uid, gid)),
            Owner::Writer => None,
        })
    }

    fn mode(&self, member: &Member) -> u32 {
        match self.options.owner {
            Owner::Writer => member.mode & !SET_ID_BITS,
            _ => member.mode,
        }
    }

    /// Owner, mode and attributes, in the order in which none undoes another.
    fn dress(&mut self, file: impl AsFd, member: &Member) -> Result<()> {
        if let Some((uid, gid)) = self.owner(member)? {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            fchown(&file, Some(uid), Some(gid))
                .map_err(|error| crate::layer::write::owner_error(member, error.into()))?;
        }
        change_mode(&file, self.mode(member))
            .map_err(|error| Error::system("change mode of", &member.path, error))?;
        if self.options.owner == Owner::Writer {
            return Ok(());
        }
        xattrs::set(&file, &member.path, &member.xattrs, &mut self.notes)
    }

    /// Owner and time of what cannot be opened.
    fn finish_name(&self, member: &Member, name: &OsStr) -> Result<()> {
        let here = &self.here.1;
        if let Some((uid, gid)) = self.owner(member)? {
            here.set_owner(name, uid, gid)
                .map_err(|error| crate::layer::write::owner_error(member, error))?;
        }
        let set = here.set_times(name, time_of(member));
        set.map_err(|error| Error::system("set time of", &member.path, error))
    }

    /// From the last to the first, so that folders above keep theirs. A folder that is gone by now has
    /// no time.
    fn set_folder_times(&mut self) {
        for (path, time) in self.folders.drain(..).rev() {
            if let Ok(folder) = open_folder(self.root, &path) {
                let _ = futimens(&folder, &time, &time);
            }
        }
    }
}

fn copy_data<R: BufRead>(archive: &mut Archive<R>, member: &Member, file: &mut File) -> Result<()> {
    use std::os::unix::fs::FileExt as _;
    let failed = |error| Error::system("write", &member.path, error);
    let whole = [(0, member.stored)];
    let parts = member.sparse.as_ref();
    let parts = parts.map_or(whole.as_slice(), |map| map.parts.as_slice());
    for (offset, len) in parts {
        let mut done = 0;
        while done < *len {
            let bytes = archive.data(len - done)?;
            match member.sparse {
                Some(_) => file.write_all_at(bytes, offset + done),
                None => file.write_all(bytes),
            }
            .map_err(failed)?;
            let taken = bytes.len();
            archive.consume(taken);
            done += taken as u64;
        }
    }
    match &member.sparse {
        Some(map) => file.set_len(map.real_size).map_err(failed),
        None => Ok(()),
    }
}

fn is_busy(error: &io::Error, there: Option<&FileStat>) -> bool {
    let is_file = there.is_some_and(|stat| Kind::of_mode(stat.st_mode) == Kind::File);
    is_file && error.raw_os_error() == Some(Errno::EBUSY as i32)
}

fn is_not_permitted(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EPERM as i32)
}
