//! Limits in the words of v1.

use oci_spec::runtime::LinuxResources;

use super::{Write, pids_max, write};

pub(super) fn writes(resources: &LinuxResources) -> Vec<Write> {
    let mut writes = Vec::new();
    if let Some(memory) = resources.memory() {
        let entries = [
            ("memory.limit_in_bytes", memory.limit()),
            ("memory.memsw.limit_in_bytes", memory.swap()),
            ("memory.soft_limit_in_bytes", memory.reservation()),
        ];
        for (file, value) in entries {
            // Zero means "not given" to every caller of runc; the kernel would kill at once.
            writes.extend(
                value
                    .filter(|v| *v != 0)
                    .map(|value| write("memory", file, value)),
            );
        }
        writes.extend(
            memory
                .swappiness()
                .map(|v| write("memory", "memory.swappiness", v)),
        );
        if memory.disable_oom_killer() == Some(true) {
            writes.push(write("memory", "memory.oom_control", 1));
        }
    }
    if let Some(cpu) = resources.cpu() {
        let shares = cpu.shares().filter(|v| *v != 0);
        writes.extend(shares.map(|v| write("cpu", "cpu.shares", v)));
        let period = cpu.period().filter(|v| *v != 0);
        writes.extend(period.map(|v| write("cpu", "cpu.cfs_period_us", v)));
        let quota = cpu.quota().filter(|v| *v != 0);
        writes.extend(quota.map(|v| write("cpu", "cpu.cfs_quota_us", v)));
        writes.extend(cpu.burst().map(|v| write("cpu", "cpu.cfs_burst_us", v)));
        writes.extend(cpu.idle().map(|v| write("cpu", "cpu.idle", v)));
        let cpus = cpu.cpus().as_ref().filter(|v| !v.is_empty());
        writes.extend(cpus.map(|v| write("cpuset", "cpuset.cpus", v)));
        let mems = cpu.mems().as_ref().filter(|v| !v.is_empty());
        writes.extend(mems.map(|v| write("cpuset", "cpuset.mems", v)));
    }
    if let Some(pids) = resources.pids() {
        writes.extend(pids_max(pids.limit()).map(|v| write("pids", "pids.max", v)));
    }
    block_io(resources, &mut writes);
    for page in resources.hugepage_limits().iter().flatten() {
        let file = format!("hugetlb.{}.limit_in_bytes", page.page_size());
        writes.push(write("hugetlb", file, page.limit()));
    }
    writes
}

fn block_io(resources: &LinuxResources, writes: &mut Vec<Write>) {
    let Some(block) = resources.block_io() else {
        return;
    };
    writes.extend(
        block
            .weight()
            .filter(|w| *w != 0)
            .map(|w| write("blkio", "blkio.bfq.weight", w)),
    );
    let tables = [
        (
            "blkio.throttle.read_bps_device",
            block.throttle_read_bps_device(),
        ),
        (
            "blkio.throttle.write_bps_device",
            block.throttle_write_bps_device(),
        ),
        (
            "blkio.throttle.read_iops_device",
            block.throttle_read_iops_device(),
        ),
        (
            "blkio.throttle.write_iops_device",
            block.throttle_write_iops_device(),
        ),
    ];
    for (file, devices) in tables {
        for device in devices.iter().flatten() {
            let value = format!("{}:{} {}", device.major(), device.minor(), device.rate());
            writes.push(write("blkio", file, value));
        }
    }
}
