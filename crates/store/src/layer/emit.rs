//! Entries of a tar that comes out the same every time.

use std::collections::HashMap;
use std::ffi::CString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use nix::sys::stat::{FileStat, major, minor};
use tar::{Builder, EntryType, Header};
use terrarium_sys::tree::Kind;
use terrarium_sys::xattr;

use super::error::{Error, Result};
use super::xattrs;

/// The most that the fields of an old header hold: seven octal digits, and eleven.
const MAX_ID: u64 = 0o7_777_777;
const MAX_SIZE: u64 = 0o77_777_777_777;

/// One entry.
pub(super) struct Entry<'a> {
    pub(super) path: &'a [u8],
    pub(super) stat: &'a FileStat,
    /// The target of a symbolic link, or the first name of a file that was written before.
    pub(super) link: Option<&'a [u8]>,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl<'a> Entry<'a> {
    /// Without a target and attributes.
    pub(super) fn new(path: &'a [u8], stat: &'a FileStat) -> Self {
        let xattrs = Vec::new();
        Self {
            path,
            stat,
            link: None,
            xattrs,
        }
    }
}

/// The files with several names that were written, by device and inode.
#[derive(Default)]
pub(super) struct Links(HashMap<(u64, u64), Vec<u8>>);

impl Links {
    /// The name under which a file was written before; if there is none, `path` is it from now on.
    pub(super) fn first_name(&mut self, stat: &FileStat, path: &[u8]) -> Option<Vec<u8>> {
        if stat.st_nlink < 2 {
            return None;
        }
        let key = (stat.st_dev, stat.st_ino);
        let first = self.0.get(&key).cloned();
        if first.is_none() {
            self.0.insert(key, path.to_vec());
        }
        first
    }
}

/// The attributes of a file that belong into a layer, sorted.
pub(super) fn xattrs_of(file: impl AsFd, path: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let system = |error| Error::system("read attributes of", path, error);
    let mut names = xattr::list(&file).map_err(system)?;
    names.sort();
    let mut xattrs = Vec::new();
    for name in names {
        let leads_away = [&b"redirect"[..], b"metacopy"];
        let mark = name
            .strip_prefix(b"trusted.overlay.")
            .or(name.strip_prefix(b"user.overlay."));
        if mark.is_some_and(|mark| leads_away.contains(&mark)) {
            return Err(Error::entry(
                path,
                "overlay was told to find its content elsewhere",
            ));
        }
        if !xattrs::belongs(&name) {
            continue;
        }
        let c_name = CString::new(name.as_slice()).map_err(|error| system(error.into()))?;
        if let Some(value) = xattr::get(&file, &c_name).map_err(system)? {
            xattrs.push((name, value));
        }
    }
    Ok(xattrs)
}

/// Writes one entry, with an extended header for what the old one cannot say.
pub(super) fn append<W: Write>(
    builder: &mut Builder<W>,
    entry: &Entry<'_>,
    data: impl Read,
) -> io::Result<()> {
    let stat = entry.stat;
    let kind = Kind::of_mode(stat.st_mode);
    let linked = kind == Kind::File && entry.link.is_some();
    let size = if kind == Kind::File && !linked {
        stat.st_size.unsigned_abs()
    } else {
        0
    };
    let mut path = entry.path.to_vec();
    if kind == Kind::Directory && !path.ends_with(b"/") {
        path.push(b'/');
    }
    let mut header = Header::new_ustar();
    header.set_entry_type(match kind {
        Kind::Directory => EntryType::Directory,
        Kind::Symlink => EntryType::Symlink,
        Kind::CharDevice => EntryType::Char,
        Kind::BlockDevice => EntryType::Block,
        Kind::Fifo => EntryType::Fifo,
        _ if linked => EntryType::Link,
        _ => EntryType::Regular,
    });
    header.set_mode(stat.st_mode & 0o7777);
    header.set_device_major(u32::try_from(major(stat.st_rdev)).unwrap_or(0))?;
    header.set_device_minor(u32::try_from(minor(stat.st_rdev)).unwrap_or(0))?;
    let mut pax: Vec<(String, Vec<u8>)> = Vec::new();
    set_numbers(&mut header, stat, size, &mut pax);
    if !put(&mut header.as_old_mut().name, &path) {
        pax.push(("path".to_owned(), path));
    }
    if let Some(link) = entry.link
        && !put(&mut header.as_old_mut().linkname, link)
    {
        pax.push(("linkpath".to_owned(), link.to_vec()));
    }
    for (name, value) in &entry.xattrs {
        // Only names that are text get here; see `xattrs::belongs`.
        let name = String::from_utf8_lossy(name);
        pax.push((format!("SCHILY.xattr.{name}"), value.clone()));
    }
    write_pax(builder, &pax)?;
    header.set_cksum();
    // A file that grows meanwhile is cut; one that shrinks would put all that follows out of step.
    let mut exact = Exact {
        data: data.take(size),
        left: size,
    };
    builder.append(&header, &mut exact)
}

