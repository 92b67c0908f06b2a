//! Limits in the words of v2.

use oci_spec::runtime::{LinuxResources, LinuxThrottleDevice};

use super::{Write, pids_max, rdma, write};

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
    writes.extend(rdma(resources));
    let mut unified: Vec<_> = resources.unified().iter().flatten().collect();
    unified.sort();
    writes.extend(unified.into_iter().map(|(file, value)| {
        // The file's own controller has to be handed down for it.
        let controller = file.split_once('.').map_or("unified", |(name, _)| name);
        write(controller.to_owned(), file.as_str(), value)
    }));
    writes
}

/// What v2 has no file for, with the reason.
pub(super) fn without_files(resources: &LinuxResources) -> Vec<(&'static str, &'static str)> {
    let memory = resources.memory();
    let memory = memory.as_ref();
    let cpu = resources.cpu().as_ref();
    let network = resources.network().as_ref();
    let swap_alone = memory.is_some_and(|memory| {
        memory.swap().is_some_and(|swap| swap > 0) && memory.limit().is_none_or(|limit| limit <= 0)
    });
    let all = [
        (
            memory.is_some_and(|memory| memory.swappiness().is_some()),
            ("memory.swappiness", "v2 has none for a single cgroup"),
        ),
        (
            memory.is_some_and(|memory| memory.disable_oom_killer() == Some(true)),
            ("memory.disableOOMKiller", "v2 cannot switch it off"),
        ),
        (
            swap_alone,
            (
                "memory.swap",
                "counts memory too, so it needs `memory.limit`",
            ),
        ),
        (
            cpu.is_some_and(|cpu| {
                cpu.realtime_runtime().is_some_and(|time| time != 0)
                    || cpu.realtime_period().is_some_and(|time| time != 0)
            }),
            (
                "cpu.realtimeRuntime",
                "v2 has no limits of real-time processes",
            ),
        ),
        (
            network.is_some(),
            ("network", "v2 classifies by cgroup in the firewall instead"),
        ),
    ];
    let given = all.into_iter().filter(|(given, _)| *given);
    given.map(|(_, missing)| missing).collect()
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
        // Without the BFQ scheduler io.cost weighs, on a scale of its own.
        let scaled = 1 + (u64::from(weight).max(10) - 10) * 9_999 / 990;
        let instead = Some(("io.weight", scaled.to_string()));
        writes.push(Write {
            instead,
            ..write("io", "io.bfq.weight", weight)
        });
    }
    for device in block.weight_device().iter().flatten() {
        if let Some(weight) = device.weight().filter(|weight| *weight != 0) {
            let line = format!("{}:{} {weight}", device.major(), device.minor());
            writes.push(write("io", "io.bfq.weight", line));
        }
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
