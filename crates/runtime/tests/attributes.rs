//! What newer versions of the specification let a container have, on a real kernel.

#![allow(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod bundle;

use std::fs;
use std::io::IoSliceMut;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use bundle::Bundle;
use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::unistd::close;
use serde_json::{Value, json};

#[test]
fn a_process_has_the_scheduler_and_the_io_priority_of_the_spec() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    bundle.edit(|spec| {
        spec["process"]["scheduler"] = json!({"policy": "SCHED_BATCH", "nice": 5});
        spec["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_BE", "priority": 6});
    });
    // Fields 19 and 41 of stat: nice value and policy (proc_pid_stat(5)).
    let output = bundle.output("set -- $(cat /proc/self/stat); echo ${19} ${41}; busybox ionice");
    assert_eq!(output, "5 3\nbest-effort: prio 6\n");
}

#[test]
fn memory_comes_from_the_nodes_of_the_policy() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    if !std::path::Path::new("/proc/self/numa_maps").exists() {
        eprintln!("SKIPPED: this kernel knows no memory nodes");
        return;
    }
    bundle.edit(|spec| {
        spec["linux"]["memoryPolicy"] =
            json!({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]});
    });
    let output = bundle.output("head -1 /proc/self/numa_maps");
    assert!(output.contains("bind=static:0"), "{output}");
}

#[test]
fn an_exec_process_enters_the_time_namespace() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    bundle.edit(|spec| {
        let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.push(json!({"type": "time"}));
    });
    bundle.start_in_background("sleep 100");
    let time_of = |process: &str| {
        let link = format!("/proc/{process}/ns/time");
        let output = bundle.runtime(&["exec", &bundle.id, "readlink", &link]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(time_of("self"), time_of("1"));
    let ours = fs::read_link("/proc/self/ns/time").unwrap();
    assert_ne!(time_of("self").trim(), ours.display().to_string());
}

#[test]
fn an_exec_process_stays_on_its_processors() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    bundle.start_in_background("sleep 100");
    let affinity = |affinity: Value| {
        let process = json!({
            "user": {"uid": 0, "gid": 0}, "cwd": "/", "execCPUAffinity": affinity,
            "args": ["grep", "Cpus_allowed_list", "/proc/self/status"]
        });
        fs::write(bundle.path("process.json"), process.to_string()).unwrap();
        bundle.expect(&["exec", "--process", "process.json", &bundle.id])
    };
    for affinity in [
        affinity(json!({"final": "0"})),
        affinity(json!({"initial": "0"})),
    ] {
        assert_eq!(affinity, "Cpus_allowed_list:\t0\n");
    }
}

#[test]
fn an_idmapped_mount_shows_other_owners_and_changes_none() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    let file = bundle.path("data/file");
    fs::create_dir(bundle.path("data")).unwrap();
    fs::write(&file, "").unwrap();
    std::os::unix::fs::chown(&file, Some(1000), Some(1001)).unwrap();
    let mount = |namespaces: bool| {
        bundle.edit(|spec| {
            let map = |inside: u32, outside: u32| {
                json!([{"containerID": inside, "hostID": outside, "size": 10}])
            };
            let mounts = spec["mounts"].as_array_mut().unwrap();
            mounts.retain(|mount| mount["destination"] != "/data");
            let mut data = json!({"destination": "/data", "type": "bind", "source": "data",
                "options": ["rbind", "ridmap"]});
            if !namespaces {
                data["uidMappings"] = map(1000, 5000);
                data["gidMappings"] = map(1000, 5000);
            }
            mounts.push(data);
        });
    };
    mount(false);
    let shown = bundle.output("stat -c '%u %g' /data/file; touch /data/new || echo refused");
    assert_eq!(
        shown, "5000 5001\nrefused\n",
        "user 0 has no place in the map"
    );

    // With the maps of the container: its users own the files that they own on the disk.
    mount(true);
    bundle.edit(|spec| {
        let map = json!([{"containerID": 0, "hostID": 100_000, "size": 65536}]);
        spec["linux"]["uidMappings"] = map.clone();
        spec["linux"]["gidMappings"] = map;
        let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.push(json!({"type": "user"}));
    });
    bundle.give_rootfs_to(100_000);
    let shown = bundle.output("stat -c '%u %g' /data/file; touch /data/new; stat -c %u /data/new");
    assert_eq!(shown, "1000 1001\n0\n");
    let made = fs::metadata(bundle.path("data/new")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), 0);
}

#[test]
fn an_agent_gets_the_listener_of_a_filter_and_the_state() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    let agent = UnixListener::bind(bundle.path("agent")).unwrap();
    bundle.edit(|spec| {
        spec["annotations"] = json!({"who": "me"});
        spec["linux"]["seccomp"] = json!({
            "defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "about mkdir",
            "listenerPath": bundle.path("agent"),
            "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]
        });
    });
    bundle.set_args(&["sh", "-c", "mkdir /dev/shm/x; echo $?; sleep 100"]);
    let mut run = bundle.command(&["run", &bundle.id]);
    let mut run = run
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let state = take_listener(&agent);
    assert_eq!(state["fds"], json!(["seccompFd"]));
    assert_eq!(state["metadata"], "about mkdir");
    assert_eq!(state["state"]["id"], bundle.id.as_str());
    assert_eq!(state["state"]["annotations"]["who"], "me");
    assert_eq!(state["pid"], state["state"]["pid"]);
    let mut line = String::new();
    let mut output = std::io::BufReader::new(run.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    assert_eq!(line, "1\n", "nobody answers for it any more");

    // A process that joins has a filter of its own, and so a listener.
    let mut exec = bundle.command(&["exec", &bundle.id, "mkdir", "/dev/shm/y"]);
    let mut exec = exec.stderr(Stdio::null()).spawn().unwrap();
    let joined = take_listener(&agent);
    assert_eq!(joined["state"]["pid"], state["pid"]);
    assert_ne!(joined["pid"], state["pid"]);
    assert_eq!(exec.wait().unwrap().code(), Some(1));
    bundle.expect(&["kill", &bundle.id, "KILL"]);
    run.wait().unwrap();
}

