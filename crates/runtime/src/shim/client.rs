//! An attached client: frames to it, standard input from it.

use std::io::{self, Read};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::output::Progress;
use super::protocol::{Attach, Lag, Stream};

/// A client that is behind and takes nothing for so long is cut off.
const STALL: Duration = Duration::from_secs(30);

/// One attached client.
#[derive(Debug)]
pub(super) struct Client {
    stream: UnixStream,
    attach: Attach,
    backlog: Backlog,
    input_open: bool,
    /// Since when it is behind and has taken nothing.
    stalled_since: Option<Instant>,
    /// Nothing more will be queued.
    finished: bool,
    /// It takes nothing more; what it sent before may still be read.
    hung_up: bool,
}

impl Client {
    /// Greets a client with the answer to its request.
    pub(super) fn new(stream: UnixStream, attach: Attach, answer: &[u8]) -> Self {
        let mut client = Self {
            stream,
            input_open: attach.stdin,
            attach,
            backlog: Backlog::default(),
            stalled_since: None,
            finished: false,
            hung_up: false,
        };
        client.backlog.push_raw(answer);
        client.flush();
        client
    }

    /// For poll. A client that has hung up is always ready, so it is left out until its input can
    /// be read.
    pub(super) fn stream(&self, input_has_room: bool) -> Option<&UnixStream> {
        (!self.hung_up || input_has_room).then_some(&self.stream)
    }

    /// Whether input may come.
    pub(super) fn reads(&self) -> bool {
        self.input_open
    }

    /// Whether output waits for it.
    pub(super) fn writes(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Whether it is to be dropped.
    pub(super) fn gone(&self) -> bool {
        (self.hung_up && !self.input_open) || (self.finished && self.backlog.is_empty())
    }

    /// Whether it receives this stream.
    pub(super) fn wants(&self, stream: Stream) -> bool {
        match stream {
            Stream::Stdout => self.attach.stdout,
            Stream::Stderr => self.attach.stderr,
            Stream::Notice => false,
        }
    }

    /// Whether the target is to wait for it before writing more to this stream.
    pub(super) fn paces(&self, stream: Stream) -> bool {
        self.attach.lag == Lag::Pace && self.wants(stream) && self.backlog.is_full()
    }

    /// Queues output and hands over what the client takes.
    pub(super) fn push(&mut self, stream: Stream, payload: &Rc<[u8]>) {
        if self.hung_up {
            return;
        }
        self.backlog.push(stream, payload);
        self.flush();
        if self.backlog.is_full() && self.attach.lag == Lag::Skip {
            self.backlog.skip_oldest();
        }
    }

    /// Hands over what the client takes.
    pub(super) fn flush(&mut self) {
        match self.backlog.write_to(&mut self.stream) {
            Err(_) => self.hang_up(),
            Ok(0) if self.backlog.is_full() && self.attach.lag == Lag::Pace => {
                self.stalled_since.get_or_insert_with(Instant::now);
            }
            Ok(_) => self.stalled_since = None,
        }
    }

    /// Reads input.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Progress {
        loop {
            return match self.stream.read(buffer) {
                Ok(0) => self.end_input(),
                Ok(count) => Progress::Data(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Progress::Empty,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => self.end_input(),
            };
        }
    }

    /// The other side takes nothing more.
    pub(super) fn hang_up(&mut self) {
        self.hung_up = true;
        self.backlog = Backlog::default();
        self.stalled_since = None;
    }

    /// True once, if the client's input had not ended by itself.
    pub(super) fn abandon_input(&mut self) -> bool {
        std::mem::take(&mut self.input_open)
    }

    /// No more output comes: it is closed when it has what is queued.
    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    /// When patience with it ends.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.stalled_since.map(|since| since + STALL)
    }

    /// Cuts it off if patience has ended.
    pub(super) fn check_stall(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            let _ = self.stream.shutdown(Shutdown::Both);
            self.hang_up();
        }
    }

    fn end_input(&mut self) -> Progress {
        self.input_open = false;
        Progress::End
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shim::protocol::Target;

    fn attached(lag: Lag) -> (Client, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let attach = Attach {
            target: Target::Init,
            stdin: true,
            stdout: true,
            stderr: false,
            lag,
        };
        (Client::new(ours, attach, b"hello\n"), theirs)
    }

    fn flood(client: &mut Client) {
        let chunk: Rc<[u8]> = Rc::from(vec![b'x'; 64 * 1024]);
        for _ in 0..64 {
            client.push(Stream::Stdout, &chunk);
        }
    }

    #[test]
    fn a_client_that_takes_nothing_paces_until_patience_ends() {
        let (mut client, _theirs) = attached(Lag::Pace);
        flood(&mut client);
        client.flush();
        assert!(client.paces(Stream::Stdout) && !client.paces(Stream::Stderr));
        let deadline = client.deadline().unwrap();
        client.check_stall(deadline - Duration::from_millis(1));
        assert!(client.paces(Stream::Stdout));
        client.check_stall(deadline);
        assert!(!client.paces(Stream::Stdout));
        assert_eq!(client.read(&mut [0; 8]), Progress::End);
        assert!(client.gone());
    }

    #[test]
    fn a_client_that_takes_something_is_given_time_anew() {
        let (mut client, mut theirs) = attached(Lag::Pace);
        flood(&mut client);
        client.flush();
        assert!(client.deadline().is_some());
        theirs.read_exact(&mut vec![0; 128 * 1024]).unwrap();
        client.flush();
        assert!(client.deadline().is_none() && client.paces(Stream::Stdout));
    }

    #[test]
    fn a_client_that_skips_never_paces() {
        let (mut client, _theirs) = attached(Lag::Skip);
        flood(&mut client);
        assert!(!client.paces(Stream::Stdout) && client.deadline().is_none());
    }

    #[test]
    fn what_a_client_sent_before_it_hung_up_is_read() {
        let (mut client, theirs) = attached(Lag::Pace);
        std::io::Write::write_all(&mut &theirs, b"last words").unwrap();
        drop(theirs);
        client.hang_up();
        assert!(client.reads() && !client.gone());
        let mut buffer = [0; 64];
        assert_eq!(client.read(&mut buffer), Progress::Data(10));
        assert_eq!(client.read(&mut buffer), Progress::End);
        assert!(client.gone());
    }
}
