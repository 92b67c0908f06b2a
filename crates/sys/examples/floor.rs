//! `floor LOWER UPPER WORK PROGRAM`: the least that a container costs, to measure runtimes against.
//!
//! Clones with five new namespaces, mounts an overlay, pivots into it, executes, and waits. No cgroup, no
//! file system but the root, no filter, no privilege taken away, no error told well.

#![forbid(unsafe_code)]

use std::{ffi::CString, io, os::fd::AsFd, process::ExitCode};

use nix::{
    fcntl::{OFlag, open},
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::{
        stat::Mode,
        wait::{WaitStatus, waitpid},
    },
    unistd::{Pid, chdir, execve, fchdir, pivot_root},
};
use terrarium_sys::{
    clone::{CloneArgs, Forked, SingleThreaded, clone3, exit_now},
    mount::{FsContext, attach},
};

const NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS;

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<CString> = std::env::args()
        .skip(1)
        .map(CString::new)
        .collect::<Result<_, _>>()?;
    let [lower, upper, work, program] = arguments.as_slice() else {
        eprintln!("floor LOWER UPPER WORK PROGRAM");
        return Ok(ExitCode::FAILURE);
    };
    let args = CloneArgs {
        flags: NAMESPACES as u64,
        into_cgroup: None,
    };
    match clone3(SingleThreaded::verify()?, &args)? {
        Forked::Child => {
            let _ = enter(lower, upper, work);
            let _ = execve(program, &[program], &[c"PATH=/bin"]);
            exit_now(127)
        }
        Forked::Parent { pid, .. } => match waitpid(Pid::from_raw(pid), None)? {
            WaitStatus::Exited(_, 0) => Ok(ExitCode::SUCCESS),
            _ => Ok(ExitCode::FAILURE),
        },
    }
}

fn enter(lower: &CString, upper: &CString, work: &CString) -> io::Result<()> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)?;
    let overlay = FsContext::open(c"overlay")?;
    overlay.set_string(c"lowerdir", lower)?;
    overlay.set_string(c"upperdir", upper)?;
    overlay.set_string(c"workdir", work)?;
    let root = overlay.mount(0)?;
    let folder = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    attach(
        root.as_fd(),
        open(upper.as_c_str(), folder, Mode::empty())?.as_fd(),
    )?;
    fchdir(&root)?;
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    Ok(chdir("/")?)
}
