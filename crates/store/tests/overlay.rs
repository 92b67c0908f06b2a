//! What programs do in a container, written as a layer and applied again, is what they left:
//! random file operations in a real overlay.

mod support;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{Mode, UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::mkfifo;
use proptest::prelude::*;
use support::{Stack, Tar, privileged};
use terrarium_store::layer::{Lowers, Marks, diff};
use terrarium_sys::tree::Tree;
use terrarium_sys::xattr;

/// What a program does. What the kernel refuses is left undone.
#[derive(Debug, Clone)]
enum Act {
    Write(PathBuf, u16),
    WriteAt(PathBuf, u32),
    Truncate(PathBuf, u16),
    MakeDir(PathBuf),
    Remove(PathBuf),
    /// Removes a folder with all in it and makes it again: overlay marks it opaque.
    Replace(PathBuf),
    Rename(PathBuf, PathBuf),
    Symlink(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    Fifo(PathBuf),
    Chmod(PathBuf, u32),
    Chown(PathBuf, u32, u32),
    Attribute(PathBuf, u8),
    Touch(PathBuf, i64, i64),
}

fn path() -> impl Strategy<Value = PathBuf> {
    let long = "a-name-that-is-much-longer-than-the-hundred-bytes-that-the-header-of-an-old-archive\
                -has-for-it-and-with-ümläuts";
    let part = prop::sample::select(vec!["a", "b", "c", "d", "etc", long]);
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.iter().collect())
}

fn act() -> impl Strategy<Value = Act> {
    let id = || prop_oneof![Just(0_u32), Just(1000), Just(2_097_152), Just(4_000_000)];
    prop_oneof![
        4 => (path(), any::<u16>()).prop_map(|(path, len)| Act::Write(path, len)),
        1 => (path(), 0..3_000_000_u32).prop_map(|(path, at)| Act::WriteAt(path, at)),
        1 => (path(), any::<u16>()).prop_map(|(path, len)| Act::Truncate(path, len)),
        4 => path().prop_map(Act::MakeDir),
        4 => path().prop_map(Act::Remove),
        2 => path().prop_map(Act::Replace),
        4 => (path(), path()).prop_map(|(from, to)| Act::Rename(from, to)),
        1 => (path(), path()).prop_map(|(path, target)| Act::Symlink(path, target)),
        2 => (path(), path()).prop_map(|(from, to)| Act::Link(from, to)),
        1 => path().prop_map(Act::Fifo),
        2 => (path(), 0..0o10000_u32).prop_map(|(path, mode)| Act::Chmod(path, mode)),
        2 => (path(), id(), id()).prop_map(|(path, uid, gid)| Act::Chown(path, uid, gid)),
        1 => (path(), any::<u8>()).prop_map(|(path, value)| Act::Attribute(path, value)),
        1 => (path(), -3..5_000_000_000_i64, 0..1_000_000_000_i64)
            .prop_map(|(path, seconds, nanos)| Act::Touch(path, seconds, nanos)),
    ]
}

impl Act {
    fn perform(&self, root: &Path) -> Option<()> {
        let at = |path: &Path| root.join(path);
        match self {
            Self::Write(path, len) => {
                let mut file = open(&at(path))?;
                file.set_len(0).ok()?;
                file.write_all("x".repeat(usize::from(*len)).as_bytes())
                    .ok()
            }
            Self::WriteAt(path, offset) => {
                let mut file = open(&at(path))?;
                file.seek(SeekFrom::Start(u64::from(*offset))).ok()?;
                file.write_all(b"behind a hole").ok()
            }
            Self::Truncate(path, len) => open(&at(path))?.set_len(u64::from(*len)).ok(),
            Self::MakeDir(path) => fs::create_dir(at(path)).ok(),
            Self::Remove(path) => remove(&at(path)),
            Self::Replace(path) => {
                let is_dir = at(path).symlink_metadata().ok()?.is_dir();
                is_dir.then(|| fs::remove_dir_all(at(path)).ok())??;
                fs::create_dir(at(path)).ok()
            }
            Self::Rename(from, to) => fs::rename(at(from), at(to)).ok(),
            Self::Symlink(path, target) => symlink(target, at(path)).ok(),
            Self::Link(from, to) => fs::hard_link(at(from), at(to)).ok(),
            Self::Fifo(path) => mkfifo(&at(path), Mode::from_bits_truncate(0o640)).ok(),
            Self::Chmod(path, mode) => {
                let plain = !at(path).symlink_metadata().ok()?.is_symlink();
                plain.then(|| fs::set_permissions(at(path), Permissions::from_mode(*mode)).ok())?
            }
            Self::Chown(path, uid, gid) => lchown(at(path), Some(*uid), Some(*gid)).ok(),
            Self::Attribute(path, value) => {
                let kind = at(path).symlink_metadata().ok()?.file_type();
                let file =
                    (kind.is_file() || kind.is_dir()).then(|| File::open(at(path)).ok())??;
                xattr::set(&file, c"user.note", &[*value, 0, b'\n']).ok()
            }
            Self::Touch(path, seconds, nanos) => {
                let time = TimeSpec::new(*seconds, *nanos);
                let flags = UtimensatFlags::NoFollowSymlink;
                utimensat(AT_FDCWD, &at(path), &time, &time, flags).ok()
            }
        }
    }
}

/// Opens a regular file for writing, making it if there is none; a pipe would wait for ever.
fn open(path: &Path) -> Option<File> {
    let other = path.symlink_metadata().is_ok_and(|meta| !meta.is_file());
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    (!other).then(|| options.open(path).ok())?
}

fn remove(path: &Path) -> Option<()> {
    match path.symlink_metadata().ok()?.is_dir() {
        true => fs::remove_dir_all(path).ok(),
        false => fs::remove_file(path).ok(),
    }
}

/// Everything about every file that a layer can tell.
fn exactly(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut names = HashMap::new();
    describe(root, root, &mut names, &mut lines);
    lines
}

fn describe(
    root: &Path,
    folder: &Path,
    names: &mut HashMap<u64, PathBuf>,
    lines: &mut Vec<String>,
) {
    let entries = fs::read_dir(folder).expect("list");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("list").path()).collect();
    paths.sort();
    for path in paths {
        let meta = fs::symlink_metadata(&path).expect("look at");
        let shown = path.strip_prefix(root).expect("is below").to_owned();
        let (uid, gid, mode) = (meta.uid(), meta.gid(), meta.mode());
        let time = (meta.mtime(), meta.mtime_nsec());
        let mut line = format!("{} {mode:o} {uid}:{gid} {time:?}", shown.display());
        let kind = meta.file_type();
        if kind.is_symlink() {
            line += &format!(" -> {}", fs::read_link(&path).expect("read").display());
        }
        if kind.is_file() {
            let bytes = fs::read(&path).expect("read");
            line += &format!(
                " {} {}",
                bytes.len(),
                terrarium_oci::Digest::sha256_of(&bytes)
            );
            if meta.nlink() > 1 {
                let first = names.entry(meta.ino()).or_insert_with(|| shown.clone());
                line += &format!(" same as {}", first.display());
            }
        }
        if kind.is_file() || kind.is_dir() {
            let file = File::open(&path).expect("open");
            let note = xattr::get(&file, c"user.note").expect("read");
            line += &format!(" {note:?}");
        }
        if kind.is_char_device() || kind.is_block_device() {
            line += &format!(" {}", meta.rdev());
        }
        lines.push(line);
        if kind.is_dir() {
            describe(root, &path, names, lines);
        }
    }
}

