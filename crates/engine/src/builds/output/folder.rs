//! Files of a result in a folder of this machine.
//!
//! Neither the result nor what lies in the folder is trusted: each step goes by a descriptor of the folder that it is
//! in, and no link is followed, so nothing is written outside.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::Path,
};

use nix::sys::time::TimeSpec;
use terrarium_api::{Error, ErrorCode};
use terrarium_builder::{Entry, Files, Kind};
use terrarium_sys::tree::{self, Tree};

use crate::Result;

/// Writes all files. They belong to whoever runs this, and none runs with other rights than its user's.
pub(super) fn write(path: &Path, files: &Files) -> Result<()> {
    let shown = path.display().to_string();
    let failed = |what: &str, error: &io::Error| {
        let text = format!("write {what:?} into {shown:?}");
        Error::new(ErrorCode::InvalidArgument, text).because(error)
    };
    if !path.is_absolute() || path.file_name().is_none() {
        let text = format!("write into {shown:?}: it is not the absolute path of a folder");
        return Err(Error::new(ErrorCode::InvalidArgument, text));
    }
    let root = fs::create_dir_all(path).and_then(|()| Tree::open(path));
    let mut open = vec![(String::new(), root.map_err(|error| failed(".", &error))?)];
    for (path, entry) in files.walk() {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        while open.last().is_some_and(|(open, _)| open != folder) {
            open.pop();
        }
        let Some((_, tree)) = open.last() else {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(failed(path, &error));
        };
        let made = one(tree, OsStr::new(name), &entry).map_err(|error| failed(path, &error))?;
        open.extend(made.map(|made| (path.to_owned(), made)));
    }
    Ok(())
}

/// Puts one entry in its place; the folder if it is one.
fn one(tree: &Tree, name: &OsStr, entry: &Entry) -> io::Result<Option<Tree>> {
    if matches!(entry.kind, Kind::Special) {
        return Ok(None);
    }
    let there = tree.stat(name)?;
    let there = there.map(|stat| tree::Kind::of_mode(stat.st_mode));
    let is_folder = matches!(entry.kind, Kind::Folder);
    match there {
        Some(tree::Kind::Directory) if is_folder => return tree.child(name).map(Some),
        Some(tree::Kind::Directory) => return Err(io::ErrorKind::IsADirectory.into()),
        Some(_) => tree.remove_file(name)?,
        None => {}
    }
    match &entry.kind {
        Kind::Folder => return tree.create_dir(name, entry.mode & 0o777 | 0o700).map(Some),
        Kind::Link(target) => tree.create_symlink(name, OsStr::new(target))?,
        Kind::File(content) => {
            let mut file: File = tree.create_file(name, 0o600)?;
            io::copy(&mut content.open(), &mut file)?;
            tree.set_mode(name, entry.mode & 0o777)?;
        }
        Kind::Special => {}
    }
    let seconds = i64::try_from(entry.modified).unwrap_or(0);
    tree.set_times(name, TimeSpec::new(seconds, 0))?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn files(entries: &[(&str, &str, u32)]) -> Files {
        let mut files = Files::default();
        for (path, content, mode) in entries {
            let made = Files::of_bytes(path, content.as_bytes().to_vec(), *mode);
            let mut entry = made.get(path).expect("it was put").clone();
            if let Some(target) = content.strip_prefix("-> ") {
                entry.kind = Kind::Link(target.to_owned());
            }
            files.replace((*path).to_owned(), entry);
        }
        files
    }

    #[test]
    fn files_come_beside_what_is_there_and_without_rights_of_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("new/out");
        let first = files(&[
            ("bin/tool", "1", 0o4755),
            ("bin/link", "-> /etc/passwd", 0o777),
        ]);
        write(&out, &first).expect("it is written");
        fs::write(out.join("bin/mine"), "stays").expect("a file");
        write(
            &out,
            &files(&[("bin/tool", "2", 0o644), ("bin/link", "3", 0o600)]),
        )
        .expect("it is written over");
        let read = |name: &str| fs::read_to_string(out.join(name)).expect("it is there");
        assert_eq!(
            [read("bin/tool"), read("bin/link"), read("bin/mine")],
            ["2", "3", "stays"]
        );
        let again = folder.path().join("again");
        write(&again, &first).expect("it is written");
        let mode = fs::metadata(again.join("bin/tool")).expect("it is there");
        assert_eq!(mode.permissions().mode() & 0o7777, 0o755);
    }

    #[test]
    fn nothing_is_written_through_links() {
        let folder = tempfile::tempdir().expect("a folder");
        let (out, outside) = (folder.path().join("out"), folder.path().join("outside"));
        fs::create_dir_all(&out).expect("a folder");
        fs::create_dir_all(&outside).expect("a folder");
        fs::write(outside.join("x"), "old").expect("a file");
        // A link in the folder gives way.
        symlink(outside.join("x"), out.join("file")).expect("a link");
        symlink(&outside, out.join("dir")).expect("a link");
        write(
            &out,
            &files(&[("file", "new", 0o644), ("dir/x", "new", 0o644)]),
        )
        .expect("it is written");
        assert!(
            fs::symlink_metadata(out.join("dir"))
                .expect("it is there")
                .is_dir()
        );
        // A link in the result does so as well: what is below it has no folder.
        let odd = files(&[("up", "-> ..", 0o777), ("up/outside/x", "new", 0o644)]);
        let _ = write(&out, &odd);
        assert_eq!(
            fs::read_to_string(outside.join("x")).expect("it is there"),
            "old"
        );
        let full = files(&[("dir", "no folder", 0o644)]);
        let refused = write(&out, &full).expect_err("a folder is in its place");
        assert!(refused.message.contains("\"dir\""), "{refused:?}");
    }
}
