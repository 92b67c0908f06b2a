//! How a fresh process becomes a shim: out of its host's session, deaf to its signals, with none of
//! its descriptors.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{SockType, getsockopt, sockopt};
use nix::unistd::{chdir, dup2_stderr, dup2_stdin, dup2_stdout, setsid};

use crate::error::{Context, Result};

const OOM_SCORE: &str = "/proc/self/oom_score_adj";
/// Killed last: without the shim a container has lost its output and its exit status.
const OOM_SCORE_OF_A_SHIM: &str = "-999";

static INHERITED_OOM_SCORE: OnceLock<i32> = OnceLock::new();

/// What a shim starts with.
pub(super) struct Beginning {
    /// The connection that descriptor 0 was.
    pub(super) host: Option<UnixStream>,
    /// Readable when a child has ended.
    pub(super) children: SignalFd,
}

/// Detaches this process from its host. Descriptor 2 stays until [`forget_stderr`], for errors.
pub(super) fn detach() -> Result<Beginning> {
    terrarium_sys::close_range::close_inherited(3).doing(|| "close inherited descriptors")?;
    // EPERM: it leads a session already.
    let _ = setsid();
    chdir("/").doing(|| "change to `/`")?;
    prctl::set_child_subreaper(true).doing(|| "become the reaper of orphans")?;
    let _ = prctl::set_name(c"terrarium-shim");
    let host = host_connection();
    let null = null().doing(|| "open `/dev/null`")?;
    dup2_stdin(&null)
        .and_then(|()| dup2_stdout(&null))
        .doing(|| "leave the host's streams")?;
    lower_oom_score();
    Ok(Beginning {
        host,
        children: block_signals()?,
    })
}

/// Lets go of descriptor 2: the host may wait for its end.
pub(super) fn forget_stderr() {
    if let Ok(null) = null() {
        let _ = dup2_stderr(&null);
    }
}

/// The score that processes of the container get if nobody asks for another; None: the one they inherit.
pub(super) fn inherited_oom_score() -> Option<i32> {
    INHERITED_OOM_SCORE.get().copied()
}

fn host_connection() -> Option<UnixStream> {
    let stdin = io::stdin();
    let is_stream = getsockopt(&stdin.as_fd(), sockopt::SockType) == Ok(SockType::Stream);
    is_stream.then(|| {
        stdin
            .as_fd()
            .try_clone_to_owned()
            .ok()
            .map(UnixStream::from)
    })?
}

fn lower_oom_score() {
    let inherited = fs::read_to_string(OOM_SCORE)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    // Only with CAP_SYS_RESOURCE; without it the shim is no worse off than its host.
    if let Some(inherited) = inherited
        && fs::write(OOM_SCORE, OOM_SCORE_OF_A_SHIM).is_ok()
    {
        let _ = INHERITED_OOM_SCORE.set(inherited);
    }
}

/// Blocks what would end the shim with its host's terminal or by a slip of a hand; SIGKILL remains.
/// Blocked rather than ignored, as the runtime unblocks all for the container's processes anyway.
fn block_signals() -> Result<SignalFd> {
    let mut blocked = SigSet::all();
    for fault in [
        Signal::SIGSEGV,
        Signal::SIGBUS,
        Signal::SIGILL,
        Signal::SIGFPE,
        Signal::SIGABRT,
        Signal::SIGSYS,
    ] {
        blocked.remove(fault);
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&blocked), None).doing(|| "block signals")?;
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    SignalFd::with_flags(&children, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
        .doing(|| "watch for ends of children")
}

fn null() -> Result<File, Errno> {
    File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or_default()))
}
