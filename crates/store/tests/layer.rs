//! What layers become: the rules of image-spec and of overlay, and what is refused.

mod support;

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use support::{Stack, Tar, listing, options, privileged, read, xattr};
use tar::EntryType;
use terrarium_store::layer::{Error, Limits, Lowers, Options, diff};

fn accept(stack: &mut Stack, tar: Tar) -> terrarium_store::worker::Report {
    stack.push(tar.build()).expect("the layer is accepted")
}

#[track_caller]
fn refuse(tar: Tar, reason: &str) {
    let error = Stack::new()
        .push(tar.build())
        .expect_err("the layer is refused");
    assert!(error.to_string().contains(reason), "{error}");
}

#[test]
fn attributes_arrive_as_the_layer_says() {
    if !privileged() {
        return;
    }
    let mut stack = Stack::new();
    let mut setuid = Tar::header(EntryType::Regular, 0o4755);
    setuid.set_uid(7);
    setuid.set_gid(8);
    let capability = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let huge = Tar::header(EntryType::Regular, 0o600);
    accept(
        &mut stack,
        Tar::new()
            .dir("bin")
            .raw(setuid, "bin/su", b"su")
            .pax(&[
                ("SCHILY.xattr.security.capability", &capability),
                ("mtime", b"12.345678901"),
            ])
            .file("bin/ping", "ping")
            .pax(&[("uid", b"3000000"), ("gid", b"4000000")])
            .raw(huge, "far", b"")
            .file("bin/last", ""),
    );
    let top = stack.top().to_owned();
    let su = fs::metadata(top.join("bin/su")).expect("is there");
    assert_eq!(
        (su.mode() & 0o7777, su.uid(), su.gid(), su.mtime()),
        (0o4755, 7, 8, 1_000_000_000)
    );
    let ping = fs::metadata(top.join("bin/ping")).expect("is there");
    assert_eq!((ping.mtime(), ping.mtime_nsec()), (12, 345_678_901));
    assert_eq!(
        xattr(top.join("bin/ping"), c"security.capability"),
        Some(capability.to_vec())
    );
    let far = fs::metadata(top.join("far")).expect("is there");
    assert_eq!((far.uid(), far.gid()), (3_000_000, 4_000_000));
    // The time of the folder is what the layer says although files came later.
    assert_eq!(
        fs::metadata(top.join("bin")).expect("is there").mtime(),
        1_000_000_000
    );
}

#[test]
fn whiteouts_remove_from_below_and_never_from_their_own_layer() {
    if !privileged() {
        return;
    }
    for own_first in [true, false] {
        let mut stack = Stack::new();
        accept(
            &mut stack,
            Tar::new()
                .dir("d")
                .file("d/low", "l")
                .file("gone", "g")
                .dir("kept"),
        );
        let tar = Tar::new();
        let tar = if own_first {
            tar.dir("d").file("d/own", "o")
        } else {
            tar
        };
        let tar = tar
            .file(".wh.d", "")
            .file(".wh.gone", "")
            .file(".wh.never", "");
        let tar = if own_first {
            tar
        } else {
            tar.dir("d").file("d/own", "o")
        };
        let report = accept(&mut stack, tar);
        assert_eq!(report.whiteouts, 3);
        assert_eq!(
            stack.merged(),
            ["d d 755", "d/own f 644", "kept d 755"],
            "{own_first}"
        );
    }
}

#[test]
fn an_opaque_folder_hides_what_is_below_and_so_does_an_opaque_root() {
    if !privileged() {
        return;
    }
    for own_first in [true, false] {
        let mut stack = Stack::new();
        accept(
            &mut stack,
            Tar::new()
                .dir("d")
                .file("d/low", "l")
                .file("a", "a")
                .dir("e"),
        );
        let marks = |tar: Tar| tar.file("d/.wh..wh..opq", "");
        let tar = Tar::new().dir("d");
        let tar = if own_first {
            marks(tar.file("d/own", ""))
        } else {
            marks(tar).file("d/own", "")
        };
        accept(&mut stack, tar);
        assert_eq!(
            stack.merged(),
            ["a f 644", "d d 755", "d/own f 644", "e d 755"]
        );
        accept(
            &mut stack,
            Tar::new().dir("e").file("e/x", "").file(".wh..wh..opq", ""),
        );
        assert_eq!(stack.merged(), ["e d 755", "e/x f 644"]);
    }
}

