//! A control connection: lines of JSON in both directions, never blocking.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use super::protocol::{Event, Failure, MAX_REQUEST_BYTES, Message, Reply, Request};

/// A host that does not read its answers and events is cut off at this.
const MAX_UNREAD_BYTES: usize = 4 << 20;
/// How much is read at once.
const READ_BYTES: usize = 4096;

/// One connected host.
#[derive(Debug)]
pub(super) struct Connection {
    /// Never used twice.
    pub(super) id: u64,
    /// Whether it receives events.
    pub(super) subscribed: bool,
    stream: UnixStream,
    input: Vec<u8>,
    input_ended: bool,
    output: Vec<u8>,
    closed: bool,
}

impl Connection {
    /// Takes the connection over.
    pub(super) fn new(id: u64, stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            id,
            subscribed: false,
            stream,
            input: Vec::new(),
            input_ended: false,
            output: Vec::new(),
            closed: false,
        })
    }

    /// For poll.
    pub(super) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Whether more requests may come.
    pub(super) fn reads(&self) -> bool {
        !self.input_ended
    }

    /// Whether answers wait for the host.
    pub(super) fn writes(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether it is to be dropped.
    pub(super) fn closed(&self) -> bool {
        self.closed
    }

    /// Ends it.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Reads what has arrived. A host that has ended its requests may still wait for answers.
    pub(super) fn read(&mut self) {
        let mut buffer = [0; READ_BYTES];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.input_ended = true,
                Ok(count) if self.input.len() + count <= MAX_REQUEST_BYTES => {
                    self.input.extend_from_slice(&buffer[..count]);
                    // What follows an attach request is another's input: take no more than lines.
                    if !self.input.contains(&b'\n') {
                        continue;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(_) | Err(_) => self.closed = true,
            }
            return;
        }
    }

    /// The next whole request. Yields an error text for a line that is none.
    pub(super) fn next_request(&mut self) -> Option<Result<Request, String>> {
        let end = self.input.iter().position(|&byte| byte == b'\n')?;
        let line: Vec<u8> = self.input.drain(..=end).collect();
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        Some(serde_json::from_slice(&line).map_err(|error| error.to_string()))
    }

    /// Answers a request.
    pub(super) fn answer(&mut self, id: u64, outcome: Result<Reply, Failure>) {
        self.send(&match outcome {
            Ok(reply) => Message::Done { id, reply },
            Err(error) => Message::Failed { id, error },
        });
    }

    /// Tells of an event, if the host wants to know.
    pub(super) fn tell(&mut self, event: &Event) {
        if self.subscribed {
            self.send(&Message::Event(event.clone()));
        }
    }

    /// Writes what the host takes.
    pub(super) fn flush(&mut self) {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(count) if count > 0 => drop(self.output.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => return self.closed = true,
            }
        }
        self.output = Vec::new();
    }

    /// Waits until the host has everything, but not for a host that does not read.
    pub(super) fn flush_at_last(&mut self) {
        let patience = Some(std::time::Duration::from_secs(1));
        if self.stream.set_nonblocking(false).is_ok()
            && self.stream.set_write_timeout(patience).is_ok()
        {
            self.flush();
        }
    }

    /// Gives the stream away, with what it has received beyond the last request; this end of it is
    /// closed.
    pub(super) fn hand_over(&mut self) -> io::Result<(UnixStream, Vec<u8>)> {
        self.closed = true;
        Ok((self.stream.try_clone()?, std::mem::take(&mut self.input)))
    }

    fn send(&mut self, message: &Message) {
        let start = self.output.len();
        serde_json::to_writer(&mut self.output, message).expect("messages are JSON");
        self.output.push(b'\n');
        if start == 0 {
            self.flush();
        }
        if self.output.len() > MAX_UNREAD_BYTES {
            self.closed = true;
        }
    }
}
