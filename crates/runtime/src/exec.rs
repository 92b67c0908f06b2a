//! Another process in a running container.

use std::convert::Infallible;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;

use terrarium_sys::clone::{CloneArgs, Forked, SingleThreaded, clone3};
use terrarium_sys::{close_range, scheduling};

use crate::cgroup::{self, JoinFds};
use crate::channel::{Channel, Report};
use crate::create::{Born, last_step, reap, replace_first_stage};
use crate::error::{Context, Error, Result};
use crate::hooks::HookState;
use crate::init::{
    ExecInit, become_root, enter_by_pidfd, hide_from_container, join_container, supervise,
};
use crate::labels;
use crate::listener;
use crate::plan::{NEW_USER, ProcessPlan, flag};
use crate::request::{ExecRequest, Started, Target};
use crate::trace::Trace;

/// Runs another process in a running container.
///
/// # Errors
/// As [`Created::start`](crate::Created::start).
pub fn exec(target: &Target<'_>, request: ExecRequest<'_>) -> Result<Started> {
    let mut trace = Trace::begin();
    let single = SingleThreaded::verify().doing(|| "check that the caller has one thread")?;
    let entry = Entry {
        target,
        plan: plan(target, &request)?,
        join_fds: JoinFds::open(target.cgroup)?,
        namespaces: differing_namespaces(target)?,
        single,
    };
    let (ours, theirs) = Channel::pair()?;
    let start = trace.now();
    let (pid, pidfd) = match clone_bound(&entry)? {
        Forked::Parent { pid, pidfd } => (pid, pidfd),
        Forked::Child => {
            drop(ours);
            supervise(|| entry.run(theirs, request, trace))
        }
    };
    trace.end("clone3", start, "into the container's cgroup");
    drop(theirs);
    let mut born = Born {
        pid,
        pidfd,
        console: None,
        channel: ours,
    };
    wait_started(&mut born, &mut trace).inspect_err(|_| reap(&born))?;
    let Born {
        pid,
        pidfd,
        console,
        ..
    } = born;
    Ok(Started {
        pid,
        pidfd,
        console,
        steps: trace.steps,
        notes: trace.notes,
    })
}

/// Clones with the affinity that the process is to have before it is in the cgroup.
fn clone_bound(entry: &Entry<'_>) -> Result<Forked> {
    let Some(before) = &entry.plan.affinity.before else {
        return clone_into(entry);
    };
    // Set here and not in the child: on v2 the clone itself is the entrance to the cgroup.
    let ours = scheduling::affinity().doing(|| "read the affinity")?;
    scheduling::set_affinity(before).doing(|| "set `process.execCPUAffinity.initial`")?;
    let cloned = clone_into(entry);
    if !matches!(cloned, Ok(Forked::Child)) {
        scheduling::set_affinity(&ours).doing(|| "restore the affinity")?;
    }
    cloned
}

/// Clones the first stage into the container's cgroup.
fn clone_into(entry: &Entry<'_>) -> Result<Forked> {
    let op = || "clone a process for the container";
    let into_cgroup = entry.join_fds.unified.as_ref().map(AsFd::as_fd);
    match clone3(
        entry.single,
        &CloneArgs {
            flags: 0,
            into_cgroup,
        },
    ) {
        // v2 takes no processes where controllers are handed down (cgroups(7), "no internal processes"):
        // a container that divides its cgroup, as systemd does, moved its init to a leaf.
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
            let leaf = File::open(cgroup::unified_of(&entry.target.init_pid.to_string())?.0);
            let leaf = leaf.doing(|| "open the cgroup of the container's init")?;
            let into_cgroup = Some(leaf.as_fd());
            clone3(
                entry.single,
                &CloneArgs {
                    flags: 0,
                    into_cgroup,
                },
            )
            .doing(op)
        }
        other => other.doing(op),
    }
}

fn plan(target: &Target<'_>, request: &ExecRequest<'_>) -> Result<ProcessPlan> {
    let plan = ProcessPlan::plan(request.process, target.spec.linux().as_ref())?;
    labels::verify(&plan, None)?;
    Ok(plan)
}

/// All that the way into a container needs, prepared by the caller before the clone.
struct Entry<'a> {
    target: &'a Target<'a>,
    plan: ProcessPlan,
    join_fds: JoinFds,
    /// Of init, as far as they are not the caller's own.
    namespaces: u64,
    single: SingleThreaded,
}

