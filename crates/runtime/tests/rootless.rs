//! The runtime as a user without any privilege.

#![allow(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod bundle;

use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;

use bundle::Bundle;
use serde_json::json;

#[test]
fn a_user_without_ranges_runs_a_container_as_root_inside() {
    let Some(bundle) = Bundle::rootless() else {
        return;
    };
    let uid = bundle.user.as_ref().unwrap().uid;
    let output = bundle.output("id -u; tr -s ' ' < /proc/self/uid_map; echo $$; hostname");
    assert_eq!(output, format!("0\n 0 {uid} 1\n1\nterrarium\n"));
    assert_eq!(bundle.run("exit 7").status.code(), Some(7));
}

#[test]
fn a_user_with_ranges_has_other_users_and_groups_inside() {
    let Some(bundle) = Bundle::rootless() else {
        return;
    };
    bundle.map_range();
    bundle.edit(|spec| {
        spec["process"]["user"] = json!({"uid": 33, "gid": 34, "additionalGids": [5]});
    });
    assert_eq!(bundle.output("id"), "uid=33 gid=34 groups=5\n");
}

#[test]
fn a_missing_user_namespace_is_explained() {
    let Some(bundle) = Bundle::rootless() else {
        return;
    };
    bundle.edit(|spec| {
        let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "user");
    });
    let output = bundle.run("true");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("user"), "{stderr}");
    assert!(!output.status.success());
}

#[test]
fn limits_without_delegation_are_a_warning() {
    let Some(bundle) = Bundle::rootless() else {
        return;
    };
    bundle.edit(|spec| spec["linux"]["resources"] = json!({"memory": {"limit": 33554432}}));
    let output = bundle.run("echo ran");
    assert_eq!(output.stdout, b"ran\n");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stderr.contains("memory.limit_in_bytes") || stderr.contains("memory.max"),
        "{stderr}"
    );
}

#[test]
fn exec_and_kill_work_on_the_users_own_container() {
    let Some(bundle) = Bundle::rootless() else {
        return;
    };
    bundle.map_range();
    bundle.start_in_background("sleep 100");
    assert_eq!(bundle.expect(&["exec", &bundle.id, "id", "-u"]), "0\n");
    let exec = bundle.runtime(&["exec", "-u", "7:8", &bundle.id, "sh", "-c", "id; exit 3"]);
    assert_eq!(String::from_utf8_lossy(&exec.stdout), "uid=7 gid=8\n");
    assert_eq!(exec.status.code(), Some(3));
    bundle.expect(&["kill", &bundle.id, "KILL"]);
    bundle.wait_for_status("stopped");
    bundle.expect(&["delete", &bundle.id]);
}

#[test]
fn the_hosts_network_can_be_shared() {
    let Some(bundle) = Bundle::rootless() else {
        return;
    };
    bundle.edit(|spec| {
        let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "network");
    });
    let ours = fs::read_link("/proc/self/ns/net").unwrap();
    let output = bundle.output("readlink /proc/self/ns/net; test -d /sys/class/net && echo sysfs");
    assert_eq!(output, format!("{}\nsysfs\n", ours.display()));
}

#[test]
fn a_terminal_works_for_a_user() {
    let Some(bundle) = Bundle::rootless() else {
        return;
    };
    bundle.edit(|spec| spec["process"]["terminal"] = true.into());
    assert!(
        bundle
            .output("readlink /proc/self/fd/0")
            .starts_with("/dev/pts/0")
    );
}

#[test]
fn delegated_v1_cgroups_are_used() {
    let Some(bundle) = Bundle::rootless() else {
        return;
    };
    let user = bundle.user.as_ref().unwrap();
    let parents = ["memory", "pids"].map(|controller| {
        PathBuf::from(format!(
            "/sys/fs/cgroup/{controller}/delegated-{}",
            bundle.id
        ))
    });
    if !parents[0]
        .parent()
        .unwrap()
        .join("memory.limit_in_bytes")
        .exists()
    {
        return eprintln!("SKIPPED: no v1 controllers on this host");
    }
    for parent in &parents {
        fs::create_dir(parent).unwrap();
        chown(parent, Some(user.uid), Some(user.gid)).unwrap();
    }
    bundle.edit(|spec| {
        spec["linux"]["cgroupsPath"] = json!(format!("/delegated-{0}/{0}", bundle.id));
        spec["linux"]["resources"] = json!({"memory": {"limit": 33554432}, "pids": {"limit": 9}});
    });
    bundle.start_in_background("sleep 100");
    let read = |parent: &PathBuf, file: &str| {
        fs::read_to_string(parent.join(&bundle.id).join(file))
            .unwrap()
            .trim()
            .to_owned()
    };
    let limits = (
        read(&parents[0], "memory.limit_in_bytes"),
        read(&parents[1], "pids.max"),
    );
    let processes = read(&parents[1], "cgroup.procs");
    bundle.expect(&["delete", "-f", &bundle.id]);
    for parent in &parents {
        fs::remove_dir(parent).unwrap();
    }
    assert_eq!(limits, ("33554432".to_owned(), "9".to_owned()));
    assert!(!processes.is_empty());
}

#[test]
fn processes_are_found_without_a_cgroup() {
    let Some(bundle) = Bundle::rootless() else {
        return;
    };
    bundle.map_range();
    bundle.start_in_background("sleep 100 & sleep 100");
    let pids: Vec<i32> =
        serde_json::from_str(&bundle.expect(&["ps", "-f", "json", &bundle.id])).unwrap();
    assert!((1..=3).contains(&pids.len()), "{pids:?}");
    bundle.expect(&["kill", "--all", &bundle.id, "KILL"]);
    bundle.wait_for_status("stopped");
}
