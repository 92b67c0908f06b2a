//! Limits in the words of v2.

use oci_spec::runtime::{LinuxResources, LinuxThrottleDevice};

use super::{Write, pids_max, write};

pub(super) fn writes(resources: &LinuxResources) -> Vec<Write> {
    let mut writes = Vec::new();
    if let Some(memory) = resources.memory() {
        let limit = memory.limit().filter(|v| *v != 0);
        writes.extend(limit.map(|v| write("memory", "memory.max", max_if_negative(v))));
        let low = memory.reservation().filter(|v| *v != 0);
        writes.extend(low.map(|v| write("memory", "memory.low", max_if_negative(v))));
        // The spec counts memory + swap, v2 counts swap alone.
        let swap = match (memory.swap().filter(|v| *v != 0), limit) {
            (Some(swap), _) if swap < 0 => Some("max".to_owned()),
            (Some(swap), Some(limit)) if limit > 0 => Some((swap - limit).max(0).to_string()),
            _ => None,
        };
        writes.extend(swap.map(|v| write("memory", "memory.swap.max", v)));
    }
    if let Some(cpu) = resources.cpu() {
        let weight = cpu.shares().filter(|v| *v != 0).map(weight_from_shares);
        writes.extend(weight.map(|v| write("cpu", "cpu.weight", v)));
        writes.extend(cpu.idle().map(|v| write("cpu", "cpu.idle", v)));
        let quota = cpu.quota().filter(|v| *v != 0);
        if quota.is_some() || cpu.period().is_some_and(|period| period != 0) {
            let quota = quota
                .filter(|q| *q > 0)
                .map_or("max".to_owned(), |q| q.to_string());
            let period = cpu.period().filter(|v| *v != 0).unwrap_or(100_000);
            writes.push(write("cpu", "cpu.max", format!("{quota} {period}")));
        }
        writes.extend(cpu.burst().map(|v| write("cpu", "cpu.max.burst", v)));
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
        let file = format!("hugetlb.{}.max", page.page_size());
        writes.push(write("hugetlb", file, max_if_negative(page.limit())));
    }
    let mut unified: Vec<_> = resources.unified().iter().flatten().collect();
    unified.sort();
    // A bare file name only: the map must not reach into another cgroup.
    let named = unified.into_iter().filter(|(file, _)| !file.contains('/'));
    writes.extend(named.map(|(file, value)| write("unified", file.as_str(), value)));
    writes
}

fn max_if_negative(value: i64) -> String {
    if value < 0 {
        "max".to_owned()
    } else {
        value.to_string()
    }
}

/// Maps 2…262144 onto 1…10000 with 1024 at 100, as runc 1.3 and systemd's users expect.
pub(super) fn weight_from_shares(shares: u64) -> u64 {
    if shares <= 2 {
        return 1;
    }
    if shares >= 262_144 {
        return 10_000;
    }
    let l = (shares as f64).log2();
    let exponent = (l * l + 125.0 * l) / 612.0 - 7.0 / 34.0;
    (10_f64.powf(exponent).ceil() as u64).clamp(1, 10_000)
}

fn block_io(resources: &LinuxResources, writes: &mut Vec<Write>) {
    let Some(block) = resources.block_io() else {
        return;
    };
    if let Some(weight) = block.weight().filter(|w| *w != 0) {
        writes.push(write("io", "io.bfq.weight", weight));
    }
    type Table<'a> = (&'a str, &'a Option<Vec<LinuxThrottleDevice>>);
    let tables: [Table<'_>; 4] = [
        ("rbps", block.throttle_read_bps_device()),
        ("wbps", block.throttle_write_bps_device()),
        ("riops", block.throttle_read_iops_device()),
        ("wiops", block.throttle_write_iops_device()),
    ];
    for (key, devices) in tables {
        for device in devices.iter().flatten() {
            let value = format!(
                "{}:{} {key}={}",
                device.major(),
                device.minor(),
                device.rate()
            );
            writes.push(write("io", "io.max", value));
        }
    }
}
