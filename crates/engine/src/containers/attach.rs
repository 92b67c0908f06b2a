//! Joining the streams of processes.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use terrarium_runtime::shim::protocol::{Attach, Call, Lag, Target};
use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, ReadBuf},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::oneshot,
};

use super::{
    container::Container,
    not_running,
    shim::{Shim, Streams},
};
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

/// A client that waits for the start.
#[derive(Debug)]
pub(crate) struct Pending {
    attach: Attach,
    output: oneshot::Sender<BufReader<OwnedReadHalf>>,
    input: oneshot::Sender<OwnedWriteHalf>,
}

impl Attached {
    /// Streams that are there.
    pub(super) fn open((reader, writer): Streams, terminal: bool) -> Self {
        Self {
            terminal,
            output: Output(Late::Open(reader)),
            input: Input(Late::Open(writer)),
        }
    }

    /// Streams that will be there.
    fn waiting(attach: Attach, terminal: bool) -> (Self, Pending) {
        let (output, later_output) = oneshot::channel();
        let (input, later_input) = oneshot::channel();
        let attached = Self {
            terminal,
            output: Output(Late::Waiting(later_output)),
            input: Input(Late::Waiting(later_input)),
        };
        let pending = Pending {
            attach,
            output,
            input,
        };
        (attached, pending)
    }
}

impl Engine {
    /// Connects to the streams of a container's main process. Before its start too: then not a byte
    /// of its output is missed.
    ///
    /// # Errors
    /// `NoSuchContainer`.
    pub async fn attach_container(&self, request: AttachContainer) -> Result<Attached> {
        let container = self.inner.containers.find(&request.container)?;
        let attach = Attach {
            target: Target::Init,
            stdin: request.stdin,
            stdout: request.stdout,
            stderr: request.stderr,
            lag: Lag::Pace,
        };
        // Asked and enlisted under one lock: a start comes before or after, never between.
        let (shim, attached, terminal) = {
            let mut state = container.state();
            let terminal = state.record.request.terminal;
            match &state.live {
                Some(live) => (Some(Arc::clone(&live.shim)), None, terminal),
                None => {
                    let (attached, pending) = Attached::waiting(attach.clone(), terminal);
                    state.pending.push(pending);
                    (None, Some(attached), terminal)
                }
            }
        };
        let attached = match (shim, attached) {
            (Some(shim), _) => Attached::open(shim.attach(attach).await?, terminal),
            (None, Some(attached)) => attached,
            (None, None) => return Err(not_running(&request.container)),
        };
        self.container_event(&container, "attach", &[]);
        Ok(attached)
    }

    /// Joins those who wait for the start to the container that is about to.
    pub(super) async fn attach_pending(&self, container: &Container, shim: &Shim) {
        let pending = std::mem::take(&mut container.state().pending);
        // Who is gone by now is not waited for.
        for client in pending
            .into_iter()
            .filter(|client| !client.output.is_closed())
        {
            match shim.attach(client.attach).await {
                Ok((reader, writer)) => {
                    // A half that nobody wants any more closes.
                    let _ = client.output.send(reader);
                    let _ = client.input.send(writer);
                }
                Err(error) => {
                    tracing::warn!(container_id = %container.id, %error, "a client is not attached");
                }
            }
        }
    }

    /// Joins those who came between: after the waiting ones were joined, before it ran.
    pub(super) fn attach_late(&self, container: &Arc<Container>, shim: &Arc<Shim>) {
        if container.state().pending.is_empty() {
            return;
        }
        let (engine, container, shim) = (self.clone(), Arc::clone(container), Arc::clone(shim));
        tokio::spawn(async move { engine.attach_pending(&container, &shim).await });
    }

    /// Tells the terminal of a container its size.
    ///
    /// # Errors
    /// `WrongState` when it does not run on a terminal.
    pub async fn resize_container(&self, name: &str, rows: u16, cols: u16) -> Result<()> {
        let container = self.inner.containers.find(name)?;
        let Some(shim) = container.shim() else {
            // Clients say their size while the container starts: it begins with that.
            let mut state = container.state();
            if state.record.request.terminal {
                state.record.request.console_size = Some((rows, cols));
                return Ok(());
            }
            return Err(not_running(&state.record.name));
        };
        let target = Target::Init;
        shim.command(Call::Resize { target, rows, cols }).await?;
        let size = [("height", rows.to_string()), ("width", cols.to_string())];
        self.container_event(&container, "resize", &size);
        Ok(())
    }
}