impl Entry<'_> {
    fn run(
        mut self,
        channel: Channel,
        request: ExecRequest<'_>,
        mut trace: Trace,
    ) -> Result<Infallible> {
        let ExecRequest {
            stdio,
            preserve_fds,
            ..
        } = request;
        let mut keep = stdio.fds();
        keep.extend([channel.fd(), self.target.pidfd.as_fd()]);
        keep.extend(self.join_fds.fds());
        let closed = close_range::close_except(3 + preserve_fds, &keep);
        closed.doing(|| "close the caller's descriptors")?;
        join_container(self.single, &channel, 0, || self.enter(&mut trace))?;
        let target = self.target;
        ExecInit {
            plan: &self.plan,
            container: HookState {
                id: target.id,
                bundle: target.bundle,
                spec: target.spec,
                pid: target.init_pid,
            },
            channel,
            stdio,
            preserve_fds,
            trace,
        }
        .run()
    }

    /// The first stage: cgroups first, so that nothing of the process runs unaccounted.
    fn enter(&mut self, trace: &mut Trace) -> Result<()> {
        crate::init::set_oom_score(&self.plan, trace)?;
        let start = trace.now();
        // Taken, so that they are closed before anything runs where the container can see it.
        std::mem::take(&mut self.join_fds).enter_v1()?;
        if let Some(after) = &self.plan.affinity.after {
            scheduling::set_affinity(after).doing(|| "set `process.execCPUAffinity.final`")?;
        }
        hide_from_container()?;
        trace.end("join cgroups", start, "");
        let start = trace.now();
        enter_by_pidfd(self.single, self.target.pidfd.as_fd(), self.namespaces)?;
        trace.end(
            "setns",
            start,
            crate::plan::namespace_names(self.namespaces),
        );
        if self.namespaces & NEW_USER != 0 {
            become_root(None)
        } else {
            Ok(())
        }
    }
}

/// The namespaces in which init differs from the caller: joining one's own is refused for `user`.
fn differing_namespaces(target: &Target<'_>) -> Result<u64> {
    use oci_spec::runtime::LinuxNamespaceType as Type;
    let kinds = [
        ("mnt", Type::Mount),
        ("cgroup", Type::Cgroup),
        ("uts", Type::Uts),
        ("ipc", Type::Ipc),
        ("user", Type::User),
        ("pid", Type::Pid),
        ("net", Type::Network),
        ("time", Type::Time),
    ];
    let mut flags = 0;
    for (name, kind) in kinds {
        let link = |whose: &str| -> Option<PathBuf> {
            std::fs::read_link(format!("/proc/{whose}/ns/{name}")).ok()
        };
        let theirs = link(&target.init_pid.to_string());
        if theirs.is_some() && theirs != link("self") {
            flags |= flag(kind);
        }
    }
    if flags == 0 && !std::path::Path::new(&format!("/proc/{}", target.init_pid)).exists() {
        let gone = std::io::Error::from_raw_os_error(libc::ESRCH);
        return Err(Error::io(
            format!("find the container's init {}", target.init_pid),
            gone,
        ));
    }
    Ok(flags)
}

/// Reads reports until execve has succeeded, which closes the channel.
///
/// The second stage does not wait for the first: it may be ready, executing or dead before the first has
/// said which process it is. The channel ends only after both, so it is read to its end in any case.
fn wait_started(born: &mut Born, trace: &mut Trace) -> Result<()> {
    let mut executing = None;
    let mut failed = None;
    loop {
        match born.channel.receive()? {
            Some((Report::Born { pid }, _)) => replace_first_stage(born, pid)?,
            Some((Report::Console, fd)) => born.console = fd,
            Some((Report::Ready { steps, notes }, _)) => {
                trace.steps.extend(steps);
                trace.notes.extend(notes);
            }
            Some((
                Report::Executing {
                    steps,
                    notes,
                    at_usec,
                    command,
                },
                _,
            )) => {
                trace.steps.extend(steps);
                trace.notes.extend(notes);
                executing = Some((at_usec, command));
            }
            Some((Report::Listener { path, message }, listener)) => {
                let pid = born.pid;
                listener::deliver(&born.channel, &path, &message, listener, pid)?;
            }
            Some((Report::Failed(failure), _)) => failed = failed.or(Some(failure)),
            Some((Report::HooksDue, _)) => {}
            None => break,
        }
    }
    if let Some(failure) = failed {
        return Err(failure.into());
    }
    let (begun, command) = executing.ok_or_else(|| Error::Died {
        after: last_step(trace),
    })?;
    trace.end("execve", begun, command);
    Ok(())
}
