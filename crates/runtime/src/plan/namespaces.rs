//! Namespaces to make and to join, and the identity maps of a user namespace.

use std::collections::HashMap;
use std::path::PathBuf;

use oci_spec::runtime::{Linux, LinuxIdMapping, LinuxNamespaceType, LinuxTimeOffset};

use super::Host;
use crate::error::{Error, Result};

pub(crate) const NEW_TIME: u64 = 0x80;
pub(crate) const NEW_MOUNT: u64 = 0x0002_0000;
pub(crate) const NEW_CGROUP: u64 = 0x0200_0000;
pub(crate) const NEW_UTS: u64 = 0x0400_0000;
pub(crate) const NEW_IPC: u64 = 0x0800_0000;
pub(crate) const NEW_USER: u64 = 0x1000_0000;
pub(crate) const NEW_PID: u64 = 0x2000_0000;
pub(crate) const NEW_NET: u64 = 0x4000_0000;

/// A namespace that exists and is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Join {
    pub(crate) flag: u64,
    pub(crate) path: PathBuf,
}

/// One line of a uid or gid map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdMap {
    pub(crate) inside: u32,
    pub(crate) outside: u32,
    pub(crate) count: u32,
}

/// Maps of a new user namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdMaps {
    pub(crate) uids: Vec<IdMap>,
    pub(crate) gids: Vec<IdMap>,
    /// The caller may write only its own id, and must give up setgroups(2) first (user_namespaces(7)).
    pub(crate) deny_setgroups: bool,
    /// Several ranges of an unprivileged caller: `newuidmap` and `newgidmap` write them.
    pub(crate) through_helpers: bool,
}

/// What the container has of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Namespaces {
    /// `CLONE_NEW*` bits to make.
    pub(crate) create: u64,
    pub(crate) join: Vec<Join>,
    pub(crate) maps: Option<IdMaps>,
    /// Clock name, seconds, nanoseconds.
    pub(crate) time_offsets: Vec<(String, i64, u32)>,
}

impl Namespaces {
    pub(super) fn plan(linux: &Linux, host: Host) -> Result<Self> {
        let mut planned = Self::default();
        for namespace in linux.namespaces().iter().flatten() {
            let flag = flag(namespace.typ());
            if planned.has(flag) {
                let text = format!("namespace `{}` is listed twice", namespace.typ());
                return Err(Error::InvalidSpec(text));
            }
            match namespace
                .path()
                .as_ref()
                .filter(|path| !path.as_os_str().is_empty())
            {
                Some(path) => planned.join.push(Join {
                    flag,
                    path: path.clone(),
                }),
                None => planned.create |= flag,
            }
        }
        if planned.create & NEW_MOUNT == 0 {
            let text = "a container without a mount namespace of its own".to_owned();
            return Err(Error::Unsupported(text));
        }
        if !host.is_root() && !planned.has(NEW_USER) {
            let text = "an unprivileged caller needs a `user` namespace with mappings".to_owned();
            return Err(Error::InvalidSpec(text));
        }
        planned.maps = planned.plan_maps(linux, host)?;
        planned.time_offsets = time_offsets(linux.time_offsets().as_ref())?;
        if !planned.time_offsets.is_empty() && planned.create & NEW_TIME == 0 {
            let text = "`linux.timeOffsets` needs a new `time` namespace".to_owned();
            return Err(Error::InvalidSpec(text));
        }
        Ok(planned)
    }

    /// Tells whether the container does not share the caller's namespace of this kind.
    pub(crate) fn has(&self, flag: u64) -> bool {
        self.create & flag != 0 || self.joins(flag)
    }

    pub(crate) fn joins(&self, flag: u64) -> bool {
        self.join.iter().any(|join| join.flag == flag)
    }

    /// Tells whether a first process must join before a second one is born inside: the pid namespace
    /// counts for children only, and namespaces belong to the user namespace they are made in.
    pub(crate) fn needs_two_stages(&self) -> bool {
        self.joins(NEW_PID)
            || self.joins(NEW_USER)
            || (self.create & NEW_USER != 0 && !self.join.is_empty())
    }

    fn plan_maps(&self, linux: &Linux, host: Host) -> Result<Option<IdMaps>> {
        if self.create & NEW_USER == 0 {
            return Ok(None);
        }
        let uids = id_maps(linux.uid_mappings().as_deref());
        let gids = id_maps(linux.gid_mappings().as_deref());
        if uids.is_empty() || gids.is_empty() {
            let text = "a new user namespace needs `uidMappings` and `gidMappings`".to_owned();
            return Err(Error::InvalidSpec(text));
        }
        let only_self =
            |maps: &[IdMap], id: u32| matches!(maps, [map] if map.outside == id && map.count == 1);
        let through_helpers =
            !(host.is_root() || only_self(&uids, host.uid) && only_self(&gids, host.gid));
        let deny_setgroups = !host.is_root() && !through_helpers;
        Ok(Some(IdMaps {
            uids,
            gids,
            deny_setgroups,
            through_helpers,
        }))
    }

