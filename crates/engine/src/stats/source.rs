//! Reads one container's counters, from files that stay open.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use nix::unistd::{SysconfVar, sysconf};
use terrarium_api::{Counters, StatsSource};

use super::{
    hierarchy::{Cgroup, Hierarchies},
    parse, read,
};
use crate::time::now_ns;

/// The files of one container.
#[derive(Debug)]
pub(super) struct Source {
    kind: Kind,
    net: OpenFile,
    host: OpenFile,
    machine: Machine,
    /// Reused by every read.
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum Kind {
    V2(HashMap<&'static str, OpenFile>),
    V1(HashMap<&'static str, OpenFile>),
    /// No cgroup of its own: the processes of its pid namespace are added up.
    Processes {
        pid_namespace: PathBuf,
    },
    /// This process alone.
    Own,
}

#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    file: Option<File>,
}

/// Facts of the machine that do not change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    cpus: u32,
    memory_bytes: u64,
    pub(super) usec_per_tick: u64,
    page_bytes: u64,
}

const V2_FILES: [&str; 10] = [
    "cpu.stat",
    "memory.current",
    "memory.stat",
    "memory.max",
    "memory.peak",
    "memory.events",
    "io.stat",
    "pids.current",
    "pids.max",
    "pids.events",
];

const V1_FILES: [(&str, &str); 12] = [
    ("cpuacct", "cpuacct.usage"),
    ("cpuacct", "cpuacct.stat"),
    ("cpu", "cpu.stat"),
    ("memory", "memory.usage_in_bytes"),
    ("memory", "memory.stat"),
    ("memory", "memory.limit_in_bytes"),
    ("memory", "memory.max_usage_in_bytes"),
    ("memory", "memory.failcnt"),
    ("memory", "memory.oom_control"),
    ("blkio", "blkio.throttle.io_service_bytes"),
    ("pids", "pids.current"),
    ("pids", "pids.max"),
];

impl Source {
    /// Opens the files of the container whose main process is `pid`.
    pub(super) fn open(hierarchies: &Hierarchies, pid: u32) -> io::Result<Self> {
        let kind = match hierarchies.of_process(pid)? {
            Some(Cgroup::V2(folder)) => Kind::V2(
                V2_FILES
                    .map(|name| (name, OpenFile::open(folder.join(name))))
                    .into(),
            ),
            Some(Cgroup::V1(folders)) => Kind::V1(open_v1(&folders)),
            None => Kind::Processes {
                pid_namespace: fs::read_link(format!("/proc/{pid}/ns/pid"))?,
            },
        };
        Ok(Self {
            kind,
            net: OpenFile::open(format!("/proc/{pid}/net/dev").into()),
            host: OpenFile::open("/proc/stat".into()),
            machine: Machine::read()?,
            buffer: vec![0; 8 * 1024],
        })
    }

    /// The files of this process itself.
    pub(super) fn open_process() -> io::Result<Self> {
        Ok(Self {
            kind: Kind::Own,
            net: OpenFile {
                path: PathBuf::new(),
                file: None,
            },
            host: OpenFile::open("/proc/stat".into()),
            machine: Machine::read()?,
            buffer: vec![0; 8 * 1024],
        })
    }

    /// Memory of the machine.
    pub(super) fn host_memory_bytes(&self) -> u64 {
        self.machine.memory_bytes
    }

    /// The counters now.
    pub(super) fn read(&mut self) -> Counters {
        let mut counters = Counters {
            at_ns: now_ns(),
            online_cpus: self.machine.cpus,
            memory_limit_bytes: self.machine.memory_bytes,
            ..Counters::default()
        };
        let (buffer, machine) = (&mut self.buffer, self.machine);
        match &self.kind {
            Kind::V2(files) => read::v2(files, buffer, &mut counters),
            Kind::V1(files) => read::v1(files, buffer, machine, &mut counters),
            Kind::Processes { pid_namespace } => add_up(pid_namespace, machine, &mut counters),
            Kind::Own => add_process(Path::new("/proc/self"), machine, &mut counters),
        }
        counters.interfaces = parse::net_dev(self.net.read(buffer));
        counters.host_cpu_usec = parse::host_ticks(self.host.read(buffer)) * machine.usec_per_tick;
        counters
    }

