//! Limits, both ways.

use terrarium_api::{Check, CheckState, LimitKind, Limits};

use super::{create::positive, host_config::Resources};
use crate::error::{Failure, Result};

/// The least memory that a container can start in.
const MIN_MEMORY: u64 = 6 << 20;

/// Translates limits; 0 is absent.
pub(crate) fn translate(resources: &Resources) -> Result<Limits> {
    let limits = Limits {
        memory_bytes: positive(resources.memory, "Memory")?,
        memory_swap_bytes: Some(resources.memory_swap).filter(|swap| *swap != 0),
        memory_reservation_bytes: positive(resources.memory_reservation, "MemoryReservation")?,
        nano_cpus: positive(resources.nano_cpus, "NanoCpus")?,
        cpu_shares: positive(resources.cpu_shares, "CpuShares")?,
        cpu_quota_usec: Some(resources.cpu_quota).filter(|quota| *quota > 0),
        cpu_period_usec: positive(resources.cpu_period, "CpuPeriod")?,
        cpuset_cpus: Some(resources.cpuset_cpus.clone()).filter(|set| !set.is_empty()),
        cpuset_mems: Some(resources.cpuset_mems.clone()).filter(|set| !set.is_empty()),
        // Docker takes 0 and -1 for "no limit".
        pids: resources
            .pids_limit
            .and_then(|limit| u64::try_from(limit).ok())
            .filter(|limit| *limit > 0),
        blkio_weight: Some(resources.blkio_weight).filter(|weight| *weight != 0),
    };
    check(&limits)?;
    Ok(limits)
}

/// The limits that an update takes away: only for processes Docker has a number that says so.
pub(super) fn lifted(resources: &Resources) -> Vec<LimitKind> {
    let pids = resources.pids_limit.filter(|limit| *limit <= 0);
    pids.map(|_| LimitKind::Pids).into_iter().collect()
}

/// A warning for limits that this host cannot enforce, as of an ordinary user without cgroups of
/// its own. The container runs without them, as in Docker.
pub(super) fn lost(limits: &Limits, checks: &[Check]) -> Option<String> {
    let cgroup = checks.iter().find(|check| check.name == "cgroup")?;
    if cgroup.state == CheckState::Ok {
        return None;
    }
    let asked = [
        (
            "memory",
            limits.memory_bytes.is_some() || limits.memory_reservation_bytes.is_some(),
        ),
        (
            "CPU",
            limits.nano_cpus.is_some() || limits.cpu_quota_usec.is_some(),
        ),
        ("CPU shares", limits.cpu_shares.is_some()),
        (
            "CPU sets",
            limits.cpuset_cpus.is_some() || limits.cpuset_mems.is_some(),
        ),
        ("processes", limits.pids.is_some()),
        ("block I/O", limits.blkio_weight.is_some()),
    ];
    let names: Vec<&str> = asked
        .iter()
        .filter(|(_, asked)| *asked)
        .map(|(name, _)| *name)
        .collect();
    let names = names.join(", ");
    (!names.is_empty()).then(|| format!("Limits are discarded ({names}): cgroup {}", cgroup.detail))
}

fn check(limits: &Limits) -> Result<()> {
    let refuse = |text: &str| Err(Failure::bad_request(text));
    match (limits.memory_bytes, limits.memory_swap_bytes) {
        (Some(memory), _) if memory < MIN_MEMORY => refuse("Minimum memory limit allowed is 6MB"),
        (None, Some(swap)) if swap > 0 => {
            refuse("You should always set the Memory limit when using Memoryswap limit, see usage")
        }
        (Some(memory), Some(swap)) if swap > 0 && swap.unsigned_abs() < memory => {
            refuse("Minimum memoryswap limit should be larger than memory limit, see usage")
        }
        (Some(memory), _)
            if limits
                .memory_reservation_bytes
                .is_some_and(|soft| soft > memory) =>
        {
            refuse("Minimum memory limit can not be less than memory reservation limit, see usage")
        }
        _ if limits.nano_cpus.is_some() && limits.cpu_quota_usec.is_some() => {
            refuse("Conflicting options: Nano CPUs and CPU Quota cannot both be set.")
        }
        _ if limits.nano_cpus.is_some() && limits.cpu_period_usec.is_some() => {
            refuse("Conflicting options: Nano CPUs and CPU Period cannot both be set.")
        }
        _ if limits
            .blkio_weight
            .is_some_and(|weight| !(10..=1000).contains(&weight)) =>
        {
            refuse("Range of blkio weight is from 10 to 1000")
        }
        _ => Ok(()),
    }
}

/// Shows limits in Docker's form; absent is 0.
pub(super) fn show(limits: &Limits) -> Resources {
    let size =
        |number: Option<u64>| number.map_or(0, |number| i64::try_from(number).unwrap_or(i64::MAX));
    Resources {
        cpu_shares: size(limits.cpu_shares),
        memory: size(limits.memory_bytes),
        nano_cpus: size(limits.nano_cpus),
        blkio_weight: limits.blkio_weight.unwrap_or(0),
        cpu_period: size(limits.cpu_period_usec),
        cpu_quota: limits.cpu_quota_usec.unwrap_or(0),
        cpuset_cpus: limits.cpuset_cpus.clone().unwrap_or_default(),
        cpuset_mems: limits.cpuset_mems.clone().unwrap_or_default(),
        memory_reservation: size(limits.memory_reservation_bytes),
        // Docker allows as much swap again as memory, and shows it so.
        memory_swap: limits
            .memory_swap_bytes
            .unwrap_or_else(|| size(limits.memory_bytes).saturating_mul(2)),
        pids_limit: limits.pids.map(|pids| size(Some(pids))),
        ..Resources::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_contradict_each_other_are_refused() {
        let check = |resources: Resources, text: &str| {
            let failure = translate(&resources).expect_err(text);
            assert!(failure.message.contains(text), "{}", failure.message);
        };
        let none = Resources::default();
        check(
            Resources {
                memory: 1,
                ..none.clone()
            },
            "6MB",
        );
        check(
            Resources {
                memory: -1,
                ..none.clone()
            },
            "negative",
        );
        check(
            Resources {
                memory_swap: 1,
                ..none.clone()
            },
            "always set the Memory limit",
        );
        check(
            Resources {
                memory: 8 << 20,
                memory_swap: 1,
                ..none.clone()
            },
            "larger than memory",
        );
        check(
            Resources {
                nano_cpus: 1,
                cpu_quota: 1,
                ..none.clone()
            },
            "CPU Quota",
        );
        check(
            Resources {
                blkio_weight: 5,
                ..none
            },
            "blkio",
        );
    }

    #[test]
    fn what_is_shown_was_asked_for() {
        let asked = Resources {
            memory: 64 << 20,
            memory_swap: -1,
            nano_cpus: 1_500_000_000,
            pids_limit: Some(20),
            cpuset_cpus: "0-1".into(),
            ..Resources::default()
        };
        let limits = translate(&asked).expect("it is valid");
        assert_eq!(show(&limits), asked);
    }
}
