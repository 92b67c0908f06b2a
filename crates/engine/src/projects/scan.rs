//! The files of a build's folder: walked, then either put into an archive or only looked at.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, Metadata, OpenOptions},
    io::{self, BufWriter, Read as _, Seek as _},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tar::{EntryType, Header};
use terrarium_api::{Error, ErrorCode};
use terrarium_builder::{Content, Entry, Files, Kind};
use terrarium_dockerfile::Ignore;

use crate::{Result, builds::tempfile, error::quoted};

/// A build of more files than that is a mistake.
const FILES_AT_MOST: usize = 1_000_000;

/// The files that `.dockerignore` leaves, by path.
type Found = BTreeMap<String, Metadata>;

/// What the folder of a project held when it was looked at last. Hashes of files that did not change are kept.
#[derive(Debug, Default)]
pub(crate) struct Scans(Mutex<HashMap<PathBuf, Arc<Scan>>>);

/// The files of a folder at one time.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) files: Arc<Files>,
    stamps: BTreeMap<String, Stamp>,
}

/// By what a file is known not to have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Scans {
    /// Looks at a folder. Blocks.
    pub(crate) fn scan(&self, folder: &Path, ignore: &Ignore) -> Result<Arc<Scan>> {
        let found = walk(folder, ignore, &[])?;
        let before = self.lock().get(folder).cloned();
        let stamps = found.iter().map(|(path, data)| (path.clone(), stamp(data)));
        let stamps: BTreeMap<String, Stamp> = stamps.collect();
        let mut files = Files::default();
        for (path, data) in &found {
            files.replace(path.clone(), entry(folder, path, data));
        }
        if let Some(before) = before {
            let same = |path: &str| {
                stamps.contains_key(path) && before.stamps.get(path) == stamps.get(path)
            };
            files.take_hashes(&before.files, same);
        }
        let files = Arc::new(files);
        let scan = Arc::new(Scan { files, stamps });
        self.lock().insert(folder.to_owned(), Arc::clone(&scan));
        Ok(scan)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Arc<Scan>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp(data: &Metadata) -> Stamp {
    Stamp {
        inode: data.ino(),
        size: data.size(),
        modified: (data.mtime(), data.mtime_nsec()),
        changed: (data.ctime(), data.ctime_nsec()),
    }
}

/// As an archive of a client says it: owned by root.
fn entry(folder: &Path, path: &str, data: &Metadata) -> Entry {
    let kind = data.file_type();
    Entry {
        kind: if kind.is_dir() {
            Kind::Folder
        } else if kind.is_symlink() {
            Kind::Link(link(&folder.join(path)))
        } else if kind.is_file() {
            Kind::File(Content::Path {
                path: folder.join(path).into(),
                len: data.size(),
            })
        } else {
            Kind::Special
        },
        mode: data.mode() & 0o7777,
        uid: 0,
        gid: 0,
        modified: u64::try_from(data.mtime()).unwrap_or(0),
    }
}

fn link(path: &Path) -> String {
    let target = fs::read_link(path).unwrap_or_default();
    target.to_string_lossy().into_owned()
}

/// An archive of the files that a build may take, in a file without a name. Blocks.
///
/// `always` are there even if they are to be left out: a build reads them before it leaves out anything.
pub(crate) fn archive(folder: &Path, ignore: &Ignore, always: &[&str]) -> Result<File> {
    archive_with(folder, ignore, always, &[])
}

/// The same with more files, which are not in the folder.
pub(crate) fn archive_with(
    folder: &Path,
    ignore: &Ignore,
    always: &[&str],
    more: &[(String, Vec<u8>)],
) -> Result<File> {
    let found = walk(folder, ignore, always)?;
    let write = || -> io::Result<File> {
        let mut builder = tar::Builder::new(BufWriter::with_capacity(1 << 18, tempfile()?));
        for (path, data) in &found {
            append(&mut builder, folder, path, data)
                .map_err(|error| io::Error::new(error.kind(), format!("{path:?}: {error}")))?;
        }
        for (path, bytes) in more {
            let mut header = Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, bytes.as_slice())?;
        }
        let mut file = builder
            .into_inner()?
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    };
    write().map_err(|error| {
        let message = format!("read the files of {}", quoted(&folder.to_string_lossy()));
        let error = Error::new(ErrorCode::InvalidArgument, message).because(&error);
        error.hint("make them readable, or leave them out in .dockerignore")
    })
}

fn append<W: io::Write>(
    builder: &mut tar::Builder<W>,
    folder: &Path,
    path: &str,
    data: &Metadata,
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(data.mode() & 0o7777);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(u64::try_from(data.mtime()).unwrap_or(0));
    header.set_size(0);
    let kind = data.file_type();
    if kind.is_dir() {
        header.set_entry_type(EntryType::Directory);
        return builder.append_data(&mut header, format!("{path}/"), io::empty());
    }
    if kind.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        return builder.append_link(&mut header, path, fs::read_link(folder.join(path))?);
    }
    if !kind.is_file() {
        header.set_entry_type(EntryType::Fifo);
        return builder.append_data(&mut header, path, io::empty());
    }
    // It may have become a link or a pipe since: neither is followed nor waited for.
    let flags = (nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK).bits();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(folder.join(path))?;
    let size = file.metadata()?.len();
    header.set_size(size);
    let mut exact = file.take(size);
    builder.append_data(&mut header, path, &mut exact)?;
    match exact.limit() {
        0 => Ok(()),
        _ => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "it shrank while it was read",
        )),
    }
}