    /// Only what belongs to a namespace of the container may be set; the rest is the host's.
    pub(super) fn check_sysctls(
        &self,
        sysctls: Option<&HashMap<String, String>>,
    ) -> Result<Vec<(String, String)>> {
        let mut checked = Vec::new();
        for (key, value) in sysctls.into_iter().flatten() {
            // As sysctl(8): a key that begins with slashes may have dots in its names (`eth0.1`).
            let slashes = key
                .find(['.', '/'])
                .is_some_and(|at| key.as_bytes()[at] == b'/');
            let path = if slashes {
                key.clone()
            } else {
                key.replace('.', "/")
            };
            let needed = match path.as_str() {
                "kernel/msgmax"
                | "kernel/msgmnb"
                | "kernel/msgmni"
                | "kernel/sem"
                | "kernel/shmall"
                | "kernel/shmmax"
                | "kernel/shmmni"
                | "kernel/shm_rmid_forced" => NEW_IPC,
                "kernel/domainname" => NEW_UTS,
                path if path.starts_with("fs/mqueue/") => NEW_IPC,
                path if path.starts_with("net/") => NEW_NET,
                _ => {
                    return Err(Error::InvalidSpec(format!(
                        "sysctl `{key}` is not namespaced"
                    )));
                }
            };
            if !self.has(needed) || path.split('/').any(|part| part == "..") {
                let text = format!("sysctl `{key}` would change the host's namespace");
                return Err(Error::InvalidSpec(text));
            }
            checked.push((path, value.clone()));
        }
        checked.sort();
        Ok(checked)
    }

    pub(super) fn check_name(&self, what: &str, name: Option<&str>) -> Result<Option<String>> {
        match name.filter(|name| !name.is_empty()) {
            Some(_) if !self.has(NEW_UTS) => Err(Error::InvalidSpec(format!(
                "`{what}` needs a `uts` namespace"
            ))),
            name => Ok(name.map(str::to_owned)),
        }
    }
}

pub(crate) fn flag(kind: LinuxNamespaceType) -> u64 {
    match kind {
        LinuxNamespaceType::Mount => NEW_MOUNT,
        LinuxNamespaceType::Cgroup => NEW_CGROUP,
        LinuxNamespaceType::Uts => NEW_UTS,
        LinuxNamespaceType::Ipc => NEW_IPC,
        LinuxNamespaceType::User => NEW_USER,
        LinuxNamespaceType::Pid => NEW_PID,
        LinuxNamespaceType::Network => NEW_NET,
        LinuxNamespaceType::Time => NEW_TIME,
    }
}

/// Names of the bits, for steps and messages.
pub(crate) fn names(flags: u64) -> String {
    let table = [
        (NEW_MOUNT, "mnt"),
        (NEW_CGROUP, "cgroup"),
        (NEW_UTS, "uts"),
        (NEW_IPC, "ipc"),
        (NEW_USER, "user"),
        (NEW_PID, "pid"),
        (NEW_NET, "net"),
        (NEW_TIME, "time"),
    ];
    let set: Vec<_> = table
        .iter()
        .filter(|(bit, _)| flags & bit != 0)
        .map(|(_, n)| *n)
        .collect();
    set.join(" ")
}

pub(super) fn id_maps(maps: Option<&[LinuxIdMapping]>) -> Vec<IdMap> {
    let convert = |map: &LinuxIdMapping| IdMap {
        inside: map.container_id(),
        outside: map.host_id(),
        count: map.size(),
    };
    maps.unwrap_or_default().iter().map(convert).collect()
}

fn time_offsets(
    offsets: Option<&HashMap<String, LinuxTimeOffset>>,
) -> Result<Vec<(String, i64, u32)>> {
    let mut planned = Vec::new();
    for (clock, offset) in offsets.into_iter().flatten() {
        if !["monotonic", "boottime"].contains(&clock.as_str()) {
            let text = format!("`linux.timeOffsets`: {clock:?} is no clock that can be shifted");
            return Err(Error::InvalidSpec(text));
        }
        let nanosecs = offset.nanosecs().unwrap_or(0);
        if nanosecs >= 1_000_000_000 {
            let text = format!("`linux.timeOffsets.{clock}.nanosecs` is a second or more");
            return Err(Error::InvalidSpec(text));
        }
        planned.push((clock.clone(), offset.secs().unwrap_or(0), nanosecs));
    }
    planned.sort();
    Ok(planned)
}
