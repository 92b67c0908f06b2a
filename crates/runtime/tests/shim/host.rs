//! A tiny blocking host: one request at a time, events kept aside.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use terrarium_runtime::shim::protocol::{
    Attach, CREATE_ID, Call, Event, ExitStatus, FRAME_HEAD_BYTES, Failure, Lag, Message, Reply,
    Request, Target,
};

/// Longer than anything takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A control connection.
pub(crate) struct Host {
    stream: BufReader<UnixStream>,
    next_id: u64,
    events: VecDeque<Event>,
}

impl Host {
    pub(crate) fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream: BufReader::new(stream),
            next_id: CREATE_ID + 1,
            events: VecDeque::new(),
        }
    }

    pub(crate) fn created(&mut self) -> Result<Reply, Failure> {
        self.answer_to(CREATE_ID)
    }

    pub(crate) fn send(&mut self, call: Call) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let mut line = serde_json::to_vec(&Request { id, call }).unwrap();
        line.push(b'\n');
        self.stream.get_mut().write_all(&line).unwrap();
        id
    }

    pub(crate) fn answer_to(&mut self, wanted: u64) -> Result<Reply, Failure> {
        loop {
            match self.message() {
                Message::Done { id, reply } if id == wanted => return Ok(reply),
                Message::Failed { id, error } if id == wanted => return Err(error),
                Message::Event(event) => self.events.push_back(event),
                other => panic!("expected an answer to {wanted}, got {other:?}"),
            }
        }
    }

    pub(crate) fn call(&mut self, call: Call) -> Result<Reply, Failure> {
        let id = self.send(call);
        self.answer_to(id)
    }

    pub(crate) fn wait(&mut self, target: Target) -> ExitStatus {
        match self.call(Call::Wait { target }) {
            Ok(Reply::Exited(status)) => status,
            other => panic!("wait: {other:?}"),
        }
    }

    pub(crate) fn event(&mut self) -> Event {
        if let Some(event) = self.events.pop_front() {
            return event;
        }
        match self.message() {
            Message::Event(event) => event,
            other => panic!("expected an event, got {other:?}"),
        }
    }

    fn message(&mut self) -> Message {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the shim answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }
}

/// Everything to and from init.
pub(crate) fn everything(target: Target) -> Attach {
    Attach {
        target,
        stdin: true,
        stdout: true,
        stderr: true,
        lag: Lag::Pace,
    }
}

/// An attached connection.
pub(crate) struct Attached(UnixStream);

/// What an attached client has received.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) skipped: u64,
}

impl Attached {
    pub(crate) fn new(mut stream: UnixStream, attach: Attach) -> Result<Self, Failure> {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut line = serde_json::to_vec(&Request {
            id: 1,
            call: Call::Attach(attach),
        })
        .unwrap();
        line.push(b'\n');
        stream.write_all(&line).unwrap();
        let mut answer = Vec::new();
        while answer.last() != Some(&b'\n') {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        match serde_json::from_slice(&answer).unwrap() {
            Message::Done {
                reply: Reply::Attached,
                ..
            } => Ok(Self(stream)),
            Message::Failed { error, .. } => Err(error),
            other => panic!("expected to be attached, got {other:?}"),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    pub(crate) fn end_input(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }

    /// The next frame; None at the end.
    pub(crate) fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; FRAME_HEAD_BYTES];
        if self.0.read(&mut head[..1]).unwrap() == 0 {
            return None;
        }
        self.0.read_exact(&mut head[1..]).unwrap();
        let mut payload = vec![0; u32::from_be_bytes(head[4..].try_into().unwrap()) as usize];
        self.0.read_exact(&mut payload).unwrap();
        Some((head[0], payload))
    }

    /// Reads until standard output holds `text`.
    pub(crate) fn read_until(&mut self, text: &str) -> String {
        let mut seen = String::new();
        while !seen.contains(text) {
            let (_, payload) = self
                .frame()
                .unwrap_or_else(|| panic!("no {text:?} in {seen:?}"));
            seen += &String::from_utf8_lossy(&payload);
        }
        seen
    }

    /// Reads to the end.
    pub(crate) fn read_all(&mut self) -> Received {
        let mut received = Received::default();
        while let Some((stream, payload)) = self.frame() {
            match stream {
                1 => received.stdout.extend(payload),
                2 => received.stderr.extend(payload),
                3 => {
                    received.skipped += String::from_utf8(payload).unwrap().parse::<u64>().unwrap()
                }
                other => panic!("stream {other}"),
            }
        }
        received
    }
}
