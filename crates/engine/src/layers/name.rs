//! Names of files as text: bytes that are no text are written so that nothing is lost.

use std::fmt::Write as _;

use terrarium_api::{Error, ErrorCode};

use crate::{Result, error::quoted};

/// Bytes as text: `\xNN` for what is no UTF-8 or a control character, `\\` for a backslash.
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                control if control.is_ascii_control() => byte(&mut text, control as u8),
                other => text.push(other),
            }
        }
        for wrong in chunk.invalid() {
            byte(&mut text, *wrong);
        }
    }
    text
}

fn byte(text: &mut String, byte: u8) {
    let _ = write!(text, "\\x{byte:02x}");
}

/// The components of an absolute path that [`escape`] wrote.
pub(super) fn components(path: &str) -> Result<Vec<Vec<u8>>> {
    let bytes = unescape(path).ok_or_else(|| bad_path(path))?;
    let rest = bytes.strip_prefix(b"/").ok_or_else(|| bad_path(path))?;
    let names: Vec<Vec<u8>> = rest
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    match names.iter().any(|name| name == b"." || name == b"..") {
        true => Err(bad_path(path)),
        false => Ok(names),
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                after
            }
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digit = |digit: u8| char::from(digit).to_digit(16);
                bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
                after
            }
            (b'\\', _) => return None,
            (other, after) => {
                bytes.push(*other);
                after
            }
        };
    }
    Some(bytes)
}

fn bad_path(path: &str) -> Error {
    let message = format!("no such path in a layer: {}", quoted(path));
    Error::new(ErrorCode::InvalidArgument, message).hint("give an absolute path without . and ..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_comes_back_as_it_was() {
        for name in [
            &b"plain"[..],
            "한글".as_bytes(),
            b"a\\xff",
            b"\xff\xfe",
            b"new\nline",
            b"\\",
        ] {
            let path = format!("/{}", escape(name));
            assert_eq!(components(&path).unwrap(), [name.to_vec()], "{path}");
        }
        assert_eq!(escape(b"\xff\n"), "\\xff\\x0a");
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        for path in ["relative", "/a/../b", "/.", "/a\\q", ""] {
            assert!(components(path).is_err(), "{path}");
        }
        assert!(components("/").unwrap().is_empty());
    }
}
