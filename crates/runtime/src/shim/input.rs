//! Standard input: the write end of a pipe, or the master of a terminal.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};

use super::output::set_nonblocking;
use super::protocol::StdinMode;

/// Clients are not read while more than this waits for the process.
const LIMIT_BYTES: usize = 64 * 1024;

/// What a process reads.
#[derive(Debug, Default)]
pub(super) struct Input {
    file: Option<File>,
    pending: VecDeque<u8>,
    /// Whether the end follows what is pending.
    ends: bool,
    /// Whether the end of a client's input is the end of this.
    once: bool,
}

impl Input {
    /// The write end of a pipe.
    pub(super) fn pipe(file: File, mode: StdinMode) -> io::Result<Self> {
        set_nonblocking(&file)?;
        Ok(Self {
            file: Some(file),
            once: mode == StdinMode::Once,
            ..Self::default()
        })
    }

    /// A terminal: it outlives its clients, and its end is a character that the client types.
    pub(super) fn terminal(file: File) -> io::Result<Self> {
        Self::pipe(file, StdinMode::Open)
    }

    /// For poll; None when nothing waits to be written.
    pub(super) fn file(&self) -> Option<&File> {
        self.file.as_ref().filter(|_| !self.pending.is_empty())
    }

    /// Whether a client's bytes are wanted now.
    pub(super) fn has_room(&self) -> bool {
        self.file.is_none() || self.pending.len() < LIMIT_BYTES
    }

    /// Takes bytes of a client; a process that reads nothing any more gets none.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.file.is_some() && !self.ends {
            self.pending.extend(bytes);
            self.flush();
        }
    }

    /// Writes what the process takes.
    pub(super) fn flush(&mut self) {
        while let Some(file) = &mut self.file
            && !self.pending.is_empty()
        {
            match file.write(self.pending.as_slices().0) {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The reader is gone.
                Err(_) => self.file = None,
            }
        }
        self.pending = VecDeque::new();
        if self.ends {
            self.file = None;
        }
    }

    /// A client has ended its input.
    pub(super) fn client_ended(&mut self) {
        if self.once {
            self.end();
        }
    }

    /// Ends it when all is written.
    pub(super) fn end(&mut self) {
        self.ends = true;
        self.flush();
    }

    /// Ends it now.
    pub(super) fn close(&mut self) {
        *self = Self::default();
    }
}
