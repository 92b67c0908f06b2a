//! The process that joins a running container: from its second stage to execve.

use std::convert::Infallible;
use std::os::fd::AsFd;

use nix::unistd::setsid;
use terrarium_sys::clone::SingleThreaded;
use terrarium_sys::close_range;

use super::{console, credentials, enter_by_pidfd, execute, root};
use crate::channel::{Channel, Report};
use crate::error::{Context, Failure, Result};
use crate::hooks::HookState;
use crate::plan::{NEW_TIME, ProcessPlan};
use crate::request::{Stdio, Target};
use crate::trace::Trace;

/// A process that joined a running container, on its way to execve.
#[derive(Debug)]
pub(crate) struct ExecInit<'a> {
    pub(crate) plan: &'a ProcessPlan,
    /// What it joins.
    pub(crate) container: &'a Target<'a>,
    /// Whether its time namespace is still to be entered.
    pub(crate) time: Option<SingleThreaded>,
    pub(crate) channel: Channel,
    pub(crate) stdio: Stdio,
    pub(crate) preserve_fds: u32,
    pub(crate) trace: Trace,
}

impl ExecInit<'_> {
    pub(crate) fn run(&mut self) -> Result<Infallible> {
        let result = self.set_up_and_execute();
        if let Err(error) = &result {
            let _ = self
                .channel
                .report(&Report::Failed(Failure::from(error)), None);
        }
        result
    }

    fn set_up_and_execute(&mut self) -> Result<Infallible> {
        if let Some(single) = self.time {
            enter_by_pidfd(single, self.container.pidfd.as_fd(), NEW_TIME)?;
        }
        setsid().doing(|| "start a session")?;
        credentials::leave_keyring(&mut self.trace);
        let mut terminal = None;
        if matches!(self.stdio, Stdio::Terminal) {
            let root = root::Root::open_current()?;
            let console = console::open(&root, self.plan)?;
            self.channel
                .report(&Report::Console, Some(console.master()))?;
            terminal = Some(console.into_terminal());
        }
        execute::place_stdio(&mut self.stdio, terminal, self.plan)?;
        self.plan.limit_and_identify(&mut self.trace)?;
        let cloexec = close_range::cloexec_from(3 + self.preserve_fds);
        cloexec.doing(|| "mark descriptors close-on-exec")?;
        let Trace { steps, notes, .. } = &mut self.trace;
        let (steps, notes) = (std::mem::take(steps), std::mem::take(notes));
        self.channel.report(&Report::Ready { steps, notes }, None)?;
        let program = execute::Program::find(self.plan)?;
        let known = HookState {
            id: self.container.id,
            bundle: self.container.bundle,
            spec: self.container.spec,
            pid: self.container.init_pid,
        };
        self.plan
            .confine(&self.channel, (&known, "running"), &mut self.trace)?;
        program.execute(&self.channel, &mut self.trace)
    }
}
