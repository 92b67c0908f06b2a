//! Bundle to process: validate, plan, execute, supervise.
//!
//! Owns everything between an OCI bundle and a running process: namespaces, mounts, cgroups, privileges,
//! the OCI command line and the shim. It must never know images, registries or networks beyond a
//! namespace. Start from [`create`]; it plans without touching the kernel (`plan`), then acts (`init`),
//! and every act is a [`Step`]. Callers must be single-threaded: the library clones the process.
//!
//! Implements the OCI runtime specification 1.2
//! (<https://github.com/opencontainers/runtime-spec>).

#![forbid(unsafe_code)]

mod channel;
mod create;
mod error;
mod exec;
mod hooks;
mod idmap;
mod idshift;
mod init;
mod labels;
mod listener;
mod netdevices;
mod oom;
mod plan;
mod processes;
mod request;
pub mod resident;
mod start;
mod systemd;
mod trace;

pub mod cgroup;
pub mod cli;
pub mod seal;
pub mod seccomp;
pub mod shim;
pub mod worker;

use std::os::fd::BorrowedFd;

pub use cgroup::{CgroupPaths, destroy, freeze, kill_all, thaw, update};
pub use create::create;
pub use error::{Error, Result};
pub use exec::exec;
pub use processes::processes;
pub use request::{
    CgroupManager, CreateRequest, Created, ExecRequest, Rootfs, Started, Stdio, Target,
};
pub use systemd::{Manager, Scope};
pub use trace::{Note, Step, Trace};

/// Sets the size of a terminal by its master.
///
/// # Errors
/// ENOTTY when `console` is no terminal.
pub fn resize(console: BorrowedFd<'_>, rows: u16, columns: u16) -> Result<()> {
    terrarium_sys::pty::resize(console, rows, columns)
        .map_err(|error| Error::io("resize the terminal", error))
}
