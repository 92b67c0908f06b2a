//! `create` and `run`.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use oci_spec::runtime::Spec;
use terrarium_sys::fdpass;

use super::args::{CreateArgs, RunArgs};
use super::log::Log;
use super::state::{
    Container, Record, StateRoot, listen_for_start, load_spec, process_start_time, save_config,
    write_whole,
};
use super::{foreground, lifecycle};
use crate::create::reap_created;
use crate::error::{Context, Error, Result};
use crate::hooks::{self, HookState};
use crate::request::{CgroupManager, CreateRequest, Created, Stdio};

pub(super) fn create(
    root: &StateRoot,
    log: &Log,
    manager: CgroupManager,
    args: &CreateArgs,
) -> Result<u8> {
    let gate = Gate::Socket;
    let mut prepared = prepare(root, log, args, Way { gate, manager })?;
    finish_console(&mut prepared, log, args)?;
    prepared.created.leave()?;
    Ok(0)
}

pub(super) fn run(
    root: &StateRoot,
    log: &Log,
    manager: CgroupManager,
    args: &RunArgs,
) -> Result<u8> {
    let is_foreground = !args.detach;
    // Signals that come from now on are for the container.
    let signals = if is_foreground {
        Some(foreground::Signals::block()?)
    } else {
        None
    };
    let gate = Gate::Channel;
    let mut prepared = prepare(root, log, &args.create, Way { gate, manager })?;
    if args.create.console_socket.is_some() || args.detach {
        finish_console(&mut prepared, log, &args.create)?;
    }
    let Prepared {
        container,
        mut created,
        spec,
        ..
    } = prepared;
    if let Err(error) = created.start() {
        reap_created(&created);
        let _ = lifecycle::remove(&container, log);
        return Err(error);
    }
    log.warn(&created.notes);
    let state = HookState {
        id: &container.record.id,
        bundle: &container.record.bundle,
        spec: &spec,
        pid: created.pid,
    };
    let poststart = spec
        .hooks()
        .as_ref()
        .and_then(|hooks| hooks.poststart().as_deref());
    hooks::run("poststart", poststart, &state.with_status("running"))?;
    let Some(signals) = signals else { return Ok(0) };
    let code = foreground::attend(created.pid, created.pidfd.as_fd(), created.console, signals)?;
    if !args.keep {
        lifecycle::remove(&container, log)?;
    }
    Ok(code)
}

/// Who lets init go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    /// Another invocation, `start`.
    Socket,
    /// This process.
    Channel,
}

/// How a container is made.
#[derive(Clone, Copy, Debug)]
struct Way {
    gate: Gate,
    manager: CgroupManager,
}

struct Prepared {
    container: Container,
    created: Created,
    spec: Spec,
}

fn prepare(root: &StateRoot, log: &Log, args: &CreateArgs, way: Way) -> Result<Prepared> {
    let op = || format!("find bundle {:?}", args.bundle);
    let bundle = fs::canonicalize(&args.bundle).doing(op)?;
    let (spec, config) = load_spec(&bundle.join("config.json"))?;
    let directory = root.reserve(&args.id)?;
    // First: from it `delete --force` finds the cgroups, should this process be killed half-way.
    let made = save_config(&directory, &config);
    let made = made.and_then(|()| make(&directory, &bundle, &spec, args, way));
    let made = made.and_then(|created| {
        let container = record(args, &directory, &bundle, &created);
        let saved = container
            .save()
            .and_then(|()| write_pid_file(args, created.pid));
        match saved {
            Ok(()) => Ok((container, created)),
            Err(error) => {
                reap_created(&created);
                let _ = crate::cgroup::destroy(&created.cgroup);
                Err(error)
            }
        }
    });
    match made {
        Ok((container, mut created)) => {
            log.warn(&std::mem::take(&mut created.notes));
            Ok(Prepared {
                container,
                created,
                spec,
            })
        }
        Err(error) => {
            let _ = fs::remove_dir_all(&directory);
            Err(error)
        }
    }
}

fn make(
    directory: &Path,
    bundle: &Path,
    spec: &Spec,
    args: &CreateArgs,
    Way { gate, manager }: Way,
) -> Result<Created> {
    let mut request = CreateRequest::new(&args.id, bundle, spec);
    request.cgroup_manager = manager;
    let terminal = spec
        .process()
        .as_ref()
        .is_some_and(|p| p.terminal() == Some(true));
    if terminal {
        if gate == Gate::Socket && args.console_socket.is_none() {
            let text = "a detached container with a terminal needs `--console-socket`";
            return Err(Error::InvalidSpec(text.to_owned()));
        }
        request.stdio = Stdio::Terminal;
    }
    request.preserve_fds = args.preserve_fds;
    if gate == Gate::Socket {
        request.start_socket = Some(listen_for_start(directory)?);
    }
    crate::create(request)
}

fn record(args: &CreateArgs, directory: &Path, bundle: &Path, created: &Created) -> Container {
    let record = Record {
        id: args.id.clone(),
        pid: created.pid,
        start_time: process_start_time(created.pid).unwrap_or(0),
        bundle: bundle.to_owned(),
        created: jiff::Timestamp::now().to_string(),
        owner: nix::unistd::getuid().as_raw(),
        cgroup: created.cgroup.clone(),
    };
    Container {
        directory: directory.to_owned(),
        record,
    }
}

fn write_pid_file(args: &CreateArgs, pid: i32) -> Result<()> {
    match &args.pid_file {
        Some(path) => write_whole(path, pid.to_string().as_bytes()),
        None => Ok(()),
    }
}

/// Hands the terminal over; a container whose terminal nobody holds is of no use.
fn finish_console(prepared: &mut Prepared, log: &Log, args: &CreateArgs) -> Result<()> {
    let Some(console) = prepared.created.console.take() else {
        return Ok(());
    };
    let sent = args.console_socket.as_deref().map_or_else(
        || {
            Err(Error::InvalidSpec(
                "a terminal needs `--console-socket`".to_owned(),
            ))
        },
        |socket| send_console(socket, &console),
    );
    if sent.is_err() {
        reap_created(&prepared.created);
        let _ = lifecycle::remove(&prepared.container, log);
    }
    sent
}

/// Sends the master to whoever listens on the socket (runc's docs/terminals.md).
pub(super) fn send_console(socket: &Path, console: &OwnedFd) -> Result<()> {
    let op = || format!("send the terminal to {socket:?}");
    let stream = UnixStream::connect(socket).doing(op)?;
    fdpass::send(stream.as_fd(), b"/dev/ptmx", Some(console.as_fd())).doing(op)
}
