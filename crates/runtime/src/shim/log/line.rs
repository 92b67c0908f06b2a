//! Output to lines, and lines to JSON.

use std::collections::BTreeMap;

use crate::shim::protocol::Stream;

/// A longer line is logged in parts of this size, as Docker does.
const PART_BYTES: usize = 16 * 1024;

/// Cuts one stream of output into lines.
#[derive(Debug, Default)]
pub(in crate::shim) struct Splitter {
    /// The begin of a line whose end has not been seen; shorter than a part.
    rest: Vec<u8>,
}

impl Splitter {
    /// Hands every line that ends in `chunk` to `emit`, with its newline; a line longer than a part
    /// comes in parts, of which only the last has a newline.
    pub(in crate::shim) fn push(&mut self, mut chunk: &[u8], mut emit: impl FnMut(&[u8])) {
        while !chunk.is_empty() {
            let room = PART_BYTES - self.rest.len();
            let window = &chunk[..chunk.len().min(room)];
            let newline = window.iter().position(|&byte| byte == b'\n');
            let (taken, complete) = match newline {
                Some(at) => (at + 1, true),
                None => (window.len(), window.len() == room),
            };
            chunk = &chunk[taken..];
            let taken = &window[..taken];
            if self.rest.is_empty() && newline.is_some() {
                emit(taken);
                continue;
            }
            self.rest.extend_from_slice(taken);
            if complete {
                let end = if newline.is_some() {
                    self.rest.len()
                } else {
                    last_whole(&self.rest)
                };
                emit(&self.rest[..end]);
                self.rest.drain(..end);
            }
        }
    }

    /// Hands over what stands after the last newline, at the end of the output.
    pub(in crate::shim) fn finish(&mut self, emit: impl FnOnce(&[u8])) {
        if !self.rest.is_empty() {
            emit(&self.rest);
        }
        self.rest = Vec::new();
    }
}

/// Where to cut so that no UTF-8 character is torn: its halves would both be logged as U+FFFD.
fn last_whole(part: &[u8]) -> usize {
    let len = part.len();
    for back in 1..=len.min(3) {
        let needs = match part[len - back] {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            0x80..=0xBF => continue,
            _ => return len,
        };
        return if needs > back { len - back } else { len };
    }
    len
}

/// The part of every line that never changes: `,"attrs":{…}`, or nothing.
pub(super) fn encode_attrs(attrs: &BTreeMap<String, String>) -> String {
    if attrs.is_empty() {
        return String::new();
    }
    let object = serde_json::to_string(attrs).expect("a map of strings is JSON");
    format!(",\"attrs\":{object}")
}

/// Appends one object and its newline, fields in Docker's order.
pub(super) fn encode(batch: &mut Vec<u8>, text: &[u8], stream: Stream, attrs: &str, time: &str) {
    batch.extend_from_slice(b"{\"log\":");
    serde_json::to_writer(&mut *batch, &String::from_utf8_lossy(text))
        .expect("a string is JSON, and memory takes it");
    let stream = if stream == Stream::Stderr {
        "stderr"
    } else {
        "stdout"
    };
    for piece in [
        ",\"stream\":\"",
        stream,
        "\"",
        attrs,
        ",\"time\":\"",
        time,
        "\"}\n",
    ] {
        batch.extend_from_slice(piece.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.push(chunk, |line| lines.push(line.to_vec()));
        }
        splitter.finish(|line| lines.push(line.to_vec()));
        lines
    }

    fn check(chunks: &[&str], expect: &[&str]) {
        let chunks: Vec<_> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
        let lines: Vec<_> = split(&chunks)
            .into_iter()
            .map(|line| String::from_utf8(line).unwrap())
            .collect();
        assert_eq!(lines, expect, "of {chunks:?}");
    }

    #[test]
    fn lines_are_put_together_from_any_chunks() {
        check(&["one\ntwo\n"], &["one\n", "two\n"]);
        check(
            &["o", "ne", "\n", "\ntw", "o\nthree"],
            &["one\n", "\n", "two\n", "three"],
        );
        check(&["", "\n"], &["\n"]);
        check(&[], &[]);
    }

    #[test]
    fn a_long_line_comes_in_parts_and_only_the_last_has_a_newline() {
        let long = "x".repeat(2 * PART_BYTES + 5) + "\nnext\n";
        for size in [1, 7, 4096, PART_BYTES, PART_BYTES + 1, long.len()] {
            let chunks: Vec<_> = long.as_bytes().chunks(size).collect();
            let lines = split(&chunks);
            let lengths: Vec<_> = lines.iter().map(Vec::len).collect();
            assert_eq!(lengths, [PART_BYTES, PART_BYTES, 6, 5], "chunks of {size}");
            assert_eq!(lines.concat(), long.as_bytes());
        }
    }

    #[test]
    fn a_part_ends_between_characters() {
        for pad in 0..4 {
            let long = "x".repeat(pad) + &"\u{1F331}".repeat(PART_BYTES / 2);
            let lines = split(&[long.as_bytes()]);
            assert!(
                lines.iter().all(|line| std::str::from_utf8(line).is_ok()),
                "padded by {pad}"
            );
            assert_eq!(lines.concat(), long.as_bytes());
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_not_held_back_forever() {
        let binary = vec![0xFF; 3 * PART_BYTES];
        assert_eq!(split(&[&binary]).concat(), binary);
        let tails = vec![0x80; 3 * PART_BYTES];
        assert_eq!(split(&[&tails]).concat(), tails);
    }

    #[test]
    fn a_line_is_docker_s_object() {
        let mut batch = Vec::new();
        let attrs = encode_attrs(&BTreeMap::from([("tier".to_owned(), "web".to_owned())]));
        encode(
            &mut batch,
            b"a \"b\"\t\xff\n",
            Stream::Stderr,
            &attrs,
            "2026-01-02T03:04:05Z",
        );
        assert_eq!(
            String::from_utf8(batch).unwrap(),
            "{\"log\":\"a \\\"b\\\"\\t\u{fffd}\\n\",\"stream\":\"stderr\",\
             \"attrs\":{\"tier\":\"web\"},\"time\":\"2026-01-02T03:04:05Z\"}\n"
        );
    }
}
