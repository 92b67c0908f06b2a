//! What the command line remembers of a container between its invocations.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use oci_spec::runtime::Spec;
use serde::{Deserialize, Serialize};
use terrarium_sys::{fdpass, pidfd};

use crate::cgroup::{self, CgroupPaths, Hierarchies};
use crate::error::{Context, Error, Result};
use crate::plan::{Host, cgroup_path};

/// Directory of all containers.
#[derive(Debug)]
pub(super) struct StateRoot(PathBuf);

/// `state.json` of one container.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) pid: i32,
    /// Start time of init in ticks since boot: with the pid it names the process for good.
    pub(super) start_time: u64,
    pub(super) bundle: PathBuf,
    pub(super) created: String,
    pub(super) owner: u32,
    pub(super) cgroup: CgroupPaths,
}

/// A container's directory under the root.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) directory: PathBuf,
    pub(super) record: Record,
}

/// As the OCI specification names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Created,
    Running,
    Paused,
    Stopped,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

const STATE: &str = "state.json";
const CONFIG: &str = "config.json";
const START_SOCKET: &str = "start.sock";

impl StateRoot {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Takes the name; the directory must not exist yet.
    pub(super) fn reserve(&self, id: &str) -> Result<PathBuf> {
        check_id(id)?;
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        builder
            .recursive(true)
            .create(&self.0)
            .doing(|| format!("make {:?}", self.0))?;
        let directory = self.0.join(id);
        match builder.recursive(false).create(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::ContainerExists(id.to_owned()))
            }
            other => other
                .doing(|| format!("make {directory:?}"))
                .map(|()| directory),
        }
    }

    pub(super) fn load(&self, id: &str) -> Result<Container> {
        check_id(id)?;
        let directory = self.0.join(id);
        let path = directory.join(STATE);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NoSuchContainer(id.to_owned()));
            }
            other => other.doing(|| format!("read {path:?}"))?,
        };
        let record = serde_json::from_slice(&text);
        let record = record.map_err(|source| Error::Json { path, source })?;
        Ok(Container { directory, record })
    }

    pub(super) fn ids(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut ids: Vec<_> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        ids.sort();
        ids
    }

    /// Removes what a `create` left without a state, killed half-way. Its init ends by itself.
    pub(super) fn remove_remains(&self, id: &str) -> Result<()> {
        check_id(id)?;
        let directory = self.0.join(id);
        if let Ok((spec, _)) = load_spec(&directory.join(CONFIG)) {
            let path = cgroup_path(&spec, id, None, Host::current());
            cgroup::destroy(&cgroup::find(&Hierarchies::discover()?, &path))?;
        }
        match fs::remove_dir_all(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.doing(|| format!("remove the state of {id:?}")),
        }
    }
}

fn check_id(id: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+-.".contains(c);
    if id.is_empty() || id == "." || id == ".." || !id.chars().all(allowed) || id.len() > 1024 {
        return Err(Error::InvalidSpec(format!("container ID {id:?}")));
    }
    Ok(())
}

/// Makes the socket on which init will wait. The path of a socket is limited, so it goes through the
/// descriptor of its directory.
pub(super) fn listen_for_start(directory: &Path) -> Result<OwnedFd> {
    let op = || format!("listen on {:?}", directory.join(START_SOCKET));
    let parent = File::open(directory).doing(op)?;
    let path = format!("/proc/self/fd/{}/{START_SOCKET}", parent.as_raw_fd());
    fdpass::listen(Path::new(&path)).doing(op)
}

impl Container {
    /// Writes the state in one piece: it makes the container exist.
    pub(super) fn save(&self) -> Result<()> {
        let text = serde_json::to_vec(&self.record).expect("a record has string keys only");
        write_whole(&self.directory.join(STATE), &text)
    }

    pub(super) fn spec(&self) -> Result<Spec> {
        load_spec(&self.directory.join(CONFIG)).map(|(spec, _)| spec)
    }

    /// Derived from what is, never from what was once written.
    pub(super) fn status(&self) -> Result<Status> {
        if process_start_time(self.record.pid) != Some(self.record.start_time) {
            return Ok(Status::Stopped);
        }
        if self.directory.join(START_SOCKET).exists() {
            return Ok(Status::Created);
        }
        let frozen = cgroup::is_frozen(&self.record.cgroup).unwrap_or(false);
        Ok(if frozen {
            Status::Paused
        } else {
            Status::Running
        })
    }

    /// Init by descriptor; the start time is checked after opening, so the pid cannot be another's.
    pub(super) fn pidfd(&self, verb: &'static str) -> Result<OwnedFd> {
        let pid = self.record.pid;
        let fd = pidfd::open(pid).map_err(|_| self.wrong_status(verb, Status::Stopped))?;
        if process_start_time(pid) != Some(self.record.start_time) {
            return Err(self.wrong_status(verb, Status::Stopped));
        }
        Ok(fd)
    }

    pub(super) fn wrong_status(&self, verb: &'static str, status: Status) -> Error {
        Error::WrongStatus {
            verb,
            id: self.record.id.clone(),
            status: status.name().to_owned(),
        }
    }

    pub(super) fn connect_to_start(&self) -> Result<OwnedFd> {
        let op = || format!("connect to init of {:?}", self.record.id);
        let parent = File::open(&self.directory).doing(op)?;
        let path = format!("/proc/self/fd/{}/{START_SOCKET}", parent.as_raw_fd());
        fdpass::connect(Path::new(&path)).doing(op)
    }

    pub(super) fn forget_start(&self) {
        let _ = fs::remove_file(self.directory.join(START_SOCKET));
    }

    pub(super) fn remove(&self) -> Result<()> {
        fs::remove_dir_all(&self.directory).doing(|| format!("remove {:?}", self.directory))
    }
}

/// Start time of a process that lives; `None` for one that is gone or a zombie.
pub(super) fn process_start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may contain anything, so count from the last parenthesis (proc_pid_stat(5)).
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let alive = !matches!(fields.next()?, "Z" | "X" | "x");
    fields.nth(18)?.parse().ok().filter(|_| alive)
}

/// Keeps the spec as it was, whatever happens to the bundle.
pub(super) fn save_config(directory: &Path, config: &[u8]) -> Result<()> {
    let path = directory.join(CONFIG);
    fs::write(&path, config).doing(|| format!("write {path:?}"))
}

/// The parsed spec and its bytes.
pub(super) fn load_spec(path: &Path) -> Result<(Spec, Vec<u8>)> {
    let bytes = fs::read(path).doing(|| format!("read {path:?}"))?;
    let spec = serde_json::from_slice(&bytes);
    let spec = spec.map_err(|source| Error::Json {
        path: path.to_owned(),
        source,
    })?;
    Ok((spec, bytes))
}

/// Writes a file that is either whole or not there.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let op = || format!("write {path:?}");
    let aside = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(&aside);
    file.doing(op)?.write_all(bytes).doing(op)?;
    fs::rename(&aside, path).doing(op)
}
