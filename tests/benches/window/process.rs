//! What the kernel knows of a process and of all that it started; see `proc(5)`.

use std::{collections::HashMap, fs};

use anyhow::{Context as _, Result};

/// A process and its descendants.
///
/// # Errors
/// When the list of processes cannot be read.
pub(crate) fn tree(root: u32) -> Result<Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // Processes end while the list is read.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    Ok(found)
}

/// The proportional share of memory of these processes, in MiB.
///
/// # Errors
/// When one of them is gone.
pub(crate) fn pss_mib(pids: &[u32]) -> Result<f64> {
    let mut total = 0.0;
    for pid in pids {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let share = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let share = share.and_then(|share| share.trim().strip_suffix(" kB"));
        total += share.context("a process has a share")?.parse::<f64>()?;
    }
    Ok(total / 1024.0)
}

/// How often a thread has been put on a core, and for how many seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OnCore {
    pub(crate) times: f64,
    pub(crate) seconds: f64,
}

/// The threads of some processes, at one moment.
#[derive(Debug)]
pub(crate) struct Threads(HashMap<String, OnCore>);

impl Threads {
    /// Reads what they have used so far.
    ///
    /// # Errors
    /// When one of the processes is gone.
    pub(crate) fn of(pids: &[u32]) -> Result<Self> {
        let mut threads = HashMap::new();
        for pid in pids {
            for thread in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
                // On-core nanoseconds, waiting nanoseconds, time slices. A thread may end meanwhile.
                let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
                let mut numbers = text.split_whitespace().map(str::parse::<f64>);
                let seconds = numbers.next().transpose()?.unwrap_or(0.0) / 1e9;
                let times = numbers.nth(1).transpose()?.unwrap_or(0.0);
                let id = thread.file_name().to_string_lossy().into_owned();
                threads.insert(id, OnCore { times, seconds });
            }
        }
        Ok(Self(threads))
    }

    /// What was used since then; a thread that ended meanwhile is not counted.
    pub(crate) fn since(&self, before: &Self) -> OnCore {
        let mut total = OnCore::default();
        for (id, now) in &self.0 {
            let then = before.0.get(id).copied().unwrap_or_default();
            total.times += now.times - then.times;
            total.seconds += now.seconds - then.seconds;
        }
        total
    }
}

/// What a process is called, at most 15 letters.
pub(crate) fn name(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim().to_owned()
}
