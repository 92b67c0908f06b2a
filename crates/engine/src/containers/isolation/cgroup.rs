//! The cgroup files of a process, with what they mean for limits.

use std::{
    fs,
    path::{Path, PathBuf},
};

use terrarium_api::{CGROUP_FILES, CgroupFacts, CgroupFile, LimitEvents, LimitFact, LimitKind};

use crate::stats::{Cgroup, Hierarchies};

/// More of a file is cut off: a list of devices or of disks has no end.
const LONGEST_VALUE: usize = 600;
const NANOS_PER_CORE: u64 = 1_000_000_000;
/// What version 1 writes for "no limit": 2^63 rounded down to pages.
const UNLIMITED_FROM: u64 = 1 << 60;

/// The facts of the cgroup of a process; empty when it has none of its own.
pub(super) fn facts(hierarchies: &Hierarchies, pid: u32) -> CgroupFacts {
    let files = Files::of(hierarchies, pid);
    CgroupFacts {
        version: files.version.map(str::to_owned),
        limits: files.limits(),
        events: files.events(),
        files: files.found,
    }
}

/// The limit files as they stand, for the trace of a change: `memory.max = 268435456`.
pub(in crate::containers) fn written(
    hierarchies: &Hierarchies,
    pid: u32,
    kinds: &[LimitKind],
) -> String {
    let limits = Files::of(hierarchies, pid).limits();
    let shown = limits.iter().filter(|limit| kinds.contains(&limit.kind));
    let line = |limit: &LimitFact| {
        let name = Path::new(&limit.file).file_name().unwrap_or_default();
        format!("{} = {}", name.to_string_lossy(), limit.raw)
    };
    shown.map(line).collect::<Vec<_>>().join(", ")
}

#[derive(Debug, Default)]
struct Files {
    version: Option<&'static str>,
    found: Vec<CgroupFile>,
}

