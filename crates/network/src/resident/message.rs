//! DNS messages, as far as a forwarding name server needs them: one question in, a short answer out.
//! RFC 1035 sections 4.1 and 4.2, RFC 6891 (EDNS), RFC 2308 (no data).

use std::net::{IpAddr, Ipv4Addr};

const HEADER: usize = 12;
/// What a message without EDNS may have over UDP.
const PLAIN_BYTES: usize = 512;
/// More than this is cut into fragments on most ways, which often get lost (DNS flag day 2020).
const MOST_BYTES: usize = 1232;
const IN: u16 = 1;
const OPT: u16 = 41;
/// Short, because a name moves with its container.
const TTL_S: u32 = 5;
/// "The name of the question", RFC 1035 section 4.1.4.
const POINTER: [u8; 2] = [0xc0, HEADER as u8];

/// Types of records.
pub(super) mod kind {
    pub(in super::super) const A: u16 = 1;
    pub(in super::super) const PTR: u16 = 12;
    pub(in super::super) const AAAA: u16 = 28;
    pub(in super::super) const ANY: u16 = 255;
}

/// Codes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Fine = 0,
    Format = 1,
    Server = 2,
    NoSuchName = 3,
    NotImplemented = 4,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// In lower case, without the last dot.
    pub(super) name: String,
    pub(super) kind: u16,
}

/// A parsed query.
#[derive(Debug)]
pub(super) struct Query<'a> {
    bytes: &'a [u8],
    pub(super) question: Question,
    /// Where the question ends.
    end: usize,
    /// How much the asker can take over UDP, if it said so.
    edns: Option<u16>,
}

impl<'a> Query<'a> {
    /// Reads a query.
    ///
    /// # Errors
    /// The answer to give to what is none; nothing where not even that makes sense.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Option<Vec<u8>>> {
        let header = bytes.get(..HEADER).ok_or(None)?;
        if header[2] & 0x80 != 0 {
            // An answer: to answer it could go on forever.
            return Err(None);
        }
        let bad = |code: Code| Some(bare(header, code));
        if header[2] & 0x78 != 0 {
            return Err(bad(Code::NotImplemented));
        }
        if word(bytes, 4) != Some(1) {
            return Err(bad(Code::Format));
        }
        let (name, at) = name(bytes, HEADER).ok_or_else(|| bad(Code::Format))?;
        let kind = word(bytes, at).ok_or_else(|| bad(Code::Format))?;
        let class = word(bytes, at + 2).ok_or_else(|| bad(Code::Format))?;
        if class != IN {
            return Err(bad(Code::NotImplemented));
        }
        let end = at + 4;
        Ok(Self {
            question: Question { name, kind },
            end,
            edns: edns(bytes, end),
            bytes,
        })
    }

    /// The code alone: no such name, no data of this type, or a failure.
    pub(super) fn code(&self, code: Code) -> Vec<u8> {
        self.answer(code, &[])
    }

    /// Addresses of the name.
    pub(super) fn addresses(&self, addresses: &[IpAddr]) -> Vec<u8> {
        let data: Vec<_> = addresses
            .iter()
            .map(|address| match address {
                IpAddr::V4(address) => (kind::A, address.octets().to_vec()),
                IpAddr::V6(address) => (kind::AAAA, address.octets().to_vec()),
            })
            .collect();
        self.answer(Code::Fine, &data)
    }

    /// The name of an address.
    pub(super) fn name(&self, name: &str) -> Vec<u8> {
        self.answer(Code::Fine, &[(kind::PTR, labels(name))])
    }

    /// The answer as it fits into a datagram; cut, with a hint to ask again over TCP, where it is longer.
    pub(super) fn fit(&self, mut answer: Vec<u8>) -> Vec<u8> {
        let room = self.edns.map_or(PLAIN_BYTES, |bytes| {
            usize::from(bytes).clamp(PLAIN_BYTES, MOST_BYTES)
        });
        if answer.len() <= room {
            return answer;
        }
        answer.truncate(self.end.min(room));
        answer[2] |= 0x02;
        answer[6..HEADER].fill(0);
        answer
    }

    fn answer(&self, code: Code, records: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let mut answer = bare(&self.bytes[..HEADER], code);
        answer[5] = 1;
        answer[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
        answer.extend(&self.bytes[HEADER..self.end]);
        for (kind, data) in records {
            answer.extend(POINTER);
            answer.extend(kind.to_be_bytes());
            answer.extend(IN.to_be_bytes());
            answer.extend(TTL_S.to_be_bytes());
            answer.extend((data.len() as u16).to_be_bytes());
            answer.extend(data);
        }
        if self.edns.is_some() {
            answer[11] = 1;
            answer.push(0);
            answer.extend(OPT.to_be_bytes());
            answer.extend((MOST_BYTES as u16).to_be_bytes());
            answer.extend([0; 6]);
        }
        answer
    }
}

/// Asks for the IPv4 addresses of a name.
pub(crate) fn question_for_address(name: &str) -> Vec<u8> {
    const WISH_FOR_RECURSION: u8 = 1;
    let mut question = vec![0; HEADER];
    question[2] = WISH_FOR_RECURSION;
    question[5] = 1;
    question.extend(labels(name));
    question.extend(kind::A.to_be_bytes());
    question.extend(IN.to_be_bytes());
    question
}

