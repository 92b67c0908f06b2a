//! Writing entries into the folder of a snapshot.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::sys::stat::{Mode, fchmod, futimens, makedev};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown};
use terrarium_sys::tree::{Kind, Tree};

use super::apply::{Host, Options, Ownership, check_size};
use super::archive::{Archive, Member};
use super::error::{Error, Result};
use super::header::MemberKind;
use super::marks::Marks;
use super::note::Notes;
use super::path::{CleanPath, Meaning, meaning};
use super::resolve::View;
use super::source::Source;
use super::xattrs;
use crate::worker::Progress;

/// Writes the entries of one layer.
pub(super) struct Writer<'a> {
    pub(super) view: View<'a>,
    pub(super) options: &'a Options,
    pub(super) notes: Notes,
    pub(super) whiteouts: u64,
    pub(super) root_is_opaque: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(root: &Tree, options: &'a Options, host: &'a mut dyn Host) -> Result<Self> {
        let view =
            View::new(root, options, host).map_err(|error| Error::system("open", b"/", error))?;
        Ok(Self {
            view,
            options,
            notes: Notes::default(),
            whiteouts: 0,
            root_is_opaque: false,
        })
    }

    /// Writes one entry.
    pub(super) fn put(
        &mut self,
        archive: &mut Archive<Source>,
        member: &Member,
        entries: u64,
    ) -> Result<()> {
        self.view.host().progress(Progress {
            tar_bytes: archive.position(),
            entries,
        });
        let entry = member.path.as_slice();
        let path = CleanPath::parse(entry)?;
        let Some((parent, name)) = path.split() else {
            return self.put_root(member);
        };
        self.view.enter(entry, parent)?;
        match meaning(entry, name)? {
            Meaning::Plain => {}
            Meaning::Whiteout(removed) => {
                self.whiteouts += 1;
                self.view.remove_below(removed);
                return Ok(());
            }
            Meaning::Opaque => return self.hide_below(entry),
            Meaning::Aufs => {
                self.notes.add(entry, "bookkeeping of aufs");
                return Ok(());
            }
        }
        match member.kind {
            MemberKind::Directory => self.put_folder(member, name),
            MemberKind::File | MemberKind::Sparse => self.put_file(archive, member, name, entries),
            MemberKind::Symlink => self.put_symlink(member, name),
            MemberKind::Link => self.put_link(member, name),
            MemberKind::CharDevice | MemberKind::BlockDevice | MemberKind::Fifo => {
                self.put_node(member, name)
            }
        }
    }

    /// Ends the layer; nothing can be written after it.
    pub(super) fn finish(mut self) -> Result<(u64, Vec<String>)> {
        if self.root_is_opaque {
            self.view.remove_root_below()?;
        }
        self.view.mark_removed()?;
        self.view.set_times()?;
        Ok((self.whiteouts, self.notes.finish()))
    }

    fn put_root(&mut self, member: &Member) -> Result<()> {
        if member.kind != MemberKind::Directory {
            self.notes
                .add(&member.path, "the root can only be a folder");
            return Ok(());
        }
        self.view.enter(&member.path, &[])?;
        let root = self.view.here();
        self.dress(&*root, member)?;
        self.view.set_time(Vec::new(), time_of(member));
        Ok(())
    }

    fn put_folder(&mut self, member: &Member, name: &[u8]) -> Result<()> {
        let entry = member.path.as_slice();
        let system = |error| Error::system("make folder", entry, error);
        let (here, os_name) = (self.view.here(), OsStr::from_bytes(name));
        let folder = match here.create_dir(os_name, 0o700) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = here.stat(os_name).map_err(system)?;
                match there.map(|stat| Kind::of_mode(stat.st_mode)) {
                    Some(Kind::Directory) => here.child(os_name).map_err(system)?,
                    _ => {
                        // The layer removed or replaced it before: what was below stays hidden.
                        here.remove_file(os_name).map_err(system)?;
                        let folder = here.create_dir(os_name, 0o700).map_err(system)?;
                        self.view.hide_below(entry, name, &folder)?;
                        folder
                    }
                }
            }
            folder => folder.map_err(system)?,
        };
        self.dress(&folder, member)?;
        let mut path = self.view.path();
        path.push(name.to_vec());
        self.view.set_time(path, time_of(member));
        Ok(())
    }

    fn put_file(
        &mut self,
        archive: &mut Archive<Source>,
        member: &Member,
        name: &[u8],
        entries: u64,
    ) -> Result<()> {
        let limit = self.options.limits.bytes;
        let real_size = member
            .sparse
            .as_ref()
            .map_or(member.stored, |map| map.real_size);
        if real_size > limit {
            return Err(Error::Limit {
                what: "bytes",
                limit,
            });
        }
        // Readable by nobody else until its owner and mode are right.
        let file = self.create(member, name, |here, name| here.create_file(name, 0o600))?;
        let whole = [(0, member.stored)];
        let parts = member
            .sparse
            .as_ref()
            .map_or(whole.as_slice(), |map| map.parts.as_slice());
        for (offset, len) in parts {
            self.copy_data(archive, member, &file, (*offset, *len))?;
            check_size(archive.source(), &self.options.limits)?;
            self.view.host().progress(Progress {
                tar_bytes: archive.position(),
                entries,
            });
        }
        if member.sparse.is_some() {
            file.set_len(real_size)
                .map_err(|error| Error::system("write", &member.path, error))?;
        }
        self.dress(&file, member)?;
        self.set_time(&file, member)
    }

    fn copy_data(
        &mut self,
        archive: &mut Archive<Source>,
        member: &Member,
        mut file: &File,
        (offset, len): (u64, u64),
    ) -> Result<()> {
        let mut done = 0;
        while done < len {
            let bytes = archive.data(len - done)?;
            let written = if member.sparse.is_some() {
                file.write_all_at(bytes, offset + done)
            } else {
                file.write_all(bytes)
            };
            written.map_err(|error| Error::system("write", &member.path, error))?;
            let len = bytes.len();
            archive.consume(len);
            done += len as u64;
        }
        Ok(())
    }

    fn put_symlink(&mut self, member: &Member, name: &[u8]) -> Result<()> {
        let entry = member.path.as_slice();
        if member.link.is_empty() || member.link.contains(&0) {
            return Err(Error::entry(entry, "its target is empty or contains NUL"));
        }
        let target = OsStr::from_bytes(&member.link);
        self.create(member, name, |here, name| here.create_symlink(name, target))?;
        xattrs::skip(entry, &member.xattrs, &mut self.notes)?;
        self.finish_name(member, name)
    }

    fn put_node(&mut self, member: &Member, name: &[u8]) -> Result<()> {
        let entry = member.path.as_slice();
        let kind = match member.kind {
            MemberKind::CharDevice => Kind::CharDevice,
            MemberKind::BlockDevice => Kind::BlockDevice,
            _ => Kind::Fifo,
        };
        let device = makedev(member.device.0.into(), member.device.1.into());
        if kind == Kind::CharDevice && device == 0 {
            return Err(Error::entry(
                entry,
                "overlay takes this device for a removal",
            ));
        }
        if kind != Kind::Fifo && self.options.marks == Marks::User {
            self.notes
                .add(entry, "devices cannot be made in a user namespace");
            return Ok(());
        }
        self.create(member, name, |here, name| {
            here.create_node(name, kind, 0o600, device)
        })?;
        xattrs::skip(entry, &member.xattrs, &mut self.notes)?;
        self.finish_name(member, name)?;
        // After the owner, and not by descriptor: opening a device would act on it.
        let here = self.view.here();
        here.set_mode(OsStr::from_bytes(name), member.mode)
            .map_err(|error| Error::system("change mode of", entry, error))
    }

    /// Makes something, in place of what the layer made there before: the last entry counts.
    pub(super) fn create<T>(
        &mut self,
        member: &Member,
        name: &[u8],
        make: impl Fn(&Tree, &OsStr) -> io::Result<T>,
    ) -> Result<T> {
        let system = |error| Error::system("make", &member.path, error);
        let (here, name) = (self.view.here(), OsStr::from_bytes(name));
        match make(&here, name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                here.remove_tree(name).map_err(system)?;
                make(&here, name).map_err(system)
            }
            made => made.map_err(system),
        }
    }

    /// Gives an open file or folder its owner, mode and attributes, in the order in which none
    /// undoes another: a change of owner clears set-user-ID bits and capabilities.
    fn dress(&mut self, file: impl AsFd, member: &Member) -> Result<()> {
        let (uid, gid) = ids_of(member)?;
        own(&file, uid, gid, self.options.ownership).map_err(|e| owner_error(member, e))?;
        change_mode(&file, member.mode)
            .map_err(|error| Error::system("change mode of", &member.path, error))?;
        xattrs::set(&file, &member.path, &member.xattrs, &mut self.notes)
    }

    fn set_time(&self, file: impl AsFd, member: &Member) -> Result<()> {
        let time = time_of(member);
        futimens(file, &time, &time)
            .map_err(|error| Error::system("set time of", &member.path, error.into()))
    }

    /// The owner and the time of what cannot be opened.
    fn finish_name(&mut self, member: &Member, name: &[u8]) -> Result<()> {
        let (here, name) = (self.view.here(), OsStr::from_bytes(name));
        let (uid, gid) = ids_of(member)?;
        if self.options.ownership == Ownership::Layer {
            here.set_owner(name, uid, gid)
                .map_err(|error| owner_error(member, error))?;
        }
        here.set_times(name, time_of(member))
            .map_err(|error| Error::system("set time of", &member.path, error))
    }

    fn hide_below(&mut self, entry: &[u8]) -> Result<()> {
        self.whiteouts += 1;
        self.root_is_opaque |= self.view.path().is_empty();
        self.view.hide_here(entry)
    }
}

