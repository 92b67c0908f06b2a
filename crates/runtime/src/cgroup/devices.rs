//! Which device nodes the container may use: the v1 `devices` controller.

use std::fs;

use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType, LinuxResources};

use super::CgroupPaths;
use crate::trace::Trace;

/// Allowed in every container, whatever the spec denies: making nodes, and the default devices.
const DEFAULT_ALLOW: [&str; 11] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
];

/// Writes the rules, in order, and then the default devices.
pub(super) fn apply(paths: &CgroupPaths, resources: &LinuxResources, trace: &mut Trace) {
    let Some(rules) = resources
        .devices()
        .as_ref()
        .filter(|rules| !rules.is_empty())
    else {
        return;
    };
    let Some(directory) = paths.controller("devices") else {
        trace.note(
            "cgroup devices",
            "device rules do not apply: no devices cgroup",
        );
        return;
    };
    for (allow, rule) in plan(rules) {
        let file = directory.join(if allow {
            "devices.allow"
        } else {
            "devices.deny"
        });
        if let Err(error) = fs::write(&file, &rule) {
            trace.note("cgroup devices", format!("rule `{rule}` not set: {error}"));
        }
    }
}

fn plan(rules: &[LinuxDeviceCgroup]) -> Vec<(bool, String)> {
    let mut writes: Vec<_> = rules
        .iter()
        .map(|rule| (rule.allow(), line(rule)))
        .collect();
    // An `allow all` at the end leaves nothing to add.
    if !matches!(writes.last(), Some((true, rule)) if rule == "a") {
        writes.extend(DEFAULT_ALLOW.map(|rule| (true, rule.to_owned())));
    }
    writes
}

fn line(rule: &LinuxDeviceCgroup) -> String {
    let kind = match rule.typ() {
        Some(LinuxDeviceType::B) => 'b',
        Some(LinuxDeviceType::C | LinuxDeviceType::U) => 'c',
        _ => return "a".to_owned(),
    };
    let number = |n: Option<i64>| {
        n.filter(|n| *n >= 0)
            .map_or("*".to_owned(), |n| n.to_string())
    };
    let access = rule.access().as_deref().unwrap_or("rwm");
    format!(
        "{kind} {}:{} {access}",
        number(rule.major()),
        number(rule.minor())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_spec_come_first_and_the_default_devices_last() {
        let rules: Vec<LinuxDeviceCgroup> = serde_json::from_str(
            r#"[{"allow":false,"access":"rwm"},
                {"allow":true,"type":"c","major":10,"minor":200,"access":"rw"}]"#,
        )
        .unwrap();
        let writes = plan(&rules);
        assert_eq!(writes[0], (false, "a".to_owned()));
        assert_eq!(writes[1], (true, "c 10:200 rw".to_owned()));
        assert_eq!(writes.len(), 2 + DEFAULT_ALLOW.len());
    }
}
