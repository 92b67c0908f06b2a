//! Messages of D-Bus, as far as talking to systemd needs them.
//!
//! Written in the byte order of this machine, which the first byte of a message tells; what comes back was
//! written on the same machine. (D-Bus specification, "Marshaling" and "Message Format".)

use std::io;

/// What a property is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Bool(bool),
    Signed(i32),
    Unsigned(u32),
    Long(u64),
    Text(String),
    Numbers(Vec<u32>),
    Bytes(Vec<u8>),
}

impl Value {
    fn signature(&self) -> &'static str {
        match self {
            Self::Bool(_) => "b",
            Self::Signed(_) => "i",
            Self::Unsigned(_) => "u",
            Self::Long(_) => "t",
            Self::Text(_) => "s",
            Self::Numbers(_) => "au",
            Self::Bytes(_) => "ay",
        }
    }
}

const ORDER: u8 = if cfg!(target_endian = "little") {
    b'l'
} else {
    b'B'
};
const CALL: u8 = 1;
pub(super) const REPLY: u8 = 2;
pub(super) const FAILURE: u8 = 3;
pub(super) const SIGNAL: u8 = 4;
/// What is fixed at the beginning of every message.
pub(super) const FIXED: usize = 16;
/// No answer of systemd comes near it.
const LONGEST: usize = 1 << 20;
/// Fields of the header.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
pub(super) const MEMBER: u8 = 3;
pub(super) const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// Bytes in which each value begins at a multiple of its own size.
#[derive(Debug, Default)]
pub(super) struct Body(Vec<u8>);

impl Body {
    fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    pub(super) fn number(&mut self, number: u32) {
        self.align(4);
        self.0.extend(number.to_ne_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(length(text.len()));
        self.0.extend(text.bytes().chain([0]));
    }

    fn signature(&mut self, signature: &str) {
        // Ours are short constants.
        self.0.push(signature.len() as u8);
        self.0.extend(signature.bytes().chain([0]));
    }

    /// An array: its length counts from its first element on.
    fn array(&mut self, align: usize, elements: impl FnOnce(&mut Self)) {
        self.number(0);
        let at = self.0.len() - 4;
        self.align(align);
        let begin = self.0.len();
        elements(self);
        let bytes = length(self.0.len() - begin).to_ne_bytes();
        self.0[at..at + 4].copy_from_slice(&bytes);
    }

    fn variant(&mut self, value: &Value) {
        self.signature(value.signature());
        match value {
            Value::Bool(value) => self.number((*value).into()),
            Value::Signed(value) => self.number(value.cast_unsigned()),
            Value::Unsigned(value) => self.number(*value),
            Value::Long(value) => {
                self.align(8);
                self.0.extend(value.to_ne_bytes());
            }
            Value::Text(value) => self.text(value),
            Value::Numbers(values) => {
                self.array(4, |body| {
                    values.iter().for_each(|value| body.number(*value))
                });
            }
            Value::Bytes(values) => self.array(1, |body| body.0.extend(values)),
        }
    }

    /// The beginning of a field of the header.
    fn field(&mut self, field: u8, kind: &str) {
        self.align(8);
        self.0.push(field);
        self.signature(kind);
    }

    /// An array of names with values: `a(sv)`.
    pub(super) fn properties(&mut self, properties: &[(String, Value)]) {
        self.array(8, |body| {
            for (name, value) in properties {
                body.align(8);
                body.text(name);
                body.variant(value);
            }
        });
    }

    /// An array of units beside the one that is asked for: `a(sa(sv))`, always empty.
    pub(super) fn no_more_units(&mut self) {
        self.array(8, |_| {});
    }
}

/// What fits in memory fits; what does not fit in 32 bits is refused by the bus, not by us.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// What is asked of whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) destination: &'a str,
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
    pub(super) member: &'a str,
    /// Of the body.
    pub(super) signature: &'a str,
}

impl Call<'_> {
    /// The whole message.
    pub(super) fn message(&self, serial: u32, body: &Body) -> Vec<u8> {
        let head = Head {
            kind: CALL,
            texts: &[
                (PATH, "o", self.path),
                (INTERFACE, "s", self.interface),
                (MEMBER, "s", self.member),
                (DESTINATION, "s", self.destination),
            ],
            reply_to: None,
            signature: self.signature,
        };
        head.message(serial, body)
    }
}

/// What stands before a body: fields with their kind and value.
pub(super) struct Head<'a> {
    pub(super) kind: u8,
    pub(super) texts: &'a [(u8, &'static str, &'a str)],
    pub(super) reply_to: Option<u32>,
    pub(super) signature: &'a str,
}

impl Head<'_> {
    pub(super) fn message(&self, serial: u32, body: &Body) -> Vec<u8> {
        let mut message = Body(vec![ORDER, self.kind, 0, 1]);
        message.number(length(body.0.len()));
        message.number(serial);
        message.array(8, |fields| {
            for (field, kind, text) in self.texts {
                fields.field(*field, kind);
                fields.text(text);
            }
            if let Some(serial) = self.reply_to {
                fields.field(REPLY_SERIAL, "u");
                fields.number(serial);
            }
            if !self.signature.is_empty() {
                fields.field(SIGNATURE, "g");
                fields.signature(self.signature);
            }
        });
        message.align(8);
        message.0.extend(&body.0);
        message.0
    }
}

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) reply_to: Option<u32>,
    pub(super) member: String,
    pub(super) error: String,
    body: Vec<u8>,
}

