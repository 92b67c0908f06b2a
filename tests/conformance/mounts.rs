//! `mounts`: each option, and where mounts come to lie.

use std::{fs, process::Command};

use serde_json::{Value, json};
use terrarium_tests::{Bundle, run};

use crate::case::{Case, bundle, check, check_in};

fn mount(name: &'static str, mount: Value) -> Case {
    Case::new(name, json!({"mounts+": [mount]}), &["facts"])
}

fn tmpfs(name: &'static str, options: &[&str]) -> Case {
    mount(
        name,
        json!({"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": options}),
    )
}

/// The mount at `/m` has these options (true) and not those (false).
fn has(options: &[(&str, bool)]) -> Value {
    let options: serde_json::Map<String, Value> = options
        .iter()
        .map(|(option, there)| {
            (
                (*option).to_owned(),
                if *there { true.into() } else { Value::Null },
            )
        })
        .collect();
    json!({"mounts": {"/m": {"options": options}}})
}

#[test]
fn options_of_the_mount_point_are_set() {
    check([
        tmpfs("ro", &["ro"]).finds(has(&[("ro", true)])),
        tmpfs("rw", &["rw"]).finds(has(&[("rw", true)])),
        tmpfs("nosuid", &["nosuid"]).finds(has(&[("nosuid", true)])),
        tmpfs("suid", &["nosuid", "suid"]).finds(has(&[("nosuid", false)])),
        tmpfs("nodev", &["nodev"]).finds(has(&[("nodev", true)])),
        tmpfs("dev", &["nodev", "dev"]).finds(has(&[("nodev", false)])),
        tmpfs("noexec", &["noexec"]).finds(has(&[("noexec", true)])),
        tmpfs("exec", &["noexec", "exec"]).finds(has(&[("noexec", false)])),
        tmpfs("noatime", &["noatime"]).finds(has(&[("noatime", true)])),
        tmpfs("nodiratime", &["nodiratime"]).finds(has(&[("nodiratime", true)])),
        tmpfs("relatime", &["relatime"]).finds(has(&[("relatime", true)])),
        tmpfs("strictatime", &["strictatime"]).finds(has(&[("relatime", false), ("noatime", false)])),
        tmpfs("nosymfollow", &["nosymfollow"]).finds(has(&[("nosymfollow", true)])),
        tmpfs("all-at-once", &["ro", "nosuid", "nodev", "noexec", "noatime"])
            .finds(has(&[("ro", true), ("nosuid", true), ("nodev", true), ("noexec", true), ("noatime", true)])),
        tmpfs("last-one-wins", &["ro", "rw"]).finds(has(&[("rw", true)])),
        tmpfs("data", &["size=1m", "mode=700"])
            .finds(json!({"mounts": {"/m": {"type": "tmpfs", "super": {"size=1024k": true, "mode=700": true}}}})),
        tmpfs("data-unknown", &["nonsense=1"]).refused(),
        mount("type-unknown", json!({"destination": "/m", "type": "nonsensefs", "source": "x"})).refused(),
        mount("source-missing", json!({"destination": "/m", "type": "bind", "source": "/no/such", "options": ["bind"]}))
            .refused(),
        mount("destination-missing", json!({"type": "tmpfs", "source": "tmpfs"})).refused(),
    ]);
}

