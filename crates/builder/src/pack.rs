//! The files of a layer before they are written: gathered, recognized, then written as one tar.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::sync::Arc;

use tar::{EntryType, Header};

use crate::key::{Key, KeyParts, Mark};
use crate::{Content, Entry, Fault, Files, Kind};

/// To start a thread takes as long as to hash some small files.
const FILES_OF_A_THREAD: usize = 128;

/// Files by their path in the layer.
#[derive(Debug, Default)]
pub(crate) struct Pack {
    entries: BTreeMap<String, Packed>,
}

#[derive(Debug)]
struct Packed {
    entry: Entry,
    /// Where the hash of its bytes is known, and under which path.
    origin: Option<(Arc<Files>, String)>,
}

/// A file of a pack whose hash is kept: its path, where it is kept, under which name, and the bytes.
type Hashed<'a> = (&'a str, &'a Files, &'a str, &'a Content);

fn hashed<'a>((path, packed): (&'a String, &'a Packed)) -> Option<Hashed<'a>> {
    match (&packed.entry.kind, &packed.origin) {
        (Kind::File(content), Some((files, source))) => Some((path, files, source, content)),
        _ => None,
    }
}

impl Pack {
    /// Puts a file; a later one at the same path replaces it, a folder only changes its settings.
    pub(crate) fn put(&mut self, path: String, entry: Entry, origin: Option<(Arc<Files>, String)>) {
        if !path.is_empty() {
            self.entries.insert(path, Packed { entry, origin });
        }
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// Hashes the files side by side, where there are many; what is known of one before is used.
    fn hash(&self) -> Result<(), Fault> {
        let all: Vec<_> = self.entries.iter().filter_map(hashed).collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let part = all.len().div_ceil(threads).max(FILES_OF_A_THREAD);
        let hash = |part: &[Hashed<'_>]| {
            part.iter().try_for_each(|(path, files, source, content)| {
                let hash = files.hash(source, content);
                hash.map(drop).map_err(Fault::io(*path))
            })
        };
        std::thread::scope(|scope| {
            let mut parts = all.chunks(part);
            let first = parts.next().unwrap_or_default();
            let others: Vec<_> = parts.map(|part| scope.spawn(move || hash(part))).collect();
            let mut done = hash(first);
            for other in others {
                done = done.and(other.join().expect("hashing does not panic"));
            }
            done
        })
    }

    /// By what the layer is recognized. When files changed is no part of it.
    pub(crate) fn key(&self, kind: &str, on: &str) -> Result<Key, Fault> {
        self.hash()?;
        let mut parts = KeyParts::new(kind);
        parts.named("below", on);
        for (path, Packed { entry, origin }) in &self.entries {
            parts.add(path);
            parts.add(format!("{:o} {} {}", entry.mode, entry.uid, entry.gid));
            let content = match &entry.kind {
                Kind::Folder => {
                    parts.add("folder");
                    "folder".to_owned()
                }
                Kind::Link(target) => {
                    parts.add("link").add(target);
                    format!("-> {target}")
                }
                Kind::Special => {
                    parts.add("special");
                    "special".to_owned()
                }
                Kind::File(content) => {
                    let hash = match origin {
                        Some((files, source)) => files.hash(source, content),
                        None => Files::default().hash(path, content),
                    };
                    let hash = hash.map_err(Fault::io(path.as_str()))?;
                    parts.add("file").add(&hash);
                    hash
                }
            };
            parts.note_file(path, mark(entry, content));
        }
        Ok(parts.finish())
    }

    /// Writes the layer. `at` replaces all times where it is given.
    pub(crate) fn write(&self, at: Option<u64>) -> io::Result<File> {
        let mut builder = tar::Builder::new(BufWriter::with_capacity(1 << 18, tempfile()?));
        for (path, Packed { entry, .. }) in &self.entries {
            let mut header = Header::new_gnu();
            header.set_mode(entry.mode);
            header.set_uid(u64::from(entry.uid));
            header.set_gid(u64::from(entry.gid));
            header.set_mtime(at.map_or(entry.modified, |at| entry.modified.min(at)));
            header.set_size(0);
            match &entry.kind {
                Kind::Folder => {
                    header.set_entry_type(EntryType::Directory);
                    builder.append_data(&mut header, format!("{path}/"), io::empty())?;
                }
                Kind::Link(target) => {
                    header.set_entry_type(EntryType::Symlink);
                    builder.append_link(&mut header, path, target)?;
                }
                Kind::File(content) => {
                    header.set_entry_type(EntryType::Regular);
                    header.set_size(content.len());
                    append_exactly(&mut builder, &mut header, path, content)?;
                }
                Kind::Special => {}
            }
        }
        let mut file = builder
            .into_inner()?
            .into_inner()
            .map_err(|error| error.into_error())?;
        file.rewind()?;
        Ok(file)
    }
}

fn mark(entry: &Entry, content: String) -> Mark {
    Mark {
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        size_bytes: match &entry.kind {
            Kind::File(content) => content.len(),
            _ => 0,
        },
        content,
    }
}

/// A file that shrinks while it is read must not shift what follows it.
fn append_exactly<W: Write>(
    builder: &mut tar::Builder<W>,
    header: &mut Header,
    path: &str,
    content: &Content,
) -> io::Result<()> {
    let mut counted = Counted {
        inner: content.open(),
        left: content.len(),
    };
    builder.append_data(header, path, &mut counted)?;
    if counted.left > 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("{path:?} shrank"),
        ));
    }
    Ok(())
}

struct Counted<R> {
    inner: R,
    left: u64,
}

impl<R: io::Read> io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

/// A file without a name.
pub(crate) fn tempfile() -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    const O_TMPFILE: i32 = 0o20_200_000;
    let folder = std::env::temp_dir();
    std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(O_TMPFILE)
        .mode(0o600)
        .open(folder)
}
