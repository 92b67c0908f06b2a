use std::collections::HashSet;

use terrarium_api::{CreateContainer, Error, ErrorCode};
use terrarium_oci::runtime::{Capability, LinuxCapabilities};

use crate::{Result, error::quoted};

/// What Docker leaves to a container's root.
const DEFAULT: [Capability; 14] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fsetid,
    Capability::Fowner,
    Capability::Mknod,
    Capability::NetRaw,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setfcap,
    Capability::Setpcap,
    Capability::NetBindService,
    Capability::SysChroot,
    Capability::Kill,
    Capability::AuditWrite,
];

/// What Linux 6 has.
const ALL: [Capability; 41] = [
    Capability::AuditControl,
    Capability::AuditRead,
    Capability::AuditWrite,
    Capability::BlockSuspend,
    Capability::Bpf,
    Capability::CheckpointRestore,
    Capability::Chown,
    Capability::DacOverride,
    Capability::DacReadSearch,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::IpcLock,
    Capability::IpcOwner,
    Capability::Kill,
    Capability::Lease,
    Capability::LinuxImmutable,
    Capability::MacAdmin,
    Capability::MacOverride,
    Capability::Mknod,
    Capability::NetAdmin,
    Capability::NetBindService,
    Capability::NetBroadcast,
    Capability::NetRaw,
    Capability::Perfmon,
    Capability::Setfcap,
    Capability::Setgid,
    Capability::Setpcap,
    Capability::Setuid,
    Capability::SysAdmin,
    Capability::SysBoot,
    Capability::SysChroot,
    Capability::SysModule,
    Capability::SysNice,
    Capability::SysPacct,
    Capability::SysPtrace,
    Capability::SysRawio,
    Capability::SysResource,
    Capability::SysTime,
    Capability::SysTtyConfig,
    Capability::Syslog,
    Capability::WakeAlarm,
];

/// The capabilities that a container may have at most.
///
/// # Errors
/// `InvalidArgument` for a name that is none.
pub(crate) fn allowed(request: &CreateContainer) -> Result<HashSet<Capability>> {
    let (add, add_all) = parse(&request.cap_add)?;
    let (drop, drop_all) = parse(&request.cap_drop)?;
    let base: HashSet<Capability> = if request.privileged {
        ALL.into()
    } else if drop_all {
        HashSet::new()
    } else if add_all {
        ALL.into()
    } else {
        DEFAULT.into()
    };
    if request.privileged {
        return Ok(base);
    }
    // With everything dropped, what is added counts alone; else what is dropped counts last.
    let mut allowed = &base | &add;
    if !drop_all {
        allowed = &base - &drop;
        allowed.extend(add);
    }
    Ok(allowed)
}

/// Every capability there is.
pub(crate) fn all() -> HashSet<Capability> {
    ALL.into()
}

/// The sets of a process of user `uid`. Other users than root get what `execve` would leave them:
/// nothing but the bound (`capabilities(7)`).
pub(crate) fn of_user(uid: u32, allowed: HashSet<Capability>) -> LinuxCapabilities {
    let held = if uid == 0 {
        allowed.clone()
    } else {
        HashSet::new()
    };
    let mut sets = LinuxCapabilities::default();
    sets.set_bounding(Some(allowed));
    sets.set_effective(Some(held.clone()));
    sets.set_permitted(Some(held));
    sets.set_inheritable(Some(HashSet::new()));
    sets.set_ambient(Some(HashSet::new()));
    sets
}

fn parse(names: &[String]) -> Result<(HashSet<Capability>, bool)> {
    let mut set = HashSet::new();
    let mut all = false;
    for name in names {
        let upper = name.to_ascii_uppercase();
        let short = upper.strip_prefix("CAP_").unwrap_or(&upper);
        if short == "ALL" {
            all = true;
            continue;
        }
        let capability = short.parse().map_err(|_| {
            Error::new(
                ErrorCode::InvalidArgument,
                format!("unknown capability {}", quoted(name)),
            )
            .hint("see capabilities(7) for the names")
        })?;
        set.insert(capability);
    }
    Ok((set, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_added_and_dropped_as_in_docker() {
        let check = |add: &[&str], drop: &[&str], expect: usize, has: &[Capability]| {
            let words = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
            let request = CreateContainer {
                cap_add: words(add),
                cap_drop: words(drop),
                ..Default::default()
            };
            let allowed = allowed(&request).unwrap();
            assert_eq!(allowed.len(), expect, "+{add:?} -{drop:?}");
            assert!(has.iter().all(|capability| allowed.contains(capability)));
        };
        check(&[], &[], 14, &[]);
        check(&["net_admin"], &["CAP_KILL"], 14, &[Capability::NetAdmin]);
        check(&["CHOWN"], &["ALL"], 1, &[Capability::Chown]);
        check(&["ALL"], &["SYS_ADMIN"], 40, &[]);
    }

    #[test]
    fn an_unknown_capability_is_refused() {
        let request = CreateContainer {
            cap_add: vec!["FLY".into()],
            ..Default::default()
        };
        assert_eq!(
            allowed(&request).unwrap_err().code,
            ErrorCode::InvalidArgument
        );
    }
}