    /// Which files the figures come from, with their last values.
    pub(super) fn provenance(&mut self) -> Vec<StatsSource> {
        let wanted: &[(&str, &[&str])] = match self.kind {
            Kind::V2(_) => &[
                ("cpu.stat", &["usage_usec", "nr_throttled"]),
                ("memory.current", &[]),
                ("memory.stat", &["file"]),
                ("memory.events", &["oom_kill"]),
                ("pids.current", &[]),
            ],
            Kind::V1(_) => &[
                ("cpuacct.usage", &[]),
                ("cpu.stat", &["nr_throttled"]),
                ("memory.usage_in_bytes", &[]),
                ("memory.stat", &["cache"]),
                ("memory.oom_control", &["oom_kill"]),
                ("pids.current", &[]),
            ],
            Kind::Processes { .. } | Kind::Own => &[],
        };
        let (Kind::V2(files) | Kind::V1(files)) = &self.kind else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, keys) in wanted {
            let Some(file) = files.get(name) else {
                continue;
            };
            let text = file.read(&mut self.buffer);
            let shown = file.path.display().to_string();
            if keys.is_empty() {
                let value = parse::number(text);
                found.extend(value.map(|value| StatsSource {
                    file: shown.clone(),
                    key: None,
                    value,
                }));
            }
            found.extend(keys.iter().filter_map(|key| {
                let value = parse::keyed(text, key)?;
                Some(StatsSource {
                    file: shown.clone(),
                    key: Some((*key).to_owned()),
                    value,
                })
            }));
        }
        found
    }
}

impl OpenFile {
    fn open(path: PathBuf) -> Self {
        // A controller may be missing; its figures then stay at zero.
        Self {
            file: File::open(&path).ok(),
            path,
        }
    }

    /// The text now; empty when the file or the cgroup is gone.
    pub(super) fn read<'b>(&self, buffer: &'b mut Vec<u8>) -> &'b str {
        let mut filled = 0;
        while let Some(file) = &self.file {
            if filled == buffer.len() {
                buffer.resize(filled * 2, 0);
            }
            match file.read_at(&mut buffer[filled..], filled as u64) {
                Ok(0) | Err(_) => break,
                Ok(size) => filled += size,
            }
        }
        std::str::from_utf8(&buffer[..filled]).unwrap_or_default()
    }
}

impl Machine {
    fn read() -> io::Result<Self> {
        let positive = |variable, default| {
            let value = sysconf(variable)
                .ok()
                .flatten()
                .and_then(|value| u64::try_from(value).ok());
            value.filter(|value| *value > 0).unwrap_or(default)
        };
        let meminfo = fs::read_to_string("/proc/meminfo")?.replace("MemTotal:", "MemTotal");
        let kilobytes = meminfo
            .lines()
            .next()
            .and_then(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok());
        Ok(Self {
            cpus: u32::try_from(positive(SysconfVar::_NPROCESSORS_ONLN, 1)).unwrap_or(1),
            memory_bytes: kilobytes.unwrap_or_default() * 1024,
            usec_per_tick: 1_000_000 / positive(SysconfVar::CLK_TCK, 100),
            page_bytes: positive(SysconfVar::PAGE_SIZE, 4096),
        })
    }
}

fn open_v1(folders: &HashMap<String, PathBuf>) -> HashMap<&'static str, OpenFile> {
    let open = |(controller, name): (&str, &'static str)| {
        folders
            .get(controller)
            .map(|folder| (name, OpenFile::open(folder.join(name))))
    };
    V1_FILES.into_iter().filter_map(open).collect()
}

/// Adds up the processes of a pid namespace. Short-lived processes are missed.
fn add_up(pid_namespace: &Path, machine: Machine, counters: &mut Counters) {
    let Ok(entries) = fs::read_dir("/proc") else {
        return;
    };
    for entry in entries.flatten() {
        let folder = entry.path();
        if fs::read_link(folder.join("ns/pid")).is_ok_and(|found| found == pid_namespace) {
            add_process(&folder, machine, counters);
        }
    }
}

fn add_process(folder: &Path, machine: Machine, counters: &mut Counters) {
    let stat = fs::read_to_string(folder.join("stat"));
    let Some((user, system, pages)) = stat.ok().as_deref().and_then(parse::process_stat) else {
        return;
    };
    counters.cpu_user_usec += user * machine.usec_per_tick;
    counters.cpu_system_usec += system * machine.usec_per_tick;
    counters.cpu_usec = counters.cpu_user_usec + counters.cpu_system_usec;
    counters.memory_bytes += pages * machine.page_bytes;
    counters.pids += 1;
}
