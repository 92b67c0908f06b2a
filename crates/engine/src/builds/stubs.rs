//! Places that only exist because something was mounted on them.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
};

use tar::{EntryType, Header};

use super::dates::Heads;

const BLOCK: u64 = 512;

/// Paths that are mounts in every container: what a layer has there, a process cannot have written.
const ALWAYS: [&str; 6] = [
    "dev",
    "proc",
    "sys",
    "etc/hosts",
    "etc/hostname",
    "etc/resolv.conf",
];

/// The folder of some of them. Where an image lacks them, making them changes it too.
const FOLDER: &str = "etc";

/// Leaves out of a layer what stands for the mounts of every container and at `targets`, and makes no file newer than
/// `newest`.
pub(crate) fn remove(mut tar: File, targets: &[String], newest: Option<u64>) -> io::Result<File> {
    tar.rewind()?;
    let mut reader = BufReader::with_capacity(1 << 18, tar);
    let mut kept = BufWriter::with_capacity(1 << 18, tempfile()?);
    // Extended headers wait for the entry that they belong to.
    let mut extended = Vec::new();
    let mut folder = Folder::default();
    loop {
        let mut block = [0; BLOCK as usize];
        if reader.read_exact(&mut block).is_err() || block.iter().all(|byte| *byte == 0) {
            break;
        }
        let header = Header::from_byte_slice(&block);
        let padded = header.entry_size()?.next_multiple_of(BLOCK);
        let mut body = (&mut reader).take(padded);
        if matches!(
            header.entry_type(),
            EntryType::XHeader | EntryType::GNULongName | EntryType::GNULongLink
        ) {
            let mut content = Vec::new();
            body.read_to_end(&mut content)?;
            extended.push((block, content));
            continue;
        }
        let path = String::from_utf8_lossy(&header.path_bytes())
            .trim_matches('/')
            .to_owned();
        let heads = Heads {
            extended: std::mem::take(&mut extended),
            own: block,
        };
        let stub = is_stub(&path, targets);
        kept.write_all(&folder.before(&path, stub))?;
        if stub {
            io::copy(&mut body, &mut io::sink())?;
        } else if path == FOLDER && is_plain_folder(header) {
            folder.waiting = Some(heads.bytes(newest)?);
        } else {
            kept.write_all(&heads.bytes(newest)?)?;
            io::copy(&mut body, &mut kept)?;
        }
    }
    kept.write_all(&folder.before("", false))?;
    kept.write_all(&[0; 2 * BLOCK as usize])?;
    let mut file = kept.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

/// The entry of [`FOLDER`], until it is known whether anything but stubs is in it.
#[derive(Default)]
struct Folder {
    waiting: Option<Vec<u8>>,
    has_stubs: bool,
}

impl Folder {
    /// What is to be written before an entry, since folders come before what is in them.
    fn before(&mut self, path: &str, stub: bool) -> Vec<u8> {
        let rest = path.strip_prefix(FOLDER);
        let inside = rest.is_some_and(|rest| rest.starts_with('/'));
        if stub {
            self.has_stubs |= inside;
            return Vec::new();
        }
        let waiting = self.waiting.take().unwrap_or_default();
        match inside || !self.has_stubs {
            true => waiting,
            false => Vec::new(),
        }
    }
}

/// As the engine and nearly every image makes one; another was changed by somebody.
fn is_plain_folder(header: &Header) -> bool {
    let is_root = |id: io::Result<u64>| id.is_ok_and(|id| id == 0);
    header.entry_type().is_dir()
        && header.mode().is_ok_and(|mode| mode & 0o7777 == 0o755)
        && is_root(header.uid())
        && is_root(header.gid())
}

fn is_stub(path: &str, targets: &[String]) -> bool {
    let inside = |place: &str| {
        path == place
            || path
                .strip_prefix(place)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    ALWAYS.iter().any(|place| inside(place))
        || targets
            .iter()
            .any(|target| inside(target.trim_matches('/')))
}

/// A file without a name.
pub(crate) fn tempfile() -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options()
        .read(true)
        .write(true)
        .custom_flags(nix::libc::O_TMPFILE)
        .mode(0o600)
        .open(std::env::temp_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of a layer of files and, with a slash at their end, folders, after the removal.
    fn left(paths: &[&str], mode: u32) -> Vec<String> {
        let mut builder = tar::Builder::new(tempfile().unwrap());
        for path in paths {
            let mut header = Header::new_gnu();
            header.set_size(0);
            header.set_mode(mode);
            header.set_uid(0);
            header.set_gid(0);
            if path.ends_with('/') {
                header.set_entry_type(EntryType::Directory);
            }
            builder.append_data(&mut header, path, io::empty()).unwrap();
        }
        let kept = remove(builder.into_inner().unwrap(), &[], None).unwrap();
        let mut archive = tar::Archive::new(kept);
        let entries = archive.entries().unwrap();
        let path = |entry: io::Result<tar::Entry<'_, File>>| {
            entry.unwrap().path().unwrap().display().to_string()
        };
        entries.map(path).collect()
    }

    #[test]
    fn a_folder_goes_with_its_stubs_unless_something_else_changed_it() {
        let stubs = ["etc/", "etc/hosts", "etc/resolv.conf", "proc/"];
        assert_eq!(left(&stubs, 0o755), [""; 0]);
        assert_eq!(left(&stubs, 0o700), ["etc/"]);
        assert_eq!(left(&["etc/"], 0o755), ["etc/"]);
        assert_eq!(left(&["etc/", "etc/hosts", "srv/"], 0o755), ["srv/"]);
        let more = ["etc/", "etc/hosts", "etc/passwd", "srv/"];
        assert_eq!(left(&more, 0o755), ["etc/", "etc/passwd", "srv/"]);
    }

    #[test]
    fn only_what_stands_for_mounts_is_left_out() {
        let mut builder = tar::Builder::new(tempfile().unwrap());
        let long = format!("srv/{}", "x".repeat(150));
        for path in [
            "dev/console",
            "etc/hosts",
            "etc/hosts.allow",
            "var/cache",
            "device",
            long.as_str(),
        ] {
            let mut header = Header::new_gnu();
            header.set_size(3);
            header.set_mode(0o644);
            header.set_mtime(7);
            builder.append_data(&mut header, path, &b"abc"[..]).unwrap();
        }
        let kept = remove(
            builder.into_inner().unwrap(),
            &["/var/cache".to_owned()],
            Some(5),
        )
        .unwrap();
        let mut archive = tar::Archive::new(kept);
        let paths: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                assert_eq!(entry.header().mtime().unwrap(), 5);
                entry.path().unwrap().display().to_string()
            })
            .collect();
        assert_eq!(paths, ["etc/hosts.allow", "device", long.as_str()]);
    }
}
