//! Ways through the kernel's own interfaces.

use std::path::Path;

use serde_json::{Value, json};

use crate::{bundle, weak::naively};

/// CVE-2022-0492: a `release_agent` of cgroup v1 is run by the kernel, as root of the host.
#[test]
fn no_release_agent_can_be_written() {
    if !Path::new("/sys/fs/cgroup/pids").exists() {
        return eprintln!("not on this machine: cgroup v1");
    }
    let Some(bundle) = bundle() else { return };
    let script = "mkdir -p /tmp/c && mount -t cgroup -o pids none /tmp/c && test -w /tmp/c/release_agent && echo writable";
    let mut weak = bundle.config(&["sh", "-c", script]);
    let caps = json!(["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]);
    for set in ["bounding", "effective", "permitted"] {
        weak["process"]["capabilities"][set] = caps.clone();
    }
    assert_eq!(
        bundle.run(&weak).unwrap().ok(),
        "writable",
        "the control: with CAP_SYS_ADMIN"
    );

    let user = format!("unshare -U -r -m -C sh -c '{script}' || unshare -U -r -m sh -c '{script}'");
    for script in [script, &user] {
        let ran = bundle.run(&bundle.config(&["sh", "-c", script])).unwrap();
        assert_ne!(ran.code, Some(0), "{script}");
        assert!(!ran.stdout.contains("writable"), "{ran:?}");
    }
}

/// CVE-2025-52881: a mount of the bundle redirects what the runtime writes to `/proc`, to another file of
/// the same file system, so that its kind alone proves nothing.
#[test]
fn settings_are_written_where_they_belong() {
    let Some(bundle) = bundle() else { return };
    let (setting, elsewhere) = ("/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/hostname");
    let script = format!(
        "exec unshare -u sh -c 'mount -t proc proc $ROOTFS/proc; \
         mount --bind $ROOTFS{elsewhere} $ROOTFS{setting}; echo 1 > $ROOTFS{setting}; hostname'"
    );
    assert_eq!(naively(&bundle, &script).ok(), "1", "the control");

    let read = [setting, elsewhere].map(|path| format!("read {path}"));
    let mut config = bundle.config(&["/bin/probe", "act", &read[0], &read[1]]);
    config["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1"});
    let found = |config: &Value| {
        let ran = bundle.run(config).unwrap();
        serde_json::from_str::<Value>(ran.ok()).unwrap()
    };
    assert_eq!(
        found(&config)[&read[0]],
        "1",
        "without a mount the setting holds"
    );

    let bind = json!({"destination": setting, "source": elsewhere, "options": ["bind"]});
    config["mounts"].as_array_mut().unwrap().push(bind);
    // To refuse it, as runc does, is a defense as well.
    let ran = bundle.run(&config).unwrap();
    if ran.code == Some(0) {
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(found[&read[1]], "suite", "redirected");
    }
    bundle.delete().unwrap();
    assert_ne!(std::fs::read_to_string(elsewhere).unwrap().trim(), "1");
}

/// A program that makes children without end is held by its limit, and goes with its container.
#[test]
fn a_fork_bomb_stays_in_its_container() {
    let Some(bundle) = bundle() else { return };
    let mut config = bundle.config(&["sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 100"]);
    config["linux"]["resources"]["pids"] = json!({"limit": 30});
    bundle.start(&config).unwrap();
    assert_eq!(bundle.state().unwrap()["status"], "running");
    bundle.delete().unwrap().ok();
    assert_eq!(bundle.left(), Vec::<String>::new());
}
