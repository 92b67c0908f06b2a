//! Attends a process in the foreground: forwards signals, relays its terminal, returns its exit code.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{self, SetArg, Termios};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, isatty};
use terrarium_sys::{pidfd, pty};

use crate::error::{Context, Result};

/// Signals of this process, as a descriptor.
#[derive(Debug)]
pub(super) struct Signals(SignalFd);

impl Signals {
    /// Blocks all signals that can be blocked and forwards them instead.
    pub(super) fn block() -> Result<Self> {
        let mut set = SigSet::all();
        // Faults of our own code must still end us.
        for fault in [
            Signal::SIGSEGV,
            Signal::SIGBUS,
            Signal::SIGILL,
            Signal::SIGFPE,
        ] {
            set.remove(fault);
        }
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&set), None).doing(|| "block signals")?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        SignalFd::with_flags(&set, flags)
            .doing(|| "open a signal descriptor")
            .map(Self)
    }
}

/// Raw mode of our own terminal, undone at the end.
struct RawTerminal(Termios);

impl RawTerminal {
    fn enter() -> Option<Self> {
        let stdin = io::stdin();
        if !isatty(&stdin).unwrap_or(false) {
            return None;
        }
        let before = termios::tcgetattr(&stdin).ok()?;
        let mut raw = before.clone();
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(&stdin, SetArg::TCSANOW, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(io::stdin(), SetArg::TCSANOW, &self.0);
    }
}

/// Waits for the process, which is a child of ours, and relays meanwhile.
pub(super) fn attend(
    pid: i32,
    process: BorrowedFd<'_>,
    console: Option<OwnedFd>,
    signals: Signals,
) -> Result<u8> {
    let raw = console.as_ref().and_then(|_| RawTerminal::enter());
    let mut console = console.map(File::from);
    if let Some(console) = &console {
        copy_size(console.as_fd());
    }
    let mut reads_stdin = console.is_some();
    loop {
        let stdin = io::stdin();
        let mut fds = vec![
            PollFd::new(process, PollFlags::POLLIN),
            PollFd::new(signals.0.as_fd(), PollFlags::POLLIN),
        ];
        if let Some(console) = &console {
            fds.push(PollFd::new(console.as_fd(), PollFlags::POLLIN));
            if reads_stdin {
                fds.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
            }
        }
        match poll(&mut fds, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            other => other.doing(|| "wait for the container")?,
        };
        let ready: Vec<_> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        drop(fds);
        if ready[1] {
            forward(&signals.0, process, console.as_ref());
        }
        if ready.get(2) == Some(&true) && !relay_output(&mut console) {
            console = None;
        }
        if ready.get(3) == Some(&true) && !relay_input(console.as_mut()) {
            reads_stdin = false;
        }
        if ready[0] {
            // What it wrote last is still in the terminal.
            while relay_output(&mut console) {}
            drop(raw);
            return reap(pid);
        }
    }
}

fn reap(pid: i32) -> Result<u8> {
    loop {
        match waitpid(Pid::from_raw(pid), None) {
            Err(nix::errno::Errno::EINTR) => {}
            Ok(WaitStatus::Exited(_, code)) => return Ok(u8::try_from(code).unwrap_or(1)),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(128 + signal as u8),
            Ok(_) => {}
            Err(errno) => return Err(errno).doing(|| "wait for the container"),
        }
    }
}

fn forward(signals: &SignalFd, process: BorrowedFd<'_>, console: Option<&File>) {
    while let Ok(Some(info)) = signals.read_signal() {
        match info.ssi_signo as i32 {
            // Ours: a child changed state, which the descriptor tells anyway.
            libc::SIGCHLD => {}
            libc::SIGWINCH => {
                if let Some(console) = console {
                    copy_size(console.as_fd());
                }
            }
            signal => drop(pidfd::send_signal(process, signal)),
        }
    }
}

fn copy_size(console: BorrowedFd<'_>) {
    if let Ok((rows, columns)) = pty::size(io::stdin().as_fd()) {
        let _ = pty::resize(console, rows, columns);
    }
}

/// False at the end: a master answers EIO when nobody holds the other side.
fn relay_output(console: &mut Option<File>) -> bool {
    let Some(file) = console else { return false };
    let mut ready = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    if poll(&mut ready, PollTimeout::ZERO) != Ok(1) {
        return false;
    }
    let mut buffer = [0; 8192];
    match file.read(&mut buffer) {
        Ok(length) if length > 0 => {
            let mut stdout = io::stdout();
            stdout
                .write_all(&buffer[..length])
                .and_then(|()| stdout.flush())
                .is_ok()
        }
        _ => false,
    }
}

fn relay_input(console: Option<&mut File>) -> bool {
    let mut buffer = [0; 4096];
    match nix::unistd::read(io::stdin().as_fd(), &mut buffer) {
        Ok(length) if length > 0 => {
            console.is_some_and(|console| console.write_all(&buffer[..length]).is_ok())
        }
        _ => {
            // End of file on our side is Ctrl-D on the terminal's.
            let _ = console.map(|console| console.write_all(&[4]));
            false
        }
    }
}
