//! One connection: HTTP/1.1 with bounds, upgrades, and Docker's headers on every answer.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Request, Uri, uri::PathAndQuery};
use hyper::{body::Incoming, server::conn::http1, service::Service as _};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use crate::{
    error::Failure,
    request::{ApiVersion, MAX, split},
};

/// How long requests may take to end after a shutdown was asked for.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// Request line and headers together; a registry sign-in of a cloud has some 8 kB.
const MAX_HEAD_BYTES: usize = 64 << 10;
const MAX_HEADERS: usize = 100;
/// A client that connects has to say something.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Serves a connection until the client leaves, or after `closing` until its last answer is sent.
pub(super) async fn serve(stream: UnixStream, router: Router, closing: CancellationToken) {
    let service = hyper::service::service_fn(move |request| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(answer(router, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        // A client that goes away in the middle is everyday life.
        tracing::debug!(%error, "a connection broke off");
    }
}

async fn answer(router: Router, request: Request<Incoming>) -> Response {
    let mut response = match versioned(request.map(Body::new)) {
        Ok(request) => match TowerToHyperService::new(router).call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        Err(failure) => failure.into_response(),
    };
    add_headers(&mut response);
    response
}

/// Takes the version off the path, before the router sees it.
fn versioned(mut request: Request<Body>) -> Result<Request<Body>, Failure> {
    let uri = request.uri();
    let (version, path) = split(uri.path())?;
    let stripped = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let stripped: PathAndQuery = stripped
        .parse()
        .map_err(|_| Failure::bad_request("invalid path"))?;
    *request.uri_mut() = Uri::from(stripped);
    request.extensions_mut().insert::<ApiVersion>(version);
    Ok(request)
}

fn add_headers(response: &mut Response) {
    const SERVER: &str = concat!("Terrarium/", env!("CARGO_PKG_VERSION"), " (linux)");
    let headers = response.headers_mut();
    if let Ok(version) = HeaderValue::from_str(&MAX.to_string()) {
        headers.insert("api-version", version);
    }
    headers.insert("ostype", HeaderValue::from_static("linux"));
    headers.insert("docker-experimental", HeaderValue::from_static("false"));
    headers.insert("server", HeaderValue::from_static(SERVER));
}
