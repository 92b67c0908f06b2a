//! The keys that leave a terminal without ending its process.

use crate::error::{Failure, Result};

/// `ctrl-p,ctrl-q`, as Docker has it.
const DEFAULT: [u8; 2] = [0x10, 0x11];

/// Watches typed bytes for the detach sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DetachKeys {
    sequence: Vec<u8>,
    matched: usize,
}

/// What became of some typed bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Typed {
    /// The bytes that go to the process.
    pub(crate) pass: Vec<u8>,
    /// The sequence was completed; nothing after it counts.
    pub(crate) detached: bool,
}

impl DetachKeys {
    /// Reads a list such as `ctrl-p,ctrl-q` or `a,b`; absent or empty is Docker's default.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self> {
        let sequence = match text.filter(|text| !text.is_empty()) {
            None => DEFAULT.to_vec(),
            Some(text) => text.split(',').map(key).collect::<Result<_>>()?,
        };
        Ok(Self {
            sequence,
            matched: 0,
        })
    }

    /// Takes typed bytes; a started sequence is held back until it is known how it ends.
    pub(crate) fn type_in(&mut self, bytes: &[u8]) -> Typed {
        let mut pass = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if byte != self.sequence[self.matched] {
                pass.extend_from_slice(&self.sequence[..self.matched]);
                self.matched = 0;
            }
            if byte != self.sequence[self.matched] {
                pass.push(byte);
                continue;
            }
            self.matched += 1;
            if self.matched == self.sequence.len() {
                self.matched = 0;
                return Typed {
                    pass,
                    detached: true,
                };
            }
        }
        Typed {
            pass,
            detached: false,
        }
    }
}

fn key(name: &str) -> Result<u8> {
    let unknown = || {
        let shown: String = name.chars().take(20).flat_map(char::escape_debug).collect();
        Failure::bad_request(format!("Invalid detach keys ({shown}) provided"))
    };
    match name.as_bytes() {
        [byte] => Ok(*byte),
        [b'c', b't', b'r', b'l', b'-', byte] => match byte {
            b'a'..=b'z' => Ok(byte - b'a' + 1),
            b'@' => Ok(0),
            b'[' => Ok(27),
            b'\\' => Ok(28),
            b']' => Ok(29),
            b'^' => Ok(30),
            b'_' => Ok(31),
            _ => Err(unknown()),
        },
        b"DEL" => Ok(127),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: Option<&str>, pieces: &[&[u8]], pass: &[u8], detached: bool) {
        let mut keys = DetachKeys::parse(keys).expect("the keys are valid");
        let mut passed = Vec::new();
        let mut last = false;
        for piece in pieces {
            let typed = keys.type_in(piece);
            passed.extend(typed.pass);
            last = typed.detached;
        }
        assert_eq!((passed.as_slice(), last), (pass, detached), "{pieces:?}");
    }

    #[test]
    fn the_sequence_detaches_even_when_typed_slowly() {
        check(None, &[b"ls\x10\x11"], b"ls", true);
        check(None, &[b"a\x10", b"\x11rest"], b"a", true);
        check(Some("a,b"), &[b"xab"], b"x", true);
        check(Some("ctrl-],q"), &[b"\x1dq"], b"", true);
    }

    #[test]
    fn a_broken_off_sequence_reaches_the_process() {
        check(None, &[b"\x10x"], b"\x10x", false);
        check(None, &[b"\x10", b"\x10", b"\x11"], b"\x10", true);
        check(None, &[b"\x11\x10"], b"\x11", false);
        check(Some("a,b,c"), &[b"abx"], b"abx", false);
    }

    #[test]
    fn unknown_keys_are_refused() {
        for keys in ["ctrl-", "ctrl-ö", "ab", "a,,b", "ctrl-A"] {
            assert!(DetachKeys::parse(Some(keys)).is_err(), "{keys}");
        }
    }
}
