use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use http::header;
use reqwest::{Body, RequestBuilder};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::OpenBlob;

/// Bytes that are handed to the network at once.
const PIECE: usize = 128 << 10;

/// What a call sends.
#[derive(Clone)]
pub(crate) enum Content {
    /// All of it, in memory.
    Whole(Bytes),
    /// Read while it is sent.
    Streamed(Streamed),
}

/// Bytes that are read while they are sent, anew for each attempt.
#[derive(Clone)]
pub(crate) struct Streamed {
    pub(crate) open: OpenBlob,
    pub(crate) offset: u64,
    /// Bytes from the offset on.
    pub(crate) length: u64,
    pub(crate) sent_bytes: Arc<AtomicU64>,
}

impl Content {
    /// Nothing, said with a length of 0, which some servers insist on.
    pub(crate) const fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    /// Gives a request its body.
    pub(super) fn attach(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Whole(bytes) => request
                .header(header::CONTENT_LENGTH, bytes.len())
                .body(bytes.clone()),
            Self::Streamed(streamed) => request
                .header(header::CONTENT_LENGTH, streamed.length)
                .body(Body::wrap_stream(streamed.pieces())),
        }
    }
}

impl Streamed {
    fn pieces(&self) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let streamed = self.clone();
        let opened = async move {
            let reader = (streamed.open)(streamed.offset)?.take(streamed.length);
            Ok::<_, io::Error>(pieces(reader, streamed.sent_bytes))
        };
        futures_util::TryStreamExt::try_flatten(stream::once(opened))
    }
}

fn pieces(
    reader: tokio::io::Take<Pin<Box<dyn AsyncRead + Send>>>,
    sent_bytes: Arc<AtomicU64>,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(
        (reader, BytesMut::new()),
        move |(mut reader, mut buffer)| {
            let sent_bytes = Arc::clone(&sent_bytes);
            async move {
                buffer.reserve(PIECE);
                let read = reader.read_buf(&mut buffer).await?;
                sent_bytes.fetch_add(read as u64, Ordering::Relaxed);
                let piece = buffer.split().freeze();
                Ok((read > 0).then_some((piece, (reader, buffer))))
            }
        },
    )
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Streamed(streamed) => write!(f, "{} bytes, streamed", streamed.length),
        }
    }
}
