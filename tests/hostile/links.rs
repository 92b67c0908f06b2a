//! Links of an image where the runtime mounts, makes or opens something.

use std::{fs, os::unix::fs::symlink};

use serde_json::{Value, json};
use terrarium_tests::Bundle;

use crate::{bundle, weak::naively};

/// A setting of the whole host, which an attacker would like to write.
const CORE_PATTERN: &str = "/proc/sys/kernel/core_pattern";

fn core_pattern() -> String {
    fs::read_to_string(CORE_PATTERN).unwrap()
}

/// Leaves the image's own `/dev` in place.
fn without_dev(config: &mut Value) {
    let mounts = config["mounts"].as_array_mut().unwrap();
    mounts.retain(|mount| !mount["destination"].as_str().unwrap().starts_with("/dev"));
}

/// A folder of the host beside the root file system, and a link to it inside.
fn canary(bundle: &Bundle) -> std::path::PathBuf {
    let canary = bundle.path("canary");
    fs::create_dir(&canary).unwrap();
    fs::create_dir(bundle.rootfs("v")).unwrap();
    symlink(&canary, bundle.rootfs("v/link")).unwrap();
    canary
}

fn count(folder: &std::path::Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// CVE-2021-30465 and CVE-2024-45310: the target of a mount is made, through a link, on the host.
#[test]
fn targets_of_mounts_are_not_made_outside() {
    let Some(bundle) = bundle() else { return };
    let canary = canary(&bundle);
    naively(&bundle, "mkdir -p $ROOTFS/v/link/made").ok();
    assert_eq!(count(&canary), 1, "the control");
    fs::remove_dir(canary.join("made")).unwrap();

    let mut config = bundle.config(&["/bin/probe", "act", "create /v/link/made/x"]);
    let mounts = config["mounts"].as_array_mut().unwrap();
    mounts.push(json!({"destination": "/v/link/made", "type": "tmpfs", "source": "tmpfs"}));
    let ran = bundle.run(&config).unwrap();
    // Inside of the root the link's target can be made; there the mount lies.
    assert_eq!(ran.ok(), "{\"create /v/link/made/x\":\"ok\"}");
    assert_eq!(count(&canary), 0);
    assert_eq!(bundle.left(), Vec::<String>::new());
}

/// CVE-2025-31133: `/dev/null`, with which paths are masked, is a link to what shall be writable.
#[test]
fn a_mask_is_the_null_device_and_nothing_that_a_link_names() {
    let Some(bundle) = bundle() else { return };
    let before = core_pattern();
    let _ = fs::remove_dir(bundle.rootfs("dev"));
    fs::create_dir(bundle.rootfs("dev")).unwrap();
    symlink(CORE_PATTERN, bundle.rootfs("dev/null")).unwrap();
    fs::write(bundle.rootfs("masked"), "secret\n").unwrap();
    let control = naively(
        &bundle,
        "mount --bind $ROOTFS/dev/null $ROOTFS/masked && cat $ROOTFS/masked",
    );
    assert_eq!(control.ok(), before.trim(), "the control");

    let mut config = bundle.config(&["/bin/probe", "files", "/masked"]);
    without_dev(&mut config);
    config["linux"]["maskedPaths"] = json!(["/masked"]);
    let ran = bundle.run(&config).unwrap();
    if ran.code == Some(0) {
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(found["/masked"]["device"], "1:3", "{found}");
    }
    assert_eq!(core_pattern(), before);
}

/// CVE-2025-52565: `/dev/console`, on which the terminal is bound, is a link.
#[test]
fn a_terminal_is_not_bound_over_what_a_link_names() {
    let Some(bundle) = bundle() else { return };
    let canary = bundle.path("canary");
    fs::write(&canary, "").unwrap();
    let _ = fs::remove_dir(bundle.rootfs("dev"));
    fs::create_dir(bundle.rootfs("dev")).unwrap();
    symlink(&canary, bundle.rootfs("dev/console")).unwrap();
    let control = naively(
        &bundle,
        "mount --bind /dev/null $ROOTFS/dev/console && cat /proc/self/mountinfo",
    );
    assert!(
        control.ok().contains(canary.to_str().unwrap()),
        "the control"
    );

    let mut config = bundle.config(&["sh", "-c", "echo evil > /dev/console"]);
    without_dev(&mut config);
    config["process"]["terminal"] = true.into();
    let path = bundle.path("").display().to_string();
    bundle.write(&config).unwrap();
    let runtime = bundle.command(&["run", "--bundle", &path, bundle.id()]);
    let line = std::iter::once(runtime.get_program())
        .chain(runtime.get_args())
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ");
    // With a terminal of its own, as `run` wants one.
    let mut script = std::process::Command::new("script");
    let _ = terrarium_tests::run(script.args(["-qec", &line, "/dev/null"]), "").unwrap();
    assert_eq!(fs::read_to_string(&canary).unwrap(), "");
}

/// CVE-2019-16884, CVE-2019-19921, CVE-2023-27561: `/proc` is a link, so that the runtime writes labels
/// and reads facts where the image says.
#[test]
fn proc_is_never_mounted_through_a_link() {
    let Some(bundle) = bundle() else { return };
    fs::remove_dir(bundle.rootfs("proc")).unwrap();
    fs::create_dir(bundle.rootfs("elsewhere")).unwrap();
    symlink("elsewhere", bundle.rootfs("proc")).unwrap();
    let control = naively(
        &bundle,
        "mount -t proc proc $ROOTFS/proc && test -d $ROOTFS/elsewhere/self && echo moved",
    );
    assert_eq!(control.ok(), "moved", "the control");

    let ran = bundle
        .run(&bundle.config(&["/bin/probe", "facts"]))
        .unwrap();
    assert_ne!(ran.code, Some(0));
    assert_eq!(ran.stdout, "");
    bundle.delete().unwrap();
    assert_eq!(bundle.left(), Vec::<String>::new());
}

/// CVE-2019-16884: a mount of the bundle takes the place of `/proc`, so that what the runtime writes
/// for its process goes into files of the attacker.
#[test]
fn a_mount_over_proc_catches_nothing_that_the_runtime_writes() {
    let Some(bundle) = bundle() else { return };
    for process in ["self", "1"] {
        let folder = bundle.path("fake").join(process);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("oom_score_adj"), "untouched").unwrap();
    }
    let fake = bundle.path("fake");
    let caught = || fs::read_to_string(fake.join("self/oom_score_adj")).unwrap();
    naively(
        &bundle,
        &format!("mount --bind {} $ROOTFS/proc && exec chroot $ROOTFS /bin/sh -c 'echo 500 > /proc/self/oom_score_adj'", fake.display()),
    )
    .ok();
    assert_eq!(caught(), "500\n", "the control");
    fs::write(fake.join("self/oom_score_adj"), "untouched").unwrap();

    let mut config = bundle.config(&["/bin/probe", "sleep"]);
    config["process"]["oomScoreAdj"] = 500.into();
    let mounts = config["mounts"].as_array_mut().unwrap();
    mounts.push(json!({"destination": "/proc", "source": fake, "options": ["bind"]}));
    // To refuse it, as runc does, is a defense as well.
    if bundle.start(&config).is_ok() {
        let path = format!("/proc/{}/oom_score_adj", bundle.state().unwrap()["pid"]);
        assert_eq!(fs::read_to_string(path).unwrap().trim(), "500");
    }
    bundle.delete().unwrap();
    assert_eq!(caught(), "untouched");
    let of_init = fs::read_to_string(fake.join("1/oom_score_adj")).unwrap();
    assert_eq!(of_init, "untouched");
    assert_eq!(bundle.left(), Vec::<String>::new());
}

/// CVE-2026-41579: `/dev` is a link.
#[test]
fn dev_is_never_mounted_through_a_link() {
    let Some(bundle) = bundle() else { return };
    let _ = fs::remove_dir(bundle.rootfs("dev"));
    let canary = canary(&bundle);
    symlink(&canary, bundle.rootfs("dev")).unwrap();
    let control = naively(
        &bundle,
        "mount -t tmpfs tmpfs $ROOTFS/dev && cat /proc/self/mountinfo",
    );
    assert!(
        control.ok().contains(canary.to_str().unwrap()),
        "the control"
    );

    let ran = bundle
        .run(&bundle.config(&["/bin/probe", "facts"]))
        .unwrap();
    assert_ne!(ran.code, Some(0));
    assert_eq!(count(&canary), 0);
    bundle.delete().unwrap();
    assert_eq!(bundle.left(), Vec::<String>::new());
}