#[test]
fn a_removed_folder_that_is_made_anew_does_not_show_what_was_below() {
    if !privileged() {
        return;
    }
    let mut stack = Stack::new();
    accept(
        &mut stack,
        Tar::new().dir("a").file("a/low", "").symlink("s", "a"),
    );
    // The second entry has no folder entry of its own, and `s` is no link any more.
    accept(
        &mut stack,
        Tar::new()
            .file(".wh.a", "")
            .file("a/new", "")
            .file(".wh.s", "")
            .file("s/f", ""),
    );
    assert_eq!(
        stack.merged(),
        ["a d 755", "a/new f 644", "s d 755", "s/f f 644"]
    );
    accept(&mut stack, Tar::new().file("a", "now a file"));
    accept(&mut stack, Tar::new().dir("a"));
    assert_eq!(stack.merged(), ["a d 755", "s d 755", "s/f f 644"]);
}

#[test]
fn folders_without_entries_look_as_they_do_below() {
    if !privileged() {
        return;
    }
    let mut stack = Stack::new();
    let mut tmp = Tar::header(EntryType::Directory, 0o1777);
    tmp.set_uid(5);
    accept(
        &mut stack,
        Tar::new()
            .raw(tmp, "tmp", b"")
            .symlink("var", "/tmp/../tmp"),
    );
    let (report, asked) = stack
        .push_with(
            Tar::new().file("var/x", "through the link").build(),
            &options(),
        )
        .expect("the layer is accepted");
    assert!(asked && report.entries == 1);
    assert_eq!(listing(stack.top()), ["tmp d 1777", "tmp/x f 644"]);
    let tmp = fs::metadata(stack.top().join("tmp")).expect("is there");
    assert_eq!((tmp.uid(), tmp.mtime()), (5, 1_000_000_000));
}

#[test]
fn layers_below_are_not_asked_for_without_need() {
    let mut stack = Stack::new();
    let tar = Tar::new()
        .dir("a")
        .file("a/b", "")
        .link("a/c", "a/b")
        .file("top", "");
    let (_, asked) = stack
        .push_with(tar.build(), &options())
        .expect("the layer is accepted");
    assert!(!asked);
}

#[test]
fn hard_links_reach_into_layers_below() {
    if !privileged() {
        return;
    }
    let mut stack = Stack::new();
    accept(
        &mut stack,
        Tar::new().dir("lib").file("lib/real", "content"),
    );
    accept(
        &mut stack,
        Tar::new().link("alias", "/lib/real").link("again", "alias"),
    );
    let at = |name: &str| fs::metadata(stack.top().join(name)).expect("is there");
    assert_eq!(at("alias").ino(), at("lib/real").ino());
    assert_eq!((at("again").nlink(), at("lib").mode() & 0o777), (3, 0o755));
    assert_eq!(read(stack.top().join("alias")).as_deref(), Some("content"));
    refuse(Tar::new().link("a", "nothing"), "does not exist");
    refuse(Tar::new().dir("d").link("a", "d"), "hard link to a folder");
    refuse(Tar::new().link("a", "/"), "hard link to the root");
    // Itself: nothing happens to it.
    accept(
        &mut stack,
        Tar::new().file("self", "kept").link("self", "./self"),
    );
    assert_eq!(read(stack.top().join("self")).as_deref(), Some("kept"));
}

#[test]
fn the_last_of_equal_entries_counts() {
    if !privileged() {
        return;
    }
    let mut stack = Stack::new();
    let tar = Tar::new()
        .file("x", "one")
        .file("x", "two")
        .dir("d")
        .file("d/a", "")
        .symlink("d", "/");
    accept(
        &mut stack,
        tar.file("y", "")
            .dir("y")
            .dir("z")
            .dir("z")
            .file("z/in", ""),
    );
    assert_eq!(
        listing(stack.top()),
        ["d l 777 /", "x f 644", "y d 755", "z d 755", "z/in f 644"]
    );
    assert_eq!(read(stack.top().join("x")).as_deref(), Some("two"));
}

#[test]
fn names_and_links_that_climb_stay_inside() {
    if !privileged() {
        return;
    }
    let mut stack = Stack::new();
    let secret = stack.dir.path().join("secret");
    fs::write(&secret, "host").expect("write");
    let way_out = secret.to_str().expect("path is UTF-8");
    accept(
        &mut stack,
        Tar::new()
            .file("../secret", "in")
            .file("/../../etc/x", "in")
            .symlink("up", "../../../..")
            .file("up/landed", "in")
            .symlink("abs", way_out)
            .file("abs", "replaced"),
    );
    assert_eq!(read(&secret).as_deref(), Some("host"));
    assert_eq!(
        listing(stack.top()),
        [
            "abs f 644",
            "etc d 755",
            "etc/x f 644",
            "landed f 644",
            "secret f 644",
            "up l 777 ../../../.."
        ]
    );
    let mut stack = Stack::new();
    accept(
        &mut stack,
        Tar::new().symlink("out", "/..").symlink("loop", "loop"),
    );
    assert!(stack.push(Tar::new().file("loop/x", "").build()).is_err());
    assert!(
        stack
            .push(Tar::new().link("stolen", way_out).build())
            .is_err()
    );
}

