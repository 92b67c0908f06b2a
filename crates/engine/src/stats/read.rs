//! From the text of a cgroup's files to its counters, for both versions.

use std::collections::HashMap;

use terrarium_api::Counters;

use super::{
    parse,
    source::{Machine, OpenFile},
};

pub(super) fn v2(
    files: &HashMap<&'static str, OpenFile>,
    buffer: &mut Vec<u8>,
    counters: &mut Counters,
) {
    let cpu = text(files, "cpu.stat", buffer);
    let cpu_value = |key| parse::keyed(cpu, key).unwrap_or_default();
    counters.cpu_usec = cpu_value("usage_usec");
    counters.cpu_user_usec = cpu_value("user_usec");
    counters.cpu_system_usec = cpu_value("system_usec");
    counters.periods = cpu_value("nr_periods");
    counters.throttled_periods = cpu_value("nr_throttled");
    counters.throttled_usec = cpu_value("throttled_usec");
    let number = |text: &str| parse::number(text).unwrap_or_default();
    counters.memory_bytes = number(text(files, "memory.current", buffer));
    counters.memory_peak_bytes = number(text(files, "memory.peak", buffer));
    let memory = text(files, "memory.stat", buffer);
    counters.cache_bytes = parse::keyed(memory, "file").unwrap_or_default();
    counters.inactive_file_bytes = parse::keyed(memory, "inactive_file").unwrap_or_default();
    if let Some(limit) = parse::limit(text(files, "memory.max", buffer)) {
        counters.memory_limit_bytes = limit;
    }
    let events = text(files, "memory.events", buffer);
    counters.memory_failures = parse::keyed(events, "max").unwrap_or_default();
    counters.oom_kills = parse::keyed(events, "oom_kill").unwrap_or_default();
    let io = text(files, "io.stat", buffer);
    (counters.block_read_bytes, counters.block_write_bytes) = parse::io_stat(io);
    counters.pids = number(text(files, "pids.current", buffer));
    counters.pids_limit = parse::limit(text(files, "pids.max", buffer));
}

pub(super) fn v1(
    files: &HashMap<&'static str, OpenFile>,
    buffer: &mut Vec<u8>,
    machine: Machine,
    counters: &mut Counters,
) {
    let number = |text: &str| parse::number(text).unwrap_or_default();
    counters.cpu_usec = number(text(files, "cpuacct.usage", buffer)) / 1_000;
    let split = text(files, "cpuacct.stat", buffer);
    let ticks = |key| parse::keyed(split, key).unwrap_or_default() * machine.usec_per_tick;
    (counters.cpu_user_usec, counters.cpu_system_usec) = (ticks("user"), ticks("system"));
    let cpu = text(files, "cpu.stat", buffer);
    counters.periods = parse::keyed(cpu, "nr_periods").unwrap_or_default();
    counters.throttled_periods = parse::keyed(cpu, "nr_throttled").unwrap_or_default();
    counters.throttled_usec = parse::keyed(cpu, "throttled_time").unwrap_or_default() / 1_000;
    counters.memory_bytes = number(text(files, "memory.usage_in_bytes", buffer));
    counters.memory_peak_bytes = number(text(files, "memory.max_usage_in_bytes", buffer));
    counters.memory_failures = number(text(files, "memory.failcnt", buffer));
    let memory = text(files, "memory.stat", buffer);
    counters.cache_bytes = parse::keyed(memory, "total_cache").unwrap_or_default();
    counters.inactive_file_bytes = parse::keyed(memory, "total_inactive_file").unwrap_or_default();
    if let Some(limit) = parse::limit(text(files, "memory.limit_in_bytes", buffer)) {
        counters.memory_limit_bytes = limit;
    }
    let oom = text(files, "memory.oom_control", buffer);
    counters.oom_kills = parse::keyed(oom, "oom_kill").unwrap_or_default();
    let io = text(files, "blkio.throttle.io_service_bytes", buffer);
    (counters.block_read_bytes, counters.block_write_bytes) = parse::blkio(io);
    counters.pids = number(text(files, "pids.current", buffer));
    counters.pids_limit = parse::limit(text(files, "pids.max", buffer));
}

fn text<'b>(
    files: &HashMap<&'static str, OpenFile>,
    name: &str,
    buffer: &'b mut Vec<u8>,
) -> &'b str {
    files.get(name).map_or("", |file| file.read(buffer))
}
