//! The caller's side of a new container: cgroups, clone, identity maps, hooks, and undo on failure.

use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use oci_spec::runtime::LinuxResources;
use std::borrow::Cow;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use terrarium_sys::clone::{CloneArgs, Forked, SingleThreaded, clone3};
use terrarium_sys::pidfd;

use crate::cgroup::{self, CgroupPaths, Hierarchies, JoinFds};
use crate::channel::{CONTINUE, Channel, Report};
use crate::error::{Context, Error, Result};
use crate::hooks::{self, HookState};
use crate::idmap;
use crate::idshift::Shifted;
use crate::init::{self, Init, Joins};
use crate::labels;
use crate::netdevices;
use crate::plan::{Host, Input, NEW_CGROUP, NEW_NET, NEW_TIME, Plan, namespace_names};
use crate::request::{CreateRequest, Created};
use crate::seal;
use crate::systemd;
use crate::trace::Trace;

/// Sets up a container up to the point where its program would start.
///
/// # Errors
/// See [`Error`]; nothing is left behind on failure.
pub fn create(request: CreateRequest<'_>) -> Result<Created> {
    let mut trace = Trace::begin();
    let single = SingleThreaded::verify().doing(|| "check that the caller has one thread")?;
    let input = Input {
        id: request.id,
        bundle: request.bundle,
        spec: request.spec,
        rootfs: &request.rootfs,
        cgroup_parent: request.cgroup_parent.as_deref(),
        cgroup_manager: request.cgroup_manager,
    };
    let plan = Plan::new(&input, Host::current())?;
    labels::verify(&plan.process, plan.mount_label.as_deref())?;
    for (subject, text) in &plan.notes {
        trace.note(subject, text);
    }
    trace.end("plan", 0, format!("{} mounts", plan.mounts.len()));
    let hierarchies = Hierarchies::discover()?;
    let linux = request.spec.linux().as_ref();
    let prepared = Prepared {
        plan: &plan,
        hierarchies: &hierarchies,
        resources: linux.and_then(|linux| linux.resources().as_ref()),
        single,
    };
    let mut cgroup = make_cgroup(&prepared, &mut trace)?;
    match set_up(request, &prepared, &mut cgroup, &mut trace) {
        Ok(process) => Ok(Created {
            pid: process.pid,
            pidfd: process.pidfd,
            console: process.console,
            cgroup,
            steps: std::mem::take(&mut trace.steps),
            notes: std::mem::take(&mut trace.notes),
            channel: Some(process.channel.into_fd()),
            trace,
        }),
        Err(error) => {
            // The first error is the one to tell; what cannot be removed shows up in `list`.
            let _ = cgroup::destroy(&cgroup);
            Err(error)
        }
    }
}

/// What is decided and known before anything is done.
struct Prepared<'a> {
    plan: &'a Plan,
    hierarchies: &'a Hierarchies,
    resources: Option<&'a LinuxResources>,
    single: SingleThreaded,
}

/// Makes the cgroup, unless systemd makes it around the process later.
fn make_cgroup(prepared: &Prepared<'_>, trace: &mut Trace) -> Result<CgroupPaths> {
    let Prepared {
        plan, hierarchies, ..
    } = prepared;
    if plan.scope.is_some() {
        if !hierarchies.is_pure_v2() {
            let text = "systemd's cgroups on a host that has controllers on v1";
            return Err(Error::Unsupported(text.to_owned()));
        }
        return Ok(CgroupPaths::default());
    }
    let start = trace.now();
    let cgroup = cgroup::create(hierarchies, &plan.cgroup_path, trace)?;
    if let Some(resources) = prepared.resources {
        cgroup::apply(&cgroup, resources, trace);
    }
    trace.end("cgroup", start, format!("{}", plan.cgroup_path.display()));
    Ok(cgroup)
}

/// A process that reached a certain report.
pub(crate) struct Born {
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
    pub(crate) console: Option<OwnedFd>,
    pub(crate) channel: Channel,
}

