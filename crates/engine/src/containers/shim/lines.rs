//! Lines of JSON, in and out.

use std::{io, sync::Arc};

use terrarium_runtime::shim::protocol::{Event, Message, Request};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    net::unix::OwnedReadHalf,
    sync::mpsc,
};

use super::{Answer, Waiting};
use crate::{Result, error::Context as _};

/// A request as a line.
pub(super) fn write(request: &Request) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(request).context(|| "write a request".to_owned())?;
    line.push(b'\n');
    Ok(line)
}

/// Hands answers to those who wait and events to `events`, until the connection ends.
pub(super) async fn read(
    reader: OwnedReadHalf,
    waiting: Arc<Waiting>,
    events: mpsc::Sender<Event>,
) {
    let mut reader = BufReader::new(reader);
    loop {
        match message(&mut reader).await {
            Ok(Some(Message::Done { id, reply })) => waiting.answer(id, Ok(reply)),
            Ok(Some(Message::Failed { id, error })) => waiting.answer(id, Err(error)),
            Ok(Some(Message::Event(event))) => {
                // Nobody listens any more; answers may still be waited for.
                let _ = events.send(event).await;
            }
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "a shim broke the protocol");
                break;
            }
        }
    }
    waiting.close();
}

/// The first answer on a connection; none if it ends.
pub(super) async fn answer(
    reader: &mut BufReader<impl AsyncRead + Unpin>,
) -> io::Result<Option<Answer>> {
    loop {
        match message(reader).await? {
            Some(Message::Done { reply, .. }) => return Ok(Some(Ok(reply))),
            Some(Message::Failed { error, .. }) => return Ok(Some(Err(error))),
            Some(Message::Event(_)) => {}
            None => return Ok(None),
        }
    }
}

async fn message(reader: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Option<Message>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&line)?))
}
