use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, header};

/// How much a registry still serves before it makes the client wait. Docker Hub counts manifests for each user or
/// address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests there are in a window.
    pub limit: Option<u64>,
    /// How many of them are left.
    pub remaining: Option<u64>,
    /// How long a window is.
    pub window: Option<Duration>,
    /// Who is counted: an address or a user's ID.
    pub source: Option<String>,
}

impl RateLimit {
    /// Reads the headers of a reply; none if the registry says nothing.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
        const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
        const SOURCE: HeaderName = HeaderName::from_static("docker-ratelimit-source");
        let text = |name: &HeaderName| headers.get(name)?.to_str().ok();
        let (limit, window) = text(&LIMIT).map(count_and_window).unwrap_or_default();
        let (remaining, other) = text(&REMAINING).map(count_and_window).unwrap_or_default();
        if limit.is_none() && remaining.is_none() {
            return None;
        }
        let source = text(&SOURCE).map(crate::quote::quote);
        Some(Self {
            limit,
            remaining,
            window: window.or(other),
            source,
        })
    }
}

/// Reads `100;w=21600`: a count, and the window in seconds.
fn count_and_window(text: &str) -> (Option<u64>, Option<Duration>) {
    let mut fields = text.split(';').map(str::trim);
    let count = fields.next().and_then(|count| count.parse().ok());
    let window = fields.find_map(|field| field.strip_prefix("w=")?.parse().ok());
    (count, window.map(Duration::from_secs))
}

/// How long a reply asks to wait: `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_hub_says_count_and_window() {
        let mut headers = HeaderMap::new();
        headers.insert("ratelimit-limit", "100;w=21600".parse().unwrap());
        headers.insert("ratelimit-remaining", "7;w=21600".parse().unwrap());
        headers.insert("docker-ratelimit-source", "192.0.2.1".parse().unwrap());
        let told = RateLimit::from_headers(&headers).unwrap();
        assert_eq!((told.limit, told.remaining), (Some(100), Some(7)));
        assert_eq!(told.window, Some(Duration::from_secs(21600)));
        assert_eq!(told.source.as_deref(), Some("192.0.2.1"));
        assert_eq!(RateLimit::from_headers(&HeaderMap::new()), None);
    }

    #[test]
    fn a_wait_is_told_in_seconds_or_as_a_date() {
        let check = |text: &str, expect: Option<u64>| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().unwrap())]);
            let now = httpdate::parse_http_date("Tue, 01 Jan 2030 00:00:00 GMT").unwrap();
            assert_eq!(
                retry_after(&headers, now),
                expect.map(Duration::from_secs),
                "{text}"
            );
        };
        check("17", Some(17));
        check("Tue, 01 Jan 2030 00:01:00 GMT", Some(60));
        check("Mon, 31 Dec 2029 00:00:00 GMT", Some(0));
        check("soon", None);
        check("-1", None);
    }
}
