//! `podman --runtime` of an ordinary user, who is root of a user namespace that podman made.

use std::{fs, process::Command};

use anyhow::{Result, ensure};
use terrarium_tests::{Ran, User, run};

use crate::image::{archive, can_run};

/// Limits that this user may set, no journal to write events to, and a log file for the runtime: podman
/// gives one to those that it knows, and its containers' standard error to others.
const CONFIG: &str = "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=9000:9000\"]\n\
                      [engine]\nevents_logger=\"file\"\n\
                      runtime_supports_json=[\"terrarium-runtime\"]\n";

/// Podman with storage and state in the user's home. Dropping it removes its containers, and ends the
/// process that holds its user namespace.
struct Podman<'a>(&'a User);

impl<'a> Podman<'a> {
    fn start(user: &'a User) -> Result<Self> {
        let (config, image) = (
            user.home.join("containers.conf"),
            user.home.join("image.tar"),
        );
        fs::write(&config, CONFIG)?;
        let (_bundle, archive) = archive();
        fs::copy(archive, &image)?;
        for path in [&config, &image] {
            user.give(path)?;
        }
        let podman = Self(user);
        podman
            .run(&["import", "-q", &image.display().to_string(), "suite"])
            .ok();
        Ok(podman)
    }

    fn command(&self, args: &[&str]) -> Command {
        let user = self.0;
        let path = |name: &str| user.home.join(name);
        let mut command = user.command("podman");
        command.env("CONTAINERS_CONF", path("containers.conf"));
        command.arg("--root").arg(path("storage"));
        command.arg("--runroot").arg(path("run"));
        command.arg("--tmpdir").arg(path("tmp"));
        command
            .arg("--runtime")
            .arg(user.binary("terrarium-runtime"));
        command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]);
        command.args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        run(&mut self.command(args), "").unwrap()
    }

    fn run_container(&self, args: &[&str]) -> Ran {
        let mut all = vec!["run", "--network", "none"];
        all.extend(args);
        self.run(&all)
    }
}

impl Drop for Podman<'_> {
    fn drop(&mut self) {
        let _ = run(&mut self.command(&["rm", "-f", "-a", "-t", "0"]), "");
        // Files of subordinate ids, which the user's home is to be free of; it ends podman's own process too.
        let _ = run(&mut self.command(&["system", "reset", "--force"]), "");
    }
}

#[test]
fn podman_of_a_user_lets_a_container_live_its_whole_life() {
    if !can_run(&["/usr/bin/podman", "/usr/bin/conmon", "/usr/bin/newuidmap"]) {
        return;
    }
    User::with(|user| {
        let podman = Podman::start(user)?;
        let ran = podman.run_container(&["--rm", "suite", "cat", "/proc/self/uid_map"]);
        ensure!(ran.ok().contains(&user.uid.to_string()), "{ran:?}");
        let ended = podman.run_container(&["--rm", "suite", "sh", "-c", "exit 7"]);
        ensure!(ended.code == Some(7), "{ended:?}");
        let terminal = ["--rm", "-t", "suite", "sh", "-c", "test -t 0 && echo tty"];
        ensure!(podman.run_container(&terminal).ok() == "tty");
        live(&podman)
    })
    .unwrap();
}

fn live(podman: &Podman<'_>) -> Result<()> {
    let script = "echo one; echo two >&2; exec sleep 1000";
    podman
        .run_container(&["-d", "--name", "life", "suite", "sh", "-c", script])
        .ok();
    let exec = [
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
    ];
    let exec = podman.run(&exec);
    ensure!(
        (exec.code, exec.stdout.as_str()) == (Some(3), "5\n1/tmp\n"),
        "{exec:?}"
    );
    podman.run(&["kill", "life"]).ok();
    ensure!(podman.run(&["wait", "life"]).ok() == "137");
    let logs = podman.run(&["logs", "life"]);
    ensure!(
        (logs.stdout.as_str(), logs.stderr.as_str()) == ("one\n", "two\n"),
        "{logs:?}"
    );
    podman.run(&["start", "life"]).ok();
    podman.run(&["stop", "-t", "0", "life"]).ok();
    podman.run(&["rm", "life"]).ok();
    ensure!(podman.run(&["ps", "-aq"]).ok().is_empty());
    Ok(())
}
