//! Results on their way to a client: files one by one, or a single one.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{sync::mpsc, time::timeout};

use super::Stat;
use crate::{
    Error, Result, Session,
    grpc::{Call, Receiving, Sending},
    messages::{BytesMessage, Empty, Packet, PacketKind},
};

const METHOD: &str = "/moby.filesync.v1.FileSend/DiffCopy";
/// Says which of several outputs this is, by its place among them.
const OUTPUT: &str = "buildkit-attachable-exporter-id";
/// A client may be slow, but one that takes nothing at all for so long is gone.
const STALLED: Duration = Duration::from_secs(120);
/// Pieces that are read before the client has taken them.
const AHEAD: usize = 16;
const PIECE: usize = 32 << 10;

/// Writes the bytes of a file; blocks.
pub type Source = Arc<dyn Fn(&mut dyn io::Write) -> io::Result<()> + Send + Sync>;

/// A file to send, with its bytes if it has any.
pub struct Offered {
    /// What it is.
    pub stat: Stat,
    /// Its bytes, as many as were said.
    pub source: Option<Source>,
}

/// Sends files, each after its folder, into a folder of the client; says how many bytes travelled.
///
/// # Errors
/// When the client cannot write them, leaves, takes nothing, or asks for what is not there; when a file cannot be read.
pub async fn send_files(session: &Session, output: usize, files: Vec<Offered>) -> Result<u64> {
    // Whatever the client does: it has to let something happen once in a while.
    send_patiently(session, output, files, STALLED).await
}

async fn send_patiently(
    session: &Session,
    output: usize,
    files: Vec<Offered>,
    patience: Duration,
) -> Result<u64> {
    let Call {
        mut sending,
        mut receiving,
    } = begin(session, output).await?;
    // Each file can be asked for once.
    let (asked, wanted) = mpsc::channel(files.len().max(1));
    let count = files.len();
    let outcome = {
        let reading = requests(&mut receiving, asked, count);
        let writing = answers(&mut sending, &files, wanted, patience);
        tokio::pin!(reading, writing);
        tokio::select! {
            read = &mut reading => match read {
                Ok(()) => writing.await,
                Err(error) => Err(error),
            },
            written = &mut writing => match written {
                // A client that ends the call says why on the other way.
                Err(Error::Broken(_) | Error::Left(_)) => {
                    let said = timeout(patience, reading).await;
                    said.unwrap_or(Err(Error::Stalled)).and(written)
                }
                other => other,
            }
        }
    };
    let bytes = outcome?;
    let finish = packet(PacketKind::Finish, 0);
    sending.send(&finish).await?;
    end(sending, receiving).await?;
    Ok(bytes)
}

/// Sends one file in pieces as they come; says how many bytes travelled.
///
/// # Errors
/// When the client cannot write it, leaves, or takes nothing.
pub async fn send_file(
    session: &Session,
    output: usize,
    mut pieces: mpsc::Receiver<Bytes>,
) -> Result<u64> {
    let Call {
        mut sending,
        receiving,
    } = begin(session, output).await?;
    let mut bytes = 0;
    while let Some(data) = pieces.recv().await {
        bytes += data.len() as u64;
        if let Err(error) = tell(&mut sending, &BytesMessage { data }).await {
            return Err(reason(receiving, error).await);
        }
    }
    end(sending, receiving).await?;
    Ok(bytes)
}

async fn begin(session: &Session, output: usize) -> Result<Call> {
    if !session.answers(METHOD) {
        return Err(Error::NoOutput);
    }
    let metadata = [(OUTPUT, output.to_string())];
    session.channel().call(METHOD, &metadata).await
}

/// Ends the call, and waits until the client has written all of it.
async fn end(mut sending: Sending, mut receiving: Receiving) -> Result<()> {
    // A client that has ended the call before says how.
    let _ = sending.end();
    let done = async {
        while receiving.next::<BytesMessage>().await?.is_some() {}
        Ok(())
    };
    timeout(STALLED, done).await.unwrap_or(Err(Error::Stalled))
}

/// Why a client takes no more.
async fn reason(mut receiving: Receiving, error: Error) -> Error {
    let told = async {
        loop {
            match receiving.next::<Empty>().await {
                Ok(Some(_)) | Err(Error::Malformed(_)) => {}
                Ok(None) => return None,
                Err(reason) => return Some(reason),
            }
        }
    };
    timeout(STALLED, told).await.ok().flatten().unwrap_or(error)
}

