//! Which processors, what priority and which memory a process gets.

use oci_spec::runtime::{
    ExecCPUAffinity, IOPriorityClass, LinuxIOPriority, LinuxMemoryPolicy, LinuxSchedulerFlag,
    LinuxSchedulerPolicy, MemoryPolicyFlagType, MemoryPolicyModeType, Scheduler as SpecScheduler,
};
use terrarium_sys::scheduling::{Mask, Scheduler};

use crate::error::{Error, Result};

/// More processors or nodes than any kernel is built for.
const HIGHEST: u16 = 8191;

/// Where an exec process is bound to, before and after it enters the container's cgroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Affinity {
    pub(crate) before: Option<Mask>,
    pub(crate) after: Option<Mask>,
}

/// set_mempolicy(2): mode with flags, and nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemoryPolicy {
    pub(crate) mode: u32,
    pub(crate) nodes: Mask,
}

fn invalid<T>(field: &str, text: impl std::fmt::Display) -> Result<T> {
    Err(Error::InvalidSpec(format!("`{field}`: {text}")))
}

pub(super) fn affinity(asked: Option<&ExecCPUAffinity>) -> Result<Affinity> {
    let Some(asked) = asked else {
        return Ok(Affinity::default());
    };
    let list = |name: &str, text: &Option<String>| {
        let given = text.as_deref().filter(|text| !text.is_empty());
        given
            .map(|text| mask(&format!("process.execCPUAffinity.{name}"), text))
            .transpose()
    };
    Ok(Affinity {
        before: list("initial", asked.initial())?,
        after: list("final", asked.cpu_affinity_final())?,
    })
}

/// `0-3,7`, as the kernel writes lists of processors and nodes.
fn mask(field: &str, text: &str) -> Result<Mask> {
    let mut mask = Mask::default();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| {
            let text = text.trim();
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>()
                .ok()
                .filter(|number| digits && *number <= HIGHEST)
        };
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => {
                (first..=last).for_each(|number| mask.insert(number));
            }
            _ => return invalid(field, format_args!("{part:?} is no number and no range")),
        }
    }
    Ok(mask)
}

pub(super) fn io_priority(asked: &LinuxIOPriority) -> Result<(u8, u16)> {
    let class = match asked.class() {
        IOPriorityClass::IoprioClassRt => 1,
        IOPriorityClass::IoprioClassBe => 2,
        IOPriorityClass::IoprioClassIdle => 3,
    };
    match u16::try_from(asked.priority()) {
        Ok(level) if level <= 7 => Ok((class, level)),
        _ => invalid("process.ioPriority.priority", "must be 0 to 7"),
    }
}

pub(super) fn scheduler(asked: &SpecScheduler) -> Result<Scheduler> {
    let policy = policy(*asked.policy())?;
    let nice = asked.nice().unwrap_or(0);
    let priority = asked.priority().unwrap_or(0);
    let times = [asked.runtime(), asked.deadline(), asked.period()].map(|time| time.unwrap_or(0));
    if !(-20..=19).contains(&nice) {
        return invalid("process.scheduler.nice", "must be -20 to 19");
    }
    if priority != 0 && ![libc::SCHED_FIFO, libc::SCHED_RR].contains(&(policy as i32)) {
        let text = "is for SCHED_FIFO and SCHED_RR only";
        return invalid("process.scheduler.priority", text);
    }
    if times != [0; 3] && policy as i32 != libc::SCHED_DEADLINE {
        let text = "`runtime`, `deadline` and `period` are for SCHED_DEADLINE only";
        return invalid("process.scheduler", text);
    }
    let flags = asked.flags().iter().flatten().map(|flag| flag_bit(*flag));
    Ok(Scheduler {
        policy,
        flags: flags.fold(0, |all, bit| all | bit),
        nice,
        priority: u32::try_from(priority)
            .or_else(|_| invalid("process.scheduler.priority", "must not be negative"))?,
        runtime: times[0],
        deadline: times[1],
        period: times[2],
    })
}

fn policy(policy: LinuxSchedulerPolicy) -> Result<u32> {
    Ok(match policy {
        LinuxSchedulerPolicy::SchedOther => libc::SCHED_OTHER,
        LinuxSchedulerPolicy::SchedFifo => libc::SCHED_FIFO,
        LinuxSchedulerPolicy::SchedRr => libc::SCHED_RR,
        LinuxSchedulerPolicy::SchedBatch => libc::SCHED_BATCH,
        LinuxSchedulerPolicy::SchedIdle => libc::SCHED_IDLE,
        LinuxSchedulerPolicy::SchedDeadline => libc::SCHED_DEADLINE,
        LinuxSchedulerPolicy::SchedIso => {
            // Reserved in the kernel's headers, never made.
            return Err(Error::Unsupported("scheduling policy SCHED_ISO".to_owned()));
        }
    } as u32)
}

