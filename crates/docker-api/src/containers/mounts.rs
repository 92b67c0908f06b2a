//! Mounts: four ways to ask for them.

use std::collections::BTreeSet;

use terrarium_api::{Mount, MountKind};

use super::host_config::{self, HostConfig};
use crate::error::{Failure, Result};

/// Translates `Binds`, `Mounts`, `Tmpfs` and the anonymous `Volumes`; a target has one mount.
pub(super) fn translate<'a>(
    host: &HostConfig,
    anonymous: impl Iterator<Item = &'a String>,
) -> Result<Vec<Mount>> {
    let mut mounts = Vec::new();
    for text in &host.binds {
        mounts.push(bind(text)?);
    }
    for mount in &host.mounts {
        mounts.push(long_form(mount)?);
    }
    for (target, options) in &host.tmpfs {
        mounts.push(tmpfs(target, options)?);
    }
    check_targets(&mounts)?;
    for target in anonymous {
        let mount = Mount {
            target: absolute(target)?,
            ..Mount::new(MountKind::Volume, "", "")
        };
        // A bind over an anonymous volume wins, as in Docker.
        if mounts.iter().all(|other| other.target != mount.target) {
            mounts.push(mount);
        }
    }
    // A driver that no volume needs is no reason to refuse.
    if mounts.iter().any(|mount| mount.kind == MountKind::Volume) {
        check_driver(&host.volume_driver)?;
    }
    Ok(mounts)
}

/// `source:target[:options]`, or `target` alone for an anonymous volume.
fn bind(text: &str) -> Result<Mount> {
    let invalid = || invalid(text);
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, options) = match parts.as_slice() {
        [target] => ("", *target, ""),
        [source, target] => (*source, *target, ""),
        [source, target, options] => (*source, *target, *options),
        _ => return Err(invalid()),
    };
    if parts.len() > 1 && source.is_empty() {
        return Err(invalid());
    }
    let kind = if source.starts_with('/') {
        MountKind::Bind
    } else {
        MountKind::Volume
    };
    if kind == MountKind::Volume && !source.is_empty() {
        check_volume_name(source)?;
    }
    let mut mount = Mount {
        source: source.to_owned(),
        target: absolute(target)?,
        ..Mount::new(kind, "", "")
    };
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => mount.read_only = true,
            // Nothing to relabel here, and these are what happens anyway.
            "rw" | "z" | "Z" | "consistent" | "cached" | "delegated" => {}
            "nocopy" => mount.no_copy = true,
            "rprivate" | "private" | "rslave" | "slave" | "rshared" | "shared" => {
                mount.propagation = Some(option.to_owned());
            }
            _ => {
                return Err(Failure::bad_request(format!(
                    "invalid mode: {}",
                    options.escape_debug()
                )));
            }
        }
    }
    Ok(mount)
}

fn long_form(mount: &host_config::Mount) -> Result<Mount> {
    let kind = match mount.r#type.as_str() {
        "bind" => MountKind::Bind,
        "volume" => MountKind::Volume,
        "tmpfs" => MountKind::Tmpfs,
        other => {
            let text = format!("mount type unknown: \"{}\"", other.escape_debug());
            return Err(Failure::bad_request(text));
        }
    };
    let refuse = |text: &str| {
        Err(Failure::bad_request(format!(
            "invalid mount config for type \"{}\": {text}",
            mount.r#type
        )))
    };
    match kind {
        MountKind::Bind if mount.source.is_empty() => {
            return refuse("field Source must not be empty");
        }
        MountKind::Bind if !mount.source.starts_with('/') => {
            return refuse("invalid mount path: mount path must be absolute");
        }
        MountKind::Tmpfs if !mount.source.is_empty() => {
            return refuse("field Source must not be specified");
        }
        MountKind::Volume if !mount.source.is_empty() => check_volume_name(&mount.source)?,
        _ => {}
    }
    let volume = mount.volume_options.clone().unwrap_or_default();
    if !volume.subpath.is_empty() {
        return Err(Failure::not_built(
            "mounting a folder of a volume (volume-subpath)",
        ));
    }
    check_driver(&volume.driver_config.unwrap_or_default().name)?;
    let tmpfs = mount.tmpfs_options.clone().unwrap_or_default();
    let bind = mount.bind_options.clone().unwrap_or_default();
    Ok(Mount {
        kind,
        source: mount.source.clone(),
        target: absolute(&mount.target)?,
        read_only: mount.read_only,
        propagation: Some(bind.propagation).filter(|propagation| !propagation.is_empty()),
        size_bytes: super::create::positive(tmpfs.size_bytes, "SizeBytes")?,
        mode: Some(tmpfs.mode).filter(|mode| *mode != 0),
        no_copy: volume.no_copy,
    })
}