/// Sets the owner of an open file or folder.
pub(super) fn own(file: impl AsFd, uid: u32, gid: u32, ownership: Ownership) -> io::Result<()> {
    match ownership {
        Ownership::Layer => Ok(fchown(
            file,
            Some(Uid::from_raw(uid)),
            Some(Gid::from_raw(gid)),
        )?),
        Ownership::Root => Ok(()),
    }
}

/// Sets the mode of an open file or folder, set-user-ID and sticky bits included.
pub(super) fn change_mode(file: impl AsFd, mode: u32) -> io::Result<()> {
    Ok(fchmod(file, Mode::from_bits_truncate(mode))?)
}

/// The owner as numbers that `chown` takes; the largest one would mean "leave it".
pub(super) fn ids_of(member: &Member) -> Result<(u32, u32)> {
    let id = |id: u64| u32::try_from(id).ok().filter(|id| *id != u32::MAX);
    match (id(member.uid), id(member.gid)) {
        (Some(uid), Some(gid)) => Ok((uid, gid)),
        _ => Err(Error::entry(&member.path, "its owner is not a valid id")),
    }
}

pub(super) fn owner_error(member: &Member, error: io::Error) -> Error {
    if error.raw_os_error() == Some(Errno::EINVAL as i32) {
        let entry = super::error::quote(&member.path);
        return Error::Unmapped {
            entry,
            uid: member.uid,
            gid: member.gid,
        };
    }
    Error::system("change owner of", &member.path, error)
}

pub(super) fn time_of(member: &Member) -> TimeSpec {
    TimeSpec::new(member.mtime.0, i64::from(member.mtime.1))
}
