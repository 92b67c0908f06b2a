//! The init option: PID 1 stays behind as a process that forwards signals and reaps orphans.
//!
//! It has the identity, capabilities and filter of the program, nothing open, and ends with the program's
//! exit code. Programs that are no init leave zombies, and PID 1 ignores signals that it does not handle.

use std::os::fd::{AsFd, OwnedFd};

use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::unistd::{Pid, getpid, isatty, setpgid, tcsetpgrp};
use terrarium_sys::clone::{Forked, SingleThreaded, clone_plain, exit_now};
use terrarium_sys::{arguments, close_range, pidfd, wait};

use crate::error::{Context, Result};

/// What the process is seen as in the container.
const NAME: &[u8] = b"/sbin/init";

/// Hides the command line that this process was born with, while the host's `/proc` is still there: it
/// names folders of the host.
pub(super) fn rename(single: SingleThreaded) -> Result<()> {
    let _ = prctl::set_name(c"init");
    arguments::replace(single, NAME).doing(|| "replace the command line of init")
}

/// Goes on in a child; this process becomes the init, and never returns.
pub(super) fn stay_behind(single: SingleThreaded) -> Result<()> {
    let all = SigSet::all();
    // Before the child is there, so that none is lost: it is forwarded when it is.
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&all), None).doing(|| "block signals")?;
    if getpid().as_raw() != 1 {
        // In a pid namespace that is shared, orphans go to the nearest reaper.
        prctl::set_child_subreaper(true).doing(|| "become the reaper of orphans")?;
    }
    let forked = clone_plain(single).doing(|| "clone the program from init")?;
    match forked {
        Forked::Child => lead(),
        Forked::Parent { pid, pidfd } => {
            // Also the end of the channel that closes with execve, and streams that may end before.
            let _ = close_range::close_except(0, &[pidfd.as_fd()]);
            exit_now(attend(pid, |signal| {
                forward(pid, &pidfd, signal);
            }))
        }
    }
}

/// Not reaped yet, so the number is the program's still: kill(2) will do where a filter knows no pidfd.
fn forward(pid: i32, pidfd: &OwnedFd, signal: i32) {
    if pidfd::send_signal(pidfd.as_fd(), signal).is_err()
        && let Ok(signal) = Signal::try_from(signal)
    {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// A group of its own, and that in the foreground: what is typed goes to the program, not to init.
fn lead() -> Result<()> {
    setpgid(Pid::from_raw(0), Pid::from_raw(0)).doing(|| "make a process group")?;
    let stdin = std::io::stdin();
    if isatty(&stdin).unwrap_or(false) {
        // SIGTTOU is still blocked, which is what lets a background group do it.
        tcsetpgrp(&stdin, getpid()).doing(|| "take the terminal's foreground")?;
    }
    let none = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&none), None).doing(|| "unblock signals")
}

/// Forwards signals and reaps until the program has ended: its exit code.
fn attend(program: i32, forward: impl Fn(i32)) -> i32 {
    loop {
        match wait::next_signal() {
            Ok(libc::SIGCHLD) => {
                while let Ok(Some((pid, status))) = wait::reap_any() {
                    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
                    if pid == program {
                        return status.code().unwrap_or(128 + signal.unwrap_or(0));
                    }
                }
            }
            Ok(signal) => forward(signal),
            // Without signals there is nothing to do but to end, and all with it.
            Err(_) => return 1,
        }
    }
}
