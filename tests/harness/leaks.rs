//! What a host must not leave behind: processes, mounts, cgroups, interfaces.

use std::{
    cell::Cell,
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Held by a test that watches the machine: what another one makes would look like a leak.
static ALONE: Mutex<()> = Mutex::new(());

thread_local! {
    /// How many hosts the test of this thread has; only the first one waits.
    static HOSTS: Cell<usize> = const { Cell::new(0) };
}

/// What was there before the test.
#[derive(Debug)]
pub(crate) struct Leaks {
    _alone: Option<MutexGuard<'static, ()>>,
    cgroups: BTreeSet<PathBuf>,
}

impl Leaks {
    /// Looks around before a test.
    pub(crate) fn look() -> Self {
        let first = HOSTS.replace(HOSTS.get() + 1) == 0;
        // A test that failed says nothing about the next one.
        let alone = first.then(|| ALONE.lock().unwrap_or_else(PoisonError::into_inner));
        Self {
            _alone: alone,
            cgroups: cgroups(),
        }
    }

    /// Fails a test that has not failed yet if its host, with roots in `folder`, left something
    /// behind. What a failed test left is ended.
    ///
    /// # Panics
    /// When something was left.
    pub(crate) fn assert_none(&self, folder: &Path) {
        let started = Instant::now();
        let mut left = self.find(folder);
        // Interfaces and network namespaces go a moment after their processes.
        while !left.is_empty() && started.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(50));
            left = self.find(folder);
        }
        if std::thread::panicking() {
            self.end_shims(folder);
        } else {
            assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
        }
    }

    /// What is there now, and was not before, of a host whose roots lie in `folder`.
    fn find(&self, folder: &Path) -> Vec<String> {
        let processes = processes_of(folder)
            .into_iter()
            .map(|(pid, line)| format!("process {pid}: {line}"));
        let text = folder.display().to_string();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let mounts = mounts
            .lines()
            .filter(|line| line.contains(&text))
            .map(|line| format!("mount {line}"));
        let cgroups = self.own_cgroups(folder);
        let cgroups = cgroups
            .iter()
            .map(|path| format!("cgroup {}", path.display()));
        let interfaces = interfaces_of(folder)
            .into_iter()
            .map(|name| format!("interface {name}"));
        processes
            .chain(mounts)
            .chain(cgroups)
            .chain(interfaces)
            .collect()
    }

    /// New cgroups of containers that this host made. Other hosts make theirs at the same time, in
    /// the same hierarchies; but the id of every own container is in the host's database.
    fn own_cgroups(&self, folder: &Path) -> Vec<PathBuf> {
        let databases = ["data/terrarium.db", "data/terrarium.db-wal"];
        let database: Vec<u8> = databases
            .iter()
            .flat_map(|name| fs::read(folder.join(name)).unwrap_or_default())
            .collect();
        let is_own = |path: &PathBuf| {
            let id = path.file_name().unwrap_or_default().as_encoded_bytes();
            database.windows(id.len().max(1)).any(|window| window == id)
        };
        let new = cgroups()
            .into_iter()
            .filter(|path| !self.cgroups.contains(path));
        new.filter(is_own).collect()
    }

    /// Ends shims of a test that failed, and with them their containers.
    fn end_shims(&self, folder: &Path) {
        for (pid, line) in processes_of(folder) {
            eprintln!("ending process {pid}: {line}");
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        for path in self.own_cgroups(folder) {
            for pid in fs::read_to_string(path.join("cgroup.procs"))
                .unwrap_or_default()
                .lines()
            {
                let _ = pid
                    .parse()
                    .map(|pid| kill(Pid::from_raw(pid), Signal::SIGKILL));
            }
        }
    }
}

impl Drop for Leaks {
    fn drop(&mut self) {
        HOSTS.set(HOSTS.get().saturating_sub(1));
    }
}

/// Processes whose command line names a folder.
pub(crate) fn processes_of(folder: &Path) -> Vec<(i32, String)> {
    let text = folder.display().to_string();
    let process = |entry: fs::DirEntry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        (line.contains(&text) && pid != Pid::this().as_raw()).then_some((pid, line))
    };
    let entries = fs::read_dir("/proc").expect("proc is mounted").flatten();
    entries.filter_map(process).collect()
}

/// The cgroups of containers, in every hierarchy.
fn cgroups() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut parents: Vec<PathBuf> = vec!["/sys/fs/cgroup/terrarium".into()];
    parents.extend(
        subfolders(Path::new("/sys/fs/cgroup"))
            .into_iter()
            .map(|path| path.join("terrarium")),
    );
    for parent in parents {
        found.extend(subfolders(&parent));
    }
    found
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

/// Bridges whose description names a folder. The links of containers are ports of a bridge.
fn interfaces_of(folder: &Path) -> Vec<String> {
    let text = folder.display().to_string();
    let of_folder = |link: &PathBuf| {
        fs::read_to_string(link.join("ifalias")).is_ok_and(|alias| alias.contains(&text))
    };
    let links = subfolders(Path::new("/sys/class/net")).into_iter();
    links
        .filter(of_folder)
        .map(|link| link.display().to_string())
        .collect()
}
