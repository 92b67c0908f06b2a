//! What the engine needs from the machine, looked at without changing anything.

use std::{fs, path::Path};

use nix::unistd::{Uid, User};
use terrarium_api::{Advice, Check, CheckState, Privilege};

use crate::stats::Hierarchies;

/// Through which `pasta` speaks to a container.
const TAP: &str = "/dev/net/tun";

/// All checks, in the order in which a person would mend them.
pub(super) fn all(privilege: Privilege, hierarchies: &Hierarchies) -> Vec<Check> {
    let mut checks = vec![
        overlayfs(),
        seccomp(),
        cgroup(privilege, hierarchies),
        network(privilege),
    ];
    if privilege == Privilege::Rootless {
        checks.splice(0..0, [user_namespaces(), subordinate_ids()]);
    }
    checks
}

fn check(name: &str, state: CheckState, detail: impl Into<String>, fix: Option<&str>) -> Check {
    let detail = detail.into();
    Check {
        name: name.into(),
        state,
        finding: Advice::of_finding(&detail),
        detail,
        fix: fix.map(str::to_owned),
    }
}

fn overlayfs() -> Check {
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    if filesystems
        .lines()
        .any(|line| line.trim_start_matches("nodev").trim() == "overlay")
    {
        check(
            "overlayfs",
            CheckState::Ok,
            "the kernel has overlayfs",
            None,
        )
    } else {
        let detail = "the kernel has not loaded overlayfs";
        check(
            "overlayfs",
            CheckState::Missing,
            detail,
            Some("sudo modprobe overlay"),
        )
    }
}

fn seccomp() -> Check {
    match fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail") {
        Ok(actions) => check("seccomp", CheckState::Ok, actions.trim(), None),
        Err(_) => check(
            "seccomp",
            CheckState::Missing,
            "the kernel has no seccomp filters",
            None,
        ),
    }
}

fn cgroup(privilege: Privilege, hierarchies: &Hierarchies) -> Check {
    let mode = hierarchies.name();
    if privilege == Privilege::Rootful {
        return check("cgroup", CheckState::Ok, mode, None);
    }
    let delegated =
        mode == "v2" && delegated_controllers().is_some_and(|found| found.contains("memory"));
    if delegated {
        check(
            "cgroup",
            CheckState::Ok,
            format!("{mode}, delegated to this user"),
            None,
        )
    } else {
        let detail = format!("{mode}, not delegated to this user: limits are not enforced");
        check("cgroup", CheckState::Limited, detail, None)
    }
}

/// The controllers that a systemd user session hands to this user.
fn delegated_controllers() -> Option<String> {
    let uid = Uid::effective();
    let path =
        format!("/sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service/cgroup.controllers");
    fs::read_to_string(path).ok()
}

fn network(privilege: Privilege) -> Check {
    if privilege == Privilege::Rootless {
        let tap = fs::File::options().read(true).write(true).open(TAP);
        let program = ["pasta", "slirp4netns"]
            .into_iter()
            .find(|program| is_on_path(program));
        return uplink(program, tap.is_ok());
    }
    let found = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    match found {
        Some(path) => check("network", CheckState::Ok, path, None),
        None => check(
            "network",
            CheckState::Missing,
            "nft is not installed: ports cannot be published",
            Some("sudo apt-get install nftables"),
        ),
    }
}

/// The way out of an ordinary user's networks: a program that needs the tap device.
fn uplink(program: Option<&str>, may_open_tap: bool) -> Check {
    let limited = |detail: &str, fix| check("network", CheckState::Limited, detail, Some(fix));
    let Some(program) = program else {
        let detail = "neither pasta nor slirp4netns is installed: containers reach only each other";
        return limited(detail, "sudo apt-get install passt");
    };
    if !may_open_tap {
        let detail = "this user may not open /dev/net/tun: containers reach only each other";
        return limited(detail, "sudo chmod 666 /dev/net/tun");
    }
    check("network", CheckState::Ok, program, None)
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn user_namespaces() -> Check {
    let read = |path: &str| {
        fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    if read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
        let detail = "AppArmor restricts unprivileged user namespaces";
        let fix = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
        return check("userNamespaces", CheckState::Missing, detail, Some(fix));
    }
    if read("/proc/sys/kernel/unprivileged_userns_clone") == "0" {
        let fix = "sudo sysctl -w kernel.unprivileged_userns_clone=1";
        return check(
            "userNamespaces",
            CheckState::Missing,
            "they are switched off",
            Some(fix),
        );
    }
    match read("/proc/sys/user/max_user_namespaces").as_str() {
        "" | "0" => {
            let fix = "sudo sysctl -w user.max_user_namespaces=28633";
            check(
                "userNamespaces",
                CheckState::Missing,
                "none are allowed",
                Some(fix),
            )
        }
        limit => check(
            "userNamespaces",
            CheckState::Ok,
            format!("up to {limit}"),
            None,
        ),
    }
}

fn subordinate_ids() -> Check {
    let user = User::from_uid(Uid::current())
        .ok()
        .flatten()
        .map(|user| user.name)
        .unwrap_or_default();
    let uid = Uid::current().to_string();
    let has_range = |path: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.split(':').next())
            .any(|name| name == user || name == uid)
    };
    let helper = ["/usr/bin/newuidmap", "/bin/newuidmap"]
        .into_iter()
        .any(|path| Path::new(path).exists());
    if !helper {
        let detail = "newuidmap is not installed";
        return check(
            "subordinateIds",
            CheckState::Limited,
            detail,
            Some("sudo apt-get install uidmap"),
        );
    }
    if has_range("/etc/subuid") && has_range("/etc/subgid") {
        return check(
            "subordinateIds",
            CheckState::Ok,
            "ranges in /etc/subuid and /etc/subgid",
            None,
        );
    }
    let fix =
        format!("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}");
    let detail = "no range in /etc/subuid and /etc/subgid: images with several users do not unpack";
    check("subordinateIds", CheckState::Limited, detail, Some(&fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_s_way_out_needs_a_program_and_the_tap_device() {
        let state = |program, may_open_tap| {
            let check = uplink(program, may_open_tap);
            (check.state, check.fix)
        };
        assert_eq!(state(Some("pasta"), true), (CheckState::Ok, None));
        let install = "sudo apt-get install passt".to_owned();
        assert_eq!(state(None, true), (CheckState::Limited, Some(install)));
        let open = "sudo chmod 666 /dev/net/tun".to_owned();
        assert_eq!(
            state(Some("slirp4netns"), false),
            (CheckState::Limited, Some(open))
        );
    }
}
