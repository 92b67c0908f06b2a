use std::time::{Duration, SystemTime};

use http::StatusCode;
use reqwest::Response;
use serde::Deserialize;

use super::{Call, Pace};
use crate::quote::quote;
use crate::rate_limit::retry_after;
use crate::{Error, RateLimit, Result};

/// An error needs no more text than this.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// How long 64 KiB of a document may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The errors in a reply (distribution-spec, "Error Codes").
#[derive(Default, Deserialize)]
#[serde(default)]
struct Errors {
    errors: Vec<Reason>,
    // Token servers and proxies have forms of their own.
    details: Option<String>,
    message: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    code: String,
    message: String,
}

/// Lets a success pass, and 416, which is an answer about ranges; everything else becomes the error it stands for.
pub(super) async fn check(response: Response, host: &str, call: &Call) -> Result<Response> {
    let status = response.status();
    if status.is_success() || status == StatusCode::RANGE_NOT_SATISFIABLE {
        return Ok(response);
    }
    Err(refusal(response, host, call).await)
}

/// The error that a reply stands for.
pub(super) async fn refusal(response: Response, host: &str, call: &Call) -> Error {
    let status = response.status();
    let headers = response.headers().clone();
    let wait = retry_after(&headers, SystemTime::now());
    // The body only explains. Where it cannot be read, the status has to do.
    let body = read_body(response, host, "an error", MAX_ERROR_BYTES)
        .await
        .unwrap_or_default();
    let (code, message) = explain(&body, status);
    let host = host.to_owned();
    match (status, code.as_str()) {
        (StatusCode::TOO_MANY_REQUESTS, _) | (_, "TOOMANYREQUESTS") => Error::RateLimited {
            host,
            retry_after: wait,
            limit: RateLimit::from_headers(&headers),
        },
        (StatusCode::FORBIDDEN, _) | (StatusCode::UNAUTHORIZED, "DENIED") => Error::Denied {
            host,
            what: call.what.clone(),
            message,
        },
        (StatusCode::UNAUTHORIZED, _) => Error::Unauthorized { host, message },
        (StatusCode::NOT_FOUND, "NAME_UNKNOWN") => Error::NotFound {
            host,
            what: format!("repository `{}`", call.scope.repository),
        },
        (StatusCode::NOT_FOUND, _) => Error::NotFound {
            host,
            what: call.what.clone(),
        },
        _ => Error::Status {
            host,
            status: status.as_u16(),
            message,
            retry_after: wait,
        },
    }
}

/// Code and message of the first error in a body, or words for the status.
fn explain(body: &[u8], status: StatusCode) -> (String, String) {
    let errors: Errors = serde_json::from_slice(body).unwrap_or_default();
    let words = || {
        status
            .canonical_reason()
            .unwrap_or("no reason given")
            .to_lowercase()
    };
    match errors.errors.into_iter().next() {
        Some(reason) if reason.message.is_empty() => (reason.code.clone(), quote(&reason.code)),
        Some(reason) => (reason.code, quote(&reason.message)),
        None => {
            let told = errors
                .details
                .or(errors.message)
                .filter(|text| !text.is_empty());
            (String::new(), told.map_or_else(words, |text| quote(&text)))
        }
    }
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_body(
    mut response: Response,
    host: &str,
    what: &str,
    limit: usize,
) -> Result<Vec<u8>> {
    let too_large = || Error::TooLarge {
        host: host.to_owned(),
        what: what.to_owned(),
        limit_bytes: limit as u64,
    };
    if response
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Err(too_large());
    }
    let address = response.url().clone();
    let mut body = Vec::new();
    let mut pace = Pace::new(PATIENCE);
    loop {
        let next = pace.wait(response.chunk()).await;
        let next = next.ok_or_else(|| super::http_client::too_slow(&address))?;
        let Some(chunk) = next.map_err(|source| super::http_client::broken(&address, source))?
        else {
            return Ok(body);
        };
        pace.received(chunk.len());
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
}
