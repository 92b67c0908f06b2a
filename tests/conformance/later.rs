//! What later versions of the specification brought: memory policy, interfaces of the host, affinity of
//! joining processes, agents of filters, recursive maps, `features`.

use std::{fs, os::unix::net::UnixListener, path::Path, process::Command, thread};

use serde_json::{Value, json};
use terrarium_tests::run;

use crate::case::{Case, bundle, check, check_in, contains, expect};

/// Undoes on the host what a test did there, also when it fails.
struct Undo(String);

impl Drop for Undo {
    fn drop(&mut self) {
        let undone = Command::new("sh").args(["-c", &self.0]).output();
        if let Err(error) = undone {
            eprintln!("{}: {error}", self.0);
        }
    }
}

#[test]
fn memory_comes_from_the_nodes_of_the_policy() {
    if !Path::new("/proc/self/numa_maps").exists() {
        return eprintln!("not on this machine: memory nodes");
    }
    let policy = |name, policy: Value| {
        Case::new(name, json!({"linux": {"memoryPolicy": policy}}), &["facts"])
    };
    check([
        policy(
            "memory-policy-bind",
            json!({"mode": "MPOL_BIND", "nodes": "0"}),
        )
        .finds(json!({"memory_policy": "bind:0"})),
        policy(
            "memory-policy-flags",
            json!({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}),
        )
        .finds(json!({"memory_policy": "bind=static:0"})),
        policy("memory-policy-default", json!({"mode": "MPOL_DEFAULT"}))
            .finds(json!({"memory_policy": "default"})),
        policy(
            "memory-policy-mode-unknown",
            json!({"mode": "MPOL_NONSENSE", "nodes": "0"}),
        )
        .refused(),
        policy(
            "memory-policy-flag-unknown",
            json!({"mode": "MPOL_BIND", "nodes": "0", "flags": ["NONSENSE"]}),
        )
        .refused(),
        policy(
            "memory-policy-nodes-nonsense",
            json!({"mode": "MPOL_BIND", "nodes": "zero"}),
        )
        .refused(),
    ]);
}

#[test]
fn maps_of_a_mount_reach_as_deep_as_they_say() {
    let Some(bundle) = bundle() else { return };
    // Not in the bundle, where a mount would be one that was left behind.
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let sh = |line: String| run(Command::new("sh").args(["-c", &line]), "").unwrap();
    let at = inner.display();
    let _mounted = Undo(format!("umount {at}"));
    sh(format!(
        "mount -t tmpfs tmpfs {at} && mkdir {at}/below && chown -R 1000:1000 {at} && chown 1000:1000 {at}/.."
    ))
    .ok();
    let map = json!([{"containerID": 1000, "hostID": 5000, "size": 10}]);
    let mount = |name, options: &[&str]| {
        let mount = json!({"destination": "/m", "source": folder.path(), "options": options,
            "uidMappings": map, "gidMappings": map});
        Case::new(
            name,
            json!({"mounts+": [mount]}),
            &["files", "/m", "/m/inner/below"],
        )
    };
    let shown =
        |below: &str| json!({"/m": {"owner": "5000:5000"}, "/m/inner/below": {"owner": below}});
    check_in(
        &bundle,
        [
            mount("idmap-one", &["rbind", "idmap"]).finds(shown("1000:1000")),
            mount("ridmap", &["rbind", "ridmap"]).finds(shown("5000:5000")),
        ],
    );
}

#[test]
fn interfaces_of_the_host_move_in() {
    let Some(bundle) = bundle() else { return };
    let name = format!("tcf{}", std::process::id() % 100_000);
    let ip = |line: String| run(Command::new("ip").args(line.split(' ')), "").unwrap();
    let _pair = Undo(format!("ip link del {name}p"));
    ip(format!("link add {name} type veth peer name {name}p")).ok();
    ip(format!("address add 10.91.8.3/24 dev {name}")).ok();
    let case = |name, devices: Value| {
        Case::new(name, json!({"linux": {"netDevices": devices}}), &["facts"])
    };
    check_in(
        &bundle,
        [case("net-device", json!({&name: {"name": "data0"}}))
            .finds(json!({"interfaces": ["data0", "lo"]}))],
    );
    check_in(
        &bundle,
        [
            case("net-device-missing", json!({"nosuch0": {}})).refused(),
            case("net-device-name-nonsense", json!({"lo": {"name": "a/b"}})).refused(),
        ],
    );
}

