//! What one attached client has yet to receive: frames, up to a limit.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::rc::Rc;

use super::protocol::{FRAME_HEAD_BYTES, Stream};

/// A client is behind when more than this waits for it.
const LIMIT_BYTES: usize = 1 << 20;
/// Frames that go out with one system call.
const FRAMES_A_WRITE: usize = 16;

/// A queue of frames; payloads are shared among clients.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    frames: VecDeque<Frame>,
    /// Bytes of the first frame that are already out.
    sent: usize,
    /// Sum of the frames' sizes, less what is out.
    waiting: usize,
}

#[derive(Debug)]
struct Frame {
    head: Option<[u8; FRAME_HEAD_BYTES]>,
    payload: Rc<[u8]>,
    /// Of a notice: how many bytes of output it stands for.
    skipped: u64,
}

impl Frame {
    fn new(stream: Stream, payload: Rc<[u8]>) -> Self {
        let length = u32::try_from(payload.len()).expect("a chunk of output is small");
        let mut head = [0; FRAME_HEAD_BYTES];
        head[0] = stream as u8;
        head[4..].copy_from_slice(&length.to_be_bytes());
        Self {
            head: Some(head),
            payload,
            skipped: 0,
        }
    }

    fn notice(skipped: u64) -> Self {
        let text = skipped.to_string();
        Self {
            skipped,
            ..Self::new(Stream::Notice, Rc::from(text.as_bytes()))
        }
    }

    fn len(&self) -> usize {
        self.payload.len() + self.head.map_or(0, |head| head.len())
    }

    /// How much output is gone if this frame is.
    fn output_bytes(&self) -> u64 {
        if self.skipped > 0 {
            self.skipped
        } else {
            self.payload.len() as u64
        }
    }
}

impl Backlog {
    /// Queues bytes outside of any frame: the line before the first one.
    pub(super) fn push_raw(&mut self, bytes: &[u8]) {
        self.push_frame(Frame {
            head: None,
            payload: Rc::from(bytes),
            skipped: 0,
        });
    }

    /// Queues output.
    pub(super) fn push(&mut self, stream: Stream, payload: &Rc<[u8]>) {
        self.push_frame(Frame::new(stream, Rc::clone(payload)));
    }

    /// Whether the client is behind.
    pub(super) fn is_full(&self) -> bool {
        self.waiting >= LIMIT_BYTES
    }

    /// Whether there is nothing to hand over.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Drops the oldest frames until the client is no longer behind, and puts a notice in their
    /// place. A frame of which a part is out stays: its length has been announced.
    pub(super) fn skip_oldest(&mut self) {
        let place = usize::from(self.sent > 0);
        let mut skipped = 0;
        while self.is_full() {
            let Some(frame) = self.frames.remove(place) else {
                break;
            };
            self.waiting -= frame.len();
            skipped += frame.output_bytes();
        }
        // Room for the notice was made by what it replaces.
        if skipped > 0 {
            let notice = Frame::notice(skipped);
            self.waiting += notice.len();
            self.frames.insert(place, notice);
        }
    }

    /// Writes as much as `client` takes; yields how much that was.
    ///
    /// # Errors
    /// Those of the client, `WouldBlock` excepted.
    pub(super) fn write_to(&mut self, client: &mut impl Write) -> io::Result<usize> {
        let mut total = 0;
        while !self.frames.is_empty() {
            match client.write_vectored(&self.slices()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.advance(count);
                    total += count;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.frames.is_empty() {
            // An idle client keeps no memory of its last burst.
            self.frames.shrink_to(FRAMES_A_WRITE);
        }
        Ok(total)
    }

    fn push_frame(&mut self, frame: Frame) {
        self.waiting += frame.len();
        self.frames.push_back(frame);
    }

    fn slices(&self) -> Vec<IoSlice<'_>> {
        let mut sent = self.sent;
        let mut slices = Vec::with_capacity(2 * FRAMES_A_WRITE);
        for frame in self.frames.iter().take(FRAMES_A_WRITE) {
            let head = frame.head.as_ref().map_or(&[][..], |head| &head[..]);
            let of_head = sent.min(head.len());
            slices.push(IoSlice::new(&head[of_head..]));
            slices.push(IoSlice::new(&frame.payload[sent - of_head..]));
            sent = 0;
        }
        slices
    }

    fn advance(&mut self, count: usize) {
        self.waiting -= count;
        self.sent += count;
        while let Some(frame) = self.frames.front()
            && self.sent >= frame.len()
        {
            self.sent -= frame.len();
            self.frames.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `room` bytes, then would block.
    struct Client {
        taken: Vec<u8>,
        room: usize,
    }

    impl Write for Client {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.taken.extend_from_slice(&bytes[..count]);
            self.room -= count;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// (stream, payload) of each frame; panics on a torn one.
    fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            let length = u32::from_be_bytes(bytes[4..8].try_into().unwrap()) as usize;
            frames.push((bytes[0], bytes[8..8 + length].to_vec()));
            bytes = &bytes[8 + length..];
        }
        frames
    }

    #[test]
    fn frames_survive_a_client_that_takes_a_few_bytes_at_a_time() {
        for room in [1, 3, 8, 9, 1000] {
            let mut backlog = Backlog::default();
            let mut client = Client {
                taken: Vec::new(),
                room: 0,
            };
            for number in 0..50_u8 {
                backlog.push(Stream::Stderr, &Rc::from(vec![number; usize::from(number)]));
                client.room = room;
                backlog.write_to(&mut client).unwrap();
            }
            client.room = usize::MAX;
            backlog.write_to(&mut client).unwrap();
            let expect: Vec<_> = (0..50_u8)
                .map(|number| (2, vec![number; usize::from(number)]))
                .collect();
            assert_eq!(frames(&client.taken), expect, "{room} bytes at a time");
            assert_eq!((backlog.waiting, backlog.sent), (0, 0));
        }
    }

    #[test]
    fn a_notice_stands_for_exactly_the_bytes_that_were_skipped() {
        let mut backlog = Backlog::default();
        let mut client = Client {
            taken: Vec::new(),
            room: 10,
        };
        let chunk: Rc<[u8]> = Rc::from(vec![b'x'; 60_000]);
        for _ in 0..100 {
            backlog.push(Stream::Stdout, &chunk);
            backlog.write_to(&mut client).unwrap();
            if backlog.is_full() {
                backlog.skip_oldest();
            }
            assert!(backlog.waiting < LIMIT_BYTES);
        }
        client.room = usize::MAX;
        backlog.write_to(&mut client).unwrap();
        let frames = frames(&client.taken);
        let notices: Vec<_> = frames.iter().filter(|(stream, _)| *stream == 3).collect();
        assert_eq!(notices.len(), 1);
        let skipped: usize = String::from_utf8(notices[0].1.clone())
            .unwrap()
            .parse()
            .unwrap();
        let received: usize = frames
            .iter()
            .filter(|(stream, _)| *stream == 1)
            .map(|(_, bytes)| bytes.len())
            .sum();
        assert_eq!(skipped + received, 100 * 60_000);
        assert!(
            frames[0].0 == 1,
            "the frame that was begun is finished first"
        );
    }
}
