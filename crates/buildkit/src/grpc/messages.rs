//! Messages on a stream of HTTP/2: a flag, a length, and the bytes.

use std::future::poll_fn;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use h2::{RecvStream, SendStream, client::ResponseFuture};
use prost::Message;

use super::Status;
use crate::{Error, Result};

/// No message that BuildKit knows is nearly as long.
const LONGEST: usize = 16 << 20;
const HEAD: usize = 5;

/// The way to the other side.
#[derive(Debug)]
pub struct Sending {
    stream: SendStream<Bytes>,
}

impl Sending {
    pub(super) fn new(stream: SendStream<Bytes>) -> Self {
        Self { stream }
    }

    /// Sends a message, as soon as the other side has room for it.
    ///
    /// # Errors
    /// When the other side is gone.
    pub async fn send(&mut self, message: &impl Message) -> Result<()> {
        self.send_bytes(&message.encode_to_vec()).await
    }

    pub(super) async fn send_bytes(&mut self, message: &[u8]) -> Result<()> {
        let length = message.len();
        let mut bytes = BytesMut::with_capacity(HEAD + length);
        bytes.put_u8(0);
        bytes.put_u32(u32::try_from(length).map_err(|_| Error::TooLarge(length))?);
        bytes.put_slice(message);
        let mut bytes = bytes.freeze();
        while bytes.has_remaining() {
            self.stream.reserve_capacity(bytes.len());
            let room = poll_fn(|context| self.stream.poll_capacity(context)).await;
            let room = room.ok_or_else(|| Error::Left("a call".to_owned()))??;
            let piece = bytes.split_to(room.min(bytes.len()));
            self.stream.send_data(piece, false)?;
        }
        Ok(())
    }

    /// Says that nothing comes any more.
    ///
    /// # Errors
    /// When the other side is gone.
    pub fn end(&mut self) -> Result<()> {
        Ok(self.stream.send_data(Bytes::new(), true)?)
    }

    /// Ends an answer with how it went.
    pub(super) fn finish(&mut self, status: &Status) {
        // A client that has left needs no end.
        let _ = self.stream.send_trailers(status.trailers());
    }

    /// Waits until the other side has lost interest.
    pub(super) async fn abandoned(&mut self) {
        let _ = poll_fn(|context| self.stream.poll_reset(context)).await;
    }
}

#[derive(Debug)]
enum Source {
    /// The answer has not begun.
    Ahead(ResponseFuture),
    Open(RecvStream),
    Done,
}

/// The way from the other side.
#[derive(Debug)]
pub struct Receiving {
    method: String,
    source: Source,
    buffer: BytesMut,
    /// Whether an answer is read, which ends with a status.
    is_answer: bool,
}

impl Receiving {
    pub(super) fn of_answer(method: String, answer: ResponseFuture) -> Self {
        Self {
            method,
            source: Source::Ahead(answer),
            buffer: BytesMut::new(),
            is_answer: true,
        }
    }

    pub(super) fn of_request(method: String, stream: RecvStream) -> Self {
        Self {
            method,
            source: Source::Open(stream),
            buffer: BytesMut::new(),
            is_answer: false,
        }
    }

    /// The next message; nothing at a good end.
    ///
    /// # Errors
    /// When the other side says so, leaves, or sends what is no message of this kind.
    pub async fn next<M: Message + Default>(&mut self) -> Result<Option<M>> {
        Ok(match self.bytes().await? {
            Some(bytes) => Some(M::decode(bytes)?),
            None => None,
        })
    }

    async fn bytes(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(message) = self.whole()? {
                return Ok(Some(message));
            }
            match &mut self.source {
                Source::Done => return Ok(None),
                Source::Ahead(answer) => {
                    let (head, body) = answer.await?.into_parts();
                    self.source = Source::Open(body);
                    if let Some(status) = Status::of(&head.headers) {
                        return self.ended(Some(status));
                    }
                    if head.status != http::StatusCode::OK {
                        let status = Status::new(Status::UNKNOWN, head.status.to_string());
                        return self.ended(Some(status));
                    }
                }
                Source::Open(body) => match body.data().await {
                    Some(piece) => {
                        let piece = piece?;
                        self.buffer.extend_from_slice(&piece);
                        body.flow_control().release_capacity(piece.len())?;
                    }
                    None => {
                        let trailers = body.trailers().await?;
                        return self.ended(trailers.as_ref().and_then(Status::of));
                    }
                },
            }
        }
    }

    fn ended(&mut self, status: Option<Status>) -> Result<Option<Bytes>> {
        self.source = Source::Done;
        let method = self.method.clone();
        if !self.buffer.is_empty() {
            return Err(Error::Left(method));
        }
        match status {
            Some(status) if status.code != Status::OK => Err(Error::Refused { method, status }),
            None if self.is_answer => Err(Error::Left(method)),
            _ => Ok(None),
        }
    }

    /// A message that has come whole.
    fn whole(&mut self) -> Result<Option<Bytes>> {
        if self.buffer.len() < HEAD {
            return Ok(None);
        }
        if self.buffer[0] != 0 {
            return Err(Error::Compressed);
        }
        let length = (&self.buffer[1..HEAD]).get_u32() as usize;
        if length > LONGEST {
            return Err(Error::TooLarge(length));
        }
        if self.buffer.len() < HEAD + length {
            return Ok(None);
        }
        self.buffer.advance(HEAD);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }
}