impl Files {
    fn of(hierarchies: &Hierarchies, pid: u32) -> Self {
        let Ok(Some(cgroup)) = hierarchies.of_process(pid) else {
            return Self::default();
        };
        let folder = |name: &str| -> Option<PathBuf> {
            match &cgroup {
                Cgroup::V2(folder) => Some(folder.clone()),
                Cgroup::V1(folders) => folders.get(name.split('.').next()?).cloned(),
            }
        };
        let file = |name: &&str| {
            let path = folder(name)?.join(name);
            let text = fs::read_to_string(&path).ok()?;
            Some(CgroupFile {
                name: (*name).to_owned(),
                path: path.display().to_string(),
                value: shortened(text.trim_end()),
            })
        };
        Self {
            version: Some(match cgroup {
                Cgroup::V2(_) => "v2",
                Cgroup::V1(_) => "v1",
            }),
            found: CGROUP_FILES.iter().filter_map(file).collect(),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        let file = self.found.iter().find(|file| file.name == name)?;
        Some(&file.value)
    }

    fn number(&self, names: [&str; 2]) -> Option<u64> {
        let text = names.iter().find_map(|name| self.text(name))?;
        text.parse().ok()
    }

    fn keyed(&self, name: &str, key: &str) -> Option<u64> {
        let mut lines = self.text(name)?.lines();
        let line = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        line?.parse().ok()
    }

    fn limits(&self) -> Vec<LimitFact> {
        [
            self.limit(
                LimitKind::Memory,
                &["memory.max", "memory.limit_in_bytes"],
                machine_memory(),
            ),
            self.limit(LimitKind::Cpu, &["cpu.max", "cpu.cfs_quota_us"], cores()),
            self.limit(LimitKind::Pids, &["pids.max"], most_processes()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn limit(&self, kind: LimitKind, names: &[&str], machine: u64) -> Option<LimitFact> {
        let file = self
            .found
            .iter()
            .find(|file| names.contains(&file.name.as_str()))?;
        let period = self.text("cpu.cfs_period_us");
        let limit = match kind {
            LimitKind::Cpu => nanos(&file.value, period),
            _ => file.value.parse().ok(),
        };
        Some(LimitFact {
            kind,
            file: file.path.clone(),
            raw: file.value.clone(),
            limit: limit.filter(|limit| *limit < UNLIMITED_FROM),
            used: self.used(kind),
            machine,
        })
    }

    fn used(&self, kind: LimitKind) -> Option<u64> {
        match kind {
            LimitKind::Memory => self.number(["memory.current", "memory.usage_in_bytes"]),
            LimitKind::Pids => self.number(["pids.current", "pids.current"]),
            LimitKind::Cpu => self
                .keyed("cpu.stat", "usage_usec")
                .or_else(|| Some(self.text("cpuacct.usage")?.parse::<u64>().ok()? / 1_000)),
        }
    }

    fn events(&self) -> LimitEvents {
        let stopped_nsec = self.keyed("cpu.stat", "throttled_time");
        LimitEvents {
            throttled_periods: self.keyed("cpu.stat", "nr_throttled"),
            throttled_usec: self
                .keyed("cpu.stat", "throttled_usec")
                .or(stopped_nsec.map(|nsec| nsec / 1_000)),
            memory_limit_hits: self
                .keyed("memory.events", "max")
                .or_else(|| self.text("memory.failcnt")?.parse().ok()),
            oom_kills: self
                .keyed("memory.events", "oom_kill")
                .or_else(|| self.keyed("memory.oom_control", "oom_kill")),
            refused_forks: self.keyed("pids.events", "max"),
        }
    }
}

/// `QUOTA PERIOD` of version 2, or the quota of version 1 with its period in another file.
fn nanos(text: &str, period: Option<&str>) -> Option<u64> {
    let mut words = text.split_ascii_whitespace();
    // "max", and -1 in version 1, are no numbers here.
    let quota: u64 = words.next()?.parse().ok()?;
    let period: u64 = words.next().or(period)?.trim().parse().ok()?;
    quota.checked_mul(NANOS_PER_CORE)?.checked_div(period)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn machine_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64) * NANOS_PER_CORE
}

fn most_processes() -> u64 {
    let text = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap_or_default();
    text.trim().parse().unwrap_or(32_768)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(values: &[(&str, &str)]) -> Files {
        let file = |(name, value): &(&str, &str)| CgroupFile {
            name: (*name).to_owned(),
            path: format!("/sys/fs/cgroup/a/{name}"),
            value: (*value).to_owned(),
        };
        Files {
            version: Some("v2"),
            found: values.iter().map(file).collect(),
        }
    }

    fn known(files: &Files) -> Vec<(LimitKind, Option<u64>, Option<u64>)> {
        let limits = files.limits();
        let fact = |limit: &LimitFact| (limit.kind, limit.limit, limit.used);
        limits.iter().map(fact).collect()
    }

    #[test]
    fn version_2_has_words_for_no_limit() {
        let files = files(&[
            ("memory.max", "268435456"),
            ("memory.current", "4096"),
            ("cpu.max", "150000 100000"),
            (
                "cpu.stat",
                "usage_usec 77\nnr_throttled 3\nthrottled_usec 900",
            ),
            ("pids.max", "max"),
            ("pids.current", "5"),
            ("memory.events", "low 0\nmax 12\noom_kill 1"),
        ]);
        let expect = [
            (LimitKind::Memory, Some(268_435_456), Some(4_096)),
            (LimitKind::Cpu, Some(1_500_000_000), Some(77)),
            (LimitKind::Pids, None, Some(5)),
        ];
        assert_eq!(known(&files), expect);
        let events = files.events();
        assert_eq!(events.throttled_usec, Some(900));
        assert_eq!(
            (events.oom_kills, events.memory_limit_hits),
            (Some(1), Some(12))
        );
        assert_eq!(events.refused_forks, None);
    }

    #[test]
    fn version_1_has_numbers_for_no_limit() {
        let files = files(&[
            ("memory.limit_in_bytes", "9223372036854771712"),
            ("memory.usage_in_bytes", "8192"),
            ("cpu.cfs_quota_us", "-1"),
            ("cpu.cfs_period_us", "100000"),
            ("cpuacct.usage", "5000"),
            (
                "cpu.stat",
                "nr_periods 1\nnr_throttled 2\nthrottled_time 4000",
            ),
            (
                "memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 4",
            ),
        ]);
        let expect = [
            (LimitKind::Memory, None, Some(8_192)),
            (LimitKind::Cpu, None, Some(5)),
        ];
        assert_eq!(known(&files), expect);
        let events = files.events();
        assert_eq!(
            (events.throttled_usec, events.oom_kills),
            (Some(4), Some(4))
        );
    }

    #[test]
    fn a_quota_of_version_1_has_its_period_beside_it() {
        assert_eq!(nanos("50000", Some("100000\n")), Some(500_000_000));
        assert_eq!(nanos("max 100000", None), None);
        assert_eq!(nanos("50000 0", None), None);
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let long = "é".repeat(LONGEST_VALUE + 1);
        assert_eq!(shortened(&long).chars().count(), LONGEST_VALUE + 1);
        assert_eq!(shortened("short"), "short");
    }
}
