//! What a container uses now, in the shape that `runc events` prints.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::CgroupPaths;

/// Reads all that its cgroups tell; what they do not tell is left out or zero.
pub(crate) fn stats(paths: &CgroupPaths) -> Value {
    match paths.v2() {
        Some(directory) => v2(&Files(directory)),
        None => v1(paths),
    }
}

/// The files of one cgroup.
struct Files<'a>(&'a Path);

impl Files<'_> {
    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    /// `max` is the largest number, as on v1.
    fn number(&self, name: &str) -> u64 {
        number(self.text(name).trim())
    }

    /// Lines of a name and a number.
    fn table(&self, name: &str) -> Map<String, Value> {
        let text = self.text(name);
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        lines
            .map(|(name, value)| (name.to_owned(), number(value.trim()).into()))
            .collect()
    }
}

fn number(text: &str) -> u64 {
    if text == "max" {
        u64::MAX
    } else {
        text.parse().unwrap_or(0)
    }
}

fn entry(table: &Map<String, Value>, name: &str) -> u64 {
    table.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn v2(files: &Files<'_>) -> Value {
    let cpu = files.table("cpu.stat");
    let nanoseconds = |name: &str| entry(&cpu, name).saturating_mul(1000);
    let memory = files.table("memory.stat");
    let events = files.table("memory.events");
    json!({
        "cpu": {
            "usage": {
                "total": nanoseconds("usage_usec"),
                "kernel": nanoseconds("system_usec"),
                "user": nanoseconds("user_usec"),
            },
            "throttling": {
                "periods": entry(&cpu, "nr_periods"),
                "throttledPeriods": entry(&cpu, "nr_throttled"),
                "throttledTime": nanoseconds("throttled_usec"),
            },
        },
        "memory": {
            "cache": entry(&memory, "file"),
            "usage": {
                "usage": files.number("memory.current"),
                "max": files.number("memory.peak"),
                "limit": files.number("memory.max"),
                "failcnt": entry(&events, "max"),
            },
            "swap": {
                "usage": files.number("memory.swap.current"),
                "limit": files.number("memory.swap.max"),
                "failcnt": 0,
            },
            "raw": memory,
        },
        "pids": pids(files),
        "blkio": {"ioServiceBytesRecursive": io_v2(&files.text("io.stat"))},
    })
}

fn pids(files: &Files<'_>) -> Value {
    // No limit is a limit of zero there.
    let limit = Some(files.number("pids.max")).filter(|limit| *limit != u64::MAX);
    json!({"current": files.number("pids.current"), "limit": limit.unwrap_or(0)})
}

/// `8:0 rbytes=1 wbytes=2 rios=3 …`
fn io_v2(text: &str) -> Value {
    let mut entries = Vec::new();
    for line in text.lines() {
        let mut fields = line.split(' ');
        let Some((major, minor)) = fields.next().and_then(|device| device.split_once(':')) else {
            continue;
        };
        for (key, value) in fields.filter_map(|field| field.split_once('=')) {
            let operation = match key {
                "rbytes" => "Read",
                "wbytes" => "Write",
                "dbytes" => "Discard",
                _ => continue,
            };
            entries.push(io_entry((major, minor), operation, value));
        }
    }
    entries.into()
}

fn io_entry((major, minor): (&str, &str), operation: &str, value: &str) -> Value {
    json!({
        "major": number(major), "minor": number(minor), "op": operation, "value": number(value)
    })
}

fn v1(paths: &CgroupPaths) -> Value {
    let nowhere = PathBuf::new();
    let of = |name: &str| Files(paths.controller(name).unwrap_or(&nowhere));
    let (accounting, throttling) = (of("cpuacct"), of("cpu").table("cpu.stat"));
    let memory = of("memory");
    let raw = memory.table("memory.stat");
    let counter = |name: &str| {
        let file = |part: &str| memory.number(&format!("memory.{name}{part}_in_bytes"));
        json!({
            "usage": file("usage"), "max": file("max_usage"), "limit": file("limit"),
            "failcnt": memory.number(&format!("memory.{name}failcnt")),
        })
    };
    let per_cpu = accounting.text("cpuacct.usage_percpu");
    let per_cpu: Vec<_> = per_cpu.split_whitespace().map(number).collect();
    json!({
        "cpu": {
            "usage": {
                "total": accounting.number("cpuacct.usage"),
                "percpu": per_cpu,
                "kernel": accounting.number("cpuacct.usage_sys"),
                "user": accounting.number("cpuacct.usage_user"),
            },
            "throttling": {
                "periods": entry(&throttling, "nr_periods"),
                "throttledPeriods": entry(&throttling, "nr_throttled"),
                "throttledTime": entry(&throttling, "throttled_time"),
            },
        },
        "memory": {
            "cache": entry(&raw, "cache"),
            "usage": counter(""),
            "swap": counter("memsw."),
            "kernel": counter("kmem."),
            "kernelTCP": counter("kmem.tcp."),
            "raw": raw,
        },
        "pids": pids(&of("pids")),
        "blkio": {"ioServiceBytesRecursive": io_v1(&of("blkio"))},
    })
}

/// `8:0 Read 4096`
fn io_v1(files: &Files<'_>) -> Value {
    let text = files.text("blkio.throttle.io_service_bytes_recursive");
    let entry = |line: &str| {
        let mut fields = line.split(' ');
        let device = fields.next()?.split_once(':')?;
        Some(io_entry(device, fields.next()?, fields.next()?))
    };
    text.lines().filter_map(entry).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_v2_become_the_numbers_of_runc() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            (
                "cpu.stat",
                "usage_usec 7\nuser_usec 5\nsystem_usec 2\nnr_periods 3\n",
            ),
            ("memory.current", "4096\n"),
            ("memory.max", "max\n"),
            ("memory.stat", "anon 1\nfile 2\n"),
            ("pids.current", "3\n"),
            ("pids.max", "max\n"),
            ("io.stat", "8:16 rbytes=10 wbytes=20 rios=1 wios=1\n"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let stats = v2(&Files(folder.path()));
        assert_eq!(stats["cpu"]["usage"]["total"], 7000);
        assert_eq!(stats["memory"]["usage"]["usage"], 4096);
        assert_eq!(stats["memory"]["usage"]["limit"], u64::MAX);
        assert_eq!(stats["memory"]["raw"]["anon"], 1);
        assert_eq!(stats["pids"], json!({"current": 3, "limit": 0}));
        assert_eq!(
            stats["blkio"]["ioServiceBytesRecursive"][1],
            json!({"major": 8, "minor": 16, "op": "Write", "value": 20})
        );
    }
}
