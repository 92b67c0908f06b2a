//! Files out of a tree in use and into it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene has failed"
)]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Cursor};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use terrarium_store::layer::Error;
use terrarium_store::layer::live::{Clash, Crossing, Found, Owner, PathStat, PutOptions, put};
use terrarium_sys::tree::Tree;

const OURS: PutOptions = PutOptions {
    owner: Owner::Writer,
    clash: Clash::Refuse,
};

fn root() -> (TempDir, Tree) {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::open(folder.path()).unwrap();
    (folder, tree)
}

/// What is told of a path, and its tar.
fn packed(tree: &Tree, path: &str, base: &str) -> Result<(PathStat, Vec<u8>), Error> {
    let descriptors = File::open("/proc/self/fd").unwrap().into();
    let found = Found::at(tree, path.as_bytes(), &descriptors)?;
    let stat = found.stat().clone();
    let mut tar = Vec::new();
    found.pack(base.as_bytes(), Crossing::Enter, &mut tar)?;
    Ok((stat, tar))
}

fn names(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap();
    let name = |entry: tar::Entry<'_, &[u8]>| entry.path().unwrap().display().to_string();
    entries.map(|entry| name(entry.unwrap())).collect()
}

/// A tar of files, folders (a name that ends in a slash), links (`name -> target`) and hard links
/// (`name => target`).
fn tar_of(entries: &[&str]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o4755);
        let (name, kind, link) = match (entry.split_once(" -> "), entry.split_once(" => ")) {
            (Some((name, target)), _) => (name, tar::EntryType::Symlink, target),
            (_, Some((name, target))) => (name, tar::EntryType::Link, target),
            _ if entry.ends_with('/') => (*entry, tar::EntryType::Directory, ""),
            _ => (*entry, tar::EntryType::Regular, ""),
        };
        let data = if kind == tar::EntryType::Regular {
            "new"
        } else {
            ""
        };
        header.set_entry_type(kind);
        header.set_size(data.len() as u64);
        // Names are written as they are, however bad.
        let bytes = name.as_bytes();
        header.as_old_mut().name[..bytes.len()].copy_from_slice(bytes);
        let link = link.as_bytes();
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
        header.set_cksum();
        builder.append(&header, data.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn put_into(tree: &Tree, path: &str, entries: &[&str], options: PutOptions) -> Result<u64, Error> {
    let tar = Cursor::new(tar_of(entries));
    put(tree, path.as_bytes(), tar, options)
}

#[test]
fn a_folder_is_packed_under_the_name_that_is_wished() {
    let (folder, tree) = root();
    fs::create_dir_all(folder.path().join("etc/d")).unwrap();
    fs::write(folder.path().join("etc/d/f"), "x").unwrap();
    fs::hard_link(folder.path().join("etc/d/f"), folder.path().join("etc/g")).unwrap();
    symlink("nowhere", folder.path().join("etc/l")).unwrap();
    let check = |path: &str, base: &str, expect: &[&str]| {
        let (_, tar) = packed(&tree, path, base).unwrap();
        assert_eq!(names(&tar), expect, "{path} as {base}");
    };
    check(
        "/etc",
        "etc",
        &["etc/", "etc/d/", "etc/d/f", "etc/g", "etc/l"],
    );
    check("/etc/d/.", ".", &["./", "./f"]);
    check("/etc/l", "l", &["l"]);
    check("/etc/d/f", "other", &["other"]);
    check(
        "/",
        "/",
        &["/", "/etc/", "/etc/d/", "/etc/d/f", "/etc/g", "/etc/l"],
    );
    check("/etc", "", &["d/", "d/f", "g", "l"]);
    check("/../../etc/d", "d", &["d/", "d/f"]);
    for (path, is_missing) in [("/lost", true), ("/etc/g/", false), ("/etc/l/", true)] {
        let error = packed(&tree, path, "x").unwrap_err();
        assert_eq!(
            matches!(error, Error::Missing { .. }),
            is_missing,
            "{path}: {error}"
        );
    }
}

#[test]
fn what_is_told_of_a_path_and_what_is_packed_are_of_one_thing_whatever_takes_its_name() {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    let (folder, tree) = root();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "four").unwrap();
    fs::write(at("larger"), "x".repeat(100_000)).unwrap();
    fs::create_dir(at("folder")).unwrap();
    symlink("file", at("link")).unwrap();
    let stop = AtomicBool::new(false);
    let started = Instant::now();
    // The end that it has anyway is for a test that fails.
    let goes_on = || !stop.load(Ordering::Relaxed) && started.elapsed() < Duration::from_secs(20);
    let swap = || {
        let others = ["larger", "folder", "link"].iter().cycle();
        for other in others.take_while(|_| goes_on()) {
            let (path, other) = (at("file"), at(other));
            let flags = RenameFlags::RENAME_EXCHANGE;
            renameat2(AT_FDCWD, &path, AT_FDCWD, &other, flags).unwrap();
        }
    };
    let mut kinds = BTreeSet::new();
    thread::scope(|scope| {
        scope.spawn(swap);
        // Until each kind had its turn, and long enough for the race to be lost.
        while kinds.len() < 3 || started.elapsed() < Duration::from_millis(300) {
            let (stat, tar) = packed(&tree, "/file", "as").unwrap();
            let mut archive = tar::Archive::new(tar.as_slice());
            let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
            let header = entry.header();
            let (kind, size) = (header.entry_type(), header.size().unwrap());
            let told = match (stat.mode & 0o170_000, stat.link_target) {
                (0o100_000, None) => tar::EntryType::Regular,
                (0o040_000, None) => tar::EntryType::Directory,
                (0o120_000, Some(_)) => tar::EntryType::Symlink,
                other => panic!("{other:?}"),
            };
            assert_eq!(kind, told);
            if kind == tar::EntryType::Regular {
                let read = io::copy(&mut entry, &mut io::sink()).unwrap();
                assert_eq!((size, read), (stat.size_bytes, stat.size_bytes));
            }
            kinds.insert(format!("{kind:?}"));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn entries_are_written_within_the_root_wherever_links_lead() {
    let (outside, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tree = Tree::open(root.path()).unwrap();
    let away = outside.path().display().to_string();
    fs::create_dir_all(root.path().join("srv")).unwrap();
    symlink(&away, root.path().join("srv/abs")).unwrap();
    symlink("/real", root.path().join("srv/in")).unwrap();
    fs::create_dir(root.path().join("real")).unwrap();
    symlink(format!("{away}/key"), root.path().join("srv/key")).unwrap();

    put_into(
        &tree,
        "/srv",
        &["in/f", "key", "../../up", "/top", "a/b/c"],
        OURS,
    )
    .unwrap();
    assert_eq!(fs::read(root.path().join("real/f")).unwrap(), b"new");
    // A link at the end is replaced, and never written through.
    assert!(
        root.path()
            .join("srv/key")
            .symlink_metadata()
            .unwrap()
            .is_file()
    );
    for name in ["srv/up", "srv/top", "srv/a/b/c"] {
        assert!(root.path().join(name).is_file(), "{name}");
    }
    let escapes: &[&[&str]] = &[
        &["abs/f"],
        &["out -> /../../../..", "out/tmp/x"],
        &["out -> ../../..", "out/f"],
    ];
    for entries in escapes {
        let _ = put_into(&tree, "/srv", entries, OURS);
        assert_eq!(
            fs::read_dir(outside.path()).unwrap().count(),
            0,
            "{entries:?}"
        );
    }
    let stolen = format!("stolen => {away}/key");
    fs::write(outside.path().join("key"), "secret").unwrap();
    put_into(&tree, "/srv", &[&stolen], OURS).unwrap_err();
    put_into(&tree, "/srv", &["grab => abs/key"], OURS).unwrap_err();
}

#[test]
fn a_folder_and_something_else_do_not_take_each_others_place_unless_it_is_wished() {
    let (folder, tree) = root();
    fs::create_dir_all(folder.path().join("d/full")).unwrap();
    fs::write(folder.path().join("f"), "old").unwrap();
    for entries in [&["d"][..], &["f/"]] {
        let error = put_into(&tree, "/", entries, OURS).unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
    }
    assert!(folder.path().join("d/full").is_dir());
    let replace = PutOptions {
        clash: Clash::Replace,
        ..OURS
    };
    put_into(&tree, "/", &["d", "f/"], replace).unwrap();
    assert!(folder.path().join("d").is_file() && folder.path().join("f").is_dir());
    assert!(
        put_into(&tree, "/d", &["x"], OURS).is_err(),
        "it is no folder"
    );
    assert!(put_into(&tree, "/lost", &["x"], OURS).is_err());
}

#[test]
fn what_is_copied_to_this_machine_loses_its_set_user_id_bit() {
    let (folder, tree) = root();
    put_into(&tree, "/", &["program", "dir/"], OURS).unwrap();
    let mode = |name: &str| {
        let metadata = fs::metadata(folder.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o7777
    };
    assert_eq!((mode("program"), mode("dir")), (0o755, 0o755));
}

#[test]
fn a_tar_that_breaks_off_is_an_error() {
    let (folder, tree) = root();
    let whole = tar_of(&["a", "b"]);
    let cut = Cursor::new(whole[..1_400].to_vec());
    assert!(put(&tree, b"/", cut, OURS).is_err());
    assert!(
        Path::new(&folder.path().join("a")).exists(),
        "what was written stays"
    );
    let nothing = put(&tree, b"/", Cursor::new(Vec::new()), OURS);
    assert_eq!(nothing.unwrap(), 0);
}