/// The IPv4 addresses in an answer; none in what is no answer or says that there are none.
pub(crate) fn read_addresses(answer: &[u8]) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    let Some((_, end)) = name(answer, HEADER) else {
        return found;
    };
    let mut at = end + 4;
    for _ in 0..word(answer, 6).unwrap_or(0) {
        let Some(record) = skip_name(answer, at) else {
            break;
        };
        let (kind, length) = (word(answer, record), word(answer, record + 8));
        let length = usize::from(length.unwrap_or(0));
        at = record + 10 + length;
        let data = answer.get(record + 10..at).unwrap_or_default();
        if kind == Some(kind::A)
            && let Ok(octets) = <[u8; 4]>::try_from(data)
        {
            found.push(octets.into());
        }
    }
    found
}

/// Where a name ends that may end in a pointer.
fn skip_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match usize::from(*bytes.get(at)?) {
            0 => return Some(at + 1),
            length if length >= 0xc0 => return Some(at + 2),
            length => at += 1 + length,
        }
    }
}

fn labels(name: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(63)];
        data.push(label.len() as u8);
        data.extend(label);
    }
    data.push(0);
    data
}

/// A header of an answer without anything behind it.
fn bare(query: &[u8], code: Code) -> Vec<u8> {
    let mut header = query[..HEADER].to_vec();
    // An answer; what was wished about recursion stays.
    header[2] = 0x80 | (query[2] & 0x79);
    header[3] = 0x80 | code as u8;
    header[4..].fill(0);
    header
}

/// Reads a name without pointers, which a question has none of; gives where it ends.
fn name(bytes: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut name = String::new();
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1;
        if length == 0 {
            return Some((name, at));
        }
        let label = bytes.get(at..at + length).filter(|_| length < 64)?;
        at += length;
        if !name.is_empty() {
            name.push('.');
        }
        // Names of containers are ASCII; another byte must only not look like one.
        name.extend(
            label
                .iter()
                .map(|byte| char::from(byte.to_ascii_lowercase())),
        );
        if at > HEADER + 255 {
            return None;
        }
    }
}

/// What the OPT record offers, where it stands alone behind the question, as clients send it.
fn edns(bytes: &[u8], at: usize) -> Option<u16> {
    let alone = word(bytes, 6) == Some(0) && word(bytes, 8) == Some(0);
    let there = alone && bytes.get(at) == Some(&0) && word(bytes, at + 1) == Some(OPT);
    word(bytes, at + 3).filter(|_| there)
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([pair[0], pair[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u16, edns: Option<u16>) -> Vec<u8> {
        let mut bytes = vec![
            0x12,
            0x34,
            1,
            0,
            0,
            1,
            0,
            0,
            0,
            0,
            0,
            u8::from(edns.is_some()),
        ];
        for label in name.split('.') {
            bytes.push(label.len() as u8);
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        bytes.extend([kind.to_be_bytes(), IN.to_be_bytes()].concat());
        if let Some(size) = edns {
            bytes.push(0);
            bytes.extend([OPT.to_be_bytes(), size.to_be_bytes()].concat());
            bytes.extend([0; 6]);
        }
        bytes
    }

    #[test]
    fn an_answer_repeats_the_question_and_gives_addresses() {
        let bytes = query("Web.Front", kind::A, None);
        let query = Query::parse(&bytes).unwrap();
        assert_eq!(
            query.question,
            Question {
                name: "web.front".into(),
                kind: kind::A
            }
        );
        let answer = query.addresses(&[[10, 0, 0, 2], [10, 0, 0, 3]].map(IpAddr::from));
        assert_eq!(
            answer[..12],
            [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0]
        );
        assert!(answer.ends_with(&[0, 4, 10, 0, 0, 3]));
        assert_eq!(query.code(Code::NoSuchName)[3], 0x83);
    }

    #[test]
    fn an_asker_reads_the_addresses_of_an_answer_and_nothing_of_a_broken_one() {
        let bytes = question_for_address("web.front");
        let query = Query::parse(&bytes).unwrap();
        assert_eq!(query.question.name, "web.front");
        let addresses = [[10, 0, 0, 2], [10, 0, 0, 3]].map(Ipv4Addr::from);
        let answer = query.addresses(&addresses.map(IpAddr::V4));
        assert_eq!(read_addresses(&answer), addresses);
        assert!(read_addresses(&query.code(Code::NoSuchName)).is_empty());
        for cut in 0..answer.len() {
            assert!(read_addresses(&answer[..cut]).len() < 2, "cut at {cut}");
        }
    }

    #[test]
    fn a_long_answer_is_cut_to_what_the_asker_takes() {
        let addresses: Vec<IpAddr> = (0..60).map(|n| [10, 0, 0, n].into()).collect();
        let check = |edns, cut| {
            let bytes = query("web", kind::A, edns);
            let query = Query::parse(&bytes).unwrap();
            let answer = query.fit(query.addresses(&addresses));
            assert_eq!(answer[2] & 2 != 0, cut, "{edns:?}");
            assert!(answer.len() <= edns.map_or(512, usize::from));
        };
        check(None, true);
        check(Some(1232), false);
        check(Some(600), true);
    }

    #[test]
    fn what_is_no_query_is_answered_as_such_or_not_at_all() {
        assert!(matches!(Query::parse(&[0; 5]), Err(None)));
        let mut reply = query("a", kind::A, None);
        reply[2] |= 0x80;
        assert!(matches!(Query::parse(&reply), Err(None)));
        let whole = query("a.bc", kind::A, None);
        for length in HEADER..whole.len() {
            let refused = Query::parse(&whole[..length]).unwrap_err().unwrap();
            assert_eq!(refused[3] & 15, Code::Format as u8);
        }
        let mut pointer = query("a", kind::A, None);
        pointer[12] = 0xc0;
        assert!(Query::parse(&pointer).is_err());
    }
}
