//! The live facts of a running container, read from `/proc` and the cgroup files.
//!
//! A process id alone may be reused while its files are read, so a pidfd is held over the reading:
//! when the process behind it is still there afterwards, every file was its own.

mod cgroup;
mod mounts;
mod namespaces;
mod seccomp;
mod sockets;
mod status;

use std::{collections::HashSet, fs, os::fd::AsFd as _};

use terrarium_api::{Confinement, IsolatedProcess, Isolation};
use terrarium_oci::runtime::Spec;
use terrarium_sys::pidfd;

use self::{mounts::MountTable, status::Status};
use super::{container::Container, not_running, processes, record::Record};
use crate::{Engine, Result, blocking::blocking, stats::Hierarchies, time::now_ms};

pub(super) use cgroup::written as written_limits;

impl Engine {
    /// How a running container is kept apart, as the kernel says now.
    ///
    /// # Errors
    /// `WrongState` when it does not run, or ends while it is looked at.
    pub async fn container_isolation(&self, name: &str) -> Result<Isolation> {
        let container = self.inner.containers.find(name)?;
        let ended = || not_running(&container.state().record.name);
        let init = container.summary().pid.ok_or_else(ended)?;
        let subject = Subject {
            init,
            record: container.record(),
            spec_path: self.bundle(&container).spec_path(),
            hierarchies: self.inner.sampler.hierarchies().clone(),
            others: self.others(&container),
        };
        let facts = blocking(move || Ok(subject.read())).await?;
        // The same run still: what was read is not of a process that came after it.
        facts
            .filter(|_| container.summary().pid == Some(init))
            .ok_or_else(ended)
    }

    /// The other containers that run, by name.
    fn others(&self, container: &Container) -> Vec<Neighbor> {
        let all = self.inner.containers.all();
        let mut others: Vec<Neighbor> = all
            .iter()
            .filter(|other| other.id != container.id)
            .filter_map(|other| Neighbor::of(other))
            .collect();
        others.sort_by(|a, b| a.name.cmp(&b.name));
        others
    }
}

/// A container to compare with.
struct Neighbor {
    id: String,
    name: String,
    pid: u32,
}

impl Neighbor {
    fn of(container: &Container) -> Option<Self> {
        let summary = container.summary();
        Some(Self {
            pid: summary.pid?,
            id: summary.id,
            name: summary.name,
        })
    }
}

/// What is looked at.
struct Subject {
    init: u32,
    record: Record,
    spec_path: std::path::PathBuf,
    hierarchies: Hierarchies,
    others: Vec<Neighbor>,
}

impl Subject {
    /// Nothing when the main process is gone.
    fn read(&self) -> Option<Isolation> {
        let held = pidfd::open(i32::try_from(self.init).ok()?).ok()?;
        let facts = self.facts()?;
        pidfd::send_signal(held.as_fd(), 0)
            .or_else(|error| match error.raw_os_error() {
                // It is there, and somebody else's: an ordinary user's container runs as another id.
                Some(nix::libc::EPERM) => Ok(()),
                _ => Err(error),
            })
            .ok()?;
        Some(facts)
    }

    fn facts(&self) -> Option<Isolation> {
        let status = Status::of(self.init)?;
        let spec = fs::read_to_string(&self.spec_path).ok();
        let spec: Option<Spec> = spec.and_then(|text| serde_json::from_str(&text).ok());
        let table = MountTable::of(self.init);
        let (uid_map, gid_map) = (
            status::id_map(self.init, "uid"),
            status::id_map(self.init, "gid"),
        );
        let processes = self.processes(&uid_map);
        Some(Isolation {
            at_ms: now_ms(),
            views: self.views(),
            sockets: sockets::listening(self.init, &processes),
            processes,
            capabilities: status.capabilities(),
            confinement: confinement(&status, spec.as_ref(), &table),
            mounts: table.facts(&self.record, spec.as_ref()),
            cgroup: cgroup::facts(&self.hierarchies, self.init),
            uid_map,
            gid_map,
        })
    }

    fn views(&self) -> Vec<terrarium_api::NamespaceView> {
        let own = Neighbor {
            id: self.record.id.to_string(),
            name: self.record.name.clone(),
            pid: self.init,
        };
        let containers = std::iter::once(&own).chain(&self.others);
        let views =
            containers.filter_map(|one| namespaces::view(Some(one.id.clone()), &one.name, one.pid));
        std::iter::once(namespaces::of_host())
            .chain(views)
            .collect()
    }

    /// The main process first, then by id.
    fn processes(&self, uid_map: &[terrarium_api::IdMapping]) -> Vec<IsolatedProcess> {
        let mut found = processes::below_the_supervisor_of(self.init);
        found.sort_by_key(|stat| (stat.pid != self.init, stat.pid));
        let inside: HashSet<u32> = found.iter().map(|stat| stat.pid).collect();
        let own = namespaces::of(self.init);
        let process = |stat: &processes::Stat| {
            // A process that is gone by now is not there.
            let status = Status::of(stat.pid)?;
            let uid = status.number("Uid:")?;
            Some(IsolatedProcess {
                pid: stat.pid,
                inside_pid: status.inside_pid().unwrap_or(stat.pid),
                parent_pid: stat.parent,
                parent_outside: !inside.contains(&stat.parent),
                uid,
                inside_uid: status::inside(uid_map, uid),
                state: stat.state.clone(),
                threads: stat.threads,
                command: processes::command(&format!("/proc/{}", stat.pid), &stat.name),
                signals: status.signals(),
                apart: namespaces::apart(&own, &namespaces::of(stat.pid)),
            })
        };
        found.iter().filter_map(process).collect()
    }
}

fn confinement(status: &Status, spec: Option<&Spec>, table: &MountTable) -> Confinement {
    let linux = spec.and_then(|spec| spec.linux().as_ref());
    let masked = linux.and_then(|linux| linux.masked_paths().clone());
    let readonly = linux.and_then(|linux| linux.readonly_paths().clone());
    let (masked, unmasked) = table.split(masked.unwrap_or_default());
    let (readonly, writable) = table.split(readonly.unwrap_or_default());
    let profile = linux.and_then(|linux| linux.seccomp().as_ref());
    Confinement {
        no_new_privileges: status.number("NoNewPrivs:").map(|value| value == 1),
        seccomp: seccomp::facts(status, profile),
        masked_paths: masked,
        readonly_paths: readonly,
        open_paths: unmasked.into_iter().chain(writable).collect(),
    }
}