/// Writes the removal of a name.
pub(super) fn append_whiteout<W: Write>(builder: &mut Builder<W>, path: &[u8]) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_mode(0);
    header.set_size(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    if !put(&mut header.as_old_mut().name, path) {
        write_pax(builder, &[("path".to_owned(), path.to_vec())])?;
    }
    header.set_cksum();
    builder.append(&header, io::empty())
}

fn set_numbers(header: &mut Header, stat: &FileStat, size: u64, pax: &mut Vec<(String, Vec<u8>)>) {
    let mut long = |key: &str, text: String| pax.push((key.to_owned(), text.into_bytes()));
    let (uid, gid) = (u64::from(stat.st_uid), u64::from(stat.st_gid));
    let seconds = stat.st_mtime;
    if uid > MAX_ID {
        long("uid", uid.to_string());
    }
    if gid > MAX_ID {
        long("gid", gid.to_string());
    }
    if size > MAX_SIZE {
        long("size", size.to_string());
    }
    if stat.st_mtime_nsec != 0 || seconds < 0 {
        long("mtime", time_text(seconds, stat.st_mtime_nsec));
    }
    header.set_uid(uid.min(MAX_ID));
    header.set_gid(gid.min(MAX_ID));
    // Readers that do not know extended headers have to stay in step, so this one is not cut.
    header.set_size(size);
    header.set_mtime(u64::try_from(seconds).unwrap_or(0).min(MAX_SIZE));
}

/// Decimal seconds; before 1970 the fraction counts away from zero as well.
fn time_text(seconds: i64, nanos: i64) -> String {
    let (sign, seconds, nanos) = match (seconds, nanos) {
        (seconds, nanos) if seconds >= 0 => ("", seconds, nanos),
        (seconds, 0) => ("-", -seconds, 0),
        (seconds, nanos) => ("-", -(seconds + 1), 1_000_000_000 - nanos),
    };
    let text = format!("{sign}{seconds}.{nanos:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn put(field: &mut [u8], text: &[u8]) -> bool {
    let fits = text.len() <= field.len();
    let len = text.len().min(field.len());
    field[..len].copy_from_slice(&text[..len]);
    fits
}

/// Not `append_pax_extensions`: it takes the header's time from nowhere in particular, and names
/// that are not text are refused by it.
fn write_pax<W: Write>(builder: &mut Builder<W>, records: &[(String, Vec<u8>)]) -> io::Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let mut data = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let mut len = rest + 1;
        while len != rest + len.to_string().len() {
            len = rest + len.to_string().len();
        }
        data.extend(format!("{len} {key}=").as_bytes());
        data.extend(value);
        data.push(b'\n');
    }
    let mut header = Header::new_ustar();
    put(&mut header.as_old_mut().name, b"PaxHeaders.0/x");
    header.set_entry_type(EntryType::XHeader);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(data.len() as u64);
    header.set_cksum();
    builder.append(&header, data.as_slice())
}

/// Fails if there are fewer bytes than were announced.
struct Exact<R> {
    data: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.data.read(buffer)?;
        if len == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a file shrank while it was read",
            ));
        }
        self.left -= len as u64;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::time_text;

    #[test]
    fn times_are_decimal_on_both_sides_of_1970() {
        for (seconds, nanos, expect) in [
            (12, 345_678_901, "12.345678901"),
            (12, 500_000_000, "12.5"),
            (-2, 750_000_000, "-1.25"),
            (-1, 500_000_000, "-0.5"),
            (-10, 0, "-10"),
        ] {
            assert_eq!(time_text(seconds, nanos), expect);
        }
    }
}
