//! The process inside: from clone to execve.
//!
//! Single-threaded, in a copy of the caller's memory. Every error goes up the channel, typed; nothing is
//! logged here. The order of the steps is the design: each comment says what would break otherwise.

mod cgroup_view;
mod console;
mod copy_up;
mod credentials;
mod devices;
mod execute;
mod joined;
mod masks;
mod mounts;
mod procfs;
mod reaper;
mod root;
#[cfg(test)]
mod root_model;
mod rootfs;
mod stages;

use std::borrow::Cow;
use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::prctl;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{getpid, sethostname, setsid};
use terrarium_sys::clone::{SingleThreaded, exit_now};
use terrarium_sys::process::set_domain_name;
use terrarium_sys::{close_range, loopback, namespace};

use crate::cgroup::{CgroupPaths, Hierarchies, JoinFds};
use crate::channel::{CONTINUE, Channel, Report, START};
use crate::error::{Context, Failure, Result};
use crate::hooks::{self, HookState};
use crate::idshift::Shifted;
use crate::plan::{NEW_CGROUP, NEW_NET, NEW_PID, NEW_TIME, NEW_USER, Plan};
use crate::request::Stdio;
use crate::systemd;
use crate::trace::Trace;

pub(crate) use credentials::set_oom_score;
pub(crate) use joined::ExecInit;
pub(crate) use procfs::ProcFs;
pub(crate) use root::{Root, Target};
pub(crate) use rootfs::{attach_at, overlay, path_cstring};
pub(crate) use stages::{Joins, become_root, enter_by_pidfd, join_container};

/// All that init needs, prepared by the caller before the clone.
#[derive(Debug)]
pub(crate) struct Init<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) channel: Channel,
    pub(crate) cgroup: Cow<'a, CgroupPaths>,
    pub(crate) hierarchies: &'a Hierarchies,
    pub(crate) join_fds: JoinFds,
    pub(crate) joins: Joins,
    pub(crate) shifted: Shifted,
    /// The mount that the caller's program runs from, to be detached with the old root.
    pub(crate) seal: Option<OwnedFd>,
    pub(crate) stdio: Stdio,
    pub(crate) preserve_fds: u32,
    /// Whether this process stays as PID 1 and the program becomes its child.
    pub(crate) stays: bool,
    pub(crate) start_socket: Option<OwnedFd>,
    pub(crate) hook_state: HookState<'a>,
    pub(crate) trace: Trace,
    pub(crate) single: SingleThreaded,
}

/// Runs init; never returns into the caller's code.
pub(crate) fn main(mut init: Init<'_>) -> ! {
    supervise(|| init.run())
}

/// Runs the body of a cloned process: whatever happens, the process ends here.
pub(crate) fn supervise(body: impl FnOnce() -> Result<Infallible>) -> ! {
    // The caller's stack is below us; unwinding into it would run its code twice.
    let _ = catch_unwind(AssertUnwindSafe(body));
    exit_now(1)
}

