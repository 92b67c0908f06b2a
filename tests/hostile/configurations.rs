//! Bundles that are broken in the middle: what was done before is undone.

use serde_json::{Value, json};

use crate::bundle;

/// Steps that fail after namespaces, cgroups and some mounts are there.
fn late_failures() -> Vec<(&'static str, Value)> {
    let mount = |mount: Value| {
        json!({"mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            mount,
        ]})
    };
    let hook = |point: &str, line: &str| json!({"hooks": {point: [{"path": "/bin/sh", "args": ["sh", "-c", line], "timeout": 1}]}});
    vec![
        (
            "a source that is not there",
            mount(json!({"destination": "/x", "source": "/no/such", "options": ["bind"]})),
        ),
        (
            "a file system that is not there",
            mount(json!({"destination": "/x", "type": "nonsensefs", "source": "x"})),
        ),
        (
            "an option that is wrong",
            mount(
                json!({"destination": "/x", "type": "tmpfs", "source": "x", "options": ["size=nonsense"]}),
            ),
        ),
        ("a hook that fails", hook("createRuntime", "exit 1")),
        ("a hook that hangs", hook("createRuntime", "exec sleep 100")),
        (
            "a hook that ignores signals",
            hook(
                "createRuntime",
                "trap '' TERM INT; while true; do sleep 0.1; done",
            ),
        ),
        ("a hook inside that fails", hook("startContainer", "exit 1")),
        (
            "a program that is not there",
            json!({"process": {"args": ["/no/such"]}}),
        ),
        (
            "a working directory that is a file",
            json!({"process": {"cwd": "/etc/passwd"}}),
        ),
        (
            "a limit that cannot be",
            json!({"process": {"rlimits": [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]}}),
        ),
        (
            "a network that is not there",
            json!({"linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "network", "path": "/no/such"}]}}),
        ),
        (
            "a setting that is not there",
            json!({"linux": {"sysctl": {"net.nonsense": "1"}}}),
        ),
    ]
}

fn merge(target: &mut Value, patch: Value) {
    match patch {
        Value::Object(patch) if target.is_object() => {
            for (key, value) in patch {
                merge(&mut target[key.as_str()], value);
            }
        }
        patch => *target = patch,
    }
}

#[test]
fn what_fails_late_says_why_and_leaves_nothing() {
    let Some(bundle) = bundle() else { return };
    for (name, edit) in late_failures() {
        let mut config = bundle.config(&["/bin/probe", "facts"]);
        merge(&mut config, edit);
        let ran = bundle.run(&config).unwrap();
        assert!(ran.code.is_some_and(|code| code != 0), "{name}: {ran:?}");
        assert_eq!(ran.stdout, "", "{name}: the program ran");
        assert!(ran.stderr.len() > 10, "{name}: no reason");
        // Nothing is left even before `delete`.
        assert_eq!(bundle.left(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn every_mount_target_may_be_a_link_and_none_leads_out() {
    let Some(bundle) = bundle() else { return };
    let canary = bundle.path("canary");
    std::fs::create_dir(&canary).unwrap();
    let targets = ["dev/pts", "dev/shm", "dev/mqueue", "sys"];
    for target in targets {
        let path = bundle.rootfs(target);
        let _ = std::fs::remove_dir(&path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&canary, &path).unwrap();
        let mut config = bundle.config(&["/bin/probe", "facts"]);
        let mounts = config["mounts"].as_array_mut().unwrap();
        mounts.retain(|mount| mount["destination"] != "/dev" || target == "sys");
        let _ = bundle.run(&config).unwrap();
        bundle.delete().unwrap();
        assert_eq!(std::fs::read_dir(&canary).unwrap().count(), 0, "{target}");
        assert_eq!(bundle.left(), Vec::<String>::new(), "{target}");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_container_that_ignores_every_signal_can_be_ended() {
    let Some(bundle) = bundle() else { return };
    let script =
        "trap '' HUP INT QUIT TERM USR1 USR2 TSTP TTIN TTOU; while true; do sleep 0.1; done";
    bundle.start(&bundle.config(&["sh", "-c", script])).unwrap();
    for signal in ["TERM", "INT", "HUP", "QUIT"] {
        bundle.runtime(&["kill", bundle.id(), signal]).unwrap().ok();
    }
    assert_eq!(bundle.state().unwrap()["status"], "running");
    bundle.runtime(&["kill", bundle.id(), "KILL"]).unwrap().ok();
    bundle.wait_for("stopped").unwrap();
    bundle.runtime(&["delete", bundle.id()]).unwrap().ok();
    assert_eq!(bundle.left(), Vec::<String>::new());
}
