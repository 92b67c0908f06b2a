//! A server that answers what a test tells it to, and notes what it was asked.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, Stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What a body consists of. An error breaks the connection.
type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// A request as a test sees it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The first byte of the range that was asked for.
    pub(crate) fn range_start(&self) -> usize {
        let range = self
            .header("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        range.map_or(0, |start| start.parse().unwrap())
    }
}

pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    pieces: Pieces,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let length = body.len().to_string();
        Self::streamed(status, Box::new(std::iter::once(Ok(body)))).with("content-length", &length)
    }

    pub(crate) fn streamed(
        status: u16,
        pieces: Box<dyn Iterator<Item = io::Result<Bytes>> + Send>,
    ) -> Self {
        Self::slow(status, stream::iter(pieces))
    }

    /// Sends pieces when they come.
    pub(crate) fn slow(
        status: u16,
        pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Self {
        Self {
            status,
            headers: Vec::new(),
            pieces: pieces.boxed(),
        }
    }

    /// Sends `body` and then breaks the connection, although more was announced.
    pub(crate) fn broken(status: u16, announced: usize, body: &[u8]) -> Self {
        let pieces = [
            Ok(Bytes::copy_from_slice(body)),
            Err(io::Error::other("broken on purpose")),
        ];
        Self::streamed(status, Box::new(pieces.into_iter()))
            .with("content-length", &announced.to_string())
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        let answer = Arc::new(answer);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, notes) = (Arc::clone(&answer), Arc::clone(&notes));
                tokio::spawn(async move {
                    let service = service_fn(|request| reply(request, &*answer, &notes));
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            address,
            asked,
            accepting,
        }
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The requests so far whose path contains `part`.
    pub(crate) fn asked(&self, part: &str) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|asked| asked.path.contains(part))
            .cloned()
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn reply(
    request: Request<Incoming>,
    answer: &(impl Fn(&Asked) -> Answer + Send + Sync),
    notes: &Mutex<Vec<Asked>>,
) -> Result<Response<UnsyncBoxBody<Bytes, io::Error>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    notes.lock().unwrap().push(asked.clone());
    let Answer {
        status,
        headers,
        pieces,
    } = answer(&asked);
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    let frames = pieces.map(|piece| piece.map(Frame::data));
    let body = StreamBody::new(frames);
    Ok(response.body(body.boxed_unsync()).unwrap())
}