fn set_up(
    request: CreateRequest<'_>,
    prepared: &Prepared<'_>,
    cgroup: &mut CgroupPaths,
    trace: &mut Trace,
) -> Result<Born> {
    let Prepared {
        plan,
        hierarchies,
        single,
        ..
    } = *prepared;
    let join_fds = JoinFds::open(cgroup)?;
    let joins = Joins::open(&plan.namespaces.join)?;
    let shifted = Shifted::open(&plan.mounts, single)?;
    let seal = seal::take_mount();
    let (ours, theirs) = Channel::pair()?;
    let two_stages = plan.namespaces.needs_two_stages();
    let create = plan.namespaces.create & !(NEW_CGROUP | NEW_TIME);
    let start = trace.now();
    let flags = if two_stages { 0 } else { create };
    let forked = clone_into(single, flags, &join_fds, cgroup, trace)?;
    let hook_state = HookState {
        id: request.id,
        bundle: request.bundle,
        spec: request.spec,
        pid: 0,
    };
    let (pid, pidfd) = match forked {
        Forked::Parent { pid, pidfd } => (pid, pidfd),
        Forked::Child => {
            drop(ours);
            init::main(Init {
                plan,
                channel: theirs,
                cgroup: Cow::Borrowed(cgroup),
                hierarchies,
                join_fds,
                joins,
                shifted,
                seal,
                stdio: request.stdio,
                preserve_fds: request.preserve_fds,
                stays: request.init,
                start_socket: request.start_socket,
                hook_state,
                trace: trace.anew(),
                single,
            })
        }
    };
    trace.end("clone3", start, namespace_names(create));
    // Held by the child only from now on, so that end of file means that it is gone.
    drop(theirs);
    drop(seal);
    let mut born = Born {
        pid,
        pidfd,
        console: None,
        channel: ours,
    };
    if !two_stages {
        equip(&born, prepared, cgroup, trace).inspect_err(|_| reap(&born))?;
    }
    let waited = wait_ready(&mut born, prepared, cgroup, &hook_state, trace);
    waited.inspect_err(|_| reap(&born))?;
    Ok(born)
}

/// Does the caller's part for a process that is known now, and lets it go on.
fn equip(
    born: &Born,
    prepared: &Prepared<'_>,
    cgroup: &mut CgroupPaths,
    trace: &mut Trace,
) -> Result<()> {
    let Prepared { plan, single, .. } = *prepared;
    idmap::write(&plan.namespaces, born.pid, trace)?;
    if let Some(scope) = &plan.scope {
        match systemd::start(scope, born.pid, prepared.resources, trace) {
            Ok(made) => *cgroup = made,
            Err(error) if !scope.is_required => {
                trace.note("cgroup", format!("limits do not apply: {error}"));
            }
            Err(error) => return Err(error),
        }
        if let Some(resources) = prepared.resources.filter(|_| cgroup.scope.is_some()) {
            cgroup::apply_in_scope(cgroup, resources, trace);
        }
    }
    if !plan.net_devices.is_empty() {
        let joined = plan
            .namespaces
            .join
            .iter()
            .find(|join| join.flag == NEW_NET);
        let path = joined.map_or_else(
            || format!("/proc/{}/ns/net", born.pid).into(),
            |join| join.path.clone(),
        );
        let target = File::open(&path).doing(|| format!("open {path:?}"))?;
        netdevices::give(&plan.net_devices, &target, single, trace)?;
    }
    release(born, plan)
}

fn release(born: &Born, plan: &Plan) -> Result<()> {
    if plan.waits_for_release() {
        born.channel.order(CONTINUE)
    } else {
        Ok(())
    }
}