#[test]
fn devices_and_fifos_are_made_but_no_forged_removal() {
    if !privileged() {
        return;
    }
    let device = |major, minor| {
        let mut header = Tar::header(EntryType::Char, 0o666);
        header.set_device_major(major).expect("fits");
        header.set_device_minor(minor).expect("fits");
        header
    };
    let mut stack = Stack::new();
    let fifo = Tar::header(EntryType::Fifo, 0o622);
    accept(
        &mut stack,
        Tar::new()
            .raw(device(1, 3), "null", b"")
            .raw(fifo, "pipe", b""),
    );
    let null = fs::symlink_metadata(stack.top().join("null")).expect("is there");
    assert!(null.file_type().is_char_device() && null.rdev() == 0x103);
    assert_eq!(listing(stack.top()), ["null c 666", "pipe p 622"]);
    refuse(
        Tar::new().raw(device(0, 0), "gone", b""),
        "takes this device for a removal",
    );
}

#[test]
fn attributes_that_overlay_acts_on_refuse_the_layer() {
    for name in [
        "trusted.overlay.opaque",
        "user.overlay.redirect",
        "trusted.overlay.metacopy",
    ] {
        let key = format!("SCHILY.xattr.{name}");
        refuse(
            Tar::new().pax(&[(&key, b"y")]).file("f", ""),
            "overlay acts on",
        );
        refuse(
            Tar::new().pax(&[(&key, b"y")]).symlink("s", "x"),
            "overlay acts on",
        );
    }
}

#[test]
fn sparse_files_keep_their_holes() {
    let mut stack = Stack::new();
    let mut map = b"1\n1048576\n4\n".to_vec();
    map.resize(512, 0);
    map.extend(b"data");
    let records: [(&str, &[u8]); 4] = [
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"holes"),
        ("GNU.sparse.realsize", b"2097152"),
    ];
    let header = Tar::header(EntryType::Regular, 0o644);
    accept(
        &mut stack,
        Tar::new()
            .pax(&records)
            .raw(header, "GNUSparseFile.0/holes", &map)
            .file("after", "in step"),
    );
    let holes = fs::metadata(stack.top().join("holes")).expect("is there");
    assert_eq!(holes.len(), 2 << 20);
    assert!(holes.blocks() * 512 < 1 << 20);
    let bytes = fs::read(stack.top().join("holes")).expect("read");
    assert_eq!(&bytes[1 << 20..(1 << 20) + 5], b"data\0");
    assert_eq!(read(stack.top().join("after")).as_deref(), Some("in step"));
}

#[test]
fn the_size_of_an_extended_header_wins_so_that_no_entry_can_hide_in_another() {
    // A reader that believes the header block (0 bytes) would see a further entry in the data.
    let inner = Tar::new().file("hidden", "").build();
    let len = inner.len().to_string();
    let mut header = Tar::header(EntryType::Regular, 0o644);
    header.set_size(0);
    header.as_old_mut().name[..5].copy_from_slice(b"outer");
    header.set_cksum();
    let mut tar = Tar::new().pax(&[("size", len.as_bytes())]).build();
    tar.truncate(1024);
    tar.extend(header.as_bytes());
    tar.extend(&inner);
    let mut stack = Stack::new();
    let report = stack.push(tar).expect("the layer is accepted");
    assert_eq!((report.entries, listing(stack.top()).len()), (1, 1));
}

#[test]
fn an_archive_may_end_with_the_last_byte_of_its_last_file() {
    let mut tar = Tar::new().file("a", "hello").build();
    tar.truncate(512 + 5);
    let mut stack = Stack::new();
    stack.push(tar).expect("the layer is accepted");
    assert_eq!(read(stack.top().join("a")).as_deref(), Some("hello"));
}