/// `SCHED_FLAG_*` (linux/sched.h).
fn flag_bit(flag: LinuxSchedulerFlag) -> u64 {
    match flag {
        LinuxSchedulerFlag::SchedResetOnFork => 0x01,
        LinuxSchedulerFlag::SchedFlagReclaim => 0x02,
        LinuxSchedulerFlag::SchedFlagDLOverrun => 0x04,
        LinuxSchedulerFlag::SchedFlagKeepPolicy => 0x08,
        LinuxSchedulerFlag::SchedFlagKeepParams => 0x10,
        LinuxSchedulerFlag::SchedFlagUtilClampMin => 0x20,
        LinuxSchedulerFlag::SchedFlagUtilClampMax => 0x40,
    }
}

pub(super) fn memory_policy(asked: &LinuxMemoryPolicy) -> Result<MemoryPolicy> {
    let mode = match asked.mode() {
        MemoryPolicyModeType::MpolDefault => 0,
        MemoryPolicyModeType::MpolPreferred => 1,
        MemoryPolicyModeType::MpolBind => 2,
        MemoryPolicyModeType::MpolInterleave => 3,
        MemoryPolicyModeType::MpolLocal => 4,
        MemoryPolicyModeType::MpolPreferredMany => 5,
        MemoryPolicyModeType::MpolWeightedInterleave => 6,
    };
    let flags = asked.flags().iter().flatten().map(|flag| match flag {
        MemoryPolicyFlagType::MpolFNumaBalancing => 1 << 13,
        MemoryPolicyFlagType::MpolFRelativeNodes => 1 << 14,
        MemoryPolicyFlagType::MpolFStaticNodes => 1 << 15,
    });
    let nodes = asked.nodes().as_deref().filter(|text| !text.is_empty());
    let nodes = nodes.map(|text| mask("linux.memoryPolicy.nodes", text));
    Ok(MemoryPolicy {
        mode: flags.fold(mode, |all, bit: u32| all | bit),
        nodes: nodes.transpose()?.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_numbers_and_ranges() {
        let of = |numbers: &[u16]| {
            let mut mask = Mask::default();
            numbers.iter().for_each(|number| mask.insert(*number));
            mask
        };
        for (text, numbers) in [
            ("0", &[0][..]),
            ("0-2,7", &[0, 1, 2, 7]),
            ("1, 3-3", &[1, 3]),
        ] {
            assert_eq!(mask("f", text).unwrap(), of(numbers), "{text}");
        }
        for text in [
            "",
            ",",
            "1-",
            "-1",
            "3-1",
            "+1",
            "x",
            "8192",
            "0-99999999999",
        ] {
            let error = mask("f", text).unwrap_err().to_string();
            assert!(error.contains("`f`"), "{text}: {error}");
        }
    }

    #[test]
    fn parameters_must_fit_the_policy() {
        let plan = |value: serde_json::Value| scheduler(&serde_json::from_value(value).unwrap());
        let batch = plan(json!({"policy": "SCHED_BATCH", "nice": 5,
            "flags": ["SCHED_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"]}));
        let expected = Scheduler {
            policy: 3,
            nice: 5,
            flags: 3,
            ..Scheduler::default()
        };
        assert_eq!(batch.unwrap(), expected);
        for (value, word) in [
            (json!({"policy": "SCHED_OTHER", "nice": 20}), "nice"),
            (json!({"policy": "SCHED_OTHER", "priority": 1}), "priority"),
            (json!({"policy": "SCHED_FIFO", "priority": -1}), "priority"),
            (json!({"policy": "SCHED_FIFO", "runtime": 1}), "runtime"),
            (json!({"policy": "SCHED_ISO"}), "SCHED_ISO"),
        ] {
            let error = plan(value.clone()).unwrap_err().to_string();
            assert!(error.contains(word), "{value}: {error}");
        }
    }

    #[test]
    fn a_memory_policy_is_a_mode_with_flags_and_nodes() {
        let policy = serde_json::from_value(json!({
            "mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]
        }));
        let planned = memory_policy(&policy.unwrap()).unwrap();
        assert_eq!(planned.mode, 2 | 1 << 15);
        assert!(!planned.nodes.is_empty());
    }
}