/// The message of the next connection; its listener is closed, which fails all held calls.
fn take_listener(agent: &UnixListener) -> Value {
    let (connection, _) = agent.accept().unwrap();
    let mut buffer = vec![0; 16384];
    let mut space = cmsg_space!([std::os::fd::RawFd; 1]);
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let flags = MsgFlags::empty();
    let received = recvmsg::<()>(connection.as_raw_fd(), &mut parts, Some(&mut space), flags);
    let received = received.unwrap();
    let length = received.bytes;
    let mut listeners = 0;
    for control in received.cmsgs().unwrap() {
        if let ControlMessageOwned::ScmRights(fds) = control {
            listeners += fds.len();
            fds.into_iter().for_each(|fd| close(fd).unwrap());
        }
    }
    assert_eq!(listeners, 1);
    serde_json::from_slice(&buffer[..length]).unwrap()
}

#[test]
fn a_filter_whose_agent_is_not_there_starts_nothing() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    bundle.edit(|spec| {
        spec["linux"]["seccomp"] = json!({
            "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": bundle.path("nobody"),
            "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]
        });
    });
    let output = bundle.run("echo never");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(stderr.contains("seccomp listener"), "{stderr}");
    assert!(bundle.cgroups().is_empty());
}

#[test]
fn interfaces_of_the_host_move_in_with_their_addresses() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    let name = format!("trt{}", std::process::id() % 100_000);
    let peer = format!("{name}p");
    let ip = |args: &[&str]| {
        let ran = Command::new("ip").args(args).output();
        ran.is_ok_and(|output| output.status.success())
    };
    if !ip(&["link", "add", &name, "type", "veth", "peer", "name", &peer]) {
        assert!(std::env::var_os("REQUIRE_PRIVILEGED").is_none());
        eprintln!("SKIPPED: no veth interfaces here");
        return;
    }
    assert!(ip(&["address", "add", "10.91.7.3/24", "dev", &name]));
    assert!(ip(&["link", "set", &name, "up"]));
    bundle.edit(|spec| spec["linux"]["netDevices"] = json!({&name: {"name": "data0"}}));
    let shown = bundle.output("busybox ip -o address show data0; busybox ip -o link show data0");
    let left = ip(&["link", "show", &name]);
    ip(&["link", "del", &peer]);
    assert!(shown.contains("inet 10.91.7.3/24"), "{shown}");
    assert!(shown.contains(",UP"), "{shown}");
    assert!(!left, "it has left the host");

    bundle.edit(|spec| spec["linux"]["netDevices"] = json!({"nosuch0": {}}));
    let output = bundle.run("true");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("nosuch0"), "{stderr}");
    assert!(bundle.cgroups().is_empty());
}

#[test]
fn labels_of_modules_that_are_not_there_are_refused() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    for (path, module, field) in [
        ("/sys/module/apparmor", "AppArmor", "apparmorProfile"),
        ("/sys/fs/selinux", "SELinux", "selinuxLabel"),
    ] {
        if std::path::Path::new(path).exists() {
            continue;
        }
        bundle.edit(|spec| spec["process"][field] = "some_label".into());
        let output = bundle.run("true");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stderr.contains(field) && stderr.contains(module),
            "{stderr}"
        );
        bundle.edit(|spec| drop(spec["process"].as_object_mut().unwrap().remove(field)));
    }
}

#[test]
fn events_tell_what_is_used_until_the_end() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    bundle.start_in_background("sleep 100");
    let id = bundle.id.as_str();
    let once: Value = serde_json::from_str(&bundle.expect(&["events", "--stats", id])).unwrap();
    assert_eq!((&once["type"], &once["id"]), (&json!("stats"), &json!(id)));
    assert!(
        once["data"]["pids"]["current"].as_u64() >= Some(1),
        "{once}"
    );
    let mut events = bundle.command(&["events", "--interval", "50ms", id]);
    let mut events = events.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(events.stdout.take().unwrap()));
    for _ in 0..3 {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(line["type"], "stats");
    }
    bundle.expect(&["kill", id, "KILL"]);
    assert!(
        events.wait().unwrap().success(),
        "it ends with the container"
    );
    assert!(!bundle.runtime(&["events", id]).status.success());
}

#[test]
fn checkpoints_are_refused_with_the_reason() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    for command in [
        &["checkpoint", "--image-path", "x", "some"][..],
        &["restore", "some"],
    ] {
        let output = bundle.runtime(command);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(
            stderr.contains("not supported: checkpoint and restore"),
            "{stderr}"
        );
    }
}
