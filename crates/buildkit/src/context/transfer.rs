//! One transfer, packet by packet.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::{
    Kept, Received, Stat,
    archive::{Archive, size},
    kept::Since,
    order::Order,
};
use crate::{
    Error, Result,
    messages::{Packet, PacketKind},
};

/// Files that are asked for before the first has come; a client keeps a queue of 128.
const AHEAD: usize = 64;

/// A file whose bytes come.
#[derive(Debug)]
struct Coming {
    path: String,
    start: u64,
    size: u64,
    come: u64,
    asked: bool,
}

#[derive(Debug)]
pub(super) struct Transfer {
    archive: Archive,
    order: Order,
    since: Since,
    /// The place of the next file in the list.
    next: u32,
    listed: bool,
    coming: HashMap<u32, Coming>,
    waiting: VecDeque<u32>,
    /// Whether the client has been told that all is here.
    finished: bool,
    ended: bool,
    bytes: u64,
}

impl Transfer {
    pub(super) fn new(before: Option<Arc<Kept>>) -> Result<Self> {
        Ok(Self {
            archive: Archive::new()?,
            order: Order::default(),
            since: Since::new(before),
            next: 0,
            listed: false,
            coming: HashMap::new(),
            waiting: VecDeque::new(),
            finished: false,
            ended: false,
            bytes: 0,
        })
    }

    /// Takes a packet; whether it was the last one.
    pub(super) fn take(&mut self, packet: Packet) -> Result<bool> {
        let kind = PacketKind::try_from(packet.kind);
        match kind {
            Ok(PacketKind::Stat) if !self.listed => match packet.stat {
                Some(stat) => self.list(&stat)?,
                None => {
                    self.since.take_over(&self.archive)?;
                    self.listed = true;
                }
            },
            Ok(PacketKind::Data) => self.data(packet.id, &packet.data)?,
            Ok(PacketKind::Finish) if self.finished => self.ended = true,
            Ok(PacketKind::Error) => {
                let text = String::from_utf8_lossy(&packet.data);
                return Err(Error::Client(text.chars().take(500).collect()));
            }
            _ => {
                let path = format!("packet {}", packet.kind);
                let what = "something that nobody asked for";
                return Err(Error::Files { what, path });
            }
        }
        Ok(self.ended)
    }

    fn list(&mut self, stat: &Stat) -> Result<()> {
        let id = self.next;
        self.next += 1;
        self.order.check(stat)?;
        // As in the archives of clients: there is nothing to copy of a socket.
        if stat.is(Stat::SOCKET) {
            return Ok(());
        }
        let start = self.archive.put(stat)?;
        let size = if stat.has_bytes() { size(stat)? } else { 0 };
        let is_here = self.since.note(stat, start, size);
        if size > 0 && !is_here {
            self.waiting.push_back(id);
            let coming = Coming {
                path: stat.path.clone(),
                start,
                size,
                come: 0,
                asked: false,
            };
            self.coming.insert(id, coming);
        }
        Ok(())
    }

    fn data(&mut self, id: u32, bytes: &[u8]) -> Result<()> {
        let wrong = |what, path: &str| Error::Files {
            what,
            path: path.to_owned(),
        };
        let asked = self.coming.get_mut(&id).filter(|coming| coming.asked);
        let Some(coming) = asked else {
            return Err(wrong("bytes that nobody asked for", &id.to_string()));
        };
        let length = bytes.len() as u64;
        if length > coming.size - coming.come || (length == 0 && coming.come < coming.size) {
            return Err(wrong("a file that changed meanwhile", &coming.path));
        }
        if length == 0 {
            self.coming.remove(&id);
            return Ok(());
        }
        self.archive.write(bytes, coming.start + coming.come)?;
        coming.come += length;
        self.bytes += length;
        Ok(())
    }

    /// The files to ask for now.
    pub(super) fn wanted(&mut self) -> Vec<u32> {
        let under_way = self.coming.len() - self.waiting.len();
        let count = AHEAD.saturating_sub(under_way).min(self.waiting.len());
        let wanted: Vec<u32> = self.waiting.drain(..count).collect();
        for id in &wanted {
            if let Some(coming) = self.coming.get_mut(id) {
                coming.asked = true;
            }
        }
        wanted
    }

    /// Whether all is here; only once.
    pub(super) fn is_complete(&mut self) -> bool {
        let complete = self.listed && self.coming.is_empty() && !self.finished;
        self.finished |= complete;
        complete
    }

