use terrarium_api::{CreateContainer, LimitKind, Limits};
use terrarium_oci::runtime::{
    LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxPids, LinuxPidsBuilder, LinuxResources,
};

use super::devices::{self, HostDevice};

/// Docker's period, by which `--cpus` becomes a quota.
const PERIOD_USEC: u64 = 100_000;

/// What a container may use when it starts.
pub(super) fn all(request: &CreateContainer, host_devices: &[HostDevice]) -> LinuxResources {
    let mut resources = changed(&request.limits, &[]);
    resources.set_devices(Some(devices::rules(request, host_devices)));
    resources
}

/// Only the limits that are set, and those that are taken away: what an update changes.
pub(crate) fn changed(limits: &Limits, lifted: &[LimitKind]) -> LinuxResources {
    let lifts = |kind| lifted.contains(&kind);
    let mut resources = LinuxResources::default();
    resources.set_devices(None);
    resources.set_memory(memory(limits, lifts(LimitKind::Memory)));
    resources.set_cpu(cpu(limits, lifts(LimitKind::Cpu)));
    let unlimited = lifts(LimitKind::Pids).then_some(0);
    resources.set_pids(limits.pids.or(unlimited).map(pids));
    resources.set_block_io(limits.blkio_weight.map(|weight| {
        let mut block_io = LinuxBlockIo::default();
        block_io.set_weight(Some(weight));
        block_io
    }));
    resources
}

fn memory(limits: &Limits, lifted: bool) -> Option<LinuxMemory> {
    let unlimited = lifted.then_some(-1);
    let limit = limits.memory_bytes.map(saturating).or(unlimited);
    let reservation = limits.memory_reservation_bytes.map(saturating);
    // Docker gives as much swap as memory when only the memory is limited.
    let swap = limits
        .memory_swap_bytes
        .or(unlimited)
        .or_else(|| limit.map(|limit| limit.saturating_mul(2)));
    if limit.is_none() && reservation.is_none() && swap.is_none() {
        return None;
    }
    let mut memory = LinuxMemory::default();
    memory.set_limit(limit);
    memory.set_reservation(reservation);
    memory.set_swap(swap);
    Some(memory)
}

fn cpu(limits: &Limits, lifted: bool) -> Option<LinuxCpu> {
    let mut cpu = LinuxCpu::default();
    cpu.set_shares(limits.cpu_shares);
    cpu.set_cpus(limits.cpuset_cpus.clone());
    cpu.set_mems(limits.cpuset_mems.clone());
    match limits.nano_cpus {
        Some(nano_cpus) => {
            cpu.set_period(Some(PERIOD_USEC));
            let quota = nano_cpus.saturating_mul(PERIOD_USEC) / 1_000_000_000;
            cpu.set_quota(Some(saturating(quota)));
        }
        None => {
            cpu.set_period(limits.cpu_period_usec);
            cpu.set_quota(limits.cpu_quota_usec.or(lifted.then_some(-1)));
        }
    }
    (cpu != LinuxCpu::default()).then_some(cpu)
}

fn pids(limit: u64) -> LinuxPids {
    // 0 means unlimited, which the specification writes as -1.
    let limit = if limit == 0 { -1 } else { saturating(limit) };
    LinuxPidsBuilder::default()
        .limit(limit)
        .build()
        .expect("the only field has a value")
}

fn saturating(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_become_a_quota_and_memory_brings_as_much_swap() {
        let limits = Limits {
            memory_bytes: Some(64 << 20),
            nano_cpus: Some(1_500_000_000),
            pids: Some(0),
            ..Default::default()
        };
        let resources = changed(&limits, &[]);
        let cpu = resources.cpu().as_ref().unwrap();
        assert_eq!((cpu.quota(), cpu.period()), (Some(150_000), Some(100_000)));
        let memory = resources.memory().as_ref().unwrap();
        assert_eq!(memory.swap(), Some(128 << 20));
        assert_eq!(resources.pids().as_ref().unwrap().limit(), -1);
    }

    #[test]
    fn a_limit_that_is_taken_away_is_written_as_unlimited() {
        let lifted = [LimitKind::Memory, LimitKind::Cpu, LimitKind::Pids];
        let resources = changed(&Limits::default(), &lifted);
        let memory = resources.memory().as_ref().unwrap();
        assert_eq!((memory.limit(), memory.swap()), (Some(-1), Some(-1)));
        assert_eq!(resources.cpu().as_ref().unwrap().quota(), Some(-1));
        assert_eq!(resources.pids().as_ref().unwrap().limit(), -1);
    }

    #[test]
    fn no_limit_asks_for_no_change() {
        let resources = changed(&Limits::default(), &[]);
        assert_eq!(serde_json::to_string(&resources).unwrap(), "{}");
    }
}