async fn tell(sending: &mut Sending, message: &impl prost::Message) -> Result<()> {
    let sent = timeout(STALLED, sending.send(message)).await;
    sent.unwrap_or(Err(Error::Stalled))
}

/// Hands on what a client asks for, until it has all.
async fn requests(
    receiving: &mut Receiving,
    asked: mpsc::Sender<usize>,
    count: usize,
) -> Result<()> {
    let mut seen = vec![false; count];
    while let Some(packet) = receiving.next::<Packet>().await? {
        match PacketKind::try_from(packet.kind) {
            Ok(PacketKind::Request) => {
                let id = packet.id as usize;
                match seen.get_mut(id) {
                    Some(seen) if !*seen => *seen = true,
                    _ => return Err(out_of_order("a request for no file", &packet)),
                }
                let _ = asked.send(id).await;
            }
            Ok(PacketKind::Finish) => return Ok(()),
            Ok(PacketKind::Error) => {
                let text = String::from_utf8_lossy(&packet.data);
                return Err(Error::Unwritten(text.chars().take(500).collect()));
            }
            _ => return Err(out_of_order("something that nobody asked for", &packet)),
        }
    }
    Err(Error::Left("taking a result".to_owned()))
}

/// Lists the files, and sends those that are asked for.
async fn answers(
    sending: &mut Sending,
    files: &[Offered],
    mut wanted: mpsc::Receiver<usize>,
    patience: Duration,
) -> Result<u64> {
    for file in files {
        let stat = Packet {
            stat: Some(file.stat.clone()),
            ..packet(PacketKind::Stat, 0)
        };
        tell(sending, &stat).await?;
    }
    tell(sending, &packet(PacketKind::Stat, 0)).await?;
    let mut bytes = 0;
    loop {
        let next = timeout(patience, wanted.recv()).await;
        let Some(id) = next.map_err(|_| Error::Stalled)? else {
            return Ok(bytes);
        };
        if let Some(source) = &files[id].source {
            bytes += file(sending, id, Arc::clone(source)).await?;
        }
        let id = u32::try_from(id).unwrap_or(u32::MAX);
        tell(sending, &packet(PacketKind::Data, id)).await?;
    }
}

async fn file(sending: &mut Sending, id: usize, source: Source) -> Result<u64> {
    let (mut writer, mut pieces) = Pieces::new();
    let reading = tokio::task::spawn_blocking(move || {
        source(&mut writer)?;
        io::Write::flush(&mut writer)
    });
    let mut bytes = 0;
    let id = u32::try_from(id).unwrap_or(u32::MAX);
    while let Some(data) = pieces.recv().await {
        bytes += data.len() as u64;
        let data = Packet {
            data,
            ..packet(PacketKind::Data, id)
        };
        tell(sending, &data).await?;
    }
    let read = reading.await.map_err(io::Error::other);
    let read = read.and_then(|read| read);
    read.map_err(Error::io("read a file of the result"))?;
    Ok(bytes)
}

fn packet(kind: PacketKind, id: u32) -> Packet {
    Packet {
        kind: kind.into(),
        id,
        ..Packet::default()
    }
}

fn out_of_order(what: &'static str, packet: &Packet) -> Error {
    let path = format!("packet {} of file {}", packet.kind, packet.id);
    Error::Files { what, path }
}

/// A writer, for a thread that may block, whose bytes come out in pieces.
#[derive(Debug)]
pub struct Pieces {
    to: mpsc::Sender<Bytes>,
    buffer: Vec<u8>,
}

impl Pieces {
    /// A writer, and what comes out.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Bytes>) {
        let (to, pieces) = mpsc::channel(AHEAD);
        let buffer = Vec::with_capacity(PIECE);
        (Self { to, buffer }, pieces)
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE - self.buffer.len();
        let taken = &bytes[..room.min(bytes.len())];
        self.buffer.extend_from_slice(taken);
        if self.buffer.len() == PIECE {
            self.flush()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the client has left");
        self.to.blocking_send(piece.into()).map_err(gone)
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::grpc::{Incoming, serve};

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        tokio::spawn(serve(theirs, CancellationToken::new(), |call: Incoming| {
            call.stream(|_receiving, _outgoing| std::future::pending())
        }));
        let session = Session::open(ours, [METHOD.to_owned()]).await;
        let session = session.expect("both speak HTTP/2");
        let offered = Offered {
            stat: Stat::default(),
            source: None,
        };
        let sent = send_patiently(&session, 0, vec![offered], Duration::from_millis(20)).await;
        assert!(matches!(sent, Err(Error::Stalled)), "{sent:?}");
    }
}
