//! The socket on standard output.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;

use terrarium_store::worker::{Event, Parents};

/// An answer is at most this long: 500 layers, 20 digits each.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// Lines of JSON to the host and back.
pub(super) struct Talk {
    stdout: File,
}

impl Talk {
    /// Takes standard output. A person who starts a worker by hand may give a file or a pipe, which
    /// can be written to just as well; only the answer to a question then fails.
    pub(super) fn on_stdout() -> io::Result<Self> {
        let stdout = io::stdout().as_fd().try_clone_to_owned()?.into();
        Ok(Self { stdout })
    }

    /// Tells the host something.
    pub(super) fn say(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.stdout.write_all(&line)
    }

    /// Asks for the layers below and waits for the answer.
    pub(super) fn ask_parents(&mut self) -> io::Result<Parents> {
        self.say(&Event::NeedParents)?;
        let mut line = String::new();
        // The host says nothing else, so nothing is lost with the buffer.
        BufReader::new(&self.stdout)
            .take(MAX_ANSWER_BYTES)
            .read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}
