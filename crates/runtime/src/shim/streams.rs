//! Pipes between a shim and a process, or the wish for a terminal.

use std::fs::File;
use std::os::fd::OwnedFd;

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use super::input::Input;
use super::output::Output;
use super::process::Process;
use super::protocol::{ExecOutput, StdinMode, Stream};
use crate::Stdio;
use crate::error::{Context, Result};

/// Our ends of the streams of a process that is about to be made.
#[derive(Debug, Default)]
pub(super) struct Streams {
    input: Input,
    outputs: Vec<Output>,
}

impl Streams {
    /// Opens what such a process needs; its ends come first.
    pub(super) fn open(
        terminal: bool,
        stdin: StdinMode,
        output: ExecOutput,
    ) -> Result<(Stdio, Self)> {
        let mut ours = Self::default();
        if terminal {
            return Ok((Stdio::Terminal, ours));
        }
        let stdin = if stdin == StdinMode::Null {
            null()?
        } else {
            let (theirs, end) = pipe()?;
            ours.input = Input::pipe(end.into(), stdin).doing(|| "make a pipe non-blocking")?;
            theirs
        };
        let (stdout, stderr) = if output == ExecOutput::Discard {
            (null()?, null()?)
        } else {
            (ours.add(Stream::Stdout)?, ours.add(Stream::Stderr)?)
        };
        Ok((
            Stdio::Fds {
                stdin,
                stdout,
                stderr,
            },
            ours,
        ))
    }

    /// Hands the ends over, or the terminal that the runtime has opened instead.
    pub(super) fn give_to(self, process: &mut Process, console: Option<OwnedFd>) -> Result<()> {
        process.input = self.input;
        process.outputs = self.outputs;
        match console {
            Some(master) => process.adopt_console(master).doing(|| "adopt the terminal"),
            None => Ok(()),
        }
    }

    fn add(&mut self, stream: Stream) -> Result<OwnedFd> {
        let (end, theirs) = pipe()?;
        let output = Output::pipe(stream, end.into()).doing(|| "make a pipe non-blocking")?;
        self.outputs.push(output);
        Ok(theirs)
    }
}

/// Read end and write end; both vanish from what is executed, where the runtime puts copies.
fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    pipe2(OFlag::O_CLOEXEC).doing(|| "make a pipe")
}

fn null() -> Result<OwnedFd> {
    let file = File::options().read(true).write(true).open("/dev/null");
    file.map(OwnedFd::from).doing(|| "open `/dev/null`")
}
