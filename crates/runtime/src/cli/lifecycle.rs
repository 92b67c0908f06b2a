//! `start`, `kill`, `delete`, `pause`, `resume`.

use std::os::fd::{AsFd, OwnedFd};
use std::str::FromStr;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use oci_spec::runtime::Spec;
use terrarium_sys::pidfd;

use super::args::KillArgs;
use super::log::Log;
use super::state::{Container, StateRoot, Status};
use crate::cgroup;
use crate::channel::Channel;
use crate::error::{Context, Error, Result};
use crate::hooks::{self, HookState};
use crate::start::start_over;
use crate::trace::{Note, Trace};

pub(super) fn start(root: &StateRoot, log: &Log, id: &str) -> Result<u8> {
    let container = root.load(id)?;
    let status = container.status()?;
    if status != Status::Created {
        return Err(container.wrong_status("start", status));
    }
    let channel = Channel::from_fd(container.connect_to_start()?);
    let mut trace = Trace::begin();
    let started = start_over(&channel, container.record.pid, &mut trace);
    container.forget_start();
    started?;
    log.warn(&trace.notes);
    let spec = container.spec()?;
    let hooks = spec.hooks().as_ref();
    let hooks = hooks.and_then(|hooks| hooks.poststart().as_deref());
    let state = hook_state(&container, &spec, container.record.pid);
    hooks::run("poststart", hooks, &state.with_status("running")).map(|()| 0)
}

pub(super) fn kill(root: &StateRoot, args: &KillArgs) -> Result<u8> {
    let container = root.load(&args.id)?;
    let signal = parse_signal(&args.signal)?;
    let op = || format!("send signal {signal} to container {:?}", args.id);
    if !args.all {
        let init = container.pidfd("kill")?;
        return pidfd::send_signal(init.as_fd(), signal)
            .doing(op)
            .map(|()| 0);
    }
    let cgroup = &container.record.cgroup;
    if signal == libc::SIGKILL && !cgroup.directories().is_empty() {
        return cgroup::kill_all(cgroup).map(|()| 0);
    }
    for pid in crate::processes(cgroup, container.record.pid)? {
        // A process that is gone meanwhile needs no signal.
        if let Ok(process) = pidfd::open(pid) {
            let _ = pidfd::send_signal(process.as_fd(), signal);
        }
    }
    Ok(0)
}

/// `15`, `TERM` or `SIGTERM`.
fn parse_signal(text: &str) -> Result<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return Ok(number);
    }
    let name = text.to_ascii_uppercase();
    let name = if name.starts_with("SIG") {
        name
    } else {
        format!("SIG{name}")
    };
    let unknown = || Error::InvalidSpec(format!("signal {text:?}"));
    let real_time = |name: &str, base: i32, sign: i32| {
        name.parse::<i32>()
            .map(|offset| base + sign * offset)
            .map_err(|_| unknown())
    };
    match name.strip_prefix("SIGRTM") {
        Some("IN") => Ok(libc::SIGRTMIN()),
        Some("AX") => Ok(libc::SIGRTMAX()),
        Some(rest) if rest.starts_with("IN+") => real_time(&rest[3..], libc::SIGRTMIN(), 1),
        Some(rest) if rest.starts_with("AX-") => real_time(&rest[3..], libc::SIGRTMAX(), -1),
        _ => Signal::from_str(&name)
            .map(|signal| signal as i32)
            .map_err(|_| unknown()),
    }
}

pub(super) fn delete(root: &StateRoot, log: &Log, id: &str, force: bool) -> Result<u8> {
    let container = match root.load(id) {
        Err(Error::NoSuchContainer(_)) if force => {
            return root.remove_remains(id).map(|()| 0);
        }
        other => other?,
    };
    let status = container.status()?;
    // A created container has run nothing yet, so there is nothing to lose.
    if !force && !matches!(status, Status::Stopped | Status::Created) {
        return Err(container.wrong_status("delete", status));
    }
    if status != Status::Stopped
        && let Ok(init) = container.pidfd("delete")
    {
        end(&container, &init)?;
    }
    remove(&container, log).map(|()| 0)
}

/// Removes a container that has ended, with everything of it.
pub(super) fn remove(container: &Container, log: &Log) -> Result<()> {
    clean_up(container)?;
    let spec = container.spec()?;
    let hooks = spec.hooks().as_ref();
    let hooks = hooks.and_then(|hooks| hooks.poststop().as_deref());
    let state = hook_state(container, &spec, 0);
    // Nothing can be undone any more: a failure is told, and the next hook runs all the same.
    for error in hooks::run_all("poststop", hooks, &state.with_status("stopped")) {
        log.warn(&[Note {
            subject: "hooks".to_owned(),
            text: error.to_string(),
        }]);
    }
    container.remove()
}

/// Kills init and waits for its end; the kernel then ends everything in its pid namespace.
fn end(container: &Container, init: &OwnedFd) -> Result<()> {
    if cgroup::is_frozen(&container.record.cgroup).unwrap_or(false) {
        // A frozen v1 process would keep its SIGKILL pending.
        cgroup::thaw(&container.record.cgroup)?;
    }
    let _ = pidfd::send_signal(init.as_fd(), libc::SIGKILL);
    let mut ready = [PollFd::new(init.as_fd(), PollFlags::POLLIN)];
    poll(&mut ready, PollTimeout::from(10_000_u16))
        .map(drop)
        .doing(|| "wait for init to end")
}

/// Ends what is left in the cgroups and removes them. The state stays, for another try.
fn clean_up(container: &Container) -> Result<()> {
    let cgroup = &container.record.cgroup;
    if !cgroup::pids(cgroup).unwrap_or_default().is_empty() {
        cgroup::kill_all(cgroup)?;
    }
    cgroup::destroy(cgroup)?;
    Ok(())
}

fn hook_state<'a>(container: &'a Container, spec: &'a Spec, pid: i32) -> HookState<'a> {
    HookState {
        id: &container.record.id,
        bundle: &container.record.bundle,
        spec,
        pid,
    }
}

pub(super) fn pause(root: &StateRoot, id: &str) -> Result<u8> {
    let container = root.load(id)?;
    match container.status()? {
        Status::Running | Status::Created => cgroup::freeze(&container.record.cgroup).map(|()| 0),
        status => Err(container.wrong_status("pause", status)),
    }
}

pub(super) fn resume(root: &StateRoot, id: &str) -> Result<u8> {
    let container = root.load(id)?;
    match container.status()? {
        Status::Paused => cgroup::thaw(&container.record.cgroup).map(|()| 0),
        status => Err(container.wrong_status("resume", status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        for (text, number) in [
            ("15", 15),
            ("TERM", 15),
            ("sigkill", 9),
            ("SIGRTMIN+3", libc::SIGRTMIN() + 3),
        ] {
            assert_eq!(parse_signal(text).unwrap(), number, "{text}");
        }
        assert!(parse_signal("SIGNOSUCH").is_err());
    }
}
