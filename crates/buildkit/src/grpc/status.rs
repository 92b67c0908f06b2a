use std::fmt;

use http::HeaderMap;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What a header cannot hold, and the sign itself.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Zero when it went well.
    pub code: u32,
    /// Why it did not.
    pub message: String,
}

impl Status {
    /// It went well.
    pub const OK: u32 = 0;
    /// Somebody asked for the end.
    pub const CANCELED: u32 = 1;
    /// Nothing else fits.
    pub const UNKNOWN: u32 = 2;
    /// What is asked for is wrong.
    pub const INVALID_ARGUMENT: u32 = 3;
    /// What is asked for is not there.
    pub const NOT_FOUND: u32 = 5;
    /// Nobody answers such calls.
    pub const UNIMPLEMENTED: u32 = 12;

    /// An end with a reason.
    #[must_use]
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message }
    }

    /// The end that trailers, or headers without a body, tell of.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let code = text("grpc-status")?.parse().unwrap_or(Self::UNKNOWN);
        let message = percent_decode_str(text("grpc-message").unwrap_or_default());
        let message = message.decode_utf8_lossy().into_owned();
        Some(Self { code, message })
    }

    pub(super) fn trailers(&self) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", self.code.into());
        let message = utf8_percent_encode(&self.message, ENCODED).to_string();
        if let Ok(message) = message.parse() {
            trailers.insert("grpc-message", message);
        }
        trailers
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message: String = self.message.chars().take(500).collect();
        match message.as_str() {
            "" => write!(formatter, "code {}", self.code),
            message => formatter.write_str(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_survives_a_header() {
        for text in ["", "plain", "100% \"안녕\"\n", "%", "%4", "%zz"] {
            let status = Status::new(2, text);
            assert_eq!(Status::of(&status.trailers()), Some(status));
        }
        assert_eq!(Status::of(&HeaderMap::new()), None);
    }
}