#[test]
fn propagation_is_set() {
    let tag = |tag: &str, there: bool| json!({"mounts": {"/m": {"propagation": {tag: if there { json!(true) } else { Value::Null }}}}});
    check([
        tmpfs("private", &["private"]).finds(tag("shared", false)),
        tmpfs("rprivate", &["rprivate"]).finds(tag("shared", false)),
        tmpfs("shared", &["shared"]).finds(tag("shared", true)),
        tmpfs("rshared", &["rshared"]).finds(tag("shared", true)),
        tmpfs("unbindable", &["unbindable"]).finds(tag("unbindable", true)),
        tmpfs("runbindable", &["runbindable"]).finds(tag("unbindable", true)),
        Case::new(
            "rootfs-private",
            json!({"linux": {"rootfsPropagation": "private"}}),
            &["facts"],
        )
        .finds(json!({"mounts": {"/": {"propagation": {"shared": null}}}})),
        Case::new(
            "rootfs-shared",
            json!({"linux": {"rootfsPropagation": "shared"}}),
            &["facts"],
        )
        .finds(json!({"mounts": {"/": {"propagation": {"shared": true}}}})),
        Case::new(
            "rootfs-unbindable",
            json!({"linux": {"rootfsPropagation": "unbindable"}}),
            &["facts"],
        )
        .finds(json!({"mounts": {"/": {"propagation": {"unbindable": true}}}})),
        Case::new(
            "rootfs-nonsense",
            json!({"linux": {"rootfsPropagation": "nonsense"}}),
            &["facts"],
        )
        .refused(),
    ]);
}

/// A folder with a mount below, as the source of binds.
fn with_nested_mount(test: impl FnOnce(&Bundle, &str)) {
    let Some(bundle) = bundle() else { return };
    // Outside of the bundle, where it is not taken for a leak.
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().to_owned();
    let nested = source.join("nested");
    fs::create_dir_all(&nested).unwrap();
    fs::write(source.join("file"), "outside\n").unwrap();
    run(
        Command::new("mount")
            .args(["-t", "tmpfs", "nested"])
            .arg(&nested),
        "",
    )
    .unwrap()
    .ok();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        test(&bundle, &source.display().to_string());
    }));
    run(Command::new("umount").arg(&nested), "").unwrap().ok();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn binds_take_what_lies_below_only_when_recursive() {
    with_nested_mount(|bundle, source| {
        let bind = |name, options: &[&str], args: &[&str]| {
            let mount = json!({"destination": "/m", "source": source, "options": options});
            Case::new(name, json!({"mounts+": [mount]}), args)
        };
        let below = |option: &str, there: bool| {
            let value = if there { json!(true) } else { Value::Null };
            json!({"mounts": {"/m/nested": {"options": {option: value}}}})
        };
        let cases = [
            bind("bind", &["bind"], &["facts"])
                .finds(json!({"mounts": {"/m": {}, "/m/nested": null}})),
            bind("rbind", &["rbind"], &["facts"])
                .finds(json!({"mounts": {"/m/nested": {"type": "tmpfs"}}})),
            bind(
                "bind-content",
                &["bind"],
                &["act", "read /m/file", "create /m/new"],
            )
            .finds(json!({"read /m/file": "outside", "create /m/new": "ok"})),
            bind("bind-ro", &["bind", "ro"], &["act", "create /m/other"])
                .finds(json!({"create /m/other": "EROFS"})),
            bind(
                "bind-ro-nosuid-nodev-noexec",
                &["bind", "ro", "nosuid", "nodev", "noexec"],
                &["facts"],
            )
            .finds(has(&[
                ("ro", true),
                ("nosuid", true),
                ("nodev", true),
                ("noexec", true),
            ])),
            bind("rbind-ro-is-not-recursive", &["rbind", "ro"], &["facts"])
                .finds(below("ro", false)),
            bind("rro", &["rbind", "rro"], &["facts"]).finds(below("ro", true)),
            bind("rnosuid", &["rbind", "rnosuid"], &["facts"]).finds(below("nosuid", true)),
            bind("rnodev", &["rbind", "rnodev"], &["facts"]).finds(below("nodev", true)),
            bind("rnoexec", &["rbind", "rnoexec"], &["facts"]).finds(below("noexec", true)),
            bind("rnoatime", &["rbind", "rnoatime"], &["facts"]).finds(below("noatime", true)),
            bind("rslave", &["rbind", "rslave"], &["facts"])
                .finds(json!({"mounts": {"/m": {"propagation": {"shared": null}}}})),
        ];
        check_in(bundle, cases);
    });
}