/// Two layers with a bit of everything, one of which removes from the other.
fn base() -> Stack {
    let mut stack = Stack::new();
    let low = Tar::new()
        .dir("a")
        .file("a/a", "1")
        .file("a/b", "2")
        .dir("a/c")
        .file("a/c/d", "3")
        .dir("b")
        .dir("b/a")
        .file("b/a/a", "4")
        .link("b/b", "a/a")
        .file("c", "5")
        .dir("etc")
        .file("etc/a", "6")
        .symlink("etc/b", "a");
    stack.push(low.build()).expect("it is applied");
    let top = Tar::new()
        .file("a/.wh.b", "")
        .dir("b/a")
        .file("b/a/.wh..wh..opq", "")
        .file("b/a/c", "7")
        .file("d", "8");
    stack.push(top.build()).expect("it is applied");
    stack
}

fn changes(stack: &Stack, upper: &Path) -> Vec<u8> {
    let below = stack.layers.iter().rev();
    let trees = below.map(|layer| Tree::open(layer).expect("open"));
    let lowers = Lowers::new(trees.collect(), Marks::Trusted);
    let mut tar = Vec::new();
    let upper = Tree::open(upper).expect("open");
    diff(&upper, &lowers, Marks::Trusted, &mut tar).expect("the changes are written");
    tar
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_was_done_in_an_overlay_is_what_its_changes_do(
        acts in prop::collection::vec(act(), 1..40),
    ) {
        if !privileged() {
            return Ok(());
        }
        let mut stack = base();
        let (upper, aside) = (stack.dir.path().join("upper"), stack.dir.path().join("work"));
        fs::create_dir(&upper).expect("make folder");
        fs::create_dir(&aside).expect("make folder");
        let left = stack.mounted(Some((&upper, &aside)), move |root| {
            for act in &acts {
                act.perform(root);
            }
            exactly(root)
        });
        let tar = changes(&stack, &upper);
        prop_assert!(tar == changes(&stack, &upper), "the same files gave other bytes");
        stack.push(tar).expect("what we write we accept");
        prop_assert_eq!(stack.mounted(None, exactly), left);
    }
}
