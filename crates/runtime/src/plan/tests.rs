//! Golden plans: what is decided for a spec, without a kernel.

use serde_json::{Value, json};

use super::*;

pub(crate) const ROOT: Host = Host {
    uid: 0,
    gid: 0,
    is_initial: true,
};
pub(super) const USER: Host = Host {
    uid: 1000,
    gid: 1000,
    is_initial: true,
};
/// As podman is for an ordinary user.
pub(super) const ROOT_OF_A_NAMESPACE: Host = Host {
    is_initial: false,
    ..ROOT
};

pub(super) fn spec() -> Value {
    json!({
        "ociVersion": "1.2.1",
        "process": {
            "user": {"uid": 1, "gid": 2, "additionalGids": [3]},
            "args": ["sh"], "env": ["PATH=/bin"], "cwd": "/work",
            "capabilities": {"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"]},
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}],
            "noNewPrivileges": true
        },
        "root": {"path": "rootfs", "readonly": true},
        "hostname": "box",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "mode=0620", "gid=5"]},
            {"destination": "/data", "type": "bind", "source": "data",
             "options": ["rbind", "ro", "rprivate", "noatime"]},
            {"destination": "/sys/fs/cgroup", "type": "cgroup", "options": ["ro"]}
        ],
        "linux": {
            "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "uts"},
                {"type": "network", "path": "/run/netns/n"}],
            "sysctl": {"net.core.somaxconn": "1"},
            "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
            "devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229,
                "fileMode": 432, "uid": 1, "gid": 2}]
        }
    })
}

fn plan(spec: &Value, host: Host) -> Result<Plan> {
    let spec: Spec = serde_json::from_value(spec.clone()).unwrap();
    let input = Input {
        id: "one",
        bundle: Path::new("/bundle"),
        spec: &spec,
        rootfs: &Rootfs::Path("rootfs".into()),
        cgroup_parent: None,
        cgroup_manager: CgroupManager::Files,
    };
    Plan::new(&input, host)
}

fn refusal(change: impl FnOnce(&mut Value), host: Host) -> String {
    let mut spec = spec();
    change(&mut spec);
    plan(&spec, host).unwrap_err().to_string()
}

#[test]
fn a_spec_of_root_becomes_this_plan() {
    insta::assert_debug_snapshot!(plan(&spec(), ROOT).unwrap());
}

#[test]
fn a_user_namespace_binds_devices_and_drops_groups_without_a_mapping() {
    let mut spec = spec();
    let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.push(json!({"type": "user"}));
    let map = json!([{"containerID": 0, "hostID": 1000, "size": 1}]);
    spec["linux"]["uidMappings"] = map.clone();
    spec["linux"]["gidMappings"] = map;
    let plan = plan(&spec, USER).unwrap();
    assert!(
        plan.namespaces.needs_two_stages(),
        "the network is joined before the user namespace"
    );
    let maps = plan.namespaces.maps.unwrap();
    assert!(maps.deny_setgroups && !maps.through_helpers);
    assert!(
        plan.devices
            .iter()
            .all(|device| device.kind == DeviceKind::BindCharacter)
    );
    assert_eq!(plan.notes.len(), 1, "{:?}", plan.notes);
    assert_eq!(
        plan.cgroup_path,
        Path::new("terrarium/one"),
        "below the user's own cgroup"
    );
}

/// Refused, with these words, when the spec has this value at this place.
fn check_refusal(pointer: &str, value: &str, host: Host, words: &str) {
    let value: Value = serde_json::from_str(value).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let text = refusal(
        |spec| match spec.pointer_mut(pointer) {
            Some(place) => *place = value.clone(),
            None => spec.pointer_mut(parent).unwrap()[name] = value.clone(),
        },
        host,
    );
    assert!(text.contains(words), "{pointer} = {value}: {text}");
}

