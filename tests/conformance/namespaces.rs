//! Namespaces: new ones, none, and those that a path names.

use std::{fs, process::Command};

use serde_json::{Value, json};
use terrarium_tests::run;

use crate::case::{Case, bundle, check, check_in, contains, expect};

const KINDS: [&str; 7] = ["pid", "network", "ipc", "uts", "mount", "cgroup", "user"];

fn link(kind: &str) -> &str {
    match kind {
        "network" => "net",
        "mount" => "mnt",
        other => other,
    }
}

fn ours(kind: &str) -> String {
    let path = format!("/proc/self/ns/{}", link(kind));
    fs::read_link(path).unwrap().display().to_string()
}

fn with(kinds: &[&str]) -> Value {
    let list: Vec<Value> = kinds.iter().map(|kind| json!({"type": kind})).collect();
    json!({"linux": {"namespaces": list}})
}

/// Runs the probe and gives its facts.
fn facts(edit: Value) -> Option<Value> {
    let bundle = bundle()?;
    let mut config = bundle.config(&["/bin/probe", "facts"]);
    crate::case::merge(&mut config, &edit);
    let ran = bundle.run(&config).unwrap();
    serde_json::from_str(ran.ok()).ok()
}

#[test]
fn every_namespace_that_is_listed_is_new_and_every_other_is_the_callers() {
    let listed = ["pid", "network", "ipc", "uts", "mount"];
    let mut edit = with(&listed);
    edit["hostname"] = Value::Null;
    let Some(found) = facts(edit) else { return };
    for kind in KINDS {
        let inside = found["namespaces"][link(kind)].as_str().unwrap();
        assert_eq!(inside != ours(kind), listed.contains(&kind), "{kind}");
    }
}

#[test]
fn a_shared_network_ipc_or_host_name_is_the_callers() {
    let mut edit = with(&["pid", "mount"]);
    edit["hostname"] = Value::Null;
    let Some(found) = facts(edit) else { return };
    for kind in ["network", "ipc", "uts"] {
        assert_eq!(found["namespaces"][link(kind)], ours(kind), "{kind}");
    }
}

#[test]
fn a_new_network_has_a_loopback_only() {
    check([
        Case::new("network-loopback", json!({}), &["facts"]).finds(json!({"interfaces": ["lo"]})),
        Case::new("network-loopback-is-up", json!({}), &["act", "socket inet"])
            .finds(json!({"socket inet": "ok"})),
    ]);
}

#[test]
fn names_are_set_in_a_namespace_of_their_own() {
    check([
        Case::new("hostname", json!({"hostname": "garden"}), &["facts"])
            .finds(json!({"hostname": "garden"})),
        Case::new(
            "domainname",
            json!({"domainname": "example.org"}),
            &["facts"],
        )
        .finds(json!({"domainname": "example.org"})),
        Case::new(
            "hostname-of-the-callers",
            {
                let mut edit = with(&["pid", "mount", "network", "ipc"]);
                edit["hostname"] = "garden".into();
                edit
            },
            &["facts"],
        )
        .refused(),
    ]);
    assert_ne!(
        fs::read_to_string("/proc/sys/kernel/hostname")
            .unwrap()
            .trim(),
        "garden"
    );
}

