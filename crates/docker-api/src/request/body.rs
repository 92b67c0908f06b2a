//! JSON bodies: bounded, checked, and as lenient as Go's decoder.

use axum::extract::{FromRequest, Request};
use http::{StatusCode, header::CONTENT_TYPE};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::error::{Failure, Result};

/// The longest JSON body; the largest real ones carry a seccomp profile of some 20 kB.
const MAX_BYTES: usize = 4 << 20;

/// A JSON body; an empty one is `None`.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) Option<T>);

impl<T> Body<T> {
    /// The body, which must be there.
    pub(crate) fn required(self) -> Result<T> {
        let absent = || Failure::bad_request("invalid JSON: got EOF while reading request body");
        self.0.ok_or_else(absent)
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let bytes = axum::body::to_bytes(body, MAX_BYTES).await.map_err(|_| {
            let message = format!("request body is longer than {MAX_BYTES} bytes or broke off");
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message)
        })?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self(None));
        }
        check_type(parts.headers.get(CONTENT_TYPE))?;
        serde_json::from_slice(&bytes)
            .map(|value| Self(Some(value)))
            .map_err(|error| Failure::bad_request(format!("invalid JSON: {error}")))
    }
}

/// Docker refuses forms, so that no web page can post to the socket through a proxy.
fn check_type(value: Option<&http::HeaderValue>) -> Result<()> {
    let Some(value) = value else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let essence = text.split(';').next().unwrap_or_default().trim();
    if essence.is_empty() || essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Failure::bad_request(format!(
        "unsupported Content-Type header ({}): must be 'application/json'",
        essence.escape_debug()
    )))
}

/// Reads `null` as the default.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    async fn read(kind: &str, body: &'static str) -> Result<Option<Value>> {
        let request = Request::builder().header(CONTENT_TYPE, kind);
        let request = request
            .body(axum::body::Body::from(body))
            .expect("it is valid");
        Body::from_request(request, &()).await.map(|body| body.0)
    }

    #[tokio::test]
    async fn bad_bodies_are_refused_with_400() {
        for (kind, body) in [
            ("application/json", "{"),
            ("application/json", "{} {}"),
            ("application/json", "\u{feff}{}"),
            ("text/plain", "{}"),
            ("application/x-www-form-urlencoded", "a=b"),
        ] {
            let failure = read(kind, body).await.expect_err(body);
            assert_eq!(failure.status, StatusCode::BAD_REQUEST);
        }
    }

    #[tokio::test]
    async fn deep_nesting_is_refused() {
        let deep: &'static str = "[".repeat(100_000).leak();
        assert!(read("application/json", deep).await.is_err());
    }

    #[tokio::test]
    async fn an_empty_body_is_no_body() {
        assert_eq!(read("text/plain", " \n").await, Ok(None));
        let json = read("application/json; charset=utf-8", "{}").await;
        assert_eq!(json, Ok(Some(serde_json::json!({}))));
    }

    #[tokio::test]
    async fn a_body_without_end_is_cut_off() {
        let long: &'static str = " ".repeat(MAX_BYTES + 1).leak();
        let failure = read("application/json", long)
            .await
            .expect_err("it is too long");
        assert_eq!(failure.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
