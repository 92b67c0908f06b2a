//! Another process in a running container.

use std::convert::Infallible;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use nix::sys::prctl;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use terrarium_sys::clone::{CLONE_PARENT, CloneArgs, Forked, SingleThreaded, clone3};
use terrarium_sys::vfork::work_beside;
use terrarium_sys::{close_range, pidfd, scheduling};

use crate::cgroup::{self, JoinFds};
use crate::channel::{Channel, Report};
use crate::create::{Born, last_step, reap};
use crate::error::{Context, Error, Result};
use crate::init::{ExecInit, become_root, enter_by_pidfd, hide_from_container, supervise};
use crate::labels;
use crate::listener;
use crate::plan::{NEW_TIME, NEW_USER, ProcessPlan, flag};
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
    let mut baggage = Some(Baggage {
        channel: theirs,
        request,
        trace: trace.anew(),
    });
    let pid = send_in(&entry, &mut baggage)?;
    trace.end("clone3", start, "into the container's cgroup");
    // Held by the process only from now on, so that end of file means that it is gone.
    drop(baggage);
    // Unreaped child of ours: the pid cannot have been reused.
    let pidfd = pidfd::open(pid).doing(|| format!("open process {pid}"))?;
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

/// Makes the process inside, and gives its pid.
///
/// A first stage, in our memory and with descriptors of its own, enters the cgroups and namespaces, and
/// makes it as a sibling: only who is born in a pid namespace is in it.
fn send_in(entry: &Entry<'_>, baggage: &mut Option<Baggage<'_>>) -> Result<i32> {
    let mut born = None;
    let mut first_stage = || match baggage.as_mut().map(|baggage| entry.pass(baggage)) {
        Some(Ok(Forked::Parent { pid, .. })) => born = Some(Ok(pid)),
        Some(Ok(Forked::Child)) => {
            let baggage = baggage.take().expect("the first stage has it");
            supervise(|| entry.arrive(baggage))
        }
        Some(Err(error)) => born = Some(Err(error)),
        None => {}
    };
    let was_dumpable = prctl::get_dumpable().doing(|| "ask whether we are dumpable")?;
    let first = clone_bound(entry, &mut first_stage);
    if was_dumpable {
        // The first stage hid, with the memory that it shared.
        prctl::set_dumpable(true).doing(|| "become dumpable")?;
    }
    let first = first?;
    let reaped = waitpid(Pid::from_raw(first), None);
    reaped.doing(|| "reap the first stage")?;
    born.unwrap_or_else(|| {
        Err(Error::Died {
            after: "clone3".to_owned(),
        })
    })
}

/// Clones with the affinity that the process is to have before it is in the cgroup.
fn clone_bound(entry: &Entry<'_>, first_stage: &mut dyn FnMut()) -> Result<i32> {
    let Some(before) = &entry.plan.affinity.before else {
        return clone_into(entry, first_stage);
    };
    // Set here and not in the child: on v2 the clone itself is the entrance to the cgroup.
    let ours = scheduling::affinity().doing(|| "read the affinity")?;
    scheduling::set_affinity(before).doing(|| "set `process.execCPUAffinity.initial`")?;
    let cloned = clone_into(entry, first_stage);
    scheduling::set_affinity(&ours).doing(|| "restore the affinity")?;
    cloned
}

/// Clones the first stage into the container's cgroup.
fn clone_into(entry: &Entry<'_>, first_stage: &mut dyn FnMut()) -> Result<i32> {
    let op = || "clone a process for the container";
    let into_cgroup = entry.join_fds.unified.as_ref().map(AsFd::as_fd);
    match work_beside(entry.single, into_cgroup, first_stage) {
        // v2 takes no processes where controllers are handed down (cgroups(7), "no internal processes"):
        // a container that divides its cgroup, as systemd does, moved its init to a leaf.
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
            let leaf = File::open(cgroup::unified_of(&entry.target.init_pid.to_string())?.0);
            let leaf = leaf.doing(|| "open the cgroup of the container's init")?;
            work_beside(entry.single, Some(leaf.as_fd()), first_stage).doing(op)
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

/// What the process inside takes with it.
struct Baggage<'a> {
    channel: Channel,
    request: ExecRequest<'a>,
    trace: Trace,
}

impl Entry<'_> {
    /// The first stage: cgroups first, so that nothing of the process runs unaccounted.
    ///
    /// It shares the caller's memory, and so drops no descriptor that is in it: it closes numbers.
    fn pass(&self, baggage: &mut Baggage<'_>) -> Result<Forked> {
        let trace = &mut baggage.trace;
        let mut keep = baggage.request.stdio.fds();
        keep.extend([baggage.channel.fd(), self.target.pidfd.as_fd()]);
        let first = 3 + baggage.request.preserve_fds;
        let close_but = |keep: &[BorrowedFd<'_>]| {
            close_range::close_except(first, keep).doing(|| "close the caller's descriptors")
        };
        let joins = self.join_fds.fds();
        close_but(&keep.iter().copied().chain(joins).collect::<Vec<_>>())?;
        crate::init::set_oom_score(&self.plan, trace)?;
        let start = trace.now();
        self.join_fds.enter_v1()?;
        // Before anything runs where the container can see it.
        close_but(&keep)?;
        if let Some(after) = &self.plan.affinity.after {
            scheduling::set_affinity(after).doing(|| "set `process.execCPUAffinity.final`")?;
        }
        hide_from_container()?;
        trace.end("join cgroups", start, "");
        let start = trace.now();
        let others = self.namespaces & !NEW_TIME;
        enter_by_pidfd(self.single, self.target.pidfd.as_fd(), others)?;
        trace.end(
            "setns",
            start,
            crate::plan::namespace_names(self.namespaces),
        );
        if self.namespaces & NEW_USER != 0 {
            become_root(None)?;
        }
        let args = CloneArgs {
            flags: CLONE_PARENT,
            into_cgroup: None,
        };
        clone3(self.single, &args).doing(|| "clone the process in the container")
    }

    /// Goes on in the process inside, with memory of its own.
    fn arrive(&self, baggage: Baggage<'_>) -> Result<Infallible> {
        let Baggage {
            channel,
            request,
            trace,
        } = baggage;
        let mut init = ExecInit {
            plan: &self.plan,
            container: self.target,
            // Who shares memory may not enter it.
            time: (self.namespaces & NEW_TIME != 0).then_some(self.single),
            channel,
            stdio: request.stdio,
            preserve_fds: request.preserve_fds,
            trace,
        };
        init.run()
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
fn wait_started(born: &mut Born, trace: &mut Trace) -> Result<()> {
    let mut executing = None;
    let mut failed = None;
    loop {
        match born.channel.receive()? {
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
            Some((Report::Born { .. } | Report::HooksDue, _)) => {}
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
