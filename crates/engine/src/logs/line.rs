//! One line of a json-file log.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use terrarium_api::{FindInLog, LogLine, LogQuery, LogStream};

use super::at_ns;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

/// Reads one line; `None` for what a crash in the middle of a write left behind.
pub(super) fn parse(text: &[u8]) -> Option<LogLine> {
    let line: Line<'_> = serde_json::from_slice(text).ok()?;
    let at: Timestamp = line.time.parse().ok()?;
    let at_ns = u64::try_from(at.as_nanosecond()).ok()?;
    Some(LogLine {
        at_ms: at_ns / 1_000_000,
        at_subms_ns: (at_ns % 1_000_000) as u32,
        stream: if line.stream == "stderr" {
            LogStream::Stderr
        } else {
            LogStream::Stdout
        },
        text: line.log.into_owned(),
    })
}

/// What a crash in the middle of a write left behind, where every line has a number.
pub(super) fn unreadable(text: &[u8], at_ms: u64) -> LogLine {
    LogLine {
        at_ms,
        at_subms_ns: 0,
        stream: LogStream::Stdout,
        text: String::from_utf8_lossy(text).into_owned(),
    }
}

/// Whether this line is looked for; `text` is the wanted one in lower case.
pub(super) fn contains(line: &LogLine, wanted: &FindInLog, text: &str) -> bool {
    let stream = match line.stream {
        LogStream::Stdout => wanted.stdout,
        LogStream::Stderr => wanted.stderr,
    };
    stream && (text.is_empty() || plain(&line.text).to_lowercase().contains(text))
}

/// The text that a person reads: without the sequences that color it or move a cursor.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        rest = after_sequence(&rest[at + 1..]);
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// What follows an escape sequence of which the escape itself is gone; see ECMA-48.
fn after_sequence(text: &str) -> &str {
    let end = match text.chars().next() {
        Some('[') => text[1..].find(|c| matches!(c, '@'..='~')).map(|at| at + 2),
        Some(']') => text.find('\u{7}').map(|at| at + 1),
        Some('@'..='_') => Some(1),
        _ => Some(0),
    };
    &text[end.unwrap_or(text.len())..]
}

/// Whether `query` asks for this line. The number of lines has been seen to before.
pub(super) fn is_wanted(line: &LogLine, query: &LogQuery) -> bool {
    let stream = match line.stream {
        LogStream::Stdout => query.stdout,
        LogStream::Stderr => query.stderr,
    };
    stream
        && query.since_ns.is_none_or(|since| at_ns(line) >= since)
        && query.until_ns.is_none_or(|until| at_ns(line) <= until)
}
