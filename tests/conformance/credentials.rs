//! Users, groups, capabilities, and privileges that cannot be had back.

use serde_json::{Value, json};

use crate::case::{Case, check};

fn facts(name: &'static str, process: Value) -> Case {
    Case::new(name, json!({"process": process}), &["facts"])
}

#[test]
fn the_user_is_that_of_the_spec() {
    check([
        facts("uid-and-gid", json!({"user": {"uid": 1000, "gid": 2000}})).finds(json!({
            "status": {"Uid": "1000\t1000\t1000\t1000", "Gid": "2000\t2000\t2000\t2000"},
            "groups": [],
        })),
        facts(
            "additional-gids",
            json!({"user": {"uid": 1, "gid": 2, "additionalGids": [7, 5, 9]}}),
        )
        .finds(json!({"groups": [5, 7, 9]})),
        facts("no-group-of-the-caller", json!({})).finds(json!({"groups": []})),
        facts(
            "umask",
            json!({"user": {"uid": 0, "gid": 0, "umask": 0o77}}),
        )
        .finds(json!({"status": {"Umask": "0077"}})),
        facts(
            "umask-zero",
            json!({"user": {"uid": 0, "gid": 0, "umask": 0}}),
        )
        .finds(json!({"status": {"Umask": "0000"}})),
        facts("umask-default", json!({})).finds(json!({"status": {"Umask": "0022"}})),
        facts("uid-negative", json!({"user": {"uid": -1, "gid": 0}})).refused(),
        facts("uid-as-text", json!({"user": {"uid": "root", "gid": 0}})).refused(),
        facts(
            "uid-huge",
            json!({"user": {"uid": 4_294_967_296_u64, "gid": 0}}),
        )
        .refused(),
    ]);
}

#[test]
fn capabilities_are_exactly_those_of_the_five_sets() {
    let sets = |bounding: Value,
                effective: Value,
                permitted: Value,
                inheritable: Value,
                ambient: Value| json!({"capabilities": {"bounding": bounding, "effective": effective, "permitted": permitted, "inheritable": inheritable, "ambient": ambient}});
    let chown = || json!(["CAP_CHOWN"]);
    let two = || json!(["CAP_CHOWN", "CAP_KILL"]);
    let none = || json!([]);
    let found = |bounding, effective, permitted, inheritable, ambient| {
        let mask = |bits: u64| format!("{bits:016x}");
        json!({"status": {
            "CapBnd": mask(bounding), "CapEff": mask(effective), "CapPrm": mask(permitted),
            "CapInh": mask(inheritable), "CapAmb": mask(ambient),
        }})
    };
    let user = |mut process: Value| {
        process["user"] = json!({"uid": 1000, "gid": 1000});
        process
    };
    check([
        facts("caps-none", sets(none(), none(), none(), none(), none()))
            .finds(found(0, 0, 0, 0, 0)),
        facts("caps-root", sets(two(), two(), two(), none(), none()))
            .finds(found(0x21, 0x21, 0x21, 0, 0)),
        // At execve root gets all of the bounding set, unless no_new_privs forbids it; capabilities(7).
        facts(
            "caps-bounding-is-wider",
            sets(two(), chown(), chown(), none(), none()),
        )
        .finds(found(0x21, 0x1, 0x1, 0, 0)),
        facts("caps-bounding-is-given-to-root", {
            let mut process = sets(two(), chown(), chown(), none(), none());
            process["noNewPrivileges"] = false.into();
            process
        })
        .finds(found(0x21, 0x21, 0x21, 0, 0)),
        facts(
            "caps-user-loses-them",
            user(sets(two(), two(), two(), none(), none())),
        )
        .finds(found(0x21, 0, 0, 0, 0)),
        facts(
            "caps-user-ambient",
            user(sets(two(), two(), two(), two(), chown())),
        )
        .finds(found(0x21, 0x1, 0x1, 0x21, 0x1)),
        facts("caps-missing", json!({"capabilities": null})).finds(found(0, 0, 0, 0, 0)),
    ]);
}

#[test]
fn capabilities_allow_what_they_name_and_no_more() {
    let all = |list: Value| {
        json!({"process": {"capabilities": {
            "bounding": list, "effective": list, "permitted": list,
        }}})
    };
    check([
        Case::new(
            "cap-chown",
            all(json!(["CAP_CHOWN"])),
            &["act", "create /tmp/x", "chown /tmp/x 5"],
        )
        .finds(json!({"chown /tmp/x 5": "ok"})),
        Case::new(
            "no-cap-chown",
            all(json!([])),
            &["act", "create /tmp/y", "chown /tmp/y 5"],
        )
        .finds(json!({"chown /tmp/y 5": "EPERM"})),
        Case::new(
            "no-cap-setuid",
            all(json!([])),
            &["act", "setgid 9", "setuid 9"],
        )
        .finds(json!({"setgid 9": "EPERM", "setuid 9": "EPERM"})),
        Case::new(
            "no-cap-sys-admin",
            all(json!([])),
            &["act", "mount tmpfs /tmp", "umount /proc", "sethostname x"],
        )
        .finds(
            json!({"mount tmpfs /tmp": "EPERM", "umount /proc": "EPERM", "sethostname x": "EPERM"}),
        ),
        Case::new(
            "cap-sys-admin",
            all(json!(["CAP_SYS_ADMIN"])),
            &["act", "mount tmpfs /tmp", "sethostname x"],
        )
        .finds(json!({"mount tmpfs /tmp": "ok", "sethostname x": "ok"})),
        Case::new("no-cap-mknod", all(json!([])), &["act", "mknod /tmp/n 1 3"])
            .finds(json!({"mknod /tmp/n 1 3": "EPERM"})),
    ]);
}

#[test]
fn privileges_cannot_be_gained_unless_allowed() {
    check([
        facts("no-new-privileges", json!({"noNewPrivileges": true}))
            .finds(json!({"status": {"NoNewPrivs": "1"}})),
        facts("new-privileges", json!({"noNewPrivileges": false}))
            .finds(json!({"status": {"NoNewPrivs": "0"}})),
        facts(
            "new-privileges-by-default",
            json!({"noNewPrivileges": null}),
        )
        .finds(json!({"status": {"NoNewPrivs": "0"}})),
    ]);
}
