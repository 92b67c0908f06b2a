//! `POST /session`: a client turns its connection round and answers calls on it.

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use terrarium_buildkit::Session;

use crate::{
    error::{Failure, Result},
    server::App,
};

const ID: &str = "x-docker-expose-session-uuid";
const SHARED_KEY: &str = "x-docker-expose-session-sharedkey";
const METHODS: &str = "x-docker-expose-session-grpc-method";

pub(super) async fn session(State(app): State<App>, mut request: Request) -> Result<Response> {
    let upgrade = taken_over(&mut request)?;
    let headers = request.headers();
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let id = headers.get(ID).and_then(text).filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Failure::bad_request("a session has no name"))?;
    let methods = headers.get_all(METHODS).iter().filter_map(text);
    let methods: Vec<String> = methods.collect();
    let key = headers.get(SHARED_KEY).and_then(text).unwrap_or_default();
    let sessions = app.buildkit.sessions;
    tokio::spawn(app.closing.run_until_cancelled_owned(async move {
        let Ok(connection) = upgrade.await else {
            return;
        };
        match Session::open(TokioIo::new(connection), methods).await {
            Ok(session) => sessions.serve(&id, session.with_shared_key(key)).await,
            Err(error) => tracing::debug!(%error, "a session does not begin"),
        }
    }));
    Ok(switching())
}

/// The connection of a request that asks for HTTP/2 on it.
pub(super) fn taken_over(request: &mut Request) -> Result<OnUpgrade> {
    let wish = request.headers().get(header::UPGRADE);
    if wish.is_none_or(|wish| !wish.as_bytes().eq_ignore_ascii_case(b"h2c")) {
        return Err(Failure::bad_request(
            "the connection is not upgraded to h2c",
        ));
    }
    Ok(hyper::upgrade::on(request))
}

pub(super) fn switching() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("h2c"));
    response
}
