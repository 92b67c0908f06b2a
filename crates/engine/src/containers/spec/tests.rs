use std::sync::LazyLock;

use serde_json::Value;
use terrarium_api::{Limits, Mount, MountKind};

use super::*;
use crate::containers::record::tests::record;

static ACCOUNT: LazyLock<Account> = LazyLock::new(|| Account {
    uid: 0,
    gid: 0,
    groups: vec![10],
    home: "/root".into(),
});

/// The spec as text that does not depend on the order of sets; the filter only as present or not.
fn golden<'a>(record: &'a Record, change: impl FnOnce(&mut Facts<'a>)) -> String {
    let mut facts = Facts {
        account: &ACCOUNT,
        ids: None,
        users: None,
        files: Path::new("/run/t/containers/ab"),
        mounts: record
            .mounts
            .iter()
            .map(|mount| Source {
                mount,
                path: (mount.kind != MountKind::Tmpfs).then(|| PathBuf::from(&mount.source)),
            })
            .collect(),
        joined: Joined::default(),
        devices: Vec::new(),
    };
    change(&mut facts);
    let spec = spec(record, &facts).unwrap();
    let mut value = serde_json::to_value(&spec).unwrap();
    if let Some(filter) = value.pointer_mut("/linux/seccomp") {
        *filter = Value::from("docker's");
    }
    sort_lists(&mut value["process"]["capabilities"]);
    serde_json::to_string_pretty(&value).unwrap()
}

fn sort_lists(value: &mut Value) {
    for list in value
        .as_object_mut()
        .into_iter()
        .flat_map(|sets| sets.values_mut())
    {
        if let Value::Array(names) = list {
            names.sort_by_key(Value::to_string);
        }
    }
}

#[test]
fn a_plain_container_gets_dockers_defaults() {
    insta::assert_snapshot!(golden(&record(), |_| {}));
}

#[test]
fn a_container_gets_what_was_asked_for() {
    let mut record = record();
    record.request = CreateContainer {
        command: Some(vec!["id".into()]),
        entrypoint: Some(vec!["/bin/env".into()]),
        env: vec!["A=1".into(), "PATH=/bin".into()],
        working_dir: Some("/srv".into()),
        hostname: Some("moss".into()),
        terminal: true,
        console_size: Some((24, 80)),
        read_only: true,
        cap_drop: vec!["ALL".into()],
        cap_add: vec!["CHOWN".into()],
        security_options: vec!["no-new-privileges".into(), "seccomp=unconfined".into()],
        limits: Limits {
            memory_bytes: Some(64 << 20),
            nano_cpus: Some(500_000_000),
            pids: Some(32),
            ..Default::default()
        },
        sysctls: [("net.core.somaxconn".to_owned(), "1024".to_owned())].into(),
        network: NetworkMode::None,
        shm_bytes: Some(1 << 20),
        ..record.request
    };
    let mut inner = Mount::new(MountKind::Bind, "/host/in", "/data/in");
    inner.read_only = true;
    record.mounts = vec![
        inner,
        Mount::new(MountKind::Volume, "/volumes/x/_data", "/data"),
        Mount::new(MountKind::Tmpfs, "", "/tmp"),
    ];
    insta::assert_snapshot!(golden(&record, |_| {}));
}

#[test]
fn a_privileged_container_is_hardly_confined() {
    let mut record = record();
    record.request.privileged = true;
    let fuse = HostDevice {
        inside: "/dev/fuse".into(),
        kind: terrarium_oci::runtime::LinuxDeviceType::C,
        major: 10,
        minor: 229,
        mode: 0o666,
        uid: 0,
        gid: 0,
        access: "rwm".into(),
    };
    insta::assert_snapshot!(golden(&record, |facts| facts.devices = vec![fuse]));
}

#[test]
fn a_rootless_container_with_the_hosts_network_sees_the_hosts_sys() {
    let mut record = record();
    record.request.network = NetworkMode::Host;
    let maps = IdMaps::single(1000, 1000);
    let text = golden(&record, |facts| facts.ids = Some(&maps));
    let spec: Value = serde_json::from_str(&text).unwrap();
    let kinds: Vec<&str> = spec["linux"]["namespaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|namespace| namespace["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["mount", "pid", "ipc", "uts", "cgroup", "user"]);
    let mounts = spec["mounts"].as_array().unwrap();
    let sys = mounts
        .iter()
        .find(|mount| mount["destination"] == "/sys")
        .unwrap();
    assert_eq!(sys["type"], "bind");
    assert_eq!(spec["linux"]["uidMappings"][0]["hostID"], 1000);
}

#[test]
fn namespaces_of_another_container_are_joined() {
    let mut record = record();
    record.request.network = NetworkMode::Container { id: "x".into() };
    let text = golden(&record, |facts| {
        facts.joined = Joined {
            network: Some(77),
            pid: Some(78),
            ipc: None,
        };
    });
    assert!(text.contains("/proc/77/ns/net") && text.contains("/proc/78/ns/pid"));
}

#[test]
fn an_unknown_security_option_is_refused() {
    let request = CreateContainer {
        security_options: vec!["magic=1".into()],
        ..Default::default()
    };
    assert_eq!(
        check(&request).unwrap_err().code,
        ErrorCode::InvalidArgument
    );
}