impl Message {
    /// How long the whole message is, from its fixed part.
    pub(super) fn length(fixed: &[u8; FIXED]) -> io::Result<usize> {
        if fixed[0] != ORDER || fixed[3] != 1 {
            return Err(io::Error::other("no message of D-Bus 1 of this machine"));
        }
        let mut reader = Reader {
            bytes: fixed,
            at: 4,
        };
        let body = reader.number()? as usize;
        reader.at = 12;
        let header = (FIXED + reader.number()? as usize).next_multiple_of(8);
        let whole = header + body;
        if whole > LONGEST {
            return Err(io::Error::other(format!("a message of {whole} bytes")));
        }
        Ok(whole)
    }

    /// Reads a whole message.
    pub(super) fn parse(bytes: &[u8]) -> io::Result<Self> {
        let mut reader = Reader { bytes, at: 12 };
        let mut message = Self {
            kind: *bytes.get(1).ok_or_else(cut)?,
            ..Self::default()
        };
        let end = FIXED + reader.number()? as usize;
        while reader.at < end {
            reader.align(8);
            let field = reader.take(1)?[0];
            let kind = reader.short_text()?;
            match (field, kind.as_str()) {
                (MEMBER, "s") => message.member = reader.text()?,
                (ERROR_NAME, "s") => message.error = reader.text()?,
                (REPLY_SERIAL, "u") => message.reply_to = Some(reader.number()?),
                (_, "s" | "o") => drop(reader.text()?),
                (_, "g") => drop(reader.short_text()?),
                (_, "u") => drop(reader.number()?),
                _ => return Err(io::Error::other(format!("a header field of {kind:?}"))),
            }
        }
        reader.at = end;
        reader.align(8);
        message.body = bytes.get(reader.at..).ok_or_else(cut)?.to_vec();
        Ok(message)
    }

    /// The body, from its beginning.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            bytes: &self.body,
            at: 0,
        }
    }
}

/// Takes values off a message that may be cut anywhere.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, count: usize) -> io::Result<&[u8]> {
        let end = self.at.checked_add(count).ok_or_else(cut)?;
        let taken = self.bytes.get(self.at..end).ok_or_else(cut)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn number(&mut self) -> io::Result<u32> {
        self.align(4);
        let bytes = self.take(4)?.try_into().map_err(|_| cut())?;
        Ok(u32::from_ne_bytes(bytes))
    }

    pub(super) fn text(&mut self) -> io::Result<String> {
        let length = self.number()? as usize;
        self.characters(length)
    }

    fn short_text(&mut self) -> io::Result<String> {
        let length = self.take(1)?[0].into();
        self.characters(length)
    }

    fn characters(&mut self, length: usize) -> io::Result<String> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.take(1).map(|_zero| text)
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "a message that is cut off")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Vec<u8> {
        let mut body = Body::default();
        body.text("a.scope");
        body.properties(&[
            ("Delegate".to_owned(), Value::Bool(true)),
            ("MemoryMax".to_owned(), Value::Long(7)),
            ("PIDs".to_owned(), Value::Numbers(vec![1, 2])),
        ]);
        body.no_more_units();
        let call = Call {
            destination: "org.freedesktop.systemd1",
            path: "/org/freedesktop/systemd1",
            interface: "org.freedesktop.systemd1.Manager",
            member: "StartTransientUnit",
            signature: "sa(sv)a(sa(sv))",
        };
        call.message(9, &body)
    }

    #[test]
    fn a_message_tells_its_length_and_is_read_again() {
        let bytes = call();
        let fixed = bytes[..FIXED].try_into().unwrap();
        assert_eq!(Message::length(&fixed).unwrap(), bytes.len());
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.member, "StartTransientUnit");
        assert_eq!(message.reader().text().unwrap(), "a.scope");
    }

    #[test]
    fn values_begin_at_multiples_of_their_size() {
        let mut body = Body::default();
        body.properties(&[("A".to_owned(), Value::Long(1))]);
        let expect: Vec<u8> = [
            &24_u32.to_ne_bytes()[..],
            &[0; 4],
            &1_u32.to_ne_bytes(),
            b"A\0",
            b"\x01t\0",
            &[0; 7],
            &1_u64.to_ne_bytes(),
        ]
        .concat();
        assert_eq!(body.0, expect);
    }

    #[test]
    fn what_is_cut_or_too_long_is_an_error() {
        let whole = call();
        for length in 0..whole.len() {
            // Whatever it finds in there, it finds no end of the bytes with a panic.
            let _ = Message::parse(&whole[..length]).map(|message| message.reader().text());
        }
        let mut fixed: [u8; FIXED] = whole[..FIXED].try_into().unwrap();
        fixed[4..8].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert!(Message::length(&fixed).is_err());
        fixed[0] = b'x';
        assert!(Message::length(&fixed).is_err());
    }
}
