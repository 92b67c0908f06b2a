//! The runtime where cgroup v2 is all there is.

#![allow(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod bundle;

use bundle::Bundle;
use serde_json::json;

#[test]
fn a_container_lives_its_whole_life_on_v2() {
    let Some(bundle) = Bundle::unified() else {
        return;
    };
    bundle.start_in_background("sleep 100");
    let cgroups = bundle.cgroups();
    assert_eq!(cgroups.len(), 1, "{cgroups:?}");
    assert_eq!(
        bundle
            .expect(&["exec", &bundle.id, "cat", "/proc/self/cgroup"])
            .lines()
            .last(),
        Some("0::/")
    );
    let pids: Vec<i32> =
        serde_json::from_str(&bundle.expect(&["ps", "-f", "json", &bundle.id])).unwrap();
    assert_eq!(pids.len(), 1);
    bundle.expect(&["pause", &bundle.id]);
    assert_eq!(bundle.status(), "paused");
    bundle.expect(&["resume", &bundle.id]);
    bundle.expect(&["kill", "-a", &bundle.id, "KILL"]);
    bundle.wait_for_status("stopped");
    bundle.expect(&["delete", &bundle.id]);
    assert!(bundle.cgroups().is_empty());
}

#[test]
fn the_containers_own_cgroup_is_mounted() {
    let Some(bundle) = Bundle::unified() else {
        return;
    };
    let output =
        bundle.output("cat /sys/fs/cgroup/cgroup.procs | wc -l; ls /sys/fs/cgroup/cgroup.type");
    assert!(output.ends_with("/sys/fs/cgroup/cgroup.type\n"), "{output}");
    assert!(!output.starts_with("0\n"), "{output}");
}

#[test]
fn device_rules_are_a_program_and_hold() {
    let Some(bundle) = Bundle::unified() else {
        return;
    };
    bundle.edit(|spec| {
        for set in ["bounding", "effective", "permitted"] {
            spec["process"]["capabilities"][set] = json!(["CAP_MKNOD"]);
        }
        spec["linux"]["resources"]["devices"] = json!([
            {"allow": false, "access": "rwm"},
            {"allow": true, "type": "c", "major": 1, "minor": 11, "access": "w"},
        ]);
    });
    let output = bundle.run(
        "mknod /dev/m c 1 1 && head -c 1 /dev/m; mknod /dev/k c 1 11 && head -c 1 /dev/k; \
         echo > /dev/k && echo written; echo x > /dev/null && echo null; head -c 1 /dev/zero | wc -c",
    );
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(stderr.matches("not permitted").count(), 2, "{stderr}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "written\nnull\n1\n"
    );
}

#[test]
fn exec_follows_an_init_that_moved_to_a_leaf() {
    let Some(bundle) = Bundle::unified() else {
        return;
    };
    let writable = |spec: &mut serde_json::Value| {
        for mount in spec["mounts"].as_array_mut().unwrap() {
            if mount["type"] == "cgroup" {
                mount["options"] = json!(["nosuid", "noexec", "nodev"]);
            }
        }
    };
    bundle.edit(writable);
    bundle.edit(|spec| {
        spec["linux"]["resources"]["hugepageLimits"] =
            json!([{"pageSize": "2MB", "limit": 2097152}]);
    });
    // hugetlb is the controller that a hybrid host leaves to v2.
    bundle.start_in_background(
        "mkdir /sys/fs/cgroup/leaf; echo 1 > /sys/fs/cgroup/leaf/cgroup.procs; \
         echo +hugetlb > /sys/fs/cgroup/cgroup.subtree_control; sleep 100",
    );
    // Seen from the host: an exec before the move would itself be in the way of it.
    let handed_down = || {
        let mut directories = bundle.cgroups().into_iter();
        let file = directories
            .next()
            .map(|directory| directory.join("cgroup.subtree_control"));
        file.and_then(|file| std::fs::read_to_string(file).ok())
            .is_some_and(|text| !text.trim().is_empty())
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !handed_down() {
        assert!(std::time::Instant::now() < deadline, "the init never moved");
    }
    let own = bundle.expect(&["exec", &bundle.id, "cat", "/proc/self/cgroup"]);
    assert_eq!(own.lines().last(), Some("0::/leaf"));
}