    pub(super) fn end(self) -> Result<Received> {
        if !self.finished {
            return Err(Error::Left("sending its files".to_owned()));
        }
        let (tar, kept) = self.since.end(self.archive)?;
        Ok(Received {
            tar,
            bytes: self.bytes,
            kept,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use super::*;

    fn stat(path: &str, mode: u32, size: i64) -> Packet {
        let stat = Stat {
            path: path.to_owned(),
            mode,
            size,
            ..Stat::default()
        };
        let stat = Some(stat);
        Packet {
            stat,
            ..Packet::default()
        }
    }

    fn data(id: u32, bytes: &'static [u8]) -> Packet {
        Packet {
            kind: PacketKind::Data.into(),
            id,
            data: bytes.into(),
            ..Packet::default()
        }
    }

    fn end_of_list() -> Packet {
        Packet::default()
    }

    fn finish() -> Packet {
        Packet {
            kind: PacketKind::Finish.into(),
            ..Packet::default()
        }
    }

    fn link(path: &str, target: &str) -> Packet {
        let mut packet = stat(path, Stat::LINK | 0o777, 0);
        packet.stat.as_mut().expect("it has one").link = target.to_owned();
        packet
    }

    #[test]
    fn files_that_come_mixed_lie_in_one_archive() {
        let mut transfer = Transfer::new(None).unwrap();
        let long = format!("dir/{}", "n".repeat(200));
        for packet in [
            stat("a", 0o644, 4),
            stat("dir", Stat::FOLDER | 0o755, 4096),
            link("dir/link", "/elsewhere"),
            stat(&long, 0o600, 3),
            stat("empty", 0o644, 0),
            stat("socket", Stat::SOCKET, 0),
            end_of_list(),
        ] {
            transfer.take(packet).unwrap();
        }
        assert_eq!(transfer.wanted(), [0, 3]);
        for packet in [data(3, b"x"), data(0, b"ab"), data(3, b"yz"), data(3, b"")] {
            transfer.take(packet).unwrap();
            assert!(!transfer.is_complete());
        }
        transfer.take(data(0, b"cd")).unwrap();
        transfer.take(data(0, b"")).unwrap();
        assert!(transfer.is_complete() && !transfer.is_complete());
        assert!(transfer.take(finish()).unwrap());

        let mut tar = transfer.end().unwrap().tar;
        tar.rewind().unwrap();
        let mut found = Vec::new();
        for entry in tar::Archive::new(tar).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push((path, text));
        }
        let expect = [
            ("a", "abcd"),
            ("dir", ""),
            ("dir/link", ""),
            (&long, "xyz"),
            ("empty", ""),
        ];
        let expect = expect.map(|(path, text)| (path.to_owned(), text.to_owned()));
        assert_eq!(found, expect);
    }

    #[test]
    fn a_client_that_does_not_keep_to_what_it_said_is_refused() {
        let cases: [(&[Packet], &str); 9] = [
            (&[stat("../x", 0, 1)], "elsewhere"),
            (&[stat("x", 0, -1)], "impossible size"),
            (&[stat("x", 0, i64::MAX)], "impossible size"),
            (&[stat("x", 0, 1), data(0, b"12")], "changed"),
            (&[stat("x", 0, 2), data(0, b"1"), data(0, b"")], "changed"),
            (&[data(7, b"1")], "nobody asked for"),
            (&[end_of_list(), stat("x", 0, 1)], "nobody asked for"),
            (&[finish()], "nobody asked for"),
            (
                &[Packet {
                    kind: 99,
                    ..Packet::default()
                }],
                "nobody asked for",
            ),
        ];
        for (packets, reason) in cases {
            let mut transfer = Transfer::new(None).unwrap();
            let taken: Result<()> = packets.iter().try_for_each(|packet| {
                transfer.take(packet.clone())?;
                transfer.wanted();
                Ok(())
            });
            let refused = taken.expect_err("it is refused").to_string();
            assert!(refused.contains(reason), "{refused}");
        }
    }

    #[test]
    fn a_client_that_leaves_has_sent_nothing() {
        let mut transfer = Transfer::new(None).unwrap();
        transfer.take(stat("x", 0, 1)).unwrap();
        assert!(matches!(transfer.end(), Err(Error::Left(_))));
    }

    /// Sends these files, all of them if nothing is known of them; which were asked for, and what came of it.
    fn send(
        files: &[(&'static str, i64, &'static [u8])],
        before: Option<Arc<Kept>>,
    ) -> (Vec<u32>, Received) {
        let mut transfer = Transfer::new(before).unwrap();
        for (path, modified_ns, bytes) in files {
            let mut packet = stat(path, 0o644, i64::try_from(bytes.len()).unwrap());
            packet.stat.as_mut().expect("it has one").modified_ns = *modified_ns;
            transfer.take(packet).unwrap();
        }
        transfer.take(end_of_list()).unwrap();
        let asked = transfer.wanted();
        for id in &asked {
            let (.., bytes) = files[*id as usize];
            transfer.take(data(*id, bytes)).unwrap();
            transfer.take(data(*id, b"")).unwrap();
        }
        assert!(transfer.is_complete());
        transfer.take(finish()).unwrap();
        (asked, transfer.end().unwrap())
    }

    fn contents(received: &Received) -> Vec<String> {
        let mut tar = received.tar.try_clone().unwrap();
        tar.rewind().unwrap();
        let mut archive = tar::Archive::new(tar);
        let entries = archive.entries().unwrap();
        let read = entries.map(|entry| {
            let mut text = String::new();
            entry.unwrap().read_to_string(&mut text).unwrap();
            text
        });
        read.collect()
    }

    #[test]
    fn only_what_has_changed_travels_again() {
        let first: [(&str, i64, &[u8]); 4] = [
            ("a", 1, b"one"),
            ("b", 1, b"two"),
            ("c", 1, b"three"),
            ("d", 1, b""),
        ];
        let (asked, received) = send(&first, None);
        assert_eq!(asked, [0, 1, 2]);
        let kept = received.kept.clone();

        let (asked, again) = send(&first, kept.clone());
        assert_eq!((asked.len(), again.bytes), (0, 0));
        assert_eq!(contents(&again), ["one", "two", "three", ""]);

        // One is changed, one gone, one new, and one has only moved in the list.
        let changed: [(&str, i64, &[u8]); 4] = [
            ("a", 2, b"ONE"),
            ("aa", 1, b"new"),
            ("c", 1, b"three"),
            ("d", 1, b""),
        ];
        let (asked, changed) = send(&changed, again.kept);
        assert_eq!((asked, changed.bytes), (vec![0, 1], 6));
        assert_eq!(contents(&changed), ["ONE", "new", "three", ""]);
        // What is kept of the first is as it was.
        let (asked, fewer) = send(&first[..2], kept);
        assert!(asked.is_empty());
        assert_eq!(contents(&fewer), ["one", "two"]);
        let (asked, _) = send(&first, fewer.kept);
        assert_eq!(asked, [2]);
    }
}
