//! Bodies made of items that come over time.

use std::convert::Infallible;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::{HeaderValue, header::CONTENT_TYPE};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// A body that sends each piece at once and ends with `pieces` or at the shutdown.
pub(crate) fn streaming(
    kind: &'static str,
    closing: CancellationToken,
    pieces: impl Stream<Item = Bytes> + Send + 'static,
) -> Response {
    let pieces = pieces.take_until(closing.cancelled_owned());
    let mut response = Response::new(Body::from_stream(pieces.map(Ok::<_, Infallible>)));
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// One JSON document a line.
pub(crate) fn json_lines<T: Serialize>(
    closing: CancellationToken,
    items: impl Stream<Item = T> + Send + 'static,
) -> Response {
    streaming("application/json", closing, items.map(|item| line(&item)))
}

/// Docker's decoder needs no more than white space between documents; it sends `\r\n`.
fn line(item: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(item).expect("wire types have string keys only");
    line.extend_from_slice(b"\r\n");
    line.into()
}
