//! What a name in a directory stands for.

use std::ffi::OsString;

use nix::dir::Type;
use nix::sys::stat::SFlag;

/// One name found in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, one component.
    pub name: OsString,
    /// What it is; symbolic links are not followed.
    pub kind: Kind,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A unix socket.
    Socket,
}

impl Kind {
    /// Reads the type bits of a mode (`st_mode`).
    pub fn of_mode(mode: u32) -> Self {
        match SFlag::from_bits_truncate(mode) & SFlag::S_IFMT {
            SFlag::S_IFDIR => Self::Directory,
            SFlag::S_IFLNK => Self::Symlink,
            SFlag::S_IFCHR => Self::CharDevice,
            SFlag::S_IFBLK => Self::BlockDevice,
            SFlag::S_IFIFO => Self::Fifo,
            SFlag::S_IFSOCK => Self::Socket,
            _ => Self::File,
        }
    }
}

impl From<Type> for Kind {
    fn from(kind: Type) -> Self {
        match kind {
            Type::File => Self::File,
            Type::Directory => Self::Directory,
            Type::Symlink => Self::Symlink,
            Type::CharacterDevice => Self::CharDevice,
            Type::BlockDevice => Self::BlockDevice,
            Type::Fifo => Self::Fifo,
            Type::Socket => Self::Socket,
        }
    }
}
