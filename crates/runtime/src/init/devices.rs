//! Device nodes and the links in `/dev`.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::{
    FchmodatFlags, Mode, SFlag, fchmodat, fstat, fstatat, major, makedev, minor, mknodat,
};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, symlinkat, unlinkat};
use terrarium_sys::mount::{Depth, attach, clone_tree};

use super::root::{Root, Target};
use crate::error::{Context, Error, Result};
use crate::plan::{DeviceKind, DevicePlan};
use crate::trace::Trace;

const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
];

pub(super) fn make_all(root: &Root, devices: &[DevicePlan], trace: &mut Trace) -> Result<()> {
    let start = trace.now();
    let dev = root
        .target(Path::new("/dev"), Target::Directory)
        .doing(|| "open `/dev`")?;
    for device in devices {
        let inside = device
            .path
            .parent()
            .is_some_and(|parent| parent == Path::new("/dev"));
        let parent = if inside {
            dev.try_clone().doing(|| "open `/dev`")?
        } else {
            let parent = device.path.parent().unwrap_or(Path::new("/"));
            root.target(parent, Target::Directory)
                .doing(|| format!("open {parent:?}"))?
        };
        make(root, &parent, device)?;
    }
    for (target, name) in LINKS {
        match symlinkat(target, &dev, name) {
            // A ptmx of the image is a node of some other devpts; the others may stay.
            Err(Errno::EEXIST) if name == "ptmx" => {
                let _ = unlinkat(&dev, name, UnlinkatFlags::NoRemoveDir);
                symlinkat(target, &dev, name).doing(|| "link `/dev/ptmx`")?;
            }
            Err(Errno::EEXIST) => {}
            other => other.doing(|| format!("link `/dev/{name}`"))?,
        }
    }
    trace.end("devices", start, format!("{} nodes", devices.len()));
    Ok(())
}

fn make(root: &Root, parent: &OwnedFd, device: &DevicePlan) -> Result<()> {
    let op = || format!("make device {:?}", device.path);
    let kind = match device.kind {
        DeviceKind::BindCharacter => return bind(root, device, SFlag::S_IFCHR),
        DeviceKind::BindBlock => return bind(root, device, SFlag::S_IFBLK),
        DeviceKind::Character => SFlag::S_IFCHR,
        DeviceKind::Block => SFlag::S_IFBLK,
        DeviceKind::Fifo => SFlag::S_IFIFO,
    };
    let name = device.path.file_name();
    let name = name.ok_or_else(|| Error::InvalidSpec(format!("device path {:?}", device.path)))?;
    let mode = Mode::from_bits_truncate(device.mode);
    let number = makedev(device.major.into(), device.minor.into());
    match mknodat(parent, name, kind, mode, number) {
        Err(Errno::EEXIST) => {
            let stat = fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW).doing(op)?;
            let same = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == kind
                && (kind == SFlag::S_IFIFO || stat.st_rdev == number);
            if !same {
                // Whatever an image put here in place of a device, e.g. a link to elsewhere.
                unlinkat(parent, name, UnlinkatFlags::NoRemoveDir).doing(op)?;
                mknodat(parent, name, kind, mode, number).doing(op)?;
            }
        }
        other => other.doing(op)?,
    }
    if device.uid != 0 || device.gid != 0 {
        let (uid, gid) = (Uid::from_raw(device.uid), Gid::from_raw(device.gid));
        let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
        fchownat(parent, name, Some(uid), Some(gid), flags).doing(op)?;
        fchmodat(parent, name, mode, FchmodatFlags::FollowSymlink).doing(op)?;
    }
    Ok(())
}

fn bind(root: &Root, device: &DevicePlan, kind: SFlag) -> Result<()> {
    let op = || format!("bind device {:?} of the host", device.path);
    let node = open_host_device(&device.path, kind, device.major, device.minor)?;
    let tree = clone_tree(node.as_fd(), c"", Depth::One).doing(op)?;
    let target = root.target(&device.path, Target::File).doing(op)?;
    attach(tree.as_fd(), target.as_fd()).doing(op)
}

/// Opens a node of the host, and checks that it is the device that its name promises.
pub(super) fn open_host_device(path: &Path, kind: SFlag, ma: u32, mi: u32) -> Result<OwnedFd> {
    let op = || format!("open {path:?} of the host");
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let node = open(path, flags, Mode::empty()).doing(op)?;
    let stat = fstat(&node).doing(op)?;
    let is_kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == kind;
    if is_kind && (major(stat.st_rdev), minor(stat.st_rdev)) == (ma.into(), mi.into()) {
        return Ok(node);
    }
    Err(Error::InvalidSpec(format!(
        "{path:?} of the host is not device {ma}:{mi}"
    )))
}
