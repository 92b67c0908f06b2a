//! Which system calls a container may make.

use std::collections::HashSet;

use serde::Deserialize;
use terrarium_api::{CreateContainer, Error, ErrorCode};
use terrarium_oci::runtime::{
    Arch, Capability, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompFilterFlag,
    LinuxSyscall,
};
use terrarium_runtime::seccomp::docker_default;

use super::capabilities;
use crate::Result;

/// The filter that the request asks for: Docker's, none, or its own.
pub(super) fn filter(request: &CreateContainer) -> Result<Option<LinuxSeccomp>> {
    let mut options = request.security_options.iter();
    let wish = options.find_map(|option| {
        option
            .strip_prefix("seccomp=")
            .or_else(|| option.strip_prefix("seccomp:"))
    });
    let capabilities = capabilities::allowed(request)?;
    match wish {
        Some("unconfined") => Ok(None),
        None if request.privileged => Ok(None),
        None | Some("builtin") => Ok(Some(docker_default(&capabilities))),
        Some(profile) => parse(profile, &capabilities).map(Some),
    }
}

/// A profile file of Docker: the OCI form, with conditions on its rules.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    default_action: LinuxSeccompAction,
    default_errno_ret: Option<u32>,
    #[serde(default)]
    architectures: Vec<Arch>,
    #[serde(default)]
    arch_map: Vec<Family>,
    #[serde(default)]
    flags: Vec<LinuxSeccompFilterFlag>,
    #[serde(default)]
    syscalls: Vec<Rule>,
}

/// An architecture and those that its kernels also run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Family {
    architecture: Arch,
    #[serde(default)]
    sub_architectures: Option<Vec<Arch>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    names: Option<Vec<String>>,
    action: LinuxSeccompAction,
    #[serde(default)]
    errno_ret: Option<u32>,
    #[serde(default)]
    args: Option<Vec<LinuxSeccompArg>>,
    #[serde(default)]
    includes: Condition,
    #[serde(default)]
    excludes: Condition,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    caps: Vec<String>,
    arches: Vec<String>,
}

fn parse(profile: &str, capabilities: &HashSet<Capability>) -> Result<LinuxSeccomp> {
    let profile: Profile = serde_json::from_str(profile).map_err(|error| {
        Error::new(ErrorCode::InvalidArgument, "read the seccomp profile")
            .because(&error)
            .hint("give a profile as Docker documents it, or seccomp=unconfined")
    })?;
    let native = native();
    let mut architectures = profile.architectures;
    for family in profile.arch_map {
        if format!("{:?}", family.architecture) == format!("{native:?}") {
            architectures.push(family.architecture);
            architectures.extend(family.sub_architectures.unwrap_or_default());
        }
    }
    let rules = profile.syscalls.into_iter();
    let syscalls = rules
        .filter(|rule| rule.applies(capabilities))
        .map(Rule::into_syscall)
        .collect();
    let mut filter = docker_default(capabilities);
    filter.set_default_action(profile.default_action);
    filter.set_default_errno_ret(profile.default_errno_ret);
    filter.set_architectures(Some(architectures));
    filter.set_flags(Some(profile.flags).filter(|flags| !flags.is_empty()));
    filter.set_syscalls(Some(syscalls));
    Ok(filter)
}

impl Rule {
    fn applies(&self, capabilities: &HashSet<Capability>) -> bool {
        let holds = |name: &String| {
            let short = name.strip_prefix("CAP_").unwrap_or(name);
            short
                .parse()
                .is_ok_and(|capability: Capability| capabilities.contains(&capability))
        };
        let runs_here = |name: &String| ARCHITECTURE_NAMES.contains(&name.as_str());
        let (with, without) = (&self.includes, &self.excludes);
        with.caps.iter().all(holds)
            && !without.caps.iter().any(holds)
            && (with.arches.is_empty() || with.arches.iter().any(runs_here))
            && !without.arches.iter().any(runs_here)
    }

    fn into_syscall(self) -> LinuxSyscall {
        let mut names = self.names.unwrap_or_default();
        names.extend(self.name);
        let mut syscall = LinuxSyscall::default();
        syscall.set_names(names);
        syscall.set_action(self.action);
        syscall.set_errno_ret(self.errno_ret);
        syscall.set_args(self.args.filter(|args| !args.is_empty()));
        syscall
    }
}

/// The names that profiles have for this machine, in Go's words and the kernel's.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE_NAMES: &[&str] = &["amd64", "x86", "x86_64", "x32"];
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE_NAMES: &[&str] = &["arm64", "aarch64", "arm"];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURE_NAMES: &[&str] = &[std::env::consts::ARCH];

fn native() -> Arch {
    if cfg!(target_arch = "aarch64") {
        Arch::ScmpArchAarch64
    } else {
        Arch::ScmpArchX86_64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_docker_profile_keeps_the_rules_whose_conditions_hold() {
        let profile = r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,
            "archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]},
                       {"architecture":"SCMP_ARCH_AARCH64","subArchitectures":null}],
            "syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"},
                        {"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
                        {"names":["clone"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_ADMIN"]}},
                        {"names":["bdflush"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["s390x"]}}]}"#;
        let names = |capabilities: &[Capability]| -> Vec<String> {
            let filter = parse(profile, &capabilities.iter().copied().collect()).unwrap();
            let syscalls = filter.syscalls().clone().unwrap();
            syscalls
                .iter()
                .flat_map(|rule| rule.names().clone())
                .collect()
        };
        assert_eq!(names(&[]), ["read", "clone"]);
        assert_eq!(names(&[Capability::SysAdmin]), ["read", "mount"]);
    }

    #[test]
    fn a_profile_that_is_none_is_refused() {
        let request = CreateContainer {
            security_options: vec!["seccomp={}".into()],
            ..Default::default()
        };
        assert_eq!(
            filter(&request).unwrap_err().code,
            ErrorCode::InvalidArgument
        );
    }
}
