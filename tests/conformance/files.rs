//! The root file system, and what is hidden or fixed in it.

use std::fs;

use serde_json::{Value, json};

use crate::case::{Case, bundle, check, check_in};

#[test]
fn the_root_is_read_only_when_the_spec_says_so() {
    check([
        Case::new(
            "root-readonly",
            json!({"root": {"readonly": true}}),
            &["act", "create /x", "create /etc/x", "create /dev/shm/x"],
        )
        .finds(json!({"create /x": "EROFS", "create /etc/x": "EROFS", "create /dev/shm/x": "ok"})),
        Case::new(
            "root-writable",
            json!({"root": {"readonly": false}}),
            &["act", "create /x"],
        )
        .finds(json!({"create /x": "ok"})),
        Case::new(
            "root-absolute",
            json!({"root": {"path": "/no/such"}}),
            &["facts"],
        )
        .refused(),
        Case::new("root-missing", json!({"root": null}), &["facts"]).refused(),
        Case::new(
            "root-is-a-file",
            json!({"root": {"path": "config.json"}}),
            &["facts"],
        )
        .refused(),
    ]);
}

#[test]
fn the_root_is_all_there_is() {
    check([
        Case::new(
            "root-parent-is-root",
            json!({}),
            &["files", "/../etc/passwd", "/../../proc/1"],
        )
        .finds(json!({"/../etc/passwd": {"kind": "file"}, "/../../proc/1": {"kind": "folder"}})),
        Case::new("old-root-is-gone", json!({}), &["facts"])
            .finds(json!({"mounts": {"/.pivot_root": null, "/oldroot": null}, "cwd": "/"})),
    ]);
}

fn masked(name: &'static str, linux: Value, args: &[&str]) -> Case {
    Case::new(name, json!({"linux": linux}), args)
}

#[test]
fn masked_paths_show_nothing() {
    let Some(bundle) = bundle() else { return };
    fs::write(bundle.rootfs("secret"), "secret\n").unwrap();
    fs::create_dir(bundle.rootfs("secrets")).unwrap();
    fs::write(bundle.rootfs("secrets/one"), "secret\n").unwrap();
    check_in(&bundle, [
        masked("mask-file", json!({"maskedPaths": ["/secret"]}), &["files", "/secret"])
            .finds(json!({"/secret": {"read": "", "kind": "character device", "device": "1:3"}})),
        masked("mask-folder", json!({"maskedPaths": ["/secrets"]}), &["files", "/secrets", "/secrets/one"])
            .finds(json!({"/secrets": {"kind": "folder", "entries": 0}, "/secrets/one": {"kind": "ENOENT"}})),
        masked("mask-folder-is-read-only", json!({"maskedPaths": ["/secrets"]}), &["act", "create /secrets/x"])
            .finds(json!({"create /secrets/x": "EROFS"})),
        masked("mask-missing", json!({"maskedPaths": ["/no/such"]}), &["facts"]).finds(json!({"pid": 1})),
        masked("mask-proc", json!({"maskedPaths": ["/proc/meminfo", "/proc/tty"]}), &["files", "/proc/meminfo", "/proc/tty"])
            .finds(json!({"/proc/meminfo": {"device": "1:3", "read": ""}, "/proc/tty": {"entries": 0}})),
    ]);
}

#[test]
fn read_only_paths_cannot_be_written() {
    let Some(bundle) = bundle() else { return };
    fs::create_dir(bundle.rootfs("fixed")).unwrap();
    fs::write(bundle.rootfs("fixed/file"), "fixed\n").unwrap();
    check_in(&bundle, [
        masked("read-only-folder", json!({"readonlyPaths": ["/fixed"]}), &["act", "read /fixed/file", "create /fixed/x", "write /fixed/file y"])
            .finds(json!({"read /fixed/file": "fixed", "create /fixed/x": "EROFS", "write /fixed/file y": "EROFS"})),
        masked("read-only-file", json!({"readonlyPaths": ["/fixed/file"]}), &["act", "write /fixed/file y", "create /fixed/z"])
            .finds(json!({"write /fixed/file y": "EROFS", "create /fixed/z": "ok"})),
        masked("read-only-missing", json!({"readonlyPaths": ["/no/such"]}), &["facts"]).finds(json!({"pid": 1})),
        masked("read-only-proc-sys", json!({"readonlyPaths": ["/proc/sys"]}), &["act", "write /proc/sys/kernel/hostname x"])
            .finds(json!({"write /proc/sys/kernel/hostname x": "EROFS"})),
    ]);
}

#[test]
fn settings_of_the_kernel_are_set_where_they_belong_to_a_namespace() {
    let read = |path: &str| ["act".to_owned(), format!("read {path}")];
    let sysctl = |name, key: &str, value: &str, path: &str| {
        let args = read(path);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let case = Case::new(name, json!({"linux": {"sysctl": {key: value}}}), &args);
        case.finds(json!({format!("read {path}"): value}))
    };
    let refused = |name, edit: Value| Case::new(name, edit, &["facts"]).refused();
    let without = |kind: &str, key: &str| {
        let kinds = ["pid", "network", "ipc", "uts", "mount"];
        let kinds: Vec<Value> = kinds
            .iter()
            .filter(|other| **other != kind)
            .map(|kind| json!({"type": kind}))
            .collect();
        json!({"hostname": null, "linux": {"namespaces": kinds, "sysctl": {key: "1"}}})
    };
    check([
        sysctl(
            "sysctl-net",
            "net.ipv4.ip_forward",
            "1",
            "/proc/sys/net/ipv4/ip_forward",
        ),
        sysctl(
            "sysctl-net-range",
            "net.ipv4.ping_group_range",
            "0\t100",
            "/proc/sys/net/ipv4/ping_group_range",
        ),
        sysctl(
            "sysctl-ipc",
            "kernel.shm_rmid_forced",
            "1",
            "/proc/sys/kernel/shm_rmid_forced",
        ),
        sysctl(
            "sysctl-mqueue",
            "fs.mqueue.msg_max",
            "20",
            "/proc/sys/fs/mqueue/msg_max",
        ),
        sysctl(
            "sysctl-msgmax",
            "kernel.msgmax",
            "9000",
            "/proc/sys/kernel/msgmax",
        ),
        refused(
            "sysctl-net-of-the-host",
            without("network", "net.ipv4.ip_forward"),
        ),
        refused(
            "sysctl-ipc-of-the-host",
            without("ipc", "kernel.shm_rmid_forced"),
        ),
        refused(
            "sysctl-of-the-whole-machine",
            json!({"linux": {"sysctl": {"vm.swappiness": "1"}}}),
        ),
        refused(
            "sysctl-panic",
            json!({"linux": {"sysctl": {"kernel.panic": "1"}}}),
        ),
        refused(
            "sysctl-with-dots",
            json!({"linux": {"sysctl": {"net/../vm/swappiness": "1"}}}),
        ),
        refused(
            "sysctl-unknown",
            json!({"linux": {"sysctl": {"net.nonsense": "1"}}}),
        ),
    ]);
}