fn clone_into(
    single: SingleThreaded,
    flags: u64,
    join_fds: &JoinFds,
    cgroup: &mut CgroupPaths,
    trace: &mut Trace,
) -> Result<Forked> {
    let into_cgroup = join_fds.unified.as_ref().map(AsFd::as_fd);
    let cloned = clone3(single, &CloneArgs { flags, into_cgroup });
    let op = || {
        format!(
            "clone a process with new namespaces ({})",
            namespace_names(flags)
        )
    };
    match cloned {
        // The directory is ours, but moving there from our own cgroup is not allowed.
        Err(error)
            if into_cgroup.is_some()
                && matches!(error.raw_os_error(), Some(libc::EACCES | libc::EPERM)) =>
        {
            let forked = clone3(
                single,
                &CloneArgs {
                    flags,
                    into_cgroup: None,
                },
            )
            .doing(op)?;
            if matches!(forked, Forked::Parent { .. }) {
                trace.note(
                    "cgroup",
                    format!("not entered in the unified tree: {error}"),
                );
                if let Some(unified) = cgroup.unified.take() {
                    let _ = std::fs::remove_dir(unified);
                }
            }
            Ok(forked)
        }
        other => other.doing(op),
    }
}

/// Reads reports until init is ready.
///
/// With two stages the second does not wait for the first: its reports may come before the first has said
/// which process it is, and a failure is only told once both have ended and can be reaped.
fn wait_ready(
    born: &mut Born,
    prepared: &Prepared<'_>,
    cgroup: &mut CgroupPaths,
    hook_state: &HookState<'_>,
    trace: &mut Trace,
) -> Result<()> {
    let plan = prepared.plan;
    let mut is_known = !plan.namespaces.needs_two_stages();
    let mut is_ready = false;
    let mut failed = None;
    while !(is_known && is_ready) {
        match born.channel.receive()? {
            Some((Report::Born { pid }, _)) => {
                replace_first_stage(born, pid)?;
                is_known = true;
                equip(born, prepared, cgroup, trace)?;
            }
            Some((Report::Console, fd)) => born.console = fd,
            Some((Report::HooksDue, _)) => {
                run_outer_hooks(born.pid, plan, hook_state)?;
                born.channel.order(CONTINUE)?;
            }
            Some((Report::Ready { steps, notes }, _)) => {
                trace.steps.extend(steps);
                trace.notes.extend(notes);
                is_ready = true;
            }
            Some((Report::Failed(failure), _)) => failed = failed.or(Some(failure)),
            Some((Report::Executing { .. } | Report::Listener { .. }, _)) => {}
            None => {
                let died = || Error::Died {
                    after: last_step(trace),
                };
                return Err(failed.map_or_else(died, Error::from));
            }
        }
    }
    Ok(())
}

fn run_outer_hooks(pid: i32, plan: &Plan, hook_state: &HookState<'_>) -> Result<()> {
    let state = HookState {
        pid,
        ..hook_state.clone()
    };
    let state = state.with_status("creating");
    hooks::run("prestart", plan.hooks.prestart().as_deref(), &state)?;
    hooks::run(
        "createRuntime",
        plan.hooks.create_runtime().as_deref(),
        &state,
    )
}

/// The first stage has ended; the process that it made is our child as well.
fn replace_first_stage(born: &mut Born, pid: i32) -> Result<()> {
    let first = born.pid;
    // Unreaped child of ours: the pid cannot have been reused.
    born.pidfd = pidfd::open(pid).doing(|| format!("open process {pid}"))?;
    born.pid = pid;
    waitpid(Pid::from_raw(first), None)
        .map(drop)
        .doing(|| "reap the first stage")
}

/// Ends and reaps a process whose set-up failed.
pub(crate) fn reap(born: &Born) {
    let _ = pidfd::send_signal(born.pidfd.as_fd(), libc::SIGKILL);
    let _ = waitpid(Pid::from_raw(born.pid), None);
}

/// Ends and reaps a container that was created but is not wanted any more.
pub(crate) fn reap_created(created: &Created) {
    let _ = pidfd::send_signal(created.pidfd.as_fd(), libc::SIGKILL);
    let _ = waitpid(Pid::from_raw(created.pid), None);
}

pub(crate) fn last_step(trace: &Trace) -> String {
    trace
        .steps
        .last()
        .map_or_else(|| "clone3".to_owned(), |step| step.name.to_string())
}