#[test]
fn targets_are_made_and_lie_inside() {
    let Some(bundle) = bundle() else { return };
    fs::write(bundle.path("file"), "of the host\n").unwrap();
    fs::create_dir(bundle.path("folder")).unwrap();
    fs::create_dir(bundle.rootfs("real")).unwrap();
    std::os::unix::fs::symlink("/real", bundle.rootfs("link")).unwrap();
    let bind = |name, source: &str, destination: &str, args: &[&str]| {
        let mount = json!({"destination": destination, "source": source, "options": ["bind"]});
        Case::new(name, json!({"mounts+": [mount]}), args)
    };
    let at = |destination: &str| json!({"mounts": {destination: {}}});
    check_in(
        &bundle,
        [
            bind("target-folder-made", "folder", "/a/b/c", &["facts"]).finds(at("/a/b/c")),
            bind(
                "target-file-made",
                "file",
                "/etc/deep/file",
                &["act", "read /etc/deep/file"],
            )
            .finds(json!({"read /etc/deep/file": "of the host"})),
            bind("target-through-link", "folder", "/link/below", &["facts"])
                .finds(at("/real/below")),
            bind("target-with-dots", "folder", "/../../tmp/up", &["facts"]).finds(at("/tmp/up")),
            bind(
                "source-relative-to-bundle",
                "folder",
                "/relative",
                &["facts"],
            )
            .finds(at("/relative")),
            bind("target-of-wrong-kind", "folder", "/etc/passwd", &["facts"]).refused(),
        ],
    );
    assert!(bundle.path("folder").read_dir().unwrap().next().is_none());
}

#[test]
fn mounts_come_in_the_order_of_the_spec() {
    let Some(bundle) = bundle() else { return };
    fs::create_dir(bundle.path("folder")).unwrap();
    fs::write(bundle.path("folder/name"), "shown\n").unwrap();
    let tmpfs = json!({"destination": "/m", "type": "tmpfs", "source": "tmpfs"});
    let inner = json!({"destination": "/m/inner", "source": "folder", "options": ["bind"]});
    let read = ["act", "read /m/inner/name"];
    check_in(
        &bundle,
        [
            Case::new(
                "order-inner-last",
                json!({"mounts+": [tmpfs, inner]}),
                &read,
            )
            .finds(json!({"read /m/inner/name": "shown"})),
            Case::new(
                "order-outer-hides",
                json!({"mounts+": [inner, tmpfs]}),
                &read,
            )
            .finds(json!({"read /m/inner/name": "ENOENT"})),
        ],
    );
}

#[test]
fn a_tmpfs_can_keep_what_it_covers() {
    let Some(bundle) = bundle() else { return };
    fs::create_dir_all(bundle.rootfs("home/below")).unwrap();
    fs::write(bundle.rootfs("home/below/kept"), "kept\n").unwrap();
    let edit = json!({"mounts+": [{"destination": "/home", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}]});
    check_in(
        &bundle,
        [Case::new(
            "tmpcopyup",
            edit,
            &["act", "read /home/below/kept", "create /home/new"],
        )
        .finds(json!({"read /home/below/kept": "kept", "create /home/new": "ok"}))],
    );
    assert!(!bundle.rootfs("home/new").exists());
}

#[test]
fn ids_of_a_mount_are_mapped() {
    let Some(bundle) = bundle() else { return };
    fs::create_dir(bundle.path("folder")).unwrap();
    let chown = run(
        Command::new("chown")
            .arg("1000:1000")
            .arg(bundle.path("folder")),
        "",
    );
    chown.unwrap().ok();
    let map = json!([{"containerID": 1000, "hostID": 5000, "size": 10}]);
    let edit = json!({"mounts+": [{
        "destination": "/m", "source": "folder", "options": ["bind", "idmap"],
        "uidMappings": map, "gidMappings": map,
    }]});
    check_in(
        &bundle,
        [Case::new("idmap", edit, &["files", "/m"]).finds(json!({"/m": {"owner": "5000:5000"}}))],
    );
}
