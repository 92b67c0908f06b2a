//! `dockerd --add-runtime`, with containerd and its shim for runc between.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use terrarium_tests::{Ran, run, runtime_path};

use crate::image::{archive, can_run, remove_cgroups};

const PATIENCE: Duration = Duration::from_secs(30);
/// Bridges, rules and what lies in `/run` are the daemon's own.
const ALONE: &str = "ip link set lo up && mount -t tmpfs none /run && exec \"$@\"";

/// A daemon in namespaces of its own. Dropping it removes its containers and ends it.
struct Daemon {
    folder: TempDir,
    process: Child,
}

impl Daemon {
    fn start() -> Option<Self> {
        if !can_run(&["/usr/sbin/dockerd"]) {
            return None;
        }
        // Short, for the path of a unix socket has no more than 107 bytes.
        let folder = tempfile::Builder::new().prefix("dd").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let log = fs::File::create(path("log")).unwrap();
        let mut command = Command::new("unshare");
        command.args([
            "-m",
            "-n",
            "--propagation",
            "private",
            "sh",
            "-c",
            ALONE,
            "sh",
        ]);
        command.args([
            "/usr/sbin/dockerd",
            "--storage-driver",
            "vfs",
            "--default-runtime",
            "ours",
        ]);
        command.args([
            "--data-root",
            &path("data"),
            "--exec-root",
            &path("run"),
            "--pidfile",
            &path("pid"),
        ]);
        command.args(["-H", &format!("unix://{}", path("sock"))]);
        command.arg(format!("--add-runtime=ours={}", runtime_path().display()));
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let process = command.spawn().unwrap();
        let mut daemon = Self { folder, process };
        daemon.await_answer();
        let (_bundle, archive) = archive();
        daemon.docker(&["import", &archive, "suite"]).ok();
        Some(daemon)
    }

    fn await_answer(&mut self) {
        let started = Instant::now();
        while self.docker(&["version"]).code != Some(0) {
            let ended = self.process.try_wait().unwrap().is_some();
            if ended || started.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
                panic!("dockerd does not answer:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn command(&self, program: &str) -> Command {
        let socket = self.folder.path().join("sock");
        let mut command = Command::new(program);
        command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
        command.env("DOCKER_CONFIG", self.folder.path().join("client"));
        command
    }

    fn docker(&self, args: &[&str]) -> Ran {
        run(self.command("docker").args(args), "").unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let ids = self.docker(&["ps", "-aq"]).stdout;
        let mut remove = vec!["rm", "-f"];
        remove.extend(ids.split_whitespace());
        if remove.len() > 2 {
            let _ = self.docker(&remove);
        }
        let pid = Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        let _ = kill(pid, Signal::SIGTERM);
        let asked = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && asked.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        remove_cgroups("docker");
    }
}

#[test]
fn dockerd_runs_containers_with_limits_and_exit_codes() {
    let Some(daemon) = Daemon::start() else {
        return;
    };
    let docker = |args: &[&str]| daemon.docker(args);
    assert_eq!(docker(&["info", "-f", "{{.DefaultRuntime}}"]).ok(), "ours");
    assert_eq!(
        docker(&["run", "--rm", "suite", "echo", "hello"]).ok(),
        "hello"
    );
    assert_eq!(
        docker(&["run", "--rm", "suite", "sh", "-c", "exit 7"]).code,
        Some(7)
    );
    let missing = docker(&["run", "--rm", "suite", "nosuch"]);
    assert_eq!(missing.code, Some(127), "{missing:?}");
    assert!(missing.stderr.contains("not found"), "{missing:?}");
    let denied = docker(&["run", "--rm", "suite", "/etc/passwd"]);
    assert_eq!(denied.code, Some(126), "{denied:?}");
    let memory = docker(&[
        "run",
        "--name",
        "oom",
        "-m",
        "32m",
        "suite",
        "probe",
        "act",
        "allocate 200",
    ]);
    assert_eq!(memory.code, Some(137));
    assert_eq!(
        docker(&["inspect", "-f", "{{.State.OOMKilled}}", "oom"]).ok(),
        "true"
    );
    let pids = docker(&[
        "run",
        "--rm",
        "--pids-limit",
        "20",
        "suite",
        "probe",
        "act",
        "spawn 50",
    ]);
    assert_ne!(pids.ok(), "{\"spawn 50\":\"50\"}");
    let ran = docker(&["run", "--rm", "--init", "suite", "ps"]);
    assert!(ran.ok().contains("docker-init"), "{ran:?}");
}

#[test]
fn dockerd_lets_a_container_live_its_whole_life() {
    let Some(daemon) = Daemon::start() else {
        return;
    };
    let docker = |args: &[&str]| daemon.docker(args);
    let script = "echo one; echo two >&2; exec sleep 1000";
    docker(&["run", "-d", "--name", "life", "suite", "sh", "-c", script]).ok();
    assert_eq!(docker(&["exec", "life", "echo", "inside"]).ok(), "inside");
    let exec = docker(&[
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
    let stats = docker(&[
        "stats",
        "--no-stream",
        "--format",
        "{{.Name}} {{.PIDs}}",
        "life",
    ]);
    assert_eq!(stats.ok(), "life 1");
    assert!(docker(&["top", "life"]).ok().contains("sleep 1000"));
    let status = || {
        docker(&["inspect", "-f", "{{.State.Status}}", "life"])
            .ok()
            .to_owned()
    };
    docker(&["pause", "life"]).ok();
    assert_eq!(status(), "paused");
    docker(&["unpause", "life"]).ok();
    docker(&["update", "--pids-limit", "33", "life"]).ok();
    docker(&["restart", "-t", "0", "life"]).ok();
    assert_eq!(status(), "running");
    docker(&["kill", "life"]).ok();
    assert_eq!(docker(&["wait", "life"]).ok(), "137");
    assert!(docker(&["logs", "life"]).stdout.starts_with("one\n"));
    docker(&["rm", "life"]).ok();
    assert_eq!(docker(&["ps", "-aq"]).ok(), "");
}

#[test]
fn dockerd_gives_a_terminal() {
    let Some(daemon) = Daemon::start() else {
        return;
    };
    let line = "docker run --rm -it suite sh -c 'test -t 0 && echo tty'";
    let ran = run(
        daemon.command("script").args(["-qec", line, "/dev/null"]),
        "",
    )
    .unwrap();
    assert!(ran.ok().contains("tty"), "{ran:?}");
}
