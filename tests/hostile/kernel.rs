//! Ways through the kernel's own interfaces.

use std::path::Path;

use serde_json::{Value, json};

use crate::bundle;

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

/// CVE-2025-52881: a mount of the bundle redirects what the runtime writes to `/proc`.
#[test]
fn settings_are_written_to_the_real_proc() {
    let Some(bundle) = bundle() else { return };
    let file = bundle.path("fake");
    std::fs::write(&file, "untouched").unwrap();
    let source = file.display().to_string();
    let target = "/proc/sys/net/ipv4/ip_forward";
    let bind = json!({"destination": target, "source": source, "options": ["bind"]});
    let read = bundle.config(&["/bin/probe", "act", &format!("read {target}")]);

    let mut weak = read.clone();
    weak["mounts"].as_array_mut().unwrap().push(bind);
    let ran = bundle.run(&weak).unwrap();
    let can_redirect = ran.stdout.contains("untouched");
    weak["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1"});
    let _ = bundle.run(&weak).unwrap();
    bundle.delete().unwrap();
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "untouched",
        "redirected: {can_redirect}"
    );

    let mut plain = read;
    plain["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1"});
    let ran = bundle.run(&plain).unwrap();
    let found: Value = serde_json::from_str(ran.ok()).unwrap();
    assert_eq!(
        found[format!("read {target}")],
        "1",
        "the control: without it the setting holds"
    );
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
