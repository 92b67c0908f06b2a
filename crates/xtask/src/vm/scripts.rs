//! What is asked of the machine's systemd, and of that of a user who is logged in, by shell scripts.

use std::{fs, os::unix::fs::symlink, path::Path};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::guest::write;

/// Its name, and how it is called.
pub(super) type Script = (&'static str, &'static str);

pub(super) const SCRIPTS: &[Script] = &[
    ("systemd", "/suites/systemd machine.slice root"),
    ("podman", "/suites/podman"),
    ("engine", "/suites/engine"),
    (
        "session",
        "systemd-run -q --wait --pipe -p PAMName=login -p User=someone -p Delegate=yes /suites/session",
    ),
];
/// What a container is given, and must find in its own cgroup.
const LIMITS: &[(&str, &str)] = &[
    ("memory.max", "67108864"),
    ("pids.max", "20"),
    ("cpu.max", "50000 100000"),
];
/// Stands for what is only known there.
const CGROUP: &str = "CGROUP";

/// What a user starts, who is logged in: from the user's own systemd, as engines are. From the scope of the
/// login no process may be moved to one of the user's.
const SESSION: &str = r##"
# A login that took too long was not registered; the user's systemd is there all the same.
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
systemd-run -q --user --scope -p Delegate=yes /suites/delegated || exit
systemd-run -q --user --scope /suites/systemd user.slice user --user || exit
systemd-run -q --user --scope /suites/podman --user || exit
systemd-run -q --user --scope /suites/engine
"##;
/// What a user of Docker asks for.
const ENGINE: &str = include_str!("engine.sh");
/// Programs of the containers, all busybox.
const APPLETS: &[&str] = &["cat", "echo", "grep", "sh", "sleep", "true"];

/// A cgroup below one that was delegated. The processes of that one move to a leaf first: v2 lets a cgroup
/// hold processes or limits.
const DELEGATED: &str = r##"
own=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
mkdir $own/leaf && echo $$ > $own/leaf/cgroup.procs && echo '+memory +pids +cpu' > $own/cgroup.subtree_control
cd $(mktemp -d) && cp -r /suites/user/. . && sed -i "s#CGROUP#${own#/sys/fs/cgroup}/one#" config.json
sed -i 's#"sleep","1000"#"cat",FILES#' config.json
found=$(RUNTIME run --bundle . one)
test "$found" = 'LIMITS' || fail "found: $found"
"##;

/// The life of a container in a scope: its limits hold in the files and in systemd, whose reload leaves them.
const SYSTEMD: &str = r##"
slice=$1 control="systemctl $3" unit=terrarium-two.scope
cd $(mktemp -d) && cp -r /suites/$2/. . && sed -i "s#CGROUP#$slice:terrarium:two#" config.json
RUNTIME --systemd-cgroup run --detach --bundle . two < /dev/null > said 2>&1 || fail "$(cat said)"
own=/sys/fs/cgroup$($control show -P ControlGroup $unit)
holds() { test "$(cat $own/$1)" = "$2" || fail "$1 is $(cat $own/$1)"; }
knows() { test "$($control show -P $1 $unit)" = "$2" || fail "$1 is $($control show -P $1 $unit)"; }
case $own in */$slice/$unit) ;; *) fail "it is in $own" ;; esac
$control daemon-reload
holds memory.max 67108864; holds pids.max 20; holds cpu.max '50000 100000'
knows MemoryMax 67108864; knows TasksMax 20; knows Delegate yes
RUNTIME update --memory 33554432 two || fail update
$control daemon-reload
holds memory.max 33554432; knows MemoryMax 33554432
test "$(RUNTIME exec two cat /proc/self/cgroup)" = 0::/ || fail "exec is elsewhere"
RUNTIME pause two && grep -q 'frozen 1' $own/cgroup.events && RUNTIME resume two || fail pause
RUNTIME --systemd-cgroup run --bundle . two 2> /dev/null && fail "two of one name"
RUNTIME delete --force two || fail delete
test ! -e $own || fail "its cgroup is left"
"##;

