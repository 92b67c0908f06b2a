//! The programs that are measured, and their command lines.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use terrarium_tests::binaries;

use super::bundle::Bundle;
use crate::skip;

/// An OCI runtime.
#[derive(Debug)]
pub(super) struct Runtime {
    pub(super) name: &'static str,
    program: PathBuf,
}

/// Ours first, then the peers that are installed.
pub(super) fn runtimes() -> Vec<Runtime> {
    let mut all = vec![Runtime {
        name: "terrarium",
        program: binaries().join("terrarium-runtime"),
    }];
    for name in ["crun", "runc"] {
        match find(name) {
            Some(program) => all.push(Runtime { name, program }),
            None => skip(&format!("{name} is not installed")),
        }
    }
    all
}

impl Runtime {
    /// A subcommand for a container, with a state folder of its own.
    pub(super) fn command(&self, bundle: &Bundle, subcommand: &str, options: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--root")
            .arg(bundle.path("states").join(self.name))
            .arg(subcommand)
            .args(options);
        command.current_dir(bundle.path(""));
        command
    }
}

/// `true` in namespaces by bubblewrap: no cgroup, no filter, a root that is bound.
pub(super) fn bubblewrap(bundle: &Bundle) -> Option<Command> {
    let mut command = Command::new(find("bwrap")?);
    let root = bundle.path("rootfs").display().to_string();
    command
        .args([
            "--unshare-pid",
            "--unshare-net",
            "--unshare-ipc",
            "--unshare-uts",
        ])
        .args([
            "--bind", &root, "/", "--proc", "/proc", "--dev", "/dev", "true",
        ]);
    Some(command)
}

/// `true` by a program that only clones, mounts an overlay, pivots and executes.
pub(super) fn floor(bundle: &Bundle) -> Option<Command> {
    let program = binaries().join("examples/floor");
    if !program.is_file() {
        return None;
    }
    let mut command = Command::new(program);
    command.args(["rootfs", "upper", "work"].map(|name| bundle.path(name)));
    command.arg("/bin/true");
    Some(command)
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([Path::new("/usr/sbin").to_owned()]);
    folders
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
