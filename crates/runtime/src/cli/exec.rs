//! `exec`.

use std::fs;
use std::os::fd::AsFd;

use oci_spec::runtime::{Capabilities, Capability, Process, Spec, User, UserBuilder};

use super::args::ExecArgs;
use super::create::send_console;
use super::foreground;
use super::log::Log;
use super::state::{StateRoot, Status, write_whole};
use crate::error::{Context, Error, Result};
use crate::request::{ExecRequest, Stdio, Target};
use crate::seal;

pub(super) fn exec(root: &StateRoot, log: &Log, args: &ExecArgs) -> Result<u8> {
    let container = root.load(&args.id)?;
    let status = container.status()?;
    let is_paused = status == Status::Paused && args.ignore_paused;
    if status != Status::Running && !is_paused {
        return Err(container.wrong_status("exec in", status));
    }
    let spec = container.spec()?;
    let process = process(args, &spec)?;
    let pidfd = container.pidfd("exec in")?;
    let target = Target {
        id: &container.record.id,
        bundle: &container.record.bundle,
        init_pid: container.record.pid,
        pidfd: &pidfd,
        cgroup: &container.record.cgroup,
        spec: &spec,
    };
    let terminal = process.terminal() == Some(true);
    let stdio = if terminal {
        Stdio::Terminal
    } else {
        Stdio::Inherit
    };
    let signals = if args.detach {
        None
    } else {
        Some(foreground::Signals::block()?)
    };
    let request = ExecRequest {
        process: &process,
        stdio,
        preserve_fds: args.preserve_fds,
    };
    let mut started = crate::exec(&target, request)?;
    log.warn(&started.notes);
    if let Some(path) = &args.pid_file {
        write_whole(path, started.pid.to_string().as_bytes())?;
    }
    if let (Some(socket), Some(console)) = (&args.console_socket, &started.console) {
        send_console(socket, console)?;
        started.console = None;
    }
    match signals {
        None => Ok(0),
        Some(signals) => {
            // Closing it waits, and may do so while the process runs.
            drop(seal::take_mount());
            foreground::attend(started.pid, started.pidfd.as_fd(), started.console, signals)
        }
    }
}

/// The process of the file, or that of the container with what the options change.
fn process(args: &ExecArgs, spec: &Spec) -> Result<Process> {
    if let Some(path) = &args.process {
        let bytes = fs::read(path).doing(|| format!("read {path:?}"))?;
        let parsed = serde_json::from_slice(&bytes);
        let mut process: Process = parsed.map_err(|source| Error::Json {
            path: path.clone(),
            source,
        })?;
        if args.tty {
            process.set_terminal(Some(true));
        }
        // As runc does: who names none means those of the container.
        if process.capabilities().is_none() {
            let of_init = spec.process().as_ref();
            process.set_capabilities(of_init.and_then(|init| init.capabilities().clone()));
        }
        return Ok(process);
    }
    let mut process = spec.process().clone().unwrap_or_default();
    if args.command.is_empty() {
        return Err(Error::InvalidSpec("no command to execute".to_owned()));
    }
    process.set_args(Some(args.command.clone()));
    process.set_terminal(Some(args.tty));
    let mut env = process.env().clone().unwrap_or_default();
    env.extend(args.env.iter().cloned());
    process.set_env(Some(env));
    if let Some(cwd) = &args.cwd {
        process.set_cwd(cwd.clone());
    }
    process.set_user(user(args, process.user())?);
    add_capabilities(args, &mut process)?;
    if let Some(profile) = &args.apparmor {
        process.set_apparmor_profile(Some(profile.clone()));
    }
    if let Some(label) = &args.process_label {
        process.set_selinux_label(Some(label.clone()));
    }
    if args.no_new_privs {
        process.set_no_new_privileges(Some(true));
    }
    Ok(process)
}

fn user(args: &ExecArgs, from_spec: &User) -> Result<User> {
    let mut groups = from_spec.additional_gids().clone().unwrap_or_default();
    groups.extend(&args.additional_gids);
    let (uid, gid) = match &args.user {
        None => (from_spec.uid(), from_spec.gid()),
        Some(text) => {
            // Digits only: what is no number must not become user 0 (CVE-2026-30892).
            let number = |part: &str| {
                let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
                let parsed = part.parse::<u32>().ok().filter(|_| digits);
                parsed.ok_or_else(|| Error::InvalidSpec(format!("user {text:?}")))
            };
            match text.split_once(':') {
                Some((uid, gid)) => (number(uid)?, number(gid)?),
                None => (number(text)?, from_spec.gid()),
            }
        }
    };
    let builder = UserBuilder::default()
        .uid(uid)
        .gid(gid)
        .additional_gids(groups);
    builder
        .build()
        .map_err(|error| Error::InvalidSpec(error.to_string()))
}

fn add_capabilities(args: &ExecArgs, process: &mut Process) -> Result<()> {
    if args.cap.is_empty() {
        return Ok(());
    }
    let mut sets = process.capabilities().clone().unwrap_or_default();
    for name in &args.cap {
        let bare = name.trim_start_matches("CAP_");
        let parsed = bare.parse::<Capability>();
        let capability = parsed.map_err(|_| Error::InvalidSpec(format!("capability {name:?}")))?;
        let with = |set: &Option<Capabilities>| {
            let mut set = set.clone().unwrap_or_default();
            set.insert(capability);
            Some(set)
        };
        sets.set_bounding(with(sets.bounding()));
        sets.set_effective(with(sets.effective()));
        sets.set_permitted(with(sets.permitted()));
    }
    process.set_capabilities(Some(sets));
    Ok(())
}
