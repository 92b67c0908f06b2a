//! A body that a thread writes.

use std::io;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

/// Pieces that may wait for the client; a slower one slows the writer.
const AHEAD: usize = 16;
const PIECE: usize = 64 << 10;

/// Writes into the body of an answer, from a thread that may block.
#[derive(Debug, Clone)]
pub(crate) struct ChannelWriter {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl ChannelWriter {
    /// A writer, and the body that it writes.
    pub(crate) fn new() -> (Self, impl Stream<Item = io::Result<Bytes>> + Send + use<>) {
        let (pieces, receiver) = mpsc::channel(AHEAD);
        let writer = Self {
            pieces,
            buffer: Vec::new(),
        };
        let body = stream::unfold(receiver, |mut receiver| async {
            Some((receiver.recv().await?, receiver))
        });
        (writer, body)
    }

    /// Lets the body end with an error, so that its reader does not take it for whole.
    pub(crate) async fn break_off(self, error: io::Error) {
        let _ = self.pieces.send(Err(error)).await;
    }

    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the client has left");
        self.pieces.blocking_send(Ok(piece)).map_err(gone)
    }
}

impl io::Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.buffer.is_empty() {
            true => Ok(()),
            false => self.send(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_the_body_and_an_error_ends_it() {
        let (mut writer, body) = ChannelWriter::new();
        let failing = writer.clone();
        let written = tokio::task::spawn_blocking(move || {
            writer.write_all(&[7; 200_000])?;
            writer.flush()
        });
        let ended = tokio::spawn(async move {
            written.await.expect("it ends").expect("it is read");
            failing.break_off(io::Error::other("broken")).await;
        });
        let pieces: Vec<_> = body.collect().await;
        ended.await.expect("it ends");
        let bytes: usize = pieces.iter().flatten().map(Bytes::len).sum();
        assert_eq!(bytes, 200_000);
        assert!(pieces.last().is_some_and(Result::is_err));
    }
}
