//! What the options of `run` do inside.

use crate::with_alpine;

#[test]
fn environment_user_folder_and_names_are_set() {
    let Some(setup) = with_alpine() else { return };
    let inside = |options: &[&str], script: &str| {
        let mut arguments = vec!["run", "--rm"];
        arguments.extend(options);
        arguments.extend(["alpine", "sh", "-c", script]);
        setup.ok(&arguments)
    };
    assert_eq!(inside(&["-e", "A=x y"], "echo $A"), "x y");
    assert_eq!(inside(&["-w", "/new/folder"], "pwd"), "/new/folder");
    assert_eq!(inside(&["-u", "user"], "id -u; id -g"), "1000\n1000");
    assert_eq!(
        inside(&["-u", "5:6", "--group-add", "7"], "id -u; id -G"),
        "5\n6 7"
    );
    assert_eq!(
        inside(&["--hostname", "box"], "hostname; cat /etc/hostname"),
        "box\nbox"
    );
    assert_eq!(
        inside(&["--add-host", "db:1.2.3.4"], "grep -w db /etc/hosts"),
        "1.2.3.4\tdb"
    );
    assert_eq!(
        inside(&["--dns", "9.9.9.9"], "grep nameserver /etc/resolv.conf"),
        "nameserver 9.9.9.9"
    );
    assert_eq!(inside(&["--entrypoint", "/bin/echo"], "x"), "sh -c x");
}

#[test]
fn limits_reach_the_kernel() {
    let Some(setup) = with_alpine() else { return };
    let options = [
        "-m",
        "64m",
        "--pids-limit",
        "50",
        "--cpus",
        "1.5",
        "--ulimit",
        "nofile=100:200",
        "--shm-size",
        "8m",
    ];
    setup.sleeper("c1", &options);
    let shown = setup.field(
        "c1",
        "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}}",
    );
    assert_eq!(shown, format!("{} 50 1500000000", 64 << 20));
    let memory = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true";
    assert_eq!(
        setup.ok(&["exec", "c1", "sh", "-c", memory]),
        (64 << 20).to_string()
    );
    assert_eq!(
        setup.ok(&["exec", "c1", "sh", "-c", "ulimit -n; ulimit -Hn"]),
        "100\n200"
    );
    let shm = setup.ok(&["exec", "c1", "grep", "/dev/shm", "/proc/mounts"]);
    assert!(shm.contains("size=8192k"), "{shm}");
}

#[test]
fn a_process_over_its_memory_is_killed_and_the_container_says_so() {
    let Some(setup) = with_alpine() else { return };
    let eat = "a=x; while true; do a=$a$a$a$a; done";
    setup.fails(
        137,
        &[
            "run",
            "--name",
            "c1",
            "-m",
            "16m",
            "--memory-swap",
            "16m",
            "alpine",
            "sh",
            "-c",
            eat,
        ],
    );
    assert_eq!(setup.field("c1", "{{.State.OOMKilled}}"), "true");
}

#[test]
fn rights_are_taken_and_given() {
    let Some(setup) = with_alpine() else { return };
    let caps = |options: &[&str]| {
        let mut arguments = vec!["run", "--rm"];
        arguments.extend(options);
        arguments.extend(["alpine", "grep", "CapEff", "/proc/self/status"]);
        setup.ok(&arguments)
    };
    assert!(caps(&[]).ends_with("00000000a80425fb"));
    assert!(caps(&["--cap-drop", "ALL", "--cap-add", "NET_ADMIN"]).ends_with("0000000000001000"));
    setup.fails(1, &["run", "--rm", "--read-only", "alpine", "touch", "/x"]);
    setup.ok(&[
        "run",
        "--rm",
        "--read-only",
        "--tmpfs",
        "/run",
        "alpine",
        "touch",
        "/run/x",
    ]);
    let none = [
        "run",
        "--rm",
        "--security-opt",
        "no-new-privileges",
        "alpine",
        "grep",
        "NoNewPrivs",
        "/proc/self/status",
    ];
    assert!(setup.ok(&none).ends_with('1'));
    setup.ok(&[
        "run",
        "--rm",
        "--privileged",
        "alpine",
        "mount",
        "-t",
        "tmpfs",
        "x",
        "/tmp",
    ]);
    setup.fails(
        1,
        &["run", "--rm", "alpine", "mount", "-t", "tmpfs", "x", "/tmp"],
    );
}

#[test]
fn networks_are_separate_unless_they_are_shared() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &["-p", "127.0.0.1::80"]);
    let address = setup.field("c1", "{{.NetworkSettings.IPAddress}}");
    assert!(
        setup.ok(&["exec", "c1", "ip", "addr"]).contains(&address),
        "{address}"
    );
    let port = setup.ok(&["port", "c1", "80"]);
    assert!(port.starts_with("127.0.0.1:"), "{port}");
    let shared = setup.ok(&[
        "run",
        "--rm",
        "--network",
        "container:c1",
        "alpine",
        "ip",
        "addr",
    ]);
    assert!(shared.contains(&address));
    let alone = setup.ok(&["run", "--rm", "--network", "none", "alpine", "ip", "addr"]);
    assert!(!alone.contains("eth0"), "{alone}");
    let said = setup.fails(125, &["run", "--rm", "--network", "lost", "alpine"]);
    assert!(said.contains("network lost not found"), "{said}");
}

#[test]
fn an_init_passes_signals_on_and_is_no_program_of_the_image() {
    let Some(setup) = with_alpine() else { return };
    let stop_in_time = |options: &[&str], code: &str| {
        let mut arguments = vec!["run", "-d", "--name", "c1"];
        arguments.extend(options);
        arguments.extend(["alpine", "sleep", "1000"]);
        setup.ok(&arguments);
        setup.ok(&["kill", "-s", "TERM", "c1"]);
        assert_eq!(setup.ok(&["wait", "c1"]), code);
        setup.ok(&["rm", "c1"]);
    };
    // Without one, PID 1 would not hear of a signal that it does not handle.
    stop_in_time(&["--init"], "143");
    let shown = setup.ok(&["run", "--rm", "--init", "alpine", "cat", "/proc/1/comm"]);
    assert_eq!(shown, "init");
    setup.fails(
        9,
        &["run", "--rm", "--init", "alpine", "sh", "-c", "exit 9"],
    );
}
