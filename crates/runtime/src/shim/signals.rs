//! Signals to the container's processes, and their freezer.

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::protocol::{Failure, FailureCode, Status, Target};
use super::supervisor::Shim;
use crate::cgroup;
use crate::error::Error;

/// The signal that nothing can resist.
pub(super) const SIGKILL: i32 = Signal::SIGKILL as i32;

impl Shim {
    pub(super) fn kill(&mut self, target: &Target, signal: i32) -> Result<(), Failure> {
        let process = self.find(target)?;
        if process.end.is_some() {
            return Err(exited(target));
        }
        process
            .signal(signal)
            .map_err(|source| Error::io(format!("send signal {signal} to {target:?}"), source))
            .map_err(|error| Failure::from(&error))?;
        self.thaw_for(signal)
    }

    pub(super) fn kill_every(&mut self, target: &Target, signal: i32) -> Result<(), Failure> {
        if *target != Target::Init {
            let message = "only init's signals can go to all processes";
            return Err(Failure::new(FailureCode::InvalidRequest, message));
        }
        if signal == SIGKILL {
            cgroup::kill_all(self.cgroup()).map_err(|error| Failure::from(&error))?;
            return self.thaw_for(signal);
        }
        let signal = Signal::try_from(signal).map_err(|_| {
            Failure::new(
                FailureCode::InvalidRequest,
                format!("there is no signal {signal}"),
            )
        })?;
        let pids = cgroup::pids(self.cgroup()).map_err(|error| Failure::from(&error))?;
        for pid in pids.into_iter().filter(|pid| *pid > 0) {
            // It may have ended by itself.
            let _ = nix::sys::signal::kill(Pid::from_raw(pid), signal);
        }
        Ok(())
    }

    /// A frozen process dies only when it is thawed.
    pub(super) fn thaw_for(&mut self, signal: i32) -> Result<(), Failure> {
        if signal == SIGKILL && self.state.status == Status::Paused {
            return self.resume();
        }
        Ok(())
    }

    pub(super) fn pause(&mut self) -> Result<(), Failure> {
        self.expect_status(&[Status::Running], "pause")?;
        cgroup::freeze(self.cgroup()).map_err(|error| Failure::from(&error))?;
        self.set_status(Status::Paused);
        Ok(())
    }

    pub(super) fn resume(&mut self) -> Result<(), Failure> {
        self.expect_status(&[Status::Paused], "resume")?;
        cgroup::thaw(self.cgroup()).map_err(|error| Failure::from(&error))?;
        self.set_status(Status::Running);
        Ok(())
    }
}

fn exited(target: &Target) -> Failure {
    Failure::new(FailureCode::Exited, format!("{target:?} has exited"))
}