fn tmpfs(target: &str, options: &str) -> Result<Mount> {
    let mut mount = Mount {
        target: absolute(target)?,
        ..Mount::new(MountKind::Tmpfs, "", "")
    };
    let invalid = || {
        Failure::bad_request(format!(
            "invalid tmpfs option \"{}\"",
            options.escape_debug()
        ))
    };
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("size", text)) => mount.size_bytes = Some(size(text).ok_or_else(invalid)?),
            Some(("mode", text)) => {
                mount.mode = Some(u32::from_str_radix(text, 8).map_err(|_| invalid())?);
            }
            // Owner and counts of inodes keep the kernel's defaults.
            Some(("uid" | "gid" | "nr_inodes" | "nr_blocks", _)) => {}
            None if option == "ro" => mount.read_only = true,
            None if matches!(
                option,
                "rw" | "exec" | "noexec" | "suid" | "nosuid" | "dev" | "nodev"
            ) => {}
            _ => return Err(invalid()),
        }
    }
    Ok(mount)
}

/// `1048576`, `64k`, `10m`, `1g`, as tmpfs and log drivers take it.
pub(super) fn size(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let (digits, shift) = match lower.as_bytes().last()? {
        b'k' => (&lower[..lower.len() - 1], 10),
        b'm' => (&lower[..lower.len() - 1], 20),
        b'g' => (&lower[..lower.len() - 1], 30),
        _ => (lower, 0),
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

fn absolute(target: &str) -> Result<String> {
    let folder = target.trim_end_matches('/');
    if !target.starts_with('/') || target.contains('\0') {
        return Err(Failure::bad_request(format!(
            "invalid mount path: '{}' mount path must be absolute",
            target.escape_debug()
        )));
    }
    if folder.is_empty() {
        return Err(Failure::bad_request(
            "invalid specification: destination can't be '/'",
        ));
    }
    Ok(folder.to_owned())
}

fn check_targets(mounts: &[Mount]) -> Result<()> {
    let mut seen = BTreeSet::new();
    match mounts.iter().find(|mount| !seen.insert(&mount.target)) {
        Some(twice) => Err(Failure::bad_request(format!(
            "Duplicate mount point: {}",
            twice.target
        ))),
        None => Ok(()),
    }
}

/// A name becomes a folder's name, so its characters are few.
pub(crate) fn check_volume_name(name: &str) -> Result<()> {
    let valid = name.len() > 1
        && name.starts_with(|char: char| char.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "_.-".contains(char));
    if valid {
        return Ok(());
    }
    Err(Failure::bad_request(format!(
        "create {shown}: \"{shown}\" includes invalid characters for a local volume name, only \
         \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use \
         absolute path",
        shown = name.escape_debug()
    )))
}

fn check_driver(driver: &str) -> Result<()> {
    match driver {
        "" | "local" => Ok(()),
        other => Err(Failure::not_found(format!(
            "plugin \"{}\" not found",
            other.escape_debug()
        ))),
    }
}

fn invalid(text: &str) -> Failure {
    Failure::bad_request(format!(
        "invalid volume specification: '{}'",
        text.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_are_read_in_all_their_forms() {
        let mount = bind("/srv:/data:ro,rslave").expect("it is valid");
        assert_eq!((mount.kind, mount.read_only), (MountKind::Bind, true));
        assert_eq!(mount.propagation.as_deref(), Some("rslave"));
        let mount = bind("cache:/data/").expect("it is valid");
        assert_eq!(
            (mount.kind, mount.target.as_str()),
            (MountKind::Volume, "/data")
        );
        let mount = bind("/only").expect("it is valid");
        assert_eq!((mount.kind, mount.source.as_str()), (MountKind::Volume, ""));
    }

    #[test]
    fn binds_that_make_no_sense_are_refused() {
        for text in [
            "",
            ":",
            "a:",
            ":/a",
            "/a:b",
            "/a:/",
            "/a:/b:what",
            "../x:/a",
            "a/b:/c",
            "a:/b:ro:x",
            "/a:/b\0",
        ] {
            let failure = bind(text).expect_err(text);
            assert_eq!(failure.status, http::StatusCode::BAD_REQUEST, "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        let check = |text, expect| assert_eq!(size(text), expect, "{text}");
        check("1048576", Some(1 << 20));
        check("64k", Some(64 << 10));
        check("10M", Some(10 << 20));
        check("1gb", Some(1 << 30));
        check("", None);
        check("k", None);
        check("99999999999999999g", None);
    }

    #[test]
    fn a_target_has_one_mount() {
        let host = HostConfig {
            binds: vec!["/a:/x".into(), "/b:/x/".into()],
            ..HostConfig::default()
        };
        let failure = translate(&host, [].iter()).expect_err("it is there twice");
        assert_eq!(failure.message, "Duplicate mount point: /x");
        let host = HostConfig {
            binds: vec!["/a:/x".into()],
            ..HostConfig::default()
        };
        let mounts = translate(&host, ["/x".to_owned()].iter()).expect("the bind wins");
        assert_eq!(mounts.len(), 1);
    }
}