#[test]
fn lists_that_make_no_sense_are_refused() {
    check([
        Case::new("namespace-twice", with(&["pid", "pid", "mount"]), &["facts"]).refused(),
        Case::new("namespace-unknown", with(&["pid", "mount", "nonsense"]), &["facts"]).refused(),
        Case::new(
            "namespace-missing-path",
            json!({"linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "network", "path": "/no/such"}]}}),
            &["facts"],
        )
        .refused(),
        Case::new(
            "namespace-path-of-another-kind",
            json!({"linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "network", "path": "/proc/self/ns/uts"}]}}),
            &["facts"],
        )
        .refused(),
        Case::new(
            "namespace-path-to-no-namespace",
            json!({"linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "network", "path": "/etc/passwd"}]}}),
            &["facts"],
        )
        .refused(),
    ]);
}

#[test]
fn namespaces_of_a_running_container_are_joined_by_path() {
    let Some(first) = bundle() else { return };
    first
        .start(&first.config(&["/bin/probe", "sleep"]))
        .unwrap();
    let pid = first.state().unwrap()["pid"].clone();
    for kind in ["network", "ipc", "uts", "pid"] {
        let path = format!("/proc/{pid}/ns/{}", link(kind));
        let Some(second) = bundle() else { return };
        let mut config = second.config(&["/bin/probe", "facts"]);
        config["hostname"] = Value::Null;
        config.as_object_mut().unwrap().remove("hostname");
        for namespace in config["linux"]["namespaces"].as_array_mut().unwrap() {
            if namespace["type"] == kind {
                namespace["path"] = path.as_str().into();
            }
        }
        let ran = second.run(&config).unwrap();
        let found: Value = serde_json::from_str(ran.ok()).unwrap();
        let wanted = fs::read_link(&path).unwrap().display().to_string();
        assert_eq!(found["namespaces"][link(kind)], wanted, "{kind}");
    }
}

#[test]
fn a_user_namespace_has_the_maps_of_the_spec() {
    let Some(bundle) = bundle() else { return };
    let maps = |ranges: Value| json!({"linux": {"namespaces+": [{"type": "user"}], "uidMappings": ranges, "gidMappings": ranges}});
    let one = json!([{"containerID": 0, "hostID": 100_000, "size": 65_536}]);
    let two = json!([
        {"containerID": 0, "hostID": 100_000, "size": 1000},
        {"containerID": 1000, "hostID": 300_000, "size": 10},
    ]);
    let mine = run(
        Command::new("chown")
            .args(["-R", "100000:100000"])
            .arg(bundle.rootfs("")),
        "",
    );
    mine.unwrap().ok();
    check_in(
        &bundle,
        [
            Case::new("userns-one-range", maps(one.clone()), &["facts"]).finds(json!({
                "uid_map": ["0 100000 65536"],
                "gid_map": ["0 100000 65536"],
                "status": {"Uid": "0\t0\t0\t0", "Gid": "0\t0\t0\t0"},
            })),
            Case::new("userns-two-ranges", maps(two), &["facts"])
                .finds(json!({"uid_map": ["0 100000 1000", "1000 300000 10"]})),
            Case::new(
                "userns-devices",
                maps(one.clone()),
                &["files", "/dev/null", "/dev/zero"],
            )
            .finds(json!({
                "/dev/null": {"kind": "character device", "device": "1:3", "write": ""},
                "/dev/zero": {"kind": "character device", "device": "1:5"},
            })),
            Case::new(
                "userns-without-maps",
                json!({"linux": {"namespaces+": [{"type": "user"}]}}),
                &["facts"],
            )
            .refused(),
            Case::new(
                "userns-user-outside-of-map",
                {
                    let mut edit = maps(json!([{"containerID": 0, "hostID": 100_000, "size": 10}]));
                    edit["process"] = json!({"user": {"uid": 11, "gid": 0}});
                    edit
                },
                &["facts"],
            )
            .refused(),
        ],
    );
}

#[test]
fn a_time_namespace_has_its_offsets() {
    let Some(bundle) = bundle() else { return };
    let mut config = bundle.config(&["/bin/probe", "facts"]);
    crate::case::merge(
        &mut config,
        &json!({"linux": {
            "namespaces+": [{"type": "time"}],
            "timeOffsets": {"monotonic": {"secs": 1000, "nanosecs": 5}, "boottime": {"secs": 2000}},
        }}),
    );
    let ran = bundle.run(&config).unwrap();
    let found: Value = serde_json::from_str(&ran.stdout).unwrap_or(json!({"error": ran.stderr}));
    let wanted = json!({"timens": ["monotonic 1000 5", "boottime 2000 0"]});
    expect("time-offsets", contains(&found, &wanted, ""));
}

#[test]
fn a_cgroup_namespace_starts_at_the_containers_own_group() {
    check([Case::new(
        "cgroup-namespace",
        json!({"linux": {"namespaces+": [{"type": "cgroup"}]}}),
        &["act", "read /proc/self/cgroup"],
    )
    .exits(0)]);
    let Some(found) = facts(json!({"linux": {"namespaces+": [{"type": "cgroup"}]}})) else {
        return;
    };
    let cgroups = found["cgroups"].as_str().unwrap();
    for line in cgroups
        .lines()
        .filter(|line| line.contains("memory") || line.contains("pids"))
    {
        assert!(line.ends_with(":/"), "{cgroups}");
    }
    assert_ne!(found["namespaces"]["cgroup"], ours("cgroup"));
}
