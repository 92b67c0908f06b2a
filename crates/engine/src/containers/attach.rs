use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, ReadBuf},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::oneshot,
};

use super::unsupported;
use crate::{Engine, Result};

/// What to attach to, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachContainer {
    /// Id, prefix or name.
    pub container: String,
    /// Input is sent.
    pub stdin: bool,
    /// Standard output is received.
    pub stdout: bool,
    /// Standard error is received.
    pub stderr: bool,
}

/// The streams of a process, from its next byte on.
#[derive(Debug)]
pub struct Attached {
    /// The process is on a terminal: all output is in frames of stream 1.
    pub terminal: bool,
    /// Its output, in frames: stream number, three zero bytes, big-endian length, payload.
    pub output: Output,
    /// Its input, raw; `shutdown` ends it.
    pub input: Input,
}

/// Output of a process. Waits, if the process was attached to before its start, until it starts;
/// ends if the start fails.
#[derive(Debug)]
pub struct Output(Late<BufReader<OwnedReadHalf>>);

/// Input of a process, with the same patience as [`Output`].
#[derive(Debug)]
pub struct Input(Late<OwnedWriteHalf>);

/// A half of a connection that may still have to be made.
#[derive(Debug)]
enum Late<T> {
    Waiting(oneshot::Receiver<T>),
    Open(T),
    Gone,
}

impl<T: Unpin> Late<T> {
    /// The half, once it is there; none if it will never be.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Option<Pin<&mut T>>> {
        if let Self::Waiting(receiver) = self {
            let received = std::task::ready!(Pin::new(receiver).poll(cx));
            *self = received.map_or(Self::Gone, Self::Open);
        }
        Poll::Ready(match self {
            Self::Open(half) => Some(Pin::new(half)),
            _ => None,
        })
    }
}

impl AsyncRead for Output {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match std::task::ready!(self.0.poll_open(cx)) {
            Some(half) => half.poll_read(cx, buffer),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Input {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match std::task::ready!(self.0.poll_open(cx)) {
            Some(half) => half.poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match std::task::ready!(self.0.poll_open(cx)) {
            Some(half) => half.poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match std::task::ready!(self.0.poll_open(cx)) {
            Some(half) => half.poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl Engine {
    /// Connects to the streams of a container's main process. Before its start too: then not a byte
    /// of its output is missed.
    ///
    /// # Errors
    /// `NoSuchContainer`.
    pub async fn attach_container(&self, request: AttachContainer) -> Result<Attached> {
        unsupported("attach to", &request.container)
    }

    /// Tells the terminal of a container its size.
    ///
    /// # Errors
    /// `WrongState` when it does not run on a terminal.
    pub async fn resize_container(&self, name: &str, rows: u16, cols: u16) -> Result<()> {
        let _ = (rows, cols);
        unsupported("resize", name)
    }
}
