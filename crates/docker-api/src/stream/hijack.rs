//! Connections that become the raw streams of a process.
//!
//! With `Upgrade: tcp` the server answers 101 and the connection carries bytes both ways. Without
//! it, output is a body that ends with the connection, and input is the body of the request.

use std::{io, os::fd::AsFd as _, pin::Pin, time::Duration};

use axum::{
    body::{Body, HttpBody as _},
    extract::Request,
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, StatusCode, Version, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use terrarium_sys::unread::unread_by_peer;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::UnixStream,
};
use tokio_util::sync::CancellationToken;

use super::{Deframer, DetachKeys};
use crate::request::ApiVersion;

/// Bytes that are moved at once; as large as the shim's own reads.
const PIECE: usize = 32 << 10;

/// How long output waits for a client to take the head of the answer, and how often it looks.
const HEAD_TAKEN_WITHIN: Duration = Duration::from_millis(100);
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// A process's ends.
pub(crate) struct Wires {
    /// It is on a terminal: typed keys may detach, and its input has no end of its own.
    pub(crate) terminal: bool,
    /// Output goes out as it is. An exec process on a terminal may still be read in frames: its
    /// start says how.
    pub(crate) raw: bool,
    /// Its output, in frames.
    pub(crate) output: Pin<Box<dyn AsyncRead + Send>>,
    /// Its input, if the client may write.
    pub(crate) input: Option<Pin<Box<dyn AsyncWrite + Send>>>,
    /// The keys that end the connection and not the process.
    pub(crate) detach: DetachKeys,
}

/// A request that asks for a raw stream.
#[derive(Debug)]
pub(crate) struct Hijack {
    upgrade: Option<OnUpgrade>,
    body: Body,
    version: ApiVersion,
}

impl Hijack {
    /// Takes the connection, or what stands in for it, out of a request.
    pub(crate) fn of(mut request: Request, version: ApiVersion) -> Self {
        let asked = request.headers().contains_key(header::UPGRADE);
        let upgrade = asked.then(|| hyper::upgrade::on(&mut request));
        let body = request.into_body();
        Self {
            upgrade,
            body,
            version,
        }
    }

    /// The answer; the streams flow in the background until the output ends.
    pub(crate) fn respond(self, wires: Wires, closing: CancellationToken) -> Response {
        let kind = HeaderValue::from_static(raw_type(wires.raw, self.version));
        let mut response = match self.upgrade {
            Some(upgrade) => {
                tokio::spawn(closing.run_until_cancelled_owned(async move {
                    match upgrade.await {
                        Ok(upgraded) => serve(upgraded, wires).await,
                        Err(error) => tracing::debug!(%error, "a client left before its upgrade"),
                    }
                }));
                switching()
            }
            None => until_close(self.body, wires, closing),
        };
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// The content type of a raw stream: clients of API 1.42 and later tell frames by it.
pub(crate) fn raw_type(raw: bool, version: ApiVersion) -> &'static str {
    if raw || version.before(42) {
        "application/vnd.docker.raw-stream"
    } else {
        "application/vnd.docker.multiplexed-stream"
    }
}

fn switching() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("tcp"));
    response
}

fn until_close(body: Body, wires: Wires, closing: CancellationToken) -> Response {
    let Wires {
        terminal,
        raw,
        output,
        input,
        detach,
    } = wires;
    if let Some(input) = input.filter(|_| !body.is_end_stream()) {
        let body = body
            .into_data_stream()
            .map(|piece| piece.map_err(io::Error::other));
        let body = tokio_util::io::StreamReader::new(body);
        let typing = async move { type_in(body, input, terminal, detach).await };
        tokio::spawn(closing.clone().run_until_cancelled_owned(typing));
    }
    let pieces = payloads(output, raw).take_until(closing.cancelled_owned());
    let mut response = Response::new(Body::from_stream(pieces));
    // An HTTP/1.0 answer has no chunks and ends with the connection: raw, as such clients expect.
    *response.version_mut() = Version::HTTP_10;
    response
}

/// Serves an upgraded connection.
async fn serve(upgraded: Upgraded, wires: Wires) {
    match upgraded.downcast::<TokioIo<UnixStream>>() {
        Ok(parts) => {
            let stream = parts.io.into_inner();
            head_is_taken(&stream).await;
            let (reader, writer) = stream.into_split();
            // What the client sent right behind its request.
            let reader = io::Cursor::new(parts.read_buf).chain(reader);
            pump(tokio::io::join(reader, writer), wires).await;
        }
        Err(upgraded) => pump(TokioIo::new(upgraded), wires).await,
    }
}

