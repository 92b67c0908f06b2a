//! The bytes of an index: small enough to be kept beside each layer, and read in one go.
//!
//! A row is: kind, depth, name, mode, uid, gid, and by its kind size and link group or the target.
//! Numbers are in groups of 7 bits, lowest first; texts have their length before them.

use std::io::{self, Write};

use super::{Entry, EntryKind, LayerIndex, MAX_DEPTH, MAX_ENTRIES, Placed, Span};

const MAGIC: &[u8; 4] = b"TFI1";

/// An index that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the index of files is malformed")]
pub struct Malformed;

/// Writes an index row by row.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    rows: usize,
}

impl<W: Write> Writer<W> {
    /// Begins an index.
    ///
    /// # Errors
    /// As `out`.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        Ok(Self { out, rows: 0 })
    }

    /// How many rows are written.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds an entry; `target` is that of a symbolic link.
    ///
    /// # Errors
    /// As the output; `InvalidInput` for a text beyond 64 KiB.
    pub fn row(&mut self, depth: u16, name: &[u8], entry: &Entry, target: &[u8]) -> io::Result<()> {
        let mut row = Vec::with_capacity(32 + name.len() + target.len());
        row.push(entry.kind as u8);
        number(&mut row, depth.into());
        text(&mut row, name)?;
        if entry.kind != EntryKind::Whiteout {
            number(&mut row, entry.mode.into());
            number(&mut row, entry.uid.into());
            number(&mut row, entry.gid.into());
            number(&mut row, zigzag(entry.modified_sec));
        }
        match entry.kind {
            EntryKind::File => {
                number(&mut row, entry.size_bytes);
                number(&mut row, entry.link_group.into());
            }
            EntryKind::Symlink => text(&mut row, target)?,
            _ => {}
        }
        self.rows += 1;
        self.out.write_all(&row)
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// As the output.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

impl LayerIndex {
    /// Reads an index. The worker that wrote it has looked at hostile files, so nothing in it is
    /// believed.
    ///
    /// # Errors
    /// [`Malformed`], also for more entries than a layer may have.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(Malformed)?;
        let mut index = Self::default();
        // A row's parent is the last one that is one level up, so no level may be left out.
        let mut allowed = 0;
        while !rest.is_empty() {
            let placed = index.parse_row(&mut rest)?;
            if placed.depth > allowed || index.entries.len() >= MAX_ENTRIES {
                return Err(Malformed);
            }
            allowed = placed.depth + u16::from(placed.entry.kind.is_directory());
            index.entries.push(placed);
        }
        Ok(index)
    }

    fn parse_row(&mut self, rest: &mut &[u8]) -> Result<Placed, Malformed> {
        let kind = kind(take(rest, 1)?[0])?;
        let depth = small(rest).and_then(|depth| {
            if depth < MAX_DEPTH {
                Ok(depth)
            } else {
                Err(Malformed)
            }
        })?;
        let name = self.keep(rest)?;
        let bytes = name.of(&self.text);
        if bytes.is_empty() || bytes == b"." || bytes == b".." || bytes.contains(&b'/') {
            return Err(Malformed);
        }
        let mut entry = Entry {
            kind,
            mode: 0,
            uid: 0,
            gid: 0,
            size_bytes: 0,
            modified_sec: 0,
            link_group: 0,
        };
        if kind != EntryKind::Whiteout {
            entry.mode = small(rest)?;
            entry.uid = medium(rest)?;
            entry.gid = medium(rest)?;
            entry.modified_sec = unzigzag(large(rest)?);
        }
        let mut target = Span::default();
        match kind {
            EntryKind::File => {
                entry.size_bytes = large(rest)?;
                entry.link_group = medium(rest)?;
            }
            EntryKind::Symlink => target = self.keep(rest)?,
            _ => {}
        }
        Ok(Placed {
            depth,
            name,
            target,
            entry,
        })
    }

    fn keep(&mut self, rest: &mut &[u8]) -> Result<Span, Malformed> {
        let len = small(rest)?;
        let at = u32::try_from(self.text.len()).map_err(|_| Malformed)?;
        self.text.extend_from_slice(take(rest, len.into())?);
        Ok(Span { at, len })
    }
}

fn kind(byte: u8) -> Result<EntryKind, Malformed> {
    use EntryKind as K;
    let kinds = [
        K::File,
        K::Directory,
        K::OpaqueDirectory,
        K::Symlink,
        K::CharDevice,
        K::BlockDevice,
        K::Fifo,
        K::Socket,
        K::Whiteout,
    ];
    kinds.get(usize::from(byte)).copied().ok_or(Malformed)
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn text(out: &mut Vec<u8>, text: &[u8]) -> io::Result<()> {
    let len =
        u16::try_from(text.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    number(out, len.into());
    out.extend_from_slice(text);
    Ok(())
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], Malformed> {
    let (taken, left) = rest.split_at_checked(len).ok_or(Malformed)?;
    *rest = left;
    Ok(taken)
}

fn large(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

fn medium(rest: &mut &[u8]) -> Result<u32, Malformed> {
    u32::try_from(large(rest)?).map_err(|_| Malformed)
}

fn small(rest: &mut &[u8]) -> Result<u16, Malformed> {
    u16::try_from(large(rest)?).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size_bytes: u64) -> Entry {
        Entry {
            kind: EntryKind::File,
            mode: 0o4755,
            uid: 100_000,
            gid: 4_294_967_294,
            size_bytes,
            modified_sec: -1,
            link_group: 7,
        }
    }

    fn written() -> Vec<u8> {
        let mut writer = Writer::new(Vec::new()).unwrap();
        let folder = Entry {
            kind: EntryKind::Directory,
            size_bytes: 0,
            link_group: 0,
            ..file(0)
        };
        writer.row(0, b"usr", &folder, b"").unwrap();
        writer.row(1, b"\xff\xfe", &file(u64::MAX), b"").unwrap();
        let link = Entry {
            kind: EntryKind::Symlink,
            ..folder
        };
        writer.row(0, b"x", &link, b"../usr").unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let index = LayerIndex::parse(&written()).unwrap();
        assert_eq!(index.len(), 3);
        assert_eq!(index.entries[1].entry, file(u64::MAX));
        assert_eq!(index.entries[1].name.of(&index.text), b"\xff\xfe");
        assert_eq!(index.entries[2].target.of(&index.text), b"../usr");
    }

    #[test]
    fn no_bytes_make_it_panic_and_a_cut_is_noticed() {
        let whole = written();
        for end in 0..whole.len() {
            // A cut between rows is a shorter index; the count of the worker tells.
            if let Ok(index) = LayerIndex::parse(&whole[..end]) {
                assert!(index.len() < 3);
            }
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                let _ = LayerIndex::parse(&bytes);
            }
        }
    }

    #[test]
    fn an_entry_without_its_folder_is_refused() {
        let mut writer = Writer::new(Vec::new()).unwrap();
        writer.row(0, b"file", &file(1), b"").unwrap();
        writer.row(1, b"in-a-file", &file(1), b"").unwrap();
        assert_eq!(LayerIndex::parse(&writer.finish().unwrap()), Err(Malformed));
    }
}
