//! The process: identity, privileges, limits, command.

use std::path::PathBuf;

use oci_spec::runtime::{
    Capabilities as SpecCapabilities, Linux, LinuxPersonality, LinuxPersonalityDomain,
    PosixRlimitType, Process,
};
use terrarium_sys::caps::{CapSet, NAMES as CAPABILITY_NAMES};
use terrarium_sys::scheduling::Scheduler;

use super::scheduling::{self, Affinity, MemoryPolicy};
use crate::error::{Error, Result};
use crate::seccomp::{self, Filter};

/// One resource limit: `RLIMIT_*` number and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rlimit {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

/// The five sets, as asked for; the host's bounding set is applied later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    pub(crate) bounding: CapSet,
    pub(crate) effective: CapSet,
    pub(crate) permitted: CapSet,
    pub(crate) inheritable: CapSet,
    pub(crate) ambient: CapSet,
}

/// What is executed and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessPlan {
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<String>,
    pub(crate) cwd: PathBuf,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
    pub(crate) umask: u32,
    pub(crate) terminal: bool,
    /// Rows and columns.
    pub(crate) console_size: Option<(u16, u16)>,
    /// All empty when the spec has none: what is not asked for is not given.
    pub(crate) capabilities: Capabilities,
    pub(crate) no_new_privileges: bool,
    pub(crate) rlimits: Vec<Rlimit>,
    pub(crate) oom_score_adj: Option<i32>,
    pub(crate) seccomp: Option<Filter>,
    pub(crate) personality: Option<u64>,
    /// Class and level of ioprio_set(2).
    pub(crate) io_priority: Option<(u8, u16)>,
    pub(crate) scheduler: Option<Scheduler>,
    pub(crate) memory_policy: Option<MemoryPolicy>,
    /// Of an exec process; init runs where its cgroup lets it.
    pub(crate) affinity: Affinity,
    pub(crate) apparmor: Option<String>,
    pub(crate) selinux: Option<String>,
}

impl ProcessPlan {
    pub(crate) fn plan(process: &Process, linux: Option<&Linux>) -> Result<Self> {
        let args = process.args().clone().unwrap_or_default();
        if args.is_empty() {
            return Err(Error::InvalidSpec("`process.args` is empty".to_owned()));
        }
        if !process.cwd().is_absolute() {
            let text = format!("working directory {:?} is not absolute", process.cwd());
            return Err(Error::InvalidSpec(text));
        }
        let user = process.user();
        let size = process.console_size();
        let filter = linux.and_then(|linux| linux.seccomp().as_ref());
        let seccomp = filter.map(seccomp::compile).transpose()?;
        let persona = linux.and_then(|linux| linux.personality().as_ref());
        let memory = linux.and_then(|linux| linux.memory_policy().as_ref());
        Ok(Self {
            args,
            env: process.env().clone().unwrap_or_default(),
            cwd: process.cwd().clone(),
            uid: user.uid(),
            gid: user.gid(),
            groups: user.additional_gids().clone().unwrap_or_default(),
            umask: user.umask().unwrap_or(0o022),
            terminal: process.terminal() == Some(true),
            console_size: size
                .as_ref()
                .map(|size| (cells(size.height()), cells(size.width()))),
            capabilities: capabilities(process),
            no_new_privileges: process.no_new_privileges() == Some(true),
            rlimits: rlimits(process)?,
            oom_score_adj: process.oom_score_adj(),
            seccomp,
            personality: persona.map(personality).transpose()?,
            io_priority: process
                .io_priority()
                .as_ref()
                .map(scheduling::io_priority)
                .transpose()?,
            scheduler: process
                .scheduler()
                .as_ref()
                .map(scheduling::scheduler)
                .transpose()?,
            memory_policy: memory.map(scheduling::memory_policy).transpose()?,
            affinity: scheduling::affinity(process.exec_cpu_affinity().as_ref())?,
            apparmor: process
                .apparmor_profile()
                .clone()
                .filter(|name| !name.is_empty()),
            selinux: process
                .selinux_label()
                .clone()
                .filter(|label| !label.is_empty()),
        })
    }
}