/// All files below a folder that are not left out. Links are not followed, so there is no circle.
fn walk(folder: &Path, ignore: &Ignore, always: &[&str]) -> Result<Found> {
    let failed = |path: &Path, error: io::Error| {
        let message = format!("read {}", quoted(&path.to_string_lossy()));
        let error = Error::new(ErrorCode::InvalidArgument, message).because(&error);
        error.hint("make it readable, or leave it out in .dockerignore")
    };
    let mut found = Found::new();
    let mut left_out = Found::new();
    let mut open = vec![String::new()];
    while let Some(inside) = open.pop() {
        let at = folder.join(&inside);
        let entries = fs::read_dir(&at).map_err(|error| failed(&at, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| failed(&at, error))?;
            let name = entry.file_name().into_string().map_err(|_| {
                failed(
                    &entry.path(),
                    io::Error::new(io::ErrorKind::InvalidData, "the name is not UTF-8"),
                )
            })?;
            let path = if inside.is_empty() {
                name
            } else {
                format!("{inside}/{name}")
            };
            let data = entry
                .metadata()
                .map_err(|error| failed(&entry.path(), error))?;
            let kept = !ignore.matches(&path) || always.contains(&path.as_str());
            if data.is_dir() && !ignore.prunes(&path) {
                open.push(path.clone());
            }
            if kept && !data.file_type().is_socket() {
                found.insert(path, data);
            } else if data.is_dir() {
                left_out.insert(path, data);
            }
            if found.len() > FILES_AT_MOST {
                let message = format!("{} holds too many files", quoted(&folder.to_string_lossy()));
                let error = Error::new(ErrorCode::InvalidArgument, message);
                return Err(error.hint("leave out what the image does not need in .dockerignore"));
            }
        }
    }
    // A folder is there while something in it is; what is in it sorts after it.
    for (path, data) in left_out.into_iter().rev() {
        let inside = format!("{path}/");
        let next = found.range(inside.clone()..).next();
        if next.is_some_and(|(next, _)| next.starts_with(&inside)) {
            found.insert(path, data);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("src/deep")).unwrap();
        fs::create_dir(folder.path().join("node_modules")).unwrap();
        for path in ["src/a", "src/deep/b", "node_modules/c", "Dockerfile"] {
            fs::write(folder.path().join(path), path).unwrap();
        }
        std::os::unix::fs::symlink("..", folder.path().join("src/up")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("sock")).unwrap();
        folder
    }

    fn paths(files: &Files) -> Vec<String> {
        files.iter().map(|(path, _)| path.to_owned()).collect()
    }

    #[test]
    fn a_folder_is_there_while_something_in_it_is() {
        let folder = folder();
        let ignore = Ignore::parse("*\n!src/deep\n");
        let seen = Scans::default().scan(folder.path(), &ignore).unwrap();
        assert_eq!(paths(&seen.files), ["src", "src/deep", "src/deep/b"]);
    }

    #[test]
    fn an_archive_and_a_look_have_the_same_files() {
        let folder = folder();
        let ignore = Ignore::parse("node_modules\nDockerfile\n");
        let seen = Scans::default().scan(folder.path(), &ignore).unwrap();
        assert_eq!(
            paths(&seen.files),
            ["src", "src/a", "src/deep", "src/deep/b", "src/up"]
        );
        let tar = archive(folder.path(), &ignore, &["Dockerfile"]).unwrap();
        let mut packed = Files::of_tars([tar]).unwrap();
        assert!(packed.get("Dockerfile").is_some());
        packed.retain(|path| !ignore.matches(path));
        assert_eq!(paths(&packed), paths(&seen.files));
        for (path, entry) in packed.iter() {
            let other = seen.files.get(path).unwrap();
            assert_eq!(
                (entry.mode, entry.uid, entry.modified),
                (other.mode, other.uid, other.modified)
            );
            if let (Kind::File(one), Kind::File(two)) = (&entry.kind, &other.kind) {
                assert_eq!(
                    packed.hash(path, one).unwrap(),
                    seen.files.hash(path, two).unwrap()
                );
            }
        }
    }

    #[test]
    fn a_second_look_sees_what_changed() {
        let folder = folder();
        let scans = Scans::default();
        let hash = |scan: &Scan| {
            let Kind::File(content) = &scan.files.get("src/a").unwrap().kind else {
                panic!()
            };
            scan.files.hash("src/a", content).unwrap()
        };
        let first = hash(&scans.scan(folder.path(), &Ignore::default()).unwrap());
        assert_eq!(
            hash(&scans.scan(folder.path(), &Ignore::default()).unwrap()),
            first
        );
        fs::write(folder.path().join("src/a"), "longer than before").unwrap();
        assert_ne!(
            hash(&scans.scan(folder.path(), &Ignore::default()).unwrap()),
            first
        );
    }
}
