//! One stream of output: the read end of a pipe, or the master of a terminal.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::log::{Log, Splitter};
use super::protocol::Stream;

/// How often a terminal that nobody holds open is looked at.
const RETRY: Duration = Duration::from_millis(250);

/// What a read yielded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// So many bytes.
    Data(usize),
    /// Nothing now.
    Empty,
    /// Nobody has the terminal open; that may change as long as there are processes.
    HungUp,
    /// Nothing ever again.
    End,
}

/// An output stream that is being read.
#[derive(Debug)]
pub(super) struct Output {
    stream: Stream,
    file: Option<File>,
    splitter: Splitter,
    retry_at: Option<Instant>,
}

impl Output {
    /// The read end of a pipe.
    pub(super) fn pipe(stream: Stream, file: File) -> io::Result<Self> {
        set_nonblocking(&file)?;
        Ok(Self {
            stream,
            file: Some(file),
            splitter: Splitter::default(),
            retry_at: None,
        })
    }

    /// The master of a terminal.
    pub(super) fn terminal(file: File) -> io::Result<Self> {
        Self::pipe(Stream::Stdout, file)
    }

    /// Which it is.
    pub(super) fn stream(&self) -> Stream {
        self.stream
    }

    /// For poll; None while there is nothing to wait for.
    pub(super) fn file(&self) -> Option<&File> {
        self.file.as_ref().filter(|_| self.retry_at.is_none())
    }

    /// Whether there will be no more.
    pub(super) fn ended(&self) -> bool {
        self.file.is_none()
    }

    /// When to look again.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Looks again from now on.
    pub(super) fn resume(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
        }
    }

    /// Looks away for a while: a hung up terminal is always ready, and would keep the loop busy.
    /// A program may close its terminal and open it again (an init system does).
    pub(super) fn pause(&mut self) {
        self.retry_at = Some(Instant::now() + RETRY);
    }

    /// Reads what is there.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Progress {
        let Some(file) = &mut self.file else {
            return Progress::End;
        };
        loop {
            return match file.read(buffer) {
                Ok(0) => Progress::End,
                Ok(count) => Progress::Data(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Progress::Empty,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.raw_os_error() == Some(Errno::EIO as i32) => Progress::HungUp,
                Err(_) => Progress::End,
            };
        }
    }

    /// Logs a chunk; what ends within it is in the file when this returns.
    pub(super) fn log(&mut self, chunk: &[u8], log: &mut Log) {
        let time = Timestamp::now().to_string();
        self.splitter
            .push(chunk, |line| log.append(self.stream, line, &time));
        log.commit();
    }

    /// Closes it and logs the line that had no end.
    pub(super) fn end(&mut self, log: Option<&mut Log>) {
        if self.file.take().is_some()
            && let Some(log) = log
        {
            let time = Timestamp::now().to_string();
            self.splitter
                .finish(|line| log.append(self.stream, line, &time));
            log.commit();
        }
        self.retry_at = None;
    }
}

/// Lets reads and writes of this end return at once. The other end is another open file.
pub(super) fn set_nonblocking(file: &impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL)?);
    fcntl(file, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}
