//! Device nodes: the default ones of the OCI spec and those that the spec adds.

use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxDevice, LinuxDeviceType};

use super::Host;
use super::namespaces::{NEW_USER, Namespaces};
use crate::error::{Error, Result};

/// How a node comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceKind {
    /// Made with mknod(2).
    Character,
    /// Made with mknod(2).
    Block,
    /// A named pipe.
    Fifo,
    /// The host's node of the same path, bound after its numbers were checked: a user namespace may
    /// not make nodes.
    BindCharacter,
    /// As `BindCharacter`, for a block device.
    BindBlock,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DevicePlan {
    pub(crate) path: PathBuf,
    pub(crate) kind: DeviceKind,
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

const DEFAULTS: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

pub(super) fn plan(
    devices: Option<&[LinuxDevice]>,
    namespaces: &Namespaces,
    host: Host,
) -> Result<Vec<DevicePlan>> {
    let binds = namespaces.has(NEW_USER) || !host.is_machine_root();
    let kind = |kind: DeviceKind| match kind {
        DeviceKind::Character if binds => DeviceKind::BindCharacter,
        DeviceKind::Block if binds => DeviceKind::BindBlock,
        kind => kind,
    };
    let mut planned: Vec<_> = DEFAULTS
        .iter()
        .map(|(path, major, minor)| DevicePlan {
            path: PathBuf::from(path),
            kind: kind(DeviceKind::Character),
            major: *major,
            minor: *minor,
            mode: 0o666,
            uid: 0,
            gid: 0,
        })
        .collect();
    for device in devices.unwrap_or_default() {
        let number = |n: i64| u32::try_from(n).unwrap_or_default();
        let typ = match device.typ() {
            LinuxDeviceType::C | LinuxDeviceType::U => DeviceKind::Character,
            LinuxDeviceType::B => DeviceKind::Block,
            LinuxDeviceType::P => DeviceKind::Fifo,
            LinuxDeviceType::A => {
                let text = format!("device {:?} has no type of its own", device.path());
                return Err(Error::InvalidSpec(text));
            }
        };
        let path = Path::new("/").join(device.path());
        // The spec's own version of a default device wins.
        planned.retain(|other| other.path != path);
        planned.push(DevicePlan {
            path,
            kind: kind(typ),
            major: number(device.major()),
            minor: number(device.minor()),
            mode: device.file_mode().unwrap_or(0o666) & 0o7777,
            uid: device.uid().unwrap_or(0),
            gid: device.gid().unwrap_or(0),
        });
    }
    Ok(planned)
}