#[test]
fn what_cannot_be_carried_out_is_refused_while_planning() {
    let twice = r#"[{"type": "mount"}, {"type": "mount"}]"#;
    let only_mount = r#"[{"type": "mount"}]"#;
    for (pointer, value, host, words) in [
        (
            "/linux/namespaces",
            r#"[{"type": "pid"}]"#,
            ROOT,
            "mount namespace",
        ),
        ("/linux/namespaces", only_mount, USER, "user"),
        ("/linux/namespaces", twice, ROOT, "twice"),
        ("/linux/namespaces", only_mount, ROOT, "sysctl"),
        (
            "/linux/sysctl",
            r#"{"kernel.core_pattern": "|x"}"#,
            ROOT,
            "not namespaced",
        ),
        (
            "/linux/sysctl",
            r#"{"net/../kernel/panic": "1"}"#,
            ROOT,
            "net",
        ),
        ("/process/args", "[]", ROOT, "args"),
        ("/process/cwd", r#""work""#, ROOT, "not absolute"),
        (
            "/mounts/2/options",
            r#"["bind", "idmap"]"#,
            ROOT,
            "uidMappings",
        ),
        ("/mounts/2/source", r#""""#, ROOT, "no source"),
        ("/linux/rootfsPropagation", r#""odd""#, ROOT, "odd"),
    ] {
        check_refusal(pointer, value, host, words);
    }
}

#[test]
fn what_newer_versions_of_the_specification_added_is_checked_too() {
    let one_name = r#"{"eth0": {"name": "x"}, "eth1": {"name": "x"}}"#;
    for (pointer, value, words) in [
        (
            "/linux/timeOffsets",
            r#"{"realtime": {"secs": 1}}"#,
            "realtime",
        ),
        (
            "/linux/timeOffsets",
            r#"{"monotonic": {"secs": 1}}"#,
            "`time` namespace",
        ),
        (
            "/linux/timeOffsets",
            r#"{"boottime": {"nanosecs": 2000000000}}"#,
            "nanosecs",
        ),
        (
            "/linux/netDevices",
            r#"{"eth0": {"name": "a/b"}}"#,
            "netDevices",
        ),
        ("/linux/netDevices", one_name, "two would be"),
        (
            "/linux/personality",
            r#"{"domain": "LINUX", "flags": ["NO"]}"#,
            "personality.flags",
        ),
        ("/linux/intelRdt", r#"{"closID": "a"}"#, "intelRdt"),
        (
            "/linux/memoryPolicy",
            r#"{"mode": "MPOL_BIND", "nodes": "x"}"#,
            "memoryPolicy.nodes",
        ),
        (
            "/linux/resources",
            r#"{"unified": {"a/b.c": "1"}}"#,
            "unified",
        ),
        (
            "/process/ioPriority",
            r#"{"class": "IOPRIO_CLASS_BE", "priority": 9}"#,
            "ioPriority",
        ),
    ] {
        check_refusal(pointer, value, ROOT, words);
    }
}

#[test]
fn a_spec_that_brings_its_own_dev_gets_no_devices() {
    let mut spec = spec();
    let mounts = spec["mounts"].as_array_mut().unwrap();
    mounts.push(json!({"destination": "/dev", "type": "bind", "source": "/dev"}));
    assert!(!plan(&spec, ROOT).unwrap().owns_dev);
}

#[test]
fn root_of_a_user_namespace_makes_no_devices_and_no_cgroups_of_the_machine() {
    let planned = plan(&spec(), ROOT_OF_A_NAMESPACE).unwrap();
    let is_made = |device: &DevicePlan| device.kind == DeviceKind::Character;
    assert!(!planned.devices.iter().any(is_made));
    assert_eq!(planned.cgroup_path, Path::new("terrarium/one"));
    let planned = plan(&spec(), ROOT).unwrap();
    assert!(planned.devices.iter().all(is_made));
    assert_eq!(planned.cgroup_path, Path::new("/terrarium/one"));
}
