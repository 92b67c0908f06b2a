//! `podman --runtime`, as root: conmon, console sockets, pid files, `exec --process`.

use std::{fs, process::Command};

use serde_json::Value;
use tempfile::TempDir;
use terrarium_tests::{Ran, run, runtime_path};

use crate::image::{archive, can_run, remove_cgroups};

/// Podman with storage and state of its own. Dropping it removes its containers.
struct Podman {
    folder: TempDir,
}

/// Its default limits are above what a confined root may set.
const CONFIG: &str = "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=9000:9000\"]\n\
                      [engine]\nevents_logger=\"file\"\n";

impl Podman {
    fn start() -> Option<Self> {
        if !can_run(&["/usr/bin/podman", "/usr/bin/conmon"]) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("pm").tempdir().unwrap();
        fs::write(folder.path().join("containers.conf"), CONFIG).unwrap();
        let podman = Self { folder };
        let (_bundle, archive) = archive();
        podman.run(&["import", "-q", &archive, "suite"]).ok();
        Some(podman)
    }

    fn run(&self, args: &[&str]) -> Ran {
        run(&mut self.command(args), "").unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let path = |name: &str| self.folder.path().join(name);
        let mut command = Command::new("podman");
        // conmon leaves a file in its working directory when a container runs out of memory.
        command.current_dir(self.folder.path());
        command.env("CONTAINERS_CONF", path("containers.conf"));
        command.arg("--root").arg(path("storage"));
        command.arg("--runroot").arg(path("run"));
        command.arg("--tmpdir").arg(path("tmp"));
        command.arg("--runtime").arg(runtime_path());
        command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]);
        command.args(args);
        command
    }

    /// `run` without a network, which needs helpers that may not be there.
    fn run_container(&self, args: &[&str]) -> Ran {
        let mut all = vec!["run", "--network", "none"];
        all.extend(args);
        self.run(&all)
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = run(&mut self.command(&["rm", "-f", "-a", "-t", "0"]), "");
        // What it mounts below its storage goes with the containers; its root itself may stay one.
        let storage = self.folder.path().join("storage");
        let _ = Command::new("umount").arg("-lR").arg(storage).output();
        remove_cgroups("libpod_parent");
    }
}

#[test]
fn podman_runs_containers_with_limits_and_exit_codes() {
    let Some(podman) = Podman::start() else {
        return;
    };
    assert_eq!(
        podman
            .run_container(&["--rm", "suite", "echo", "hello"])
            .ok(),
        "hello"
    );
    assert_eq!(
        podman
            .run_container(&["--rm", "suite", "sh", "-c", "exit 7"])
            .code,
        Some(7)
    );
    let missing = podman.run_container(&["--rm", "suite", "nosuch"]);
    assert_ne!(missing.code, Some(0));
    assert!(missing.stderr.contains("nosuch"), "{missing:?}");
    let limits = [
        "--rm",
        "--memory",
        "64m",
        "--pids-limit",
        "20",
        "--cpus",
        "0.5",
        "suite",
    ];
    let mut probe = limits.to_vec();
    probe.extend(["/bin/probe", "act", "allocate 200"]);
    assert_eq!(podman.run_container(&probe).code, Some(137), "memory");
    let mut probe = limits.to_vec();
    probe.extend(["/bin/probe", "act", "spawn 50"]);
    let found: Value = serde_json::from_str(podman.run_container(&probe).ok()).unwrap();
    let spawned: u32 = found["spawn 50"].as_str().unwrap().parse().unwrap();
    assert!((1..20).contains(&spawned), "{spawned}");
}

#[test]
fn podman_lets_a_container_live_its_whole_life() {
    let Some(podman) = Podman::start() else {
        return;
    };
    let script = "echo one; echo two >&2; exec sleep 1000";
    podman
        .run_container(&["-d", "--name", "life", "suite", "sh", "-c", script])
        .ok();
    assert_eq!(
        podman.run(&["exec", "life", "echo", "inside"]).ok(),
        "inside"
    );
    let exec = podman.run(&[
        "exec",
        "-u",
        "5:6",
        "-w",
        "/tmp",
        "-e",
        "A=1",
        "life",
        "sh",
        "-c",
        "id -u; echo $A$PWD; exit 3",
    ]);
    assert_eq!((exec.code, exec.stdout.as_str()), (Some(3), "5\n1/tmp\n"));
    let stats = podman.run(&["stats", "--no-stream", "--format", "json", "life"]);
    let stats: Value = serde_json::from_str(stats.ok()).unwrap();
    assert_eq!(stats[0]["name"], "life");
    assert_eq!(stats[0]["pids"], "1");
    let status = || {
        podman
            .run(&["inspect", "-f", "{{.State.Status}}", "life"])
            .ok()
            .to_owned()
    };
    podman.run(&["pause", "life"]).ok();
    assert_eq!(status(), "paused");
    podman.run(&["unpause", "life"]).ok();
    assert_eq!(status(), "running");
    podman.run(&["kill", "life"]).ok();
    assert_eq!(podman.run(&["wait", "life"]).ok(), "137");
    let logs = podman.run(&["logs", "life"]);
    assert_eq!(
        (logs.stdout.as_str(), logs.stderr.as_str()),
        ("one\n", "two\n")
    );
    podman.run(&["start", "life"]).ok();
    podman.run(&["stop", "-t", "0", "life"]).ok();
    podman.run(&["rm", "life"]).ok();
    assert_eq!(podman.run(&["ps", "-aq"]).ok(), "");
}

#[test]
fn podman_gives_a_terminal_and_its_own_init() {
    let Some(podman) = Podman::start() else {
        return;
    };
    let ran = podman.run_container(&[
        "--rm",
        "-t",
        "suite",
        "sh",
        "-c",
        "test -t 0 && test -t 1 && echo tty",
    ]);
    assert_eq!(ran.ok(), "tty");
    podman
        .run_container(&["-d", "--name", "tty", "suite", "sleep", "1000"])
        .ok();
    let ran = podman.run(&["exec", "-t", "tty", "sh", "-c", "test -t 0 && echo tty"]);
    assert_eq!(ran.ok(), "tty");
    let ran = podman.run_container(&[
        "--rm",
        "--read-only",
        "--cap-drop",
        "all",
        "suite",
        "touch",
        "/x",
    ]);
    assert!(ran.stderr.contains("Read-only"), "{ran:?}");
}
