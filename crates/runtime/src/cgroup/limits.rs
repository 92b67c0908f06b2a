//! Resource limits of the spec in the words of v1 and v2.
//!
//! Pure translation first (`v1`, `v2`), then a loop that writes; what the kernel refuses
//! becomes a note.

mod v1;
mod v2;

use std::fs;
use std::path::Path;

use oci_spec::runtime::LinuxResources;

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
        v2::writes(resources)
    } else {
        v1::writes(resources)
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