fn cells(count: u64) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// `PER_*` of personality(2).
fn personality(asked: &LinuxPersonality) -> Result<u64> {
    if let Some(flag) = asked.flags().iter().flatten().next() {
        // The specification reserves the list and defines no value for it.
        let text = format!("`linux.personality.flags`: {flag:?} is not known");
        return Err(Error::InvalidSpec(text));
    }
    Ok(match asked.domain() {
        LinuxPersonalityDomain::PerLinux => 0,
        LinuxPersonalityDomain::PerLinux32 => 8,
    })
}

fn capabilities(process: &Process) -> Capabilities {
    let Some(sets) = process.capabilities() else {
        return Capabilities::default();
    };
    Capabilities {
        bounding: cap_set(sets.bounding()),
        effective: cap_set(sets.effective()),
        permitted: cap_set(sets.permitted()),
        inheritable: cap_set(sets.inheritable()),
        ambient: cap_set(sets.ambient()),
    }
}

fn cap_set(names: &Option<SpecCapabilities>) -> CapSet {
    let mut set = 0_u64;
    for name in names.iter().flatten() {
        let name = name.to_string();
        let number = CAPABILITY_NAMES.iter().position(|known| *known == name);
        set |= number.map_or(0, |number| 1 << number);
    }
    CapSet(set)
}

/// Names of the capabilities in the set, for messages.
pub(crate) fn capability_names(set: CapSet) -> String {
    let name = |cap: u8| {
        CAPABILITY_NAMES
            .get(usize::from(cap))
            .copied()
            .unwrap_or("?")
    };
    set.numbers().map(name).collect::<Vec<_>>().join(", ")
}

fn rlimits(process: &Process) -> Result<Vec<Rlimit>> {
    let mut limits: Vec<Rlimit> = Vec::new();
    for limit in process.rlimits().iter().flatten() {
        let (number, name) = rlimit(limit.typ());
        if limits.iter().any(|known| known.number == number) {
            let text = format!("`process.rlimits` has two limits of {name}");
            return Err(Error::InvalidSpec(text));
        }
        limits.push(Rlimit {
            number,
            name,
            soft: limit.soft(),
            hard: limit.hard(),
        });
    }
    Ok(limits)
}

fn rlimit(typ: PosixRlimitType) -> (u32, &'static str) {
    match typ {
        PosixRlimitType::RlimitCpu => (libc::RLIMIT_CPU, "cpu"),
        PosixRlimitType::RlimitFsize => (libc::RLIMIT_FSIZE, "fsize"),
        PosixRlimitType::RlimitData => (libc::RLIMIT_DATA, "data"),
        PosixRlimitType::RlimitStack => (libc::RLIMIT_STACK, "stack"),
        PosixRlimitType::RlimitCore => (libc::RLIMIT_CORE, "core"),
        PosixRlimitType::RlimitRss => (libc::RLIMIT_RSS, "rss"),
        PosixRlimitType::RlimitNproc => (libc::RLIMIT_NPROC, "nproc"),
        PosixRlimitType::RlimitNofile => (libc::RLIMIT_NOFILE, "nofile"),
        PosixRlimitType::RlimitMemlock => (libc::RLIMIT_MEMLOCK, "memlock"),
        PosixRlimitType::RlimitAs => (libc::RLIMIT_AS, "as"),
        PosixRlimitType::RlimitLocks => (libc::RLIMIT_LOCKS, "locks"),
        PosixRlimitType::RlimitSigpending => (libc::RLIMIT_SIGPENDING, "sigpending"),
        PosixRlimitType::RlimitMsgqueue => (libc::RLIMIT_MSGQUEUE, "msgqueue"),
        PosixRlimitType::RlimitNice => (libc::RLIMIT_NICE, "nice"),
        PosixRlimitType::RlimitRtprio => (libc::RLIMIT_RTPRIO, "rtprio"),
        PosixRlimitType::RlimitRttime => (libc::RLIMIT_RTTIME, "rttime"),
    }
}
