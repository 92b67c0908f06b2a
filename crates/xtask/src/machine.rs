//! What the machine is, and what it lacks for containers of an ordinary user.

use std::{env, fs};

use crate::shell::{is_installed, step};

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
}

/// Whether packages come through apt, as on Debian and Ubuntu.
pub(crate) fn has_apt() -> bool {
    is_installed("apt-get")
}

/// Whether a window can be opened.
pub(crate) fn has_display() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// The major version of Node.js.
pub(crate) fn node_major() -> Option<u32> {
    let version = step("node --version").output().ok()?;
    version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Something that an ordinary user's containers need, and how it is mended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// What is missing and what does not work because of it.
    pub(crate) problem: String,
    /// The command that mends it, to be run as root.
    pub(crate) fix: String,
}

/// What stands in the way of rootless containers on this machine.
pub(crate) fn rootless_obstacles() -> Vec<Obstacle> {
    let read = |path: &str| {
        fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let user = step("id -un")
        .output()
        .map(|name| name.trim().to_owned())
        .unwrap_or_default();
    obstacles(&Facts {
        apparmor: read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        clone: read("/proc/sys/kernel/unprivileged_userns_clone"),
        most: read("/proc/sys/user/max_user_namespaces"),
        subuid: read("/etc/subuid"),
        subgid: read("/etc/subgid"),
        user,
    })
}

/// What [`rootless_obstacles`] looks at.
#[derive(Debug, Default)]
struct Facts {
    apparmor: String,
    clone: String,
    most: String,
    subuid: String,
    subgid: String,
    user: String,
}

fn obstacles(facts: &Facts) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let mut add = |problem: &str, fix: String| {
        found.push(Obstacle {
            problem: problem.into(),
            fix,
        })
    };
    if facts.apparmor == "1" {
        add(
            "AppArmor keeps unprivileged programs from making user namespaces, so no container starts without root",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0".into(),
        );
    }
    if facts.clone == "0" {
        add(
            "User namespaces of unprivileged programs are switched off, so no container starts without root",
            "sysctl -w kernel.unprivileged_userns_clone=1".into(),
        );
    }
    if facts.most == "0" {
        add(
            "No user namespaces are allowed",
            "sysctl -w user.max_user_namespaces=28633".into(),
        );
    }
    let has_range = |text: &str| {
        text.lines()
            .any(|line| line.split(':').next() == Some(&facts.user))
    };
    if !has_range(&facts.subuid) || !has_range(&facts.subgid) {
        add(
            "This user has no range of subordinate ids, so images with several users do not unpack",
            format!(
                "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {}",
                facts.user
            ),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(facts: Facts, fixes: &[&str]) {
        let found: Vec<String> = obstacles(&facts)
            .into_iter()
            .map(|obstacle| obstacle.fix)
            .collect();
        assert_eq!(found.len(), fixes.len(), "{found:?}");
        for (found, expected) in found.iter().zip(fixes) {
            assert!(found.contains(expected), "{found}");
        }
    }

    fn ready() -> Facts {
        Facts {
            most: "28633".into(),
            subuid: "ann:100000:65536".into(),
            subgid: "ann:100000:65536".into(),
            user: "ann".into(),
            ..Facts::default()
        }
    }

    #[test]
    fn a_machine_with_everything_has_no_obstacles() {
        check(ready(), &[]);
    }

    #[test]
    fn the_restriction_of_ubuntu_is_explained() {
        check(
            Facts {
                apparmor: "1".into(),
                ..ready()
            },
            &["apparmor_restrict_unprivileged_userns=0"],
        );
    }

    #[test]
    fn a_missing_range_names_the_user() {
        check(
            Facts {
                subuid: "bob:1:2".into(),
                ..ready()
            },
            &["ann"],
        );
    }
}
