//! Which device nodes the container may use: the v1 `devices` controller, or a program on v2.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType, LinuxResources};

use super::{CgroupPaths, device_program};
use crate::error::Error;
use crate::trace::Trace;

/// What kind of node a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    All,
    Block,
    Character,
}

/// One rule; `None` is any number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) allow: bool,
    pub(super) kind: Kind,
    pub(super) major: Option<i64>,
    pub(super) minor: Option<i64>,
    pub(super) access: String,
}

/// Allowed in every container, whatever the spec denies: making nodes, and the default devices.
const DEFAULT_ALLOW: [(Kind, Option<i64>, Option<i64>, &str); 11] = [
    (Kind::Character, None, None, "m"),
    (Kind::Block, None, None, "m"),
    (Kind::Character, Some(1), Some(3), "rwm"),
    (Kind::Character, Some(1), Some(5), "rwm"),
    (Kind::Character, Some(1), Some(7), "rwm"),
    (Kind::Character, Some(1), Some(8), "rwm"),
    (Kind::Character, Some(1), Some(9), "rwm"),
    (Kind::Character, Some(5), Some(0), "rwm"),
    (Kind::Character, Some(5), Some(1), "rwm"),
    (Kind::Character, Some(5), Some(2), "rwm"),
    (Kind::Character, Some(136), None, "rwm"),
];

/// Applies the rules, in order, and then the default devices.
pub(super) fn apply(paths: &CgroupPaths, resources: &LinuxResources, trace: &mut Trace) {
    let Some(rules) = resources
        .devices()
        .as_ref()
        .filter(|rules| !rules.is_empty())
    else {
        return;
    };
    let rules = plan(rules);
    if let Some(directory) = paths.controller("devices") {
        write_files(directory, &rules, trace);
    } else if let Some(directory) = paths.v2() {
        if let Err(error) = device_program::attach(directory, &rules) {
            trace.note(
                "cgroup devices",
                format!("device rules do not apply: {}", reason(&error)),
            );
        }
    } else {
        trace.note(
            "cgroup devices",
            "device rules do not apply: no devices cgroup",
        );
    }
}

fn reason(error: &Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// Each write is one rule; opening a file of a cgroup costs more than writing to it.
fn write_files(directory: &Path, rules: &[Rule], trace: &mut Trace) {
    let open = |name: &str| File::options().write(true).open(directory.join(name));
    let (allow, deny) = (open("devices.allow"), open("devices.deny"));
    for rule in rules {
        let file = if rule.allow { &allow } else { &deny };
        let line = line(rule);
        let written = match file {
            Ok(file) => {
                let mut file = file;
                file.write_all(line.as_bytes())
            }
            Err(error) => Err(error.kind().into()),
        };
        if let Err(error) = written {
            trace.note("cgroup devices", format!("rule `{line}` not set: {error}"));
        }
    }
}

fn plan(rules: &[LinuxDeviceCgroup]) -> Vec<Rule> {
    let mut planned: Vec<_> = rules.iter().map(convert).collect();
    // An `allow all` at the end leaves nothing to add.
    if !matches!(
        planned.last(),
        Some(Rule {
            allow: true,
            kind: Kind::All,
            ..
        })
    ) {
        planned.extend(DEFAULT_ALLOW.map(|(kind, major, minor, access)| Rule {
            allow: true,
            kind,
            major,
            minor,
            access: access.to_owned(),
        }));
    }
    planned
}

fn convert(rule: &LinuxDeviceCgroup) -> Rule {
    let kind = match rule.typ() {
        Some(LinuxDeviceType::B) => Kind::Block,
        Some(LinuxDeviceType::C | LinuxDeviceType::U) => Kind::Character,
        _ => Kind::All,
    };
    let number = |number: Option<i64>| number.filter(|number| *number >= 0);
    let access = rule.access().clone().filter(|access| !access.is_empty());
    Rule {
        allow: rule.allow(),
        kind,
        major: number(rule.major()),
        minor: number(rule.minor()),
        access: access.unwrap_or_else(|| "rwm".to_owned()),
    }
}

/// As the v1 files want it.
fn line(rule: &Rule) -> String {
    let kind = match rule.kind {
        Kind::All => return "a".to_owned(),
        Kind::Block => 'b',
        Kind::Character => 'c',
    };
    let number = |n: Option<i64>| n.map_or("*".to_owned(), |n| n.to_string());
    format!(
        "{kind} {}:{} {}",
        number(rule.major),
        number(rule.minor),
        rule.access
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
        let rules = plan(&rules);
        let written = |rule: &Rule| (rule.allow, line(rule));
        assert_eq!(written(&rules[0]), (false, "a".to_owned()));
        assert_eq!(written(&rules[1]), (true, "c 10:200 rw".to_owned()));
        assert_eq!(written(&rules[2]), (true, "c *:* m".to_owned()));
        assert_eq!(rules.len(), 2 + DEFAULT_ALLOW.len());
    }
}
