//! The OCI command line, as runc spells it.
//!
//! Keeps what it knows of a container in a directory of its own under `--root` (`state`); each command
//! is one function of `args`, `create`, `exec`, `lifecycle` or `report`.

mod args;
mod create;
mod events;
mod exec;
mod features;
mod foreground;
mod lifecycle;
mod log;
mod report;
mod spec;
mod state;
mod update;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::error::{Error, Result};
use crate::plan::Host;
use crate::request::CgroupManager;
use args::{Cli, Command};
use log::Log;
use state::StateRoot;

/// Runs the command line and returns the exit code of the process.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match args::parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let code = error.exit_code();
            let _ = error.print();
            return ExitCode::from(u8::try_from(code).unwrap_or(1));
        }
    };
    let log = Log {
        path: cli.global.log.clone(),
        format: cli.global.log_format,
    };
    match run(&cli, &log) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            log.fail(&error);
            let code = match error {
                Error::CommandNotFound { .. }
                | Error::NotExecutable { .. }
                | Error::BadCwd { .. } => error.docker_exit_code(),
                _ => 1,
            };
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
    }
}

/// Whether a command line sends a process into a container, and so needs [`crate::seal::ensure`]: it costs
/// less before the command line is parsed than after, as the program begins anew.
///
/// What looks like such a command but is the value of an option costs one needless beginning.
pub fn touches_containers(mut arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.any(|argument| {
        ["create", "run", "exec"]
            .iter()
            .any(|name| argument == *name)
    })
}

fn run(cli: &Cli, log: &Log) -> Result<u8> {
    if matches!(
        cli.command,
        Command::Create(_) | Command::Run(_) | Command::Exec(_)
    ) {
        // Done before by who called `touches_containers`; a look at the file then, and no more.
        crate::seal::ensure()?;
    }
    let root = StateRoot::new(cli.global.root.clone().unwrap_or_else(default_root));
    // Others find what was made in the state of the container.
    let manager = if cli.global.systemd_cgroup {
        CgroupManager::Systemd
    } else {
        CgroupManager::Files
    };
    match &cli.command {
        Command::Create(args) => create::create(&root, log, manager, args),
        Command::Run(args) => create::run(&root, log, manager, args),
        Command::Start { id } => lifecycle::start(&root, log, id),
        Command::State { id } => report::state(&root, id),
        Command::Kill(args) => lifecycle::kill(&root, args),
        Command::Delete { force, id } => lifecycle::delete(&root, log, id, *force),
        Command::Exec(args) => exec::exec(&root, log, args),
        Command::Pause { id } => lifecycle::pause(&root, id),
        Command::Resume { id } => lifecycle::resume(&root, id),
        Command::List { format, quiet } => report::list(&root, *format, *quiet),
        Command::Ps { format, id, args } => report::ps(&root, id, *format, args),
        Command::Events(args) => events::events(&root, args),
        Command::Checkpoint(_) | Command::Restore(_) => Err(Error::Unsupported(
            "checkpoint and restore: this runtime does not work with CRIU".to_owned(),
        )),
        Command::Update(args) => update::update(&root, log, args),
        Command::Spec { bundle, rootless } => spec::write(bundle, *rootless),
        Command::Features => features::print_features(),
    }
}

fn default_root() -> PathBuf {
    if Host::current().is_machine_root() {
        return "/run/terrarium-runtime".into();
    }
    let user = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let user = user.unwrap_or_else(|| format!("/run/user/{}", nix::unistd::geteuid()).into());
    user.join("terrarium-runtime")
}
