//! Seccomp: from the profile of the spec to a BPF program.
//!
//! The kernel runs the whole filter once per system call number when it is loaded (to learn which are
//! always allowed), so its depth is what a start pays: a linear list of Docker's profile costs about
//! 870 µs, a balanced tree with the native architecture first 80 to 190 µs.

mod assemble;
mod conditions;
mod default;
mod numbers;
mod table;

use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompFilterFlag, LinuxSyscall,
};
use terrarium_sys::seccomp::{Instruction, MAX_INSTRUCTIONS};

use crate::error::{Error, Result};
use crate::listener::Listener;
use assemble::{Leaf, Section};
use conditions::Condition;
pub use default::docker_default;
use numbers::{Abi, Row, number_in};

const RET_KILL_PROCESS: u32 = 0x8000_0000;
const RET_KILL_THREAD: u32 = 0;
const RET_TRAP: u32 = 0x0003_0000;
const RET_ERRNO: u32 = 0x0005_0000;
const RET_TRACE: u32 = 0x7ff0_0000;
const RET_NOTIFY: u32 = 0x7fc0_0000;
const RET_LOG: u32 = 0x7ffc_0000;
const RET_ALLOW: u32 = 0x7fff_0000;

const FLAG_TSYNC: u32 = 1;
const FLAG_LOG: u32 = 2;
const FLAG_SPEC_ALLOW: u32 = 4;
const FLAG_WAIT_KILLABLE: u32 = 0x20;

/// What one system call meets: guarded rules in order, then the action that remains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rules {
    guarded: Vec<(Vec<Condition>, u32)>,
    unconditional: Option<u32>,
}

/// A compiled filter.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) program: Vec<Instruction>,
    /// `SECCOMP_FILTER_FLAG_*` to load it with.
    pub(crate) flags: u32,
    /// Who answers for calls with `SCMP_ACT_NOTIFY`, if there are any.
    pub(crate) listener: Option<Listener>,
}

impl std::fmt::Debug for Filter {
    // Instructions are tested where they are made; a plan only shows that there is a filter.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { program, flags, .. } = self;
        let count = program.len();
        write!(
            f,
            "Filter({count} instructions, flags {flags:#x}, {:?})",
            self.listener
        )
    }
}

/// The names of all system calls of this machine's own interface.
pub fn native_calls() -> impl Iterator<Item = &'static str> {
    numbers::calls_of(Abi::NATIVE)
}

/// Compiles the profile.
///
/// # Errors
/// [`Error::Unsupported`] for what this runtime cannot enforce; a filter is never silently weaker.
pub(crate) fn compile(profile: &LinuxSeccomp) -> Result<Filter> {
    let listener = listener(profile)?;
    let default = action(profile.default_action(), profile.default_errno_ret());
    let named = named(profile, default)?;
    let section = |abi| Section {
        abi,
        leaves: leaves(profile, abi, collect(&named, abi), default),
    };
    let abis = abis(profile.architectures().as_deref());
    let sections: Vec<_> = abis.into_iter().map(section).collect();
    let program = assemble::program(&sections);
    if program.len() > MAX_INSTRUCTIONS {
        let text = format!("a seccomp profile of {} instructions", program.len());
        return Err(Error::Unsupported(text));
    }
    Ok(Filter {
        program,
        flags: flags(profile, listener.is_some()),
        listener,
    })
}

/// Where notifications go, if any rule sends some.
fn listener(profile: &LinuxSeccomp) -> Result<Option<Listener>> {
    let notify = LinuxSeccompAction::ScmpActNotify;
    if profile.default_action() == notify {
        // The runtime makes calls of its own behind the filter, before anybody could answer.
        let text = "`linux.seccomp.defaultAction`: SCMP_ACT_NOTIFY would hold the runtime itself";
        return Err(Error::InvalidSpec(text.to_owned()));
    }
    let mut rules = profile.syscalls().iter().flatten();
    let mut noting = rules
        .by_ref()
        .filter(|rule| rule.action() == notify)
        .peekable();
    if noting.peek().is_none() {
        return Ok(None);
    }
    if noting.any(|rule| rule.names().iter().any(|name| name == "sendmsg")) {
        let text = "seccomp: SCMP_ACT_NOTIFY on `sendmsg`, with which the listener is handed over";
        return Err(Error::Unsupported(text.to_owned()));
    }
    let path = profile.listener_path().clone();
    let path = path.filter(|path| path.is_absolute()).ok_or_else(|| {
        let text = "SCMP_ACT_NOTIFY needs an absolute `linux.seccomp.listenerPath`";
        Error::InvalidSpec(text.to_owned())
    })?;
    let metadata = profile.listener_metadata().clone().unwrap_or_default();
    Ok(Some(Listener { path, metadata }))
}

fn action(action: LinuxSeccompAction, errno: Option<u32>) -> u32 {
    let data = errno.unwrap_or(libc::EPERM as u32) & 0xffff;
    match action {
        LinuxSeccompAction::ScmpActKill | LinuxSeccompAction::ScmpActKillThread => RET_KILL_THREAD,
        LinuxSeccompAction::ScmpActKillProcess => RET_KILL_PROCESS,
        LinuxSeccompAction::ScmpActTrap => RET_TRAP,
        LinuxSeccompAction::ScmpActErrno => RET_ERRNO | data,
        LinuxSeccompAction::ScmpActTrace => RET_TRACE | data,
        LinuxSeccompAction::ScmpActLog => RET_LOG,
        LinuxSeccompAction::ScmpActAllow => RET_ALLOW,
        LinuxSeccompAction::ScmpActNotify => RET_NOTIFY,
    }
}

