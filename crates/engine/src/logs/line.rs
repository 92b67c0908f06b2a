//! One line of a json-file log.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use terrarium_api::{LogLine, LogQuery, LogStream};

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
