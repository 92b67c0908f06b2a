//! Extended headers (`pax(5)`): `LENGTH KEY=VALUE\n`.

use super::archive::Fault;

/// What an extended header changes in the entry that follows.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<(i64, u32)>,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) sparse: PaxSparse,
}

/// The three forms in which GNU tar writes sparse files in extended headers.
#[derive(Debug, Default)]
pub(super) struct PaxSparse {
    /// Version 1.0: the map is at the start of the data.
    pub(super) map_in_data: bool,
    pub(super) name: Option<Vec<u8>>,
    pub(super) real_size: Option<u64>,
    /// Versions 0.0 and 0.1: offsets and lengths.
    pub(super) map: Vec<u64>,
}

impl Pax {
    pub(super) fn parse(mut bytes: &[u8]) -> Result<Self, Fault> {
        let mut pax = Self::default();
        while !bytes.is_empty() && bytes[0] != 0 {
            let (record, rest) = split_record(bytes)?;
            let equals = record
                .iter()
                .position(|byte| *byte == b'=')
                .ok_or(Fault("a record of an extended header has no `=`"))?;
            pax.set(&record[..equals], &record[equals + 1..])?;
            bytes = rest;
        }
        Ok(pax)
    }

    /// Later records win; an empty value withdraws an earlier one.
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
            self.xattrs.retain(|(known, _)| known != name);
            self.xattrs.push((name.to_vec(), value.to_vec()));
            return Ok(());
        }
        match key {
            b"path" => self.path = text(value)?,
            b"linkpath" => self.link = text(value)?,
            b"size" => self.size = optional(value, number)?,
            b"uid" => self.uid = optional(value, number)?,
            b"gid" => self.gid = optional(value, number)?,
            b"mtime" => self.mtime = optional(value, time)?,
            b"GNU.sparse.major" => self.sparse.map_in_data = value == b"1",
            b"GNU.sparse.name" => self.sparse.name = text(value)?,
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => {
                self.sparse.real_size = optional(value, number)?;
            }
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => self.sparse.map.push(number(value)?),
            b"GNU.sparse.map" => {
                let numbers = value.split(|byte| *byte == b',').map(number);
                self.sparse.map = numbers.collect::<Result<_, _>>()?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn split_record(bytes: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let fault = Fault("a record of an extended header has a wrong length");
    let space = bytes
        .iter()
        .take(20)
        .position(|byte| *byte == b' ')
        .ok_or(fault)?;
    let len = usize::try_from(number(&bytes[..space])?).map_err(|_| fault)?;
    // Length, space and newline are counted in.
    if len <= space + 1 || len > bytes.len() || bytes[len - 1] != b'\n' {
        return Err(fault);
    }
    Ok((&bytes[space + 1..len - 1], &bytes[len..]))
}

fn optional<T>(
    value: &[u8],
    parse: impl Fn(&[u8]) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    if value.is_empty() {
        Ok(None)
    } else {
        parse(value).map(Some)
    }
}

fn text(value: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    if value.contains(&0) {
        return Err(Fault("a name in an extended header contains NUL"));
    }
    Ok(Some(value.to_vec()).filter(|value| !value.is_empty()))
}

fn number(value: &[u8]) -> Result<u64, Fault> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok()).ok_or(Fault(
        "a number in an extended header is none, or too large",
    ))
}

/// Seconds with a fraction, possibly before 1970: `-1.25` is 1.25 seconds before.
fn time(value: &[u8]) -> Result<(i64, u32), Fault> {
    let fault = Fault("a time in an extended header is none");
    let text = std::str::from_utf8(value).map_err(|_| fault)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().map_err(|_| fault)?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(fault);
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = digits.fold(0_u32, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    match nanos {
        nanos if nanos > 0 && whole.starts_with('-') => {
            Ok((seconds.saturating_sub(1), 1_000_000_000 - nanos))
        }
        nanos => Ok((seconds, nanos)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Pax, time};

    fn record(key: &str, value: &str) -> String {
        let body = format!(" {key}={value}\n");
        let mut len = body.len() + 1;
        while len.to_string().len() + body.len() != len {
            len += 1;
        }
        format!("{len}{body}")
    }

    #[test]
    fn later_records_win_and_empty_ones_withdraw() {
        let text = record("path", "a") + &record("path", "b") + &record("size", "7");
        let pax = Pax::parse((text + &record("size", "")).as_bytes()).expect("parses");
        assert_eq!(pax.path.as_deref(), Some(b"b".as_slice()));
        assert_eq!(pax.size, None);
    }

    #[test]
    fn times_have_nanoseconds_on_both_sides_of_1970() {
        for (text, expect) in [
            ("1", (1, 0)),
            ("1.5", (1, 500_000_000)),
            ("1.0000000019", (1, 1)),
            ("-1", (-1, 0)),
            ("-1.25", (-2, 750_000_000)),
            ("-0.5", (-1, 500_000_000)),
        ] {
            assert_eq!(time(text.as_bytes()).expect("parses"), expect, "{text}");
        }
        assert!(time(b"1.x").is_err());
    }

    #[test]
    fn malformed_records_are_refused() {
        for bad in [
            "x",
            "9 path=a",
            "5 a=b\n",
            "99 path=a\n",
            "11 path=a\0b\n",
            "8 size=-\n",
            "0 a",
        ] {
            assert!(Pax::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