/// Podman as a caller that leaves its cgroups to systemd.
const PODMAN: &str = r##"
cd $(mktemp -d) && cp -r /suites/user/rootfs . && mkdir rootfs/etc rootfs/dev rootfs/run
podman() { command podman --cgroup-manager systemd --runtime RUNTIME "$@"; }
limits="--memory 64m --pids-limit 20 --cpus 0.5"
found=$(podman run --rm --network none $limits --rootfs $PWD/rootfs cat SHOWN)
test "$found" = 'LIMITS' || fail "found: $found"
podman run -q -d --network none --name life --rootfs $PWD/rootfs sleep 1000 > /dev/null || fail "run -d"
id=$(podman inspect -f '{{.Id}}' life)
systemctl $1 is-active -q libpod-$id.scope || fail "no scope of $id"
test "$(podman exec life echo inside)" = inside || fail exec
podman rm -f -t 0 life > /dev/null || fail rm
systemctl $1 is-active -q libpod-$id.scope && fail "the scope is left" || true
"##;

/// Puts the scripts and two bundles into the system, one for root and one for a user.
pub(super) fn install(system: &Path, [runtime, engine]: [&Path; 2]) -> Result<()> {
    let map = json!([{"containerID": 0, "hostID": 1000, "size": 1}]);
    for (name, map) in [("root", Value::Null), ("user", map)] {
        let bin = system.join("suites").join(name).join("rootfs/bin");
        fs::create_dir_all(&bin)?;
        fs::copy("/bin/busybox", bin.join("busybox")).context("copy the static busybox")?;
        for applet in APPLETS {
            let _ = fs::remove_file(bin.join(applet));
            symlink("busybox", bin.join(applet))?;
        }
        let config = format!("suites/{name}/config.json");
        write(system, &config, &config_of(&map).to_string(), 0o644)?;
    }
    let path = |(file, _): &(&str, &str)| format!("/sys/fs/cgroup/{file}");
    let shown: Vec<String> = LIMITS.iter().map(path).collect();
    let expected: Vec<&str> = LIMITS.iter().map(|(_, value)| *value).collect();
    let files: Vec<String> = shown.iter().map(|path| format!("{path:?}")).collect();
    for (name, script) in [
        ("session", SESSION),
        ("delegated", DELEGATED),
        ("systemd", SYSTEMD),
        ("podman", PODMAN),
        ("engine", ENGINE),
    ] {
        let script = script
            .replace("RUNTIME", &runtime.display().to_string())
            .replace("ENGINE", &engine.display().to_string())
            .replace("LIMITS", &expected.join("\n"))
            .replace("SHOWN", &shown.join(" "))
            .replace("FILES", &files.join(","));
        let head = format!("#!/bin/sh\nfail() {{ echo \"{name}: $*\"; exit 1; }}\n");
        write(system, &format!("suites/{name}"), &(head + &script), 0o755)?;
    }
    Ok(())
}

/// A container that sleeps, with limits; `map` is that of a user.
fn config_of(map: &Value) -> Value {
    let mount = |at: &str, kind: &str| json!({"destination": at, "type": kind, "source": kind});
    let mut kinds = vec!["pid", "mount", "network", "cgroup", "ipc", "uts"];
    if !map.is_null() {
        kinds.push("user");
    }
    let namespaces: Vec<Value> = kinds.iter().map(|kind| json!({"type": kind})).collect();
    let mut config = json!({
        "ociVersion": "1.2.0",
        "root": {"path": "rootfs"},
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["sleep", "1000"], "env": ["PATH=/bin"], "cwd": "/"},
        "mounts": [mount("/proc", "proc"), mount("/sys", "sysfs"), mount("/sys/fs/cgroup", "cgroup")],
        "linux": {
            "cgroupsPath": CGROUP,
            "namespaces": namespaces,
            "resources": {
                "memory": {"limit": 67_108_864}, "pids": {"limit": 20},
                "cpu": {"quota": 50_000, "period": 100_000}
            }
        }
    });
    if !map.is_null() {
        config["linux"]["uidMappings"] = map.clone();
        config["linux"]["gidMappings"] = map.clone();
    }
    config
}