#[test]
fn malformed_tars_are_refused() {
    let whole = Tar::new().file("a", &"x".repeat(2000)).build();
    for cut in [100, 700, 2000] {
        let error = Stack::new()
            .push(whole[..cut].to_vec())
            .expect_err("is refused");
        assert!(matches!(error, Error::Stream(_)), "{cut}: {error}");
    }
    let mut wrong = whole.clone();
    wrong[3] ^= 1;
    assert!(matches!(
        Stack::new().push(wrong),
        Err(Error::Malformed { .. })
    ));
    refuse(Tar::new().file("f", "").file("f/x", ""), "not a folder");
    refuse(Tar::new().file(".wh.", ""), "has to name something");
    refuse(Tar::new().symlink("empty", ""), "target is empty");
    let nul: &[u8] = b"a\0b";
    refuse(Tar::new().pax(&[("path", nul)]).file("f", ""), "NUL");
    refuse(
        Tar::new()
            .pax(&[("path", "x/".repeat(700).as_bytes())])
            .file("f", ""),
        "too deeply",
    );
    refuse(
        Tar::new().pax(&[("path", &[b'n'; 300])]).file("f", ""),
        "too long",
    );
    refuse(
        Tar::new()
            .pax(&[("size", b"18446744073709551615")])
            .file("f", ""),
        "limit",
    );
    refuse(
        Tar::new().pax(&[("uid", b"4294967295")]).file("f", ""),
        "not a valid id",
    );
    refuse(
        Tar::new().pax(&[("size", b"-1")]).file("f", ""),
        "none, or too large",
    );
    let mut long = Tar::header(EntryType::GNULongName, 0);
    long.set_size(3 << 20);
    refuse(
        Tar::new().raw(long, "././@LongLink", b""),
        "longer than 1 MiB",
    );
}

#[test]
fn bombs_are_stopped() {
    let limits = Limits {
        entries: 3,
        bytes: 1 << 20,
        ratio: 50,
        ratio_from_bytes: 1 << 19,
    };
    let options = Options {
        limits,
        ..options()
    };
    let check = |tar: Vec<u8>, what: &str| {
        let error = Stack::new()
            .push_with(tar, &options)
            .expect_err("is refused");
        assert!(matches!(error, Error::Limit { .. }), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    };
    check(
        Tar::new()
            .file("a", "")
            .file("b", "")
            .file("c", "")
            .file("d", "")
            .build(),
        "entries",
    );
    check(Tar::new().file("a", &"x".repeat(2 << 20)).build(), "bytes");
    let zeros = Tar::new().file("a", &"\0".repeat(900_000)).build();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut gzip, &zeros).expect("compress");
    check(
        gzip.finish().expect("compress"),
        "times its compressed size",
    );
}

/// The changes of the topmost layer over the others.
fn diff_of(stack: &Stack) -> Vec<u8> {
    let open = |path: &std::path::PathBuf| terrarium_sys::tree::Tree::open(path).expect("open");
    let (top, below) = stack.layers.split_last().expect("there is a layer");
    let marks = terrarium_store::layer::Marks::Trusted;
    let lowers = Lowers::new(below.iter().rev().map(open).collect(), marks);
    let mut tar = Vec::new();
    diff(&open(top), &lowers, marks, &mut tar).expect("the changes are written");
    tar
}

#[test]
fn changes_written_as_a_layer_and_applied_again_are_the_same_tree() {
    if !privileged() {
        return;
    }
    let mut stack = Stack::new();
    let base = Tar::new()
        .dir("d")
        .file("d/gone", "")
        .dir("d/sub")
        .file("d/sub/deep", "");
    accept(
        &mut stack,
        base.dir("o")
            .file("o/x", "")
            .file("o/y", "")
            .dir("o/z")
            .file("o/z/q", ""),
    );
    let long = format!("{}/{}", "n".repeat(120), "m".repeat(90));
    let capability = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let top = Tar::new()
        .dir("d")
        .file("d/.wh.gone", "")
        .pax(&[("SCHILY.xattr.security.capability", &capability)])
        .file("d/new", "content")
        .link("d/second", "d/new")
        .symlink("link", &"t".repeat(99))
        .pax(&[
            ("path", long.as_bytes()),
            ("uid", b"3000000"),
            ("mtime", b"-1.25"),
        ])
        .file("long", "")
        .dir("o")
        .file("o/.wh..wh..opq", "")
        .dir("o/z")
        .file("o/own", "");
    accept(&mut stack, top);
    let merged = stack.merged();
    let tar = diff_of(&stack);
    assert_eq!(tar, diff_of(&stack), "the same files give the same bytes");
    stack.layers.pop();
    stack.push(tar).expect("the layer is accepted");
    assert_eq!(stack.merged(), merged);
    let new = fs::metadata(stack.top().join("d/new")).expect("is there");
    assert_eq!(new.nlink(), 2);
    assert_eq!(
        xattr(stack.top().join("d/new"), c"security.capability"),
        Some(capability.to_vec())
    );
    let long = fs::metadata(stack.top().join(&long)).expect("is there");
    assert_eq!(
        (long.uid(), long.mtime(), long.mtime_nsec()),
        (3_000_000, -2, 750_000_000)
    );
}