fn flags(profile: &LinuxSeccomp, notifies: bool) -> u32 {
    let flags = profile.flags().iter().flatten().map(|flag| match flag {
        LinuxSeccompFilterFlag::SeccompFilterFlagLog => FLAG_LOG,
        LinuxSeccompFilterFlag::SeccompFilterFlagTsync => FLAG_TSYNC,
        LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => FLAG_SPEC_ALLOW,
        // The kernel takes it together with a listener only, and so does libseccomp.
        LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv if notifies => FLAG_WAIT_KILLABLE,
        LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv => 0,
    });
    flags.fold(0, |all, flag| all | flag)
}

/// The ABIs to filter, the native one first. Calls of any other kill the process.
fn abis(architectures: Option<&[Arch]>) -> Vec<Abi> {
    let mut abis = vec![Abi::NATIVE];
    for architecture in architectures.unwrap_or_default() {
        let abi = match architecture {
            Arch::ScmpArchNative => Abi::NATIVE,
            Arch::ScmpArchX86_64 => Abi::X86_64,
            Arch::ScmpArchX86 => Abi::X86,
            Arch::ScmpArchX32 => Abi::X32,
            Arch::ScmpArchAarch64 => Abi::Aarch64,
            // A foreign architecture cannot run here; 32-bit ARM has no table yet and is killed.
            _ => continue,
        };
        if !abis.contains(&abi) {
            abis.push(abi);
        }
    }
    abis
}

/// A rule of the profile with what its names are called in every interface.
struct Named {
    rows: Vec<&'static Row>,
    guards: Vec<Vec<Condition>>,
    action: u32,
}

/// Looks names up once for all interfaces. Names that no machine of ours has are no error: profiles list
/// those of all.
fn named(profile: &LinuxSeccomp, default: u32) -> Result<Vec<Named>> {
    let mut all = Vec::new();
    for syscall in profile.syscalls().iter().flatten() {
        let action = action(syscall.action(), syscall.errno_ret());
        // As runc and libseccomp: a rule that says what the default says anyway is no rule.
        if action == default {
            continue;
        }
        all.push(Named {
            rows: syscall
                .names()
                .iter()
                .filter_map(|n| numbers::row(n))
                .collect(),
            guards: guards(syscall)?,
            action,
        });
    }
    Ok(all)
}

/// What each number of an interface meets, ascending. A list that is sorted once costs a start far less
/// than a tree that grows.
fn collect(named: &[Named], abi: Abi) -> Vec<(u32, Rules)> {
    let numbers_of = |rule: &Named| {
        rule.rows
            .clone()
            .into_iter()
            .filter_map(move |row| number_in(row, abi))
    };
    let pairs = named
        .iter()
        .flat_map(|rule| numbers_of(rule).map(move |number| (number, rule)));
    let mut pairs: Vec<_> = pairs.collect();
    // Stable: rules of the same number stay in the order of the profile.
    pairs.sort_by_key(|(number, _)| *number);
    pairs
        .chunk_by(|one, next| one.0 == next.0)
        .map(|same| (same[0].0, Rules::of(same.iter().map(|(_, rule)| *rule))))
        .collect()
}

impl Rules {
    fn of<'a>(named: impl Iterator<Item = &'a Named>) -> Self {
        let mut rules = Self::default();
        for rule in named {
            if rule.guards.is_empty() {
                rules.unconditional.get_or_insert(rule.action);
            } else {
                let guards = rule.guards.iter().cloned();
                rules
                    .guarded
                    .extend(guards.map(|guard| (guard, rule.action)));
            }
        }
        rules
    }
}

/// Conditions of one rule. All must hold, but two on the same argument are alternatives, as in runc.
fn guards(syscall: &LinuxSyscall) -> Result<Vec<Vec<Condition>>> {
    let args = syscall.args().as_deref().unwrap_or_default();
    let conditions = args
        .iter()
        .map(Condition::new)
        .collect::<Result<Vec<_>>>()?;
    let repeats = |c: &Condition| conditions.iter().filter(|o| o.index == c.index).count() > 1;
    if conditions.iter().any(repeats) {
        return Ok(conditions
            .into_iter()
            .map(|condition| vec![condition])
            .collect());
    }
    Ok(if conditions.is_empty() {
        Vec::new()
    } else {
        vec![conditions]
    })
}

/// Cuts the numbers into intervals of equal treatment: first number of each, ascending from 0.
fn leaves(
    profile: &LinuxSeccomp,
    abi: Abi,
    rules: Vec<(u32, Rules)>,
    default: u32,
) -> Vec<(u32, Leaf)> {
    let mut leaves: Vec<(u32, Leaf)> = vec![(0, Leaf::Return(default))];
    let mut push = |start: u32, leaf: Leaf| match leaves.last_mut() {
        Some((at, last)) if *at == start => *last = leaf,
        _ => leaves.push((start, leaf)),
    };
    for (number, rule) in rules {
        push(number, Leaf::of(rule, default));
        push(number + 1, Leaf::Return(default));
    }
    // A call that is newer than the profile must look absent, or programs do not fall back (glibc tries
    // new calls first). runc does the same for any default of errno but ENOSYS.
    let no_such_call = RET_ERRNO | libc::ENOSYS as u32;
    if default & 0xffff_0000 == RET_ERRNO && default != no_such_call {
        let named = profile.syscalls().iter().flatten().flat_map(|s| s.names());
        let numbers = named.filter_map(|name| number_in(numbers::row(name)?, abi));
        let newest = numbers.max();
        push(
            newest.map_or(0, |newest| newest + 1),
            Leaf::Return(no_such_call),
        );
    }
    // Neighbors of equal treatment are one interval.
    leaves.dedup_by(|later, earlier| later.1 == earlier.1);
    leaves
}

#[cfg(test)]
mod tests;