#[test]
fn a_joining_process_stays_on_its_processors() {
    let Some(bundle) = bundle() else { return };
    bundle
        .start(&bundle.config(&["/bin/probe", "sleep"]))
        .unwrap();
    for (name, affinity) in [
        ("exec-affinity-final", json!({"final": "0"})),
        ("exec-affinity-initial", json!({"initial": "0"})),
    ] {
        let process = json!({
            "user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["/bin/probe", "facts"],
            "execCPUAffinity": affinity,
        });
        fs::write(bundle.path("process.json"), process.to_string()).unwrap();
        let ran = bundle
            .runtime(&["exec", "--process", "process.json", bundle.id()])
            .unwrap();
        let found = serde_json::from_str(&ran.stdout).unwrap_or(json!({"error": ran.stderr}));
        expect(
            name,
            contains(&found, &json!({"status": {"Cpus_allowed_list": "0"}}), ""),
        );
    }
}

#[test]
fn an_agent_is_asked_about_the_calls_of_a_filter() {
    let Some(bundle) = bundle() else { return };
    let path = bundle.path("agent");
    let agent = UnixListener::bind(&path).unwrap();
    let filter = |path: &Path| {
        json!({"linux": {"seccomp": {
            "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path, "listenerMetadata": "about mkdir",
            "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]
        }}})
    };
    // One that takes the listener and lets it go: calls that it would answer for are no longer there.
    let agent = thread::spawn(move || {
        let (mut connection, _) = agent.accept().unwrap();
        let mut message = String::new();
        std::io::Read::read_to_string(&mut connection, &mut message).map(|_| message)
    });
    check_in(
        &bundle,
        [
            Case::new("notify-answered", filter(&path), &["act", "mkdir /tmp/x"])
                .finds(json!({"mkdir /tmp/x": "ENOSYS"})),
            Case::new("notify-no-agent", filter(Path::new("/no/such")), &["facts"]).refused(),
        ],
    );
    let message: Value = serde_json::from_str(&agent.join().unwrap().unwrap()).unwrap();
    let wanted =
        json!({"metadata": "about mkdir", "fds": ["seccompFd"], "state": {"id": bundle.id()}});
    expect("notify-message", contains(&message, &wanted, ""));
}

#[test]
fn the_runtime_tells_what_it_can_do() {
    let Some(bundle) = bundle() else { return };
    let ran = bundle.runtime(&["features"]).unwrap();
    let found: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
    let wanted = json!({"linux": {
        "seccomp": {"enabled": true}, "cgroup": {"v1": true, "v2": true},
        "mountExtensions": {"idmap": {"enabled": true}}, "netDevices": {"enabled": true},
    }});
    expect("features", contains(&found, &wanted, ""));
    let lists = |key: &str, value: &str| {
        let list = found.pointer(key).and_then(Value::as_array);
        let has = list.is_some_and(|list| list.iter().any(|entry| entry == value));
        has.then_some(()).ok_or(format!("{key} lacks {value}"))
    };
    let parts = [
        ("/hooks", "startContainer"),
        ("/mountOptions", "rro"),
        ("/linux/namespaces", "time"),
        ("/linux/capabilities", "CAP_CHECKPOINT_RESTORE"),
        ("/linux/seccomp/actions", "SCMP_ACT_NOTIFY"),
        ("/linux/seccomp/operators", "SCMP_CMP_MASKED_EQ"),
        ("/linux/memoryPolicy/modes", "MPOL_BIND"),
    ];
    let verdict = parts.iter().try_for_each(|(key, value)| lists(key, value));
    expect("features-lists", verdict);
}
