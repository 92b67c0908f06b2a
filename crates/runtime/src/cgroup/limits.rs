//! Resource limits of the spec in the words of v1 and v2.
//!
//! Pure translation first (`writes_v1`, `writes_v2`), then a loop that writes; what the kernel refuses
//! becomes a note.

use std::fs;
use std::path::Path;

use oci_spec::runtime::{LinuxResources, LinuxThrottleDevice};

use super::CgroupPaths;
use crate::trace::{Note, Trace};

/// One value for one file of one controller.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Write {
    controller: &'static str,
    file: String,
    value: String,
}

fn write(controller: &'static str, file: impl Into<String>, value: impl ToString) -> Write {
    Write {
        controller,
        file: file.into(),
        value: value.to_string(),
    }
}

/// Sets limits on a running container; fields that are absent stay as they are.
///
/// Returns a note for everything that could not be set.
#[must_use]
pub fn update(paths: &CgroupPaths, resources: &LinuxResources) -> Vec<Note> {
    let mut notes = Vec::new();
    let absent = [
        (
            "rdma",
            resources.rdma().as_ref().is_some_and(|map| !map.is_empty()),
        ),
        ("network", resources.network().is_some()),
    ];
    for (name, _) in absent.iter().filter(|(_, given)| *given) {
        let text = "limits ignored: this runtime does not set them".to_owned();
        notes.push(Note {
            subject: format!("cgroup {name}"),
            text,
        });
    }
    let writes = if paths.controllers_on_v2 {
        writes_v2(resources)
    } else {
        writes_v1(resources)
    };
    for Write {
        controller,
        file,
        value,
    } in writes
    {
        let directory = paths.v2().or_else(|| paths.controller(controller));
        let Some(directory) = directory else {
            let text = format!("`{file}` = {value} ignored: no {controller} cgroup for this user");
            notes.push(Note {
                subject: format!("cgroup {controller}"),
                text,
            });
            continue;
        };
        if let Err(error) = set(directory, &file, &value) {
            let text = format!("`{file}` = {value} not set: {error}");
            notes.push(Note {
                subject: format!("cgroup {controller}"),
                text,
            });
        }
    }
    notes
}

fn set(directory: &Path, file: &str, value: &str) -> std::io::Result<()> {
    let path = directory.join(file);
    let first = fs::write(&path, value);
    // v1 keeps memory <= memory+swap at every moment, so growing both needs the larger one first.
    if first.is_err() && file == "memory.limit_in_bytes" {
        fs::write(directory.join("memory.memsw.limit_in_bytes"), "-1")?;
        return fs::write(path, value);
    }
    first
}

fn writes_v1(resources: &LinuxResources) -> Vec<Write> {
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
    block_io_v1(resources, &mut writes);
    for page in resources.hugepage_limits().iter().flatten() {
        let file = format!("hugetlb.{}.limit_in_bytes", page.page_size());
        writes.push(write("hugetlb", file, page.limit()));
    }
    writes
}

fn pids_max(limit: i64) -> Option<String> {
    match limit {
        0 => None,
        limit if limit < 0 => Some("max".to_owned()),
        limit => Some(limit.to_string()),
    }
}

fn block_io_v1(resources: &LinuxResources, writes: &mut Vec<Write>) {
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

fn writes_v2(resources: &LinuxResources) -> Vec<Write> {
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
    io_v2(resources, &mut writes);
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
fn weight_from_shares(shares: u64) -> u64 {
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

fn io_v2(resources: &LinuxResources, writes: &mut Vec<Write>) {
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

/// Hands the controllers that the limits need down to `directory`, from the root of the v2 tree.
pub(super) fn enable_controllers(directory: &Path, resources: &LinuxResources, trace: &mut Trace) {
    let mut wanted: Vec<_> = writes_v2(resources)
        .into_iter()
        .map(|w| w.controller)
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    // Accounting is wanted without limits, too.
    for always in ["cpu", "io", "memory", "pids"] {
        if !wanted.contains(&always) {
            wanted.push(always);
        }
    }
    let parents: Vec<_> = directory.ancestors().skip(1).collect();
    for parent in parents.into_iter().rev() {
        let Ok(available) = fs::read_to_string(parent.join("cgroup.controllers")) else {
            continue;
        };
        let file = parent.join("cgroup.subtree_control");
        let enabled = fs::read_to_string(&file).unwrap_or_default();
        for controller in &wanted {
            let has = |list: &str| list.split_whitespace().any(|name| name == *controller);
            if !has(&available) || has(&enabled) {
                continue;
            }
            if let Err(error) = fs::write(&file, format!("+{controller}")) {
                let text = format!("cannot be handed down from {parent:?}: {error}");
                trace.note(format!("cgroup {controller}"), text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(writes: &[Write]) -> Vec<String> {
        writes
            .iter()
            .map(|w| format!("{} {}={}", w.controller, w.file, w.value))
            .collect()
    }

    fn resources() -> LinuxResources {
        serde_json::from_str(
            r#"{"memory":{"limit":33554432,"swap":67108864},"pids":{"limit":20},
                "cpu":{"shares":1024,"quota":50000,"period":100000,"cpus":"0-1"}}"#,
        )
        .unwrap()
    }

    #[test]
    fn limits_become_v1_files() {
        assert_eq!(
            lines(&writes_v1(&resources())),
            [
                "memory memory.limit_in_bytes=33554432",
                "memory memory.memsw.limit_in_bytes=67108864",
                "cpu cpu.shares=1024",
                "cpu cpu.cfs_period_us=100000",
                "cpu cpu.cfs_quota_us=50000",
                "cpuset cpuset.cpus=0-1",
                "pids pids.max=20",
            ]
        );
    }

    #[test]
    fn limits_become_v2_files_and_swap_is_counted_alone() {
        assert_eq!(
            lines(&writes_v2(&resources())),
            [
                "memory memory.max=33554432",
                "memory memory.swap.max=33554432",
                "cpu cpu.weight=100",
                "cpu cpu.max=50000 100000",
                "cpuset cpuset.cpus=0-1",
                "pids pids.max=20",
            ]
        );
    }

    #[test]
    fn the_ends_of_the_share_scale_meet_the_ends_of_the_weight_scale() {
        for (shares, weight) in [
            (1, 1),
            (2, 1),
            (1024, 100),
            (262_144, 10_000),
            (u64::MAX, 10_000),
        ] {
            assert_eq!(weight_from_shares(shares), weight, "{shares}");
        }
    }
}
