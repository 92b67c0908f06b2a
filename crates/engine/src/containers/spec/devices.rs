use std::path::PathBuf;

use terrarium_api::{CreateContainer, Error, ErrorCode};
use terrarium_oci::runtime::{
    LinuxDevice, LinuxDeviceCgroup, LinuxDeviceCgroupBuilder, LinuxDeviceType,
};

use crate::{Result, error::quoted};

/// `--device /dev/x[:/dev/y[:rwm]]`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) host: PathBuf,
    pub(crate) inside: PathBuf,
    pub(crate) access: String,
}

/// A device of the host and its name inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostDevice {
    pub(crate) inside: PathBuf,
    pub(crate) kind: LinuxDeviceType,
    pub(crate) major: i64,
    pub(crate) minor: i64,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) access: String,
}

impl HostDevice {
    pub(super) fn to_node(&self) -> LinuxDevice {
        let mut node = LinuxDevice::default();
        node.set_path(self.inside.clone());
        node.set_typ(self.kind);
        node.set_major(self.major);
        node.set_minor(self.minor);
        node.set_file_mode(Some(self.mode));
        node.set_uid(Some(self.uid));
        node.set_gid(Some(self.gid));
        node
    }
}

/// Takes a `--device` apart.
///
/// # Errors
/// `InvalidArgument` for paths that are not absolute and for other rights than r, w, m.
pub(crate) fn parse(text: &str) -> Result<Wanted> {
    let mut parts = text.split(':');
    let host = parts.next().unwrap_or_default();
    let (inside, access) = match (parts.next(), parts.next()) {
        (None, _) => (host, "rwm"),
        // `/dev/x:r` gives rights, not a name.
        (Some(access), None) if !access.starts_with('/') => (host, access),
        (Some(inside), access) => (inside, access.unwrap_or("rwm")),
    };
    let rights = !access.is_empty() && access.chars().all(|right| "rwm".contains(right));
    if host.starts_with('/') && inside.starts_with('/') && rights && parts.next().is_none() {
        return Ok(Wanted {
            host: host.into(),
            inside: inside.into(),
            access: access.into(),
        });
    }
    Err(Error::new(
        ErrorCode::InvalidArgument,
        format!("invalid device {}", quoted(text)),
    )
    .hint("write it as /dev/on-host[:/dev/inside[:rwm]]"))
}

/// What the device controller allows: Docker's list, then what was asked for.
pub(super) fn rules(request: &CreateContainer, devices: &[HostDevice]) -> Vec<LinuxDeviceCgroup> {
    use LinuxDeviceType::{B, C};
    if request.privileged {
        return vec![rule(true, None, None, None, "rwm")];
    }
    let mut rules = vec![
        rule(false, None, None, None, "rwm"),
        // Nodes may be made of everything: opening them is what is controlled.
        rule(true, Some(C), None, None, "m"),
        rule(true, Some(B), None, None, "m"),
    ];
    // null zero full tty urandom random console ptmx, and all pseudo terminals.
    let known = [
        (1, 3),
        (1, 5),
        (1, 7),
        (5, 0),
        (1, 9),
        (1, 8),
        (5, 1),
        (5, 2),
    ];
    let known = known.map(|(major, minor)| rule(true, Some(C), Some(major), Some(minor), "rwm"));
    rules.extend(known);
    rules.push(rule(true, Some(C), Some(136), None, "rwm"));
    rules.extend(devices.iter().map(|device| {
        let (major, minor) = (Some(device.major), Some(device.minor));
        rule(true, Some(device.kind), major, minor, &device.access)
    }));
    rules.extend(
        request
            .device_rules
            .iter()
            .filter_map(|text| parse_rule(text).ok()),
    );
    rules
}

/// Takes a `--device-cgroup-rule` apart: `c 7:128 rwm`, with `a` for both kinds and `*` for any number.
///
/// # Errors
/// `InvalidArgument` for anything else.
pub(crate) fn parse_rule(text: &str) -> Result<LinuxDeviceCgroup> {
    let invalid = || {
        Error::new(
            ErrorCode::InvalidArgument,
            format!("invalid device cgroup format {}", quoted(text)),
        )
        .hint("write it as KIND MAJOR:MINOR RIGHTS, e.g. \"c 13:* rwm\"")
    };
    let words: Vec<&str> = text.split(' ').collect();
    let [kind, numbers, access] = words[..] else {
        return Err(invalid());
    };
    let kind = match kind {
        "a" => LinuxDeviceType::A,
        "b" => LinuxDeviceType::B,
        "c" => LinuxDeviceType::C,
        _ => return Err(invalid()),
    };
    let number = |text: &str| match text {
        "*" => Ok(None),
        digits => digits
            .parse::<u32>()
            .map(|number| Some(i64::from(number)))
            .map_err(|_| invalid()),
    };
    let (major, minor) = numbers.split_once(':').ok_or_else(invalid)?;
    let rights = !access.is_empty() && access.chars().all(|right| "rwm".contains(right));
    if !rights {
        return Err(invalid());
    }
    Ok(rule(
        true,
        Some(kind),
        number(major)?,
        number(minor)?,
        access,
    ))
}

fn rule(
    allow: bool,
    kind: Option<LinuxDeviceType>,
    major: Option<i64>,
    minor: Option<i64>,
    access: &str,
) -> LinuxDeviceCgroup {
    let mut rule = LinuxDeviceCgroupBuilder::default()
        .allow(allow)
        .access(access)
        .build()
        .expect("every field has a default");
    rule.set_typ(kind);
    rule.set_major(major);
    rule.set_minor(minor);
    rule
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_rule_names_kind_numbers_and_rights() {
        let rule = parse_rule("c 7:* rm").unwrap();
        assert_eq!((rule.major(), rule.minor()), (Some(7), None));
        assert_eq!(rule.typ(), Some(LinuxDeviceType::C));
        assert_eq!(rule.access().as_deref(), Some("rm"));
        for bad in [
            "", "c 7:1", "x 7:1 r", "c 7 r", "c 7:-1 r", "c 7:1 x", "c  7:1 r",
        ] {
            assert!(parse_rule(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_device_has_a_name_inside_and_rights() {
        let check = |text: &str, inside: &str, access: &str| {
            let wanted = parse(text).unwrap();
            assert_eq!(wanted.inside, PathBuf::from(inside), "{text}");
            assert_eq!(wanted.access, access, "{text}");
        };
        check("/dev/fuse", "/dev/fuse", "rwm");
        check("/dev/fuse:r", "/dev/fuse", "r");
        check("/dev/sda:/dev/disk", "/dev/disk", "rwm");
        check("/dev/sda:/dev/disk:rw", "/dev/disk", "rw");
        for bad in [
            "",
            "fuse",
            "/dev/a:/dev/b:x",
            "/dev/a:/dev/b:r:w",
            "/dev/a:",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