/// Waits until the client has read the head of the answer, for a bounded time. Clients whose HTTP
/// library reads ahead, as Python's, throw away what arrives together with the head.
async fn head_is_taken(stream: &UnixStream) {
    let taken = async {
        while unread_by_peer(stream.as_fd()).is_ok_and(|unread| unread > 0) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let _ = tokio::time::timeout(HEAD_TAKEN_WITHIN, taken).await;
}

/// Moves bytes both ways until the output ends or the user detaches.
async fn pump(client: impl AsyncRead + AsyncWrite, wires: Wires) {
    let Wires {
        terminal,
        raw,
        output,
        input,
        detach,
    } = wires;
    let (from_client, mut to_client) = tokio::io::split(client);
    let talking = async {
        let mut payloads = std::pin::pin!(payloads(output, raw));
        while let Some(Ok(payload)) = payloads.next().await {
            if to_client.write_all(&payload).await.is_err() {
                break;
            }
            // A client that reads a prompt waits for these bytes now.
            if to_client.flush().await.is_err() {
                break;
            }
        }
        let _ = to_client.shutdown().await;
    };
    let typing = async {
        let detached = match input {
            Some(input) => type_in(from_client, input, terminal, detach).await,
            None => false,
        };
        // The end of input is not the end of output.
        if !detached {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = talking => {}
        () = typing => {}
    }
}

/// The bytes that go to the client: frames as they are, or the bytes within them.
fn payloads(
    output: Pin<Box<dyn AsyncRead + Send>>,
    raw: bool,
) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send {
    let pieces = stream::unfold(Some((output, BytesMut::new())), |state| async {
        let (mut output, mut buffer) = state?;
        buffer.reserve(PIECE);
        match output.read_buf(&mut buffer).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(buffer.split().freeze()), Some((output, buffer)))),
            Err(error) => Some((Err(error), None)),
        }
    });
    let mut deframer = raw.then(Deframer::default);
    pieces.flat_map(move |piece| {
        let payloads = match (piece, &mut deframer) {
            (Ok(piece), Some(deframer)) => deframer.push(piece).into_iter().map(Ok).collect(),
            (piece, _) => vec![piece],
        };
        stream::iter(payloads)
    })
}

/// Types what the client sends; `true` when the user detached.
async fn type_in(
    client: impl AsyncRead,
    mut input: Pin<Box<dyn AsyncWrite + Send>>,
    terminal: bool,
    mut detach: DetachKeys,
) -> bool {
    let mut client = std::pin::pin!(client);
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(PIECE);
        if !matches!(client.read_buf(&mut buffer).await, Ok(1..)) {
            break;
        }
        let bytes = buffer.split();
        let written = if terminal {
            let typed = detach.type_in(&bytes);
            let written = input.write_all(&typed.pass).await;
            if typed.detached {
                return true;
            }
            written
        } else {
            input.write_all(&bytes).await
        };
        if written.is_err() || input.flush().await.is_err() {
            return false;
        }
    }
    // A terminal has no end of file of its own: the user types one.
    if !terminal {
        let _ = input.shutdown().await;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{Source, frame};

    fn wires(terminal: bool, output: Vec<u8>, input: Option<tokio::io::DuplexStream>) -> Wires {
        Wires {
            terminal,
            raw: terminal,
            output: Box::pin(io::Cursor::new(output)),
            input: input.map(|input| Box::pin(input) as _),
            detach: DetachKeys::parse(None).expect("the default is valid"),
        }
    }

    async fn received(terminal: bool) -> Vec<u8> {
        let (mut client, server) = tokio::io::duplex(64);
        let output = frame(Source::Stdout, b"hello").to_vec();
        tokio::spawn(pump(server, wires(terminal, output, None)));
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.expect("it ends");
        received
    }

    #[tokio::test]
    async fn a_terminal_gets_bytes_and_everything_else_gets_frames() {
        assert_eq!(received(true).await, b"hello");
        assert_eq!(received(false).await, b"\x01\0\0\0\0\0\0\x05hello");
    }

    #[tokio::test]
    async fn output_does_not_arrive_together_with_the_head() {
        let (mut client, mut server) = UnixStream::pair().expect("a pair");
        server.write_all(b"head").await.expect("it is open");
        let sending = tokio::spawn(async move {
            head_is_taken(&server).await;
            server.write_all(b"output").await
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut first = [0; 64];
        let length = client.read(&mut first).await.expect("it is open");
        assert_eq!(&first[..length], b"head");
        sending.await.expect("it ends").expect("it is open");
        let length = client.read(&mut first).await.expect("it is open");
        assert_eq!(&first[..length], b"output");
    }

    #[tokio::test]
    async fn the_end_of_input_reaches_the_process_and_output_goes_on() {
        let (client, server) = tokio::io::duplex(64);
        let (mut process_in, input) = tokio::io::duplex(64);
        let (output, mut process_out) = tokio::io::duplex(64);
        let mut wires = wires(false, Vec::new(), Some(input));
        wires.output = Box::pin(output);
        tokio::spawn(pump(server, wires));

        let (mut reader, mut writer) = tokio::io::split(client);
        writer.write_all(b"typed").await.expect("it is read");
        writer.shutdown().await.expect("it is open");
        let mut typed = Vec::new();
        process_in.read_to_end(&mut typed).await.expect("it ends");
        assert_eq!(typed, b"typed");

        process_out.write_all(b"late").await.expect("it is read");
        drop(process_out);
        let mut received = Vec::new();
        reader.read_to_end(&mut received).await.expect("it ends");
        assert_eq!(received, b"late");
    }

    #[tokio::test]
    async fn detaching_ends_the_connection_and_not_the_input() {
        let (mut client, server) = tokio::io::duplex(64);
        let (mut process_in, input) = tokio::io::duplex(64);
        let (output, _process_out) = tokio::io::duplex(64);
        let mut wires = wires(true, Vec::new(), Some(input));
        wires.output = Box::pin(output);
        tokio::spawn(pump(server, wires));

        client.write_all(b"ls\x10\x11").await.expect("it is read");
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.expect("it ends");
        let mut typed = Vec::new();
        process_in.read_to_end(&mut typed).await.expect("it ends");
        assert_eq!(typed, b"ls");
    }
}
