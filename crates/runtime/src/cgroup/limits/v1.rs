//! Limits in the words of v1.

use oci_spec::runtime::LinuxResources;

use super::{Write, pids_max, rdma, write};

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
        let tcp = memory.kernel_tcp().filter(|v| *v != 0);
        writes.extend(tcp.map(|v| write("memory", "memory.kmem.tcp.limit_in_bytes", v)));
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
        let period = cpu.realtime_period().filter(|v| *v != 0);
        writes.extend(period.map(|v| write("cpu", "cpu.rt_period_us", v)));
        let runtime = cpu.realtime_runtime().filter(|v| *v != 0);
        writes.extend(runtime.map(|v| write("cpu", "cpu.rt_runtime_us", v)));
        let cpus = cpu.cpus().as_ref().filter(|v| !v.is_empty());
        writes.extend(cpus.map(|v| write("cpuset", "cpuset.cpus", v)));
        let mems = cpu.mems().as_ref().filter(|v| !v.is_empty());
        writes.extend(mems.map(|v| write("cpuset", "cpuset.mems", v)));
    }
    if let Some(pids) = resources.pids() {
        writes.extend(pids_max(pids.limit()).map(|v| write("pids", "pids.max", v)));
    }
    block_io(resources, &mut writes);
    network(resources, &mut writes);
    writes.extend(rdma(resources));
    for page in resources.hugepage_limits().iter().flatten() {
        let file = format!("hugetlb.{}.limit_in_bytes", page.page_size());
        writes.push(write("hugetlb", file, page.limit()));
    }
    writes
}

fn network(resources: &LinuxResources, writes: &mut Vec<Write>) {
    let Some(network) = resources.network() else {
        return;
    };
    let class = network.class_id().filter(|class| *class != 0);
    writes.extend(class.map(|class| write("net_cls", "net_cls.classid", class)));
    for interface in network.priorities().iter().flatten() {
        let line = format!("{} {}", interface.name(), interface.priority());
        writes.push(write("net_prio", "net_prio.ifpriomap", line));
    }
}

fn block_io(resources: &LinuxResources, writes: &mut Vec<Write>) {
    let Some(block) = resources.block_io() else {
        return;
    };
    // CFQ's files before Linux 5.0, BFQ's since.
    let weigh = |file: &'static str, old: &'static str, value: String| Write {
        instead: Some((old, value.clone())),
        ..write("blkio", file, value)
    };
    let weight = block.weight().filter(|w| *w != 0);
    writes.extend(weight.map(|w| weigh("blkio.bfq.weight", "blkio.weight", w.to_string())));
    let leaf = block.leaf_weight().filter(|w| *w != 0);
    writes.extend(leaf.map(|w| write("blkio", "blkio.leaf_weight", w)));
    for device in block.weight_device().iter().flatten() {
        let line = |weight: u16| format!("{}:{} {weight}", device.major(), device.minor());
        let weight = device.weight().filter(|w| *w != 0).map(line);
        let (file, old) = ("blkio.bfq.weight_device", "blkio.weight_device");
        writes.extend(weight.map(|value| weigh(file, old, value)));
        let leaf = device.leaf_weight().filter(|w| *w != 0).map(line);
        writes.extend(leaf.map(|value| write("blkio", "blkio.leaf_weight_device", value)));
    }
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
