//! Devices: the default ones, those of the spec, and what the rules allow.

use serde_json::{Value, json};

use crate::case::{Case, check};

fn files(name: &'static str, edit: Value, paths: &[&str]) -> Case {
    let mut args = vec!["files"];
    args.extend(paths);
    Case::new(name, edit, &args)
}

#[test]
fn the_default_devices_and_links_are_there() {
    let device = |device: &str| json!({"kind": "character device", "device": device, "mode": "0666", "owner": "0:0"});
    let link = |target: &str| json!({"kind": "link", "target": target});
    check([
        files("device-null", json!({}), &["/dev/null"]).finds(json!({"/dev/null": device("1:3")})),
        files("device-zero", json!({}), &["/dev/zero"]).finds(json!({"/dev/zero": device("1:5")})),
        files("device-full", json!({}), &["/dev/full"]).finds(json!({"/dev/full": device("1:7")})),
        files("device-random", json!({}), &["/dev/random"])
            .finds(json!({"/dev/random": device("1:8")})),
        files("device-urandom", json!({}), &["/dev/urandom"])
            .finds(json!({"/dev/urandom": device("1:9")})),
        files("device-tty", json!({}), &["/dev/tty"]).finds(json!({"/dev/tty": device("5:0")})),
        files("link-ptmx", json!({}), &["/dev/ptmx"]).finds(json!({"/dev/ptmx": link("pts/ptmx")})),
        files("link-fd", json!({}), &["/dev/fd"]).finds(json!({"/dev/fd": link("/proc/self/fd")})),
        files("link-stdin", json!({}), &["/dev/stdin"])
            .finds(json!({"/dev/stdin": link("/proc/self/fd/0")})),
        files("link-stdout", json!({}), &["/dev/stdout"])
            .finds(json!({"/dev/stdout": link("/proc/self/fd/1")})),
        files("link-stderr", json!({}), &["/dev/stderr"])
            .finds(json!({"/dev/stderr": link("/proc/self/fd/2")})),
        files("no-console-without-terminal", json!({}), &["/dev/console"])
            .finds(json!({"/dev/console": {"kind": "ENOENT"}})),
        files("devices-work", json!({}), &["/dev/null", "/dev/full"])
            .finds(json!({"/dev/null": {"read": "", "write": ""}, "/dev/full": {"write": ""}})),
    ]);
}

#[test]
fn devices_of_the_spec_are_made() {
    let device = |device: Value| json!({"linux": {"devices": [device]}});
    check([
        files("device-of-the-spec", device(json!({"path": "/dev/mine", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 7, "gid": 8})), &["/dev/mine"])
            .finds(json!({"/dev/mine": {"kind": "character device", "device": "10:229", "mode": "0640", "owner": "7:8"}})),
        files("device-in-a-new-folder", device(json!({"path": "/dev/deep/mine", "type": "c", "major": 1, "minor": 3})), &["/dev/deep/mine"])
            .finds(json!({"/dev/deep/mine": {"device": "1:3"}})),
        files("device-pipe", device(json!({"path": "/dev/pipe", "type": "p", "fileMode": 0o600})), &["/dev/pipe"])
            .finds(json!({"/dev/pipe": {"kind": "pipe", "mode": "0600"}})),
        files("device-block", device(json!({"path": "/dev/block", "type": "b", "major": 7, "minor": 0})), &["/dev/block"])
            .finds(json!({"/dev/block": {"kind": "block device", "device": "7:0"}})),
        files("device-replaces-default", device(json!({"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o666})), &["/dev/null"])
            .finds(json!({"/dev/null": {"device": "1:3", "mode": "0666"}})),
        files("device-unknown-type", device(json!({"path": "/dev/x", "type": "z", "major": 1, "minor": 3})), &["/dev"])
            .refused(),
    ]);
}

#[test]
fn rules_decide_which_devices_can_be_used() {
    let rules = |name, rules: Value, act: &str, answer: &str| {
        let caps = json!(["CAP_MKNOD"]);
        let edit = json!({
            "process": {"capabilities": {"bounding": caps, "effective": caps, "permitted": caps}},
            "linux": {"resources": {"devices": rules}, "devices": [
                {"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11, "fileMode": 0o666},
            ]},
        });
        Case::new(name, edit, &["act", act]).finds(json!({act: answer}))
    };
    let none = || json!({"allow": false, "access": "rwm"});
    let kmsg = |access: &str| json!({"allow": true, "type": "c", "major": 1, "minor": 11, "access": access});
    check([
        rules(
            "rule-allow-mknod",
            json!([none(), kmsg("m")]),
            "mknod /dev/n 1 11",
            "ok",
        ),
        rules(
            "rule-deny-open",
            json!([none()]),
            "write /dev/kmsg x",
            "EPERM",
        ),
        rules(
            "rule-allow-write",
            json!([none(), kmsg("w")]),
            "write /dev/kmsg suite",
            "ok",
        ),
        rules(
            "rule-default-devices-stay",
            json!([none()]),
            "write /dev/null x",
            "ok",
        ),
        rules(
            "rule-any-minor",
            json!([none(), {"allow": true, "type": "c", "major": 1, "access": "rwm"}]),
            "mknod /dev/n 1 11",
            "ok",
        ),
        rules(
            "rule-last-one-wins",
            json!([none(), kmsg("rwm"), {"allow": false, "type": "c", "major": 1, "minor": 11, "access": "w"}]),
            "write /dev/kmsg x",
            "EPERM",
        ),
    ]);
}
