//! From the files of a bundle to processes: calls the runtime with streams of ours.

use jiff::Timestamp;
use oci_spec::runtime::{LinuxNamespaceType, Process as OciProcess, Spec};

use super::bundle::Bundle;
use super::process::Process;
use super::protocol::{CgroupPaths, ExecOutput, RootfsConfig, ShimConfig, StdinMode, Step, Target};
use super::streams::Streams;
use crate::error::{Context, Result};
use crate::plan::Host;
use crate::{CgroupManager, CreateRequest, Created, ExecRequest, Rootfs, systemd};

/// A container that was set up, with our ends of its streams.
pub(super) struct Launched {
    pub(super) created: Created,
    pub(super) init: Process,
    /// Whether other processes of the container may outlive init, as no pid namespace ends with it.
    pub(super) shares_pids: bool,
}

/// Sets the container up.
pub(super) fn create(bundle: &Bundle, config: &ShimConfig) -> Result<Launched> {
    let mut spec: Spec = bundle.read("config.json")?;
    let mut process = spec.process().clone().unwrap_or_default();
    keep_oom_score(&mut process);
    let terminal = process.terminal().unwrap_or(false);
    let (stdio, streams) = Streams::open(terminal, config.stdin, ExecOutput::Attach)?;
    spec.set_process(Some(process));
    let mut request = CreateRequest::new(&config.id, bundle.path(), &spec);
    request.stdio = stdio;
    request.init = config.init;
    if systemd::has_session(Host::current()) {
        request.cgroup_manager = CgroupManager::Session;
    }
    if let Some(rootfs) = &config.rootfs {
        request.rootfs = rootfs.into();
    }
    let mut created = crate::create(request)?;
    match adopt(&mut created, streams) {
        Ok(init) => Ok(Launched {
            created,
            init,
            shares_pids: shares_pids(&spec),
        }),
        Err(error) => {
            abandon(&created);
            Err(error)
        }
    }
}

/// Undoes a creation that nobody will hear of.
pub(super) fn abandon(created: &Created) {
    crate::create::reap_created(created);
    // The first error is the one to tell.
    let _ = crate::destroy(&created.cgroup);
}

fn adopt(created: &mut Created, streams: Streams) -> Result<Process> {
    let pidfd = created
        .pidfd
        .try_clone()
        .doing(|| "copy the pidfd of init")?;
    let mut init = Process::new(Target::Init, created.pid, pidfd);
    streams.give_to(&mut init, created.console.take())?;
    Ok(init)
}

/// What an exec asks for.
pub(super) struct Exec {
    pub(super) id: String,
    pub(super) process: Box<OciProcess>,
    pub(super) stdin: StdinMode,
    pub(super) output: ExecOutput,
}

/// Runs one more process.
pub(super) fn exec(
    bundle: &Bundle,
    (id, init): (&str, &Process),
    cgroup: &CgroupPaths,
    mut exec: Exec,
) -> Result<(Process, Vec<Step>)> {
    // Read again rather than kept: a spec takes more memory than everything else here together.
    let spec: Spec = bundle.read("config.json")?;
    keep_oom_score(&mut exec.process);
    let terminal = exec.process.terminal().unwrap_or(false);
    let (stdio, streams) = Streams::open(terminal, exec.stdin, exec.output)?;
    let target = crate::Target {
        id,
        bundle: bundle.path(),
        init_pid: init.pid,
        pidfd: &init.pidfd,
        cgroup,
        spec: &spec,
    };
    let request = ExecRequest {
        process: &exec.process,
        stdio,
        preserve_fds: 0,
    };
    let mut started = crate::exec(&target, request)?;
    let mut process = Process::new(Target::Exec(exec.id), started.pid, started.pidfd);
    process.started_at = Some(Timestamp::now());
    streams.give_to(&mut process, started.console.take())?;
    Ok((process, started.steps))
}

impl From<&RootfsConfig> for Rootfs {
    fn from(config: &RootfsConfig) -> Self {
        let RootfsConfig::Overlay {
            lowerdirs,
            upperdir,
            workdir,
            userxattr,
        } = config.clone();
        Self::Overlay {
            lowerdirs,
            upperdir,
            workdir,
            userxattr,
        }
    }
}

/// Says what the shim would have passed on, had it not lowered its own score: see `startup`.
fn keep_oom_score(process: &mut OciProcess) {
    if process.oom_score_adj().is_none() {
        process.set_oom_score_adj(super::startup::inherited_oom_score());
    }
}

fn shares_pids(spec: &Spec) -> bool {
    let namespaces = spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.namespaces().as_ref());
    !namespaces
        .into_iter()
        .flatten()
        .any(|namespace| namespace.typ() == LinuxNamespaceType::Pid && namespace.path().is_none())
}
