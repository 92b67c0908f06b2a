use std::fmt::{self, Write as _};

use http::HeaderMap;

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
        let message = decoded(text("grpc-message").unwrap_or_default());
        Some(Self { code, message })
    }

    pub(super) fn trailers(&self) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", self.code.into());
        if let Ok(message) = encoded(&self.message).parse() {
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

/// Percent encoding as gRPC has it: bytes that a header cannot hold, and the sign itself.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut text, byte| {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            text.push(byte.into());
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
