//! The system call filter: that there is one says the kernel, what it holds says the spec.

use std::collections::BTreeSet;

use terrarium_api::SeccompFacts;
use terrarium_oci::runtime::{LinuxSeccomp, LinuxSeccompAction};
use terrarium_runtime::seccomp::native_calls;

use super::status::Status;

pub(super) fn facts(status: &Status, profile: Option<&LinuxSeccomp>) -> SeccompFacts {
    let mode = status.number("Seccomp:").map(|mode| match mode {
        0 => "disabled",
        1 => "strict",
        _ => "filter",
    });
    let rules = profile.map(Rules::of).unwrap_or_default();
    SeccompFacts {
        mode: mode.map(str::to_owned),
        filters: status.number("Seccomp_filters:"),
        default_action: profile.map(|profile| profile.default_action().to_string()),
        allowed: u32::try_from(rules.allowed.len()).unwrap_or(u32::MAX),
        conditional: rules.conditional.into_iter().map(str::to_owned).collect(),
        refused: rules.refused.into_iter().map(str::to_owned).collect(),
    }
}

/// The calls of this machine, by what a profile says of them.
#[derive(Default)]
struct Rules {
    allowed: BTreeSet<&'static str>,
    conditional: BTreeSet<&'static str>,
    refused: BTreeSet<&'static str>,
}

impl Rules {
    fn of(profile: &LinuxSeccomp) -> Self {
        let passes = |action: LinuxSeccompAction| {
            matches!(
                action,
                LinuxSeccompAction::ScmpActAllow | LinuxSeccompAction::ScmpActLog
            )
        };
        let (mut always, mut sometimes, mut never) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for rule in profile.syscalls().iter().flatten() {
            let conditions = rule.args().as_ref().is_some_and(|args| !args.is_empty());
            let names = match (conditions, passes(rule.action())) {
                (true, _) => &mut sometimes,
                (false, true) => &mut always,
                (false, false) => &mut never,
            };
            names.extend(rule.names().iter().map(String::as_str));
        }
        let by_default = passes(profile.default_action());
        let mut rules = Self::default();
        for call in native_calls() {
            let list = if always.contains(call) {
                &mut rules.allowed
            } else if sometimes.contains(call) {
                &mut rules.conditional
            } else if never.contains(call) || !by_default {
                &mut rules.refused
            } else {
                &mut rules.allowed
            };
            list.insert(call);
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Rules {
        Rules::of(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_list_of_what_is_allowed_refuses_the_rest() {
        let rules = rules(
            r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
                {"names":["read","write"],"action":"SCMP_ACT_ALLOW"},
                {"names":["personality"],"action":"SCMP_ACT_ALLOW",
                 "args":[{"index":0,"value":0,"op":"SCMP_CMP_EQ"}]}]}"#,
        );
        assert_eq!(rules.allowed.len(), 2);
        assert!(rules.conditional.contains("personality"));
        assert!(rules.refused.contains("reboot") && !rules.refused.contains("read"));
    }

    #[test]
    fn a_list_of_what_is_refused_allows_the_rest() {
        let rules = rules(
            r#"{"defaultAction":"SCMP_ACT_ALLOW",
                "syscalls":[{"names":["reboot"],"action":"SCMP_ACT_ERRNO"}]}"#,
        );
        assert_eq!(rules.refused.into_iter().collect::<Vec<_>>(), ["reboot"]);
        assert!(rules.allowed.len() > 300);
    }
}
