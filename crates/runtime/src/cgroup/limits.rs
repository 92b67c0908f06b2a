//! Resource limits of the spec in the words of v1 and v2.
//!
//! Pure translation first (`v1`, `v2`), then a loop that writes; what the kernel refuses
//! becomes a note.

mod v1;
mod v2;

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::Path;

use oci_spec::runtime::{LinuxRdma, LinuxResources};

use super::CgroupPaths;
use crate::systemd;
use crate::trace::{Note, Trace};

/// One value for one file of one controller.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Write {
    controller: Cow<'static, str>,
    file: String,
    value: String,
    /// Another file and value for kernels without this one.
    instead: Option<(&'static str, String)>,
}

fn write(
    controller: impl Into<Cow<'static, str>>,
    file: impl Into<String>,
    value: impl ToString,
) -> Write {
    Write {
        controller: controller.into(),
        file: file.into(),
        value: value.to_string(),
        instead: None,
    }
}

/// Both versions have the same file.
fn rdma(resources: &LinuxResources) -> Vec<Write> {
    let mut devices: Vec<_> = resources.rdma().iter().flatten().collect();
    devices.sort_by_key(|(name, _)| *name);
    let amount = |count: Option<u32>| count.map_or("max".to_owned(), |count| count.to_string());
    let line = |(name, limits): (&String, &LinuxRdma)| {
        let (handles, objects) = (amount(limits.hca_handles()), amount(limits.hca_objects()));
        let value = format!("{name} hca_handle={handles} hca_object={objects}");
        write("rdma", "rdma.max", value)
    };
    devices.into_iter().map(line).collect()
}

/// The limits as files of v2 with their values.
pub(crate) fn v2_lines(resources: &LinuxResources) -> Vec<(String, String)> {
    let writes = v2::writes(resources).into_iter();
    // Of two files for one thing the second is the one that systemd knows.
    writes
        .map(|write| match write.instead {
            Some((file, value)) => (file.to_owned(), value),
            None => (write.file, write.value),
        })
        .collect()
}

/// Sets limits on a running container; fields that are absent stay as they are.
///
/// Returns a note for everything that could not be set.
#[must_use]
pub fn update(paths: &CgroupPaths, resources: &LinuxResources) -> Vec<Note> {
    let mut notes = write_all(paths, resources);
    if let Some(scope) = &paths.scope {
        notes.extend(systemd::update(scope, resources));
    }
    notes
}

/// Writes the files of all limits.
pub(super) fn write_all(paths: &CgroupPaths, resources: &LinuxResources) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |controller: &str, text: String| {
        notes.push(Note {
            subject: format!("cgroup {controller}"),
            text,
        });
    };
    let writes = if paths.controllers_on_v2 {
        for (field, why) in v2::without_files(resources) {
            note("limits", format!("`{field}` ignored: {why}"));
        }
        v2::writes(resources)
    } else {
        if resources
            .unified()
            .as_ref()
            .is_some_and(|map| !map.is_empty())
        {
            note(
                "unified",
                "ignored: this host's controllers are on v1".to_owned(),
            );
        }
        v1::writes(resources)
    };
    for write in writes {
        let Write {
            controller,
            file,
            value,
            ..
        } = &write;
        let directory = paths.v2().or_else(|| paths.controller(controller));
        let Some(directory) = directory else {
            let text = format!("`{file}` = {value} ignored: no {controller} cgroup for this user");
            note(controller, text);
            continue;
        };
        if let Err(error) = set_checked(directory, &write, resources) {
            note(controller, format!("`{file}` = {value} not set: {error}"));
        }
    }
    notes
}

fn set_checked(directory: &Path, write: &Write, resources: &LinuxResources) -> io::Result<()> {
    let checks = resources
        .memory()
        .and_then(|memory| memory.check_before_update());
    // v1 refuses by itself; v2 would kill until what is used fits.
    if write.file == "memory.max" && checks == Some(true) {
        let used = fs::read_to_string(directory.join("memory.current"))?;
        let number = |text: &str| text.trim().parse::<u64>().unwrap_or(u64::MAX);
        if number(&used) > number(&write.value) {
            let text = format!("{} bytes are in use", used.trim());
            return Err(io::Error::other(text));
        }
    }
    match (set(directory, &write.file, &write.value), &write.instead) {
        (Err(error), Some((file, value))) if error.kind() == io::ErrorKind::NotFound => {
            set(directory, file, value)
        }
        (outcome, _) => outcome,
    }
}

fn set(directory: &Path, file: &str, value: &str) -> io::Result<()> {
    let path = directory.join(file);
    let first = fs::write(&path, value);
    // v1 keeps memory <= memory+swap at every moment, so growing both needs the larger one first.
    if first.is_err() && file == "memory.limit_in_bytes" {
        fs::write(directory.join("memory.memsw.limit_in_bytes"), "-1")?;
        return fs::write(path, value);
    }
    first
}

fn pids_max(limit: i64) -> Option<String> {
    match limit {
        0 => None,
        limit if limit < 0 => Some("max".to_owned()),
        limit => Some(limit.to_string()),
    }
}

/// Hands the controllers that the limits need down to `directory`, from the root of the v2 tree.
pub(super) fn enable_controllers(directory: &Path, resources: &LinuxResources, trace: &mut Trace) {
    let mut wanted: Vec<_> = v2::writes(resources)
        .into_iter()
        .map(|w| w.controller)
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    // Accounting is wanted without limits, too.
    for always in ["cpu", "io", "memory", "pids"] {
        if !wanted.iter().any(|name| name == always) {
            wanted.push(always.into());
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
            let has = |list: &str| list.split_whitespace().any(|name| name == controller);
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
            lines(&v1::writes(&resources())),
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
            lines(&v2::writes(&resources())),
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
    fn every_kind_of_limit_has_a_file() {
        let all: LinuxResources = serde_json::from_str(
            r#"{"blockIO":{"weight":100,"weightDevice":[{"major":8,"minor":0,"weight":20}]},
                "hugepageLimits":[{"pageSize":"2MB","limit":4194304}],
                "network":{"classID":1048577,"priorities":[{"name":"lo","priority":3}]},
                "rdma":{"mlx5_1":{"hcaHandles":3}},"unified":{"memory.high":"max"}}"#,
        )
        .unwrap();
        assert_eq!(
            lines(&v1::writes(&all)),
            [
                "blkio blkio.bfq.weight=100",
                "blkio blkio.bfq.weight_device=8:0 20",
                "net_cls net_cls.classid=1048577",
                "net_prio net_prio.ifpriomap=lo 3",
                "rdma rdma.max=mlx5_1 hca_handle=3 hca_object=max",
                "hugetlb hugetlb.2MB.limit_in_bytes=4194304",
            ]
        );
        assert_eq!(
            lines(&v2::writes(&all)),
            [
                "io io.bfq.weight=100",
                "io io.bfq.weight=8:0 20",
                "hugetlb hugetlb.2MB.max=4194304",
                "rdma rdma.max=mlx5_1 hca_handle=3 hca_object=max",
                "memory memory.high=max",
            ]
        );
        let missing = v2::without_files(&all);
        assert_eq!(missing.len(), 1, "{missing:?}");
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
            assert_eq!(v2::weight_from_shares(shares), weight, "{shares}");
        }
    }
}