impl Init<'_> {
    fn run(&mut self) -> Result<Infallible> {
        let born = self
            .forget_callers_fds()
            .and_then(|()| self.pass_first_stage());
        let result = born
            .and_then(|()| self.set_up())
            .and_then(|()| self.wait_and_execute());
        if let Err(error) = &result {
            let _ = self
                .channel
                .report(&Report::Failed(Failure::from(error)), None);
        }
        result
    }

    fn set_up(&mut self) -> Result<()> {
        // Modes of nodes and directories come out as planned, whatever the caller's mask.
        umask(Mode::empty());
        if self.stays {
            reaper::rename(self.single)?;
        }
        credentials::leave_keyring(&mut self.trace);
        self.enter_namespaces()?;
        self.name_host()?;
        let root = rootfs::prepare(self.plan, &mut self.trace)?;
        mounts::mount_all(self, &root)?;
        if self.plan.owns_dev {
            devices::make_all(&root, &self.plan.devices, &mut self.trace)?;
        }
        let console = self.open_console(&root)?;
        masks::apply(&root, self.plan, &mut self.trace)?;
        rootfs::make_cwd(&root, &self.plan.process.cwd)?;
        self.run_early_hooks()?;
        rootfs::pivot(&root, self.plan, self.seal.take(), &mut self.trace)?;
        execute::place_stdio(&mut self.stdio, console, &self.plan.process)?;
        self.plan.process.limit_and_identify(&mut self.trace)?;
        // Only now: everything above still needed its descriptors across no exec.
        let cloexec = close_range::cloexec_from(3 + self.preserve_fds);
        cloexec.doing(|| "mark descriptors close-on-exec")
    }

    /// What the caller has open (terminals and logs of a shim) is not for the eyes of a container whose
    /// processes can look at ours in `/proc`.
    fn forget_callers_fds(&self) -> Result<()> {
        let mut keep = self.stdio.fds();
        keep.push(self.channel.fd());
        keep.extend(self.join_fds.fds().chain(self.joins.fds()));
        keep.extend(self.shifted.fds());
        keep.extend(self.start_socket.iter().map(AsFd::as_fd));
        keep.extend(self.seal.iter().map(AsFd::as_fd));
        let closed = close_range::close_except(3 + self.preserve_fds, &keep);
        closed.doing(|| "close the caller's descriptors")
    }

    /// Where namespaces are joined first: goes on in the process that is born inside them.
    fn pass_first_stage(&mut self) -> Result<()> {
        let namespaces = &self.plan.namespaces;
        if !namespaces.needs_two_stages() {
            return Ok(());
        }
        if namespaces.maps.is_none() {
            hide_from_container()?;
        }
        let create = namespaces.create & !(NEW_CGROUP | NEW_TIME);
        let Self {
            joins,
            trace,
            single,
            channel,
            ..
        } = self;
        join_container(*single, channel, create, || joins.enter_all(*single, trace))
    }

    fn enter_namespaces(&mut self) -> Result<()> {
        let plan = self.plan;
        // Through the host's /proc, before the identity changes and hides it.
        credentials::set_oom_score(&plan.process, &mut self.trace)?;
        let start = self.trace.now();
        self.join_fds.enter_v1()?;
        self.trace.end(
            "join cgroups",
            start,
            format!("{}", plan.cgroup_path.display()),
        );
        setsid().doing(|| "start a session")?;
        if plan.waits_for_release() {
            self.channel.await_order(CONTINUE)?;
        }
        if let Some(scope) = &plan.scope {
            // Known only now: systemd made it around this process.
            match systemd::place_of_this_process(scope) {
                Ok(place) => self.cgroup = Cow::Owned(place),
                Err(error) if scope.is_required => return Err(error),
                // The caller has noted why.
                Err(_) => {}
            }
        }
        if plan.namespaces.maps.is_some() {
            become_root(plan.namespaces.maps.as_ref())?;
        }
        // Not before the maps are written: files of an undumpable process belong to root.
        hide_from_container()?;
        if !plan.namespaces.needs_two_stages() {
            self.joins.enter_all(self.single, &mut self.trace)?;
        }
        if plan.namespaces.create & NEW_CGROUP != 0 {
            // After the cgroup was entered: the namespace is rooted where the process is.
            namespace::unshare(self.single, NEW_CGROUP).doing(|| "unshare the cgroup namespace")?;
        }
        if plan.namespaces.create & NEW_TIME != 0 {
            // execve moves the process itself in; until then offsets may be written.
            namespace::unshare(self.single, NEW_TIME).doing(|| "unshare the time namespace")?;
            let offsets = plan.namespaces.time_offsets.iter();
            let lines: String = offsets.map(|(c, s, n)| format!("{c} {s} {n}\n")).collect();
            if !lines.is_empty() {
                ProcFs::open()?.write("self/timens_offsets", lines.as_bytes())?;
            }
        }
        Ok(())
    }

    fn name_host(&mut self) -> Result<()> {
        if let Some(name) = &self.plan.hostname {
            sethostname(name).doing(|| format!("set host name {name:?}"))?;
        }
        if let Some(name) = &self.plan.domainname {
            set_domain_name(name).doing(|| format!("set domain name {name:?}"))?;
        }
        if self.plan.namespaces.create & NEW_NET != 0 {
            loopback::bring_up().doing(|| "bring `lo` up")?;
        }
        if self.plan.sysctls.is_empty() {
            return Ok(());
        }
        let start = self.trace.now();
        let proc = ProcFs::open()?;
        for (path, value) in &self.plan.sysctls {
            proc.write(&format!("sys/{path}"), value.as_bytes())?;
        }
        self.trace.end(
            "sysctl",
            start,
            format!("{} values", self.plan.sysctls.len()),
        );
        Ok(())
    }

    fn open_console(&mut self, root: &root::Root) -> Result<Option<OwnedFd>> {
        if !matches!(self.stdio, Stdio::Terminal) {
            return Ok(None);
        }
        let start = self.trace.now();
        let console = console::open(root, &self.plan.process)?;
        if self.plan.owns_dev {
            console::bind(root, &console)?;
        }
        self.channel
            .report(&Report::Console, Some(console.master()))?;
        self.trace
            .end("console", start, "pty of the container's devpts");
        Ok(Some(console.into_terminal()))
    }

    fn run_early_hooks(&mut self) -> Result<()> {
        let hooks = &self.plan.hooks;
        let outside = [hooks.prestart(), hooks.create_runtime()];
        if outside
            .iter()
            .any(|list| list.as_ref().is_some_and(|list| !list.is_empty()))
        {
            self.channel.report(&Report::HooksDue, None)?;
            self.channel.await_order(CONTINUE)?;
        }
        let state = self.own_state().with_status("creating");
        hooks::run(
            "createContainer",
            hooks.create_container().as_deref(),
            &state,
        )
    }

    /// The state for hooks that run in here, where the pid is that of the container's namespace.
    fn own_state(&self) -> HookState<'_> {
        HookState {
            pid: getpid().as_raw(),
            ..self.hook_state.clone()
        }
    }

    fn wait_and_execute(&mut self) -> Result<Infallible> {
        let process = &self.plan.process;
        let Trace { steps, notes, .. } = &mut self.trace;
        let (steps, notes) = (std::mem::take(steps), std::mem::take(notes));
        let alone = self.is_alone();
        if alone {
            prctl::set_dumpable(true).doing(|| "become dumpable")?;
        }
        self.channel.report(&Report::Ready { steps, notes }, None)?;
        self.await_start()?;
        if alone {
            hide_from_container()?;
        }
        let state = self.own_state().with_status("created");
        hooks::run(
            "startContainer",
            self.plan.hooks.start_container().as_deref(),
            &state,
        )?;
        let program = execute::Program::find(process)?;
        let known = (&self.hook_state, "created");
        process.confine(&self.channel, known, &mut self.trace)?;
        if self.stays {
            let start = self.trace.now();
            reaper::stay_behind(self.single)?;
            self.trace.end("init", start, "PID 1 stays and reaps");
        }
        program.execute(&self.channel, &mut self.trace)
    }

    /// Whether nobody is inside whom it would have to hide from while it waits. The user who owns a user
    /// namespace has to reach the others through `/proc/PID/ns`, to connect the network, and has no
    /// capability over a process that began outside of it (ptrace(2), access mode checking).
    fn is_alone(&self) -> bool {
        let namespaces = &self.plan.namespaces;
        // Who is in the same user namespace already sees nobody in a new pid namespace beside its own.
        let has_users = namespaces.maps.is_some() || namespaces.joins(NEW_USER);
        has_users && namespaces.create & NEW_PID != 0
    }

    fn await_start(&mut self) -> Result<()> {
        if let Some(socket) = self.start_socket.take() {
            // Only when the creator has written down that we exist; if it dies before, so do we.
            self.channel.await_order(CONTINUE)?;
            // Another process will start us: from now on it is the one to hear of errors.
            self.channel = execute::accept(socket)?;
        }
        self.channel.await_order(START)
    }
}

/// Keeps processes of the container from looking at this one until execve (CVE-2016-9962).
pub(crate) fn hide_from_container() -> Result<()> {
    prctl::set_dumpable(false).doing(|| "become undumpable")
}
