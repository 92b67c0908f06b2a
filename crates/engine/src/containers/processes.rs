//! The processes of a container, from `/proc`.

use std::{collections::HashMap, fs};

use nix::unistd::{SysconfVar, sysconf};
use terrarium_api::{Process, ProcessList};

use super::not_running;
use crate::{Engine, Result, blocking::blocking};

impl Engine {
    /// The processes of a running container.
    ///
    /// # Errors
    /// `WrongState` when it does not run.
    pub async fn container_processes(&self, name: &str) -> Result<ProcessList> {
        let container = self.inner.containers.find(name)?;
        let init = container.summary().pid;
        let init = init.ok_or_else(|| not_running(&container.state().record.name))?;
        let processes = blocking(move || {
            let machine = Machine::read();
            let found = below_the_supervisor_of(init);
            Ok(found.iter().map(|stat| machine.process(stat)).collect())
        })
        .await?;
        Ok(ProcessList { processes })
    }
}

/// A line of `/proc/PID/stat`, see proc_pid_stat(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: u32,
    pub(super) name: String,
    /// R, S, D, T, Z …
    pub(super) state: String,
    pub(super) parent: u32,
    tty: i32,
    cpu_ticks: u64,
    pub(super) threads: u32,
    start_ticks: u64,
    resident_pages: u64,
}

/// All that descends from the shim, which is the parent of init and of every exec process. Orphans
/// inside fall to init, so none is lost.
pub(super) fn below_the_supervisor_of(init: u32) -> Vec<Stat> {
    let all: HashMap<u32, Stat> = all_processes();
    let Some(shim) = all.get(&init).map(|stat| stat.parent) else {
        return Vec::new();
    };
    let descends = |stat: &Stat| {
        let mut at = stat.parent;
        // A parent may be gone, or, read at another moment, be another process: the length is bounded.
        for _ in 0..all.len() {
            if at == shim {
                return true;
            }
            match all.get(&at) {
                Some(parent) => at = parent.parent,
                None => return false,
            }
        }
        false
    };
    let mut found: Vec<Stat> = all
        .values()
        .filter(|stat| descends(stat))
        .cloned()
        .collect();
    found.sort_by_key(|stat| stat.pid);
    found
}

fn all_processes() -> HashMap<u32, Stat> {
    let mut all = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|name| name.parse::<u32>().is_ok())
        {
            // Gone since the folder was read, if it cannot be.
            let text = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            all.extend(parse(&text).map(|stat| (stat.pid, stat)));
        }
    }
    all
}

fn parse(text: &str) -> Option<Stat> {
    // The name may contain anything, parentheses and blanks included.
    let (pid, rest) = text.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<i64>().ok();
    let unsigned = |number: usize| field(number).and_then(|value| u64::try_from(value).ok());
    Some(Stat {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
        state: fields.first()?.to_string(),
        threads: u32::try_from(field(20)?).ok()?,
        parent: u32::try_from(field(4)?).ok()?,
        tty: i32::try_from(field(7)?).ok()?,
        cpu_ticks: unsigned(14)? + unsigned(15)?,
        start_ticks: unsigned(22)?,
        resident_pages: unsigned(24)?,
    })
}

/// What ticks and pages are here.
struct Machine {
    ticks_per_s: u64,
    page_bytes: u64,
    booted_at_ms: u64,
}

impl Machine {
    fn read() -> Self {
        let value = |name, default| {
            let known = sysconf(name).ok().flatten();
            known
                .and_then(|value| u64::try_from(value).ok())
                .unwrap_or(default)
        };
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let boot = stat.lines().find_map(|line| line.strip_prefix("btime "));
        let booted_at_s: u64 = boot.and_then(|text| text.parse().ok()).unwrap_or(0);
        Self {
            ticks_per_s: value(SysconfVar::CLK_TCK, 100).max(1),
            page_bytes: value(SysconfVar::PAGE_SIZE, 4_096),
            booted_at_ms: booted_at_s * 1_000,
        }
    }

    fn process(&self, stat: &Stat) -> Process {
        let folder = format!("/proc/{}", stat.pid);
        let status = fs::read_to_string(format!("{folder}/status")).unwrap_or_default();
        let line = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.map(str::split_ascii_whitespace)
        };
        let uid = line("Uid:").and_then(|mut ids| ids.nth(1)?.parse().ok());
        let inside = line("NSpid:").and_then(|ids| ids.last()?.parse().ok());
        Process {
            pid: stat.pid,
            inside_pid: inside.unwrap_or(stat.pid),
            parent_pid: stat.parent,
            uid: uid.unwrap_or(0),
            resident_bytes: stat.resident_pages * self.page_bytes,
            cpu_usec: stat.cpu_ticks * 1_000_000 / self.ticks_per_s,
            started_at_ms: self.booted_at_ms + stat.start_ticks * 1_000 / self.ticks_per_s,
            tty: tty(stat.tty),
            command: command(&folder, &stat.name),
        }
    }
}

/// `pts/N` for a pseudo terminal (major 136 and the next seven).
fn tty(device: i32) -> String {
    let (major, minor) = (
        (device >> 8) & 0xfff,
        (device & 0xff) | ((device >> 12) & 0xfff00),
    );
    match major {
        136..=143 => format!("pts/{}", minor + (major - 136) * 256),
        _ => "?".to_owned(),
    }
}

pub(super) fn command(folder: &str, name: &str) -> String {
    let line = fs::read(format!("{folder}/cmdline")).unwrap_or_default();
    let words: Vec<_> = line
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(String::from_utf8_lossy)
        .collect();
    // A zombie has no command line any more.
    if words.is_empty() {
        format!("[{name}]")
    } else {
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let text = "42 (a) (b c)) S 7 42 42 34817 42 4194560 1 0 0 0 3 4 0 0 20 0 1 0 999 1 \
                    55 18446744073709551615 0 0";
        let expect = Stat {
            pid: 42,
            name: "a) (b c)".into(),
            state: "S".into(),
            threads: 1,
            parent: 7,
            tty: 34817,
            cpu_ticks: 7,
            start_ticks: 999,
            resident_pages: 55,
        };
        assert_eq!(parse(text), Some(expect));
        assert_eq!(tty(34817), "pts/1");
        assert_eq!(tty(0), "?");
    }
}
