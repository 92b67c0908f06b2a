//! The engines that are compared: ours and Debian's `dockerd`, each with folders of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use terrarium_tests::{binaries, run};

use crate::{measure::timed, skip};

/// Where Debian puts the daemon.
const DOCKERD: &str = "/usr/sbin/dockerd";
/// How long a daemon may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running engine. Dropping it removes its containers and ends it.
#[derive(Debug)]
pub(crate) struct Engine {
    name: &'static str,
    folder: TempDir,
    process: Child,
}

impl Engine {
    /// Starts ours.
    pub(crate) fn terrariumd() -> Result<Self> {
        Self::start("terrarium", |folder| {
            let mut command = Command::new(binaries().join("terrariumd"));
            command.arg("--data-root").arg(folder.join("data"));
            command.arg("--run-root").arg(folder.join("run"));
            command.arg("--socket").arg(socket(folder));
            command
        })
    }

    /// Starts the peer; none where it is not installed.
    pub(crate) fn dockerd() -> Result<Option<Self>> {
        if !Path::new(DOCKERD).is_file() {
            skip("dockerd is not installed: apt-get install --no-install-recommends docker.io");
            return Ok(None);
        }
        let engine = Self::start("dockerd", |folder| {
            let mut command = Command::new(DOCKERD);
            command.arg("--data-root").arg(folder.join("data"));
            command.arg("--exec-root").arg(folder.join("run"));
            command.arg("--pidfile").arg(folder.join("pid"));
            command
                .arg("-H")
                .arg(format!("unix://{}", socket(folder).display()));
            command
        });
        engine.map(Some)
    }

    fn start(name: &'static str, command: impl Fn(&Path) -> Command) -> Result<Self> {
        // Short, for the path of a unix socket has no more than 107 bytes.
        let folder = tempfile::Builder::new().prefix("tb").tempdir_in("/tmp")?;
        fs::create_dir(folder.path().join("client"))?;
        let log = fs::File::create(folder.path().join("log"))?;
        let mut process = command(folder.path());
        process
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut engine = Self {
            name,
            process: process.spawn().with_context(|| format!("start {name}"))?,
            folder,
        };
        engine.await_answer()?;
        Ok(engine)
    }

    fn await_answer(&mut self) -> Result<()> {
        let started = Instant::now();
        while let Err(error) = self.docker(&["version"]) {
            let ended = self.process.try_wait()?.is_some();
            if ended || started.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.folder.path().join("log"))?;
                bail!("{} does not answer: {error}\n{log}", self.name);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// How it is called in the table.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Its Docker API socket.
    pub(crate) fn socket(&self) -> PathBuf {
        socket(self.folder.path())
    }

    /// The folder of all its files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program that finds this engine, with the real client in mind.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .env("DOCKER_CONFIG", self.folder.path().join("client"))
            .args(arguments);
        command
    }

    /// Runs the client, which must succeed, and gives back what it prints.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Result<String> {
        let ran = run(&mut self.command("docker", arguments), "")?;
        ensure!(ran.code == Some(0), "{}: {}", ran.line, ran.stderr.trim());
        Ok(ran.stdout.trim().to_owned())
    }

    /// Runs the client, which must succeed, and tells how long it took.
    pub(crate) fn timed(&self, arguments: &[&str]) -> Result<Duration> {
        timed(&mut self.command("docker", arguments))
    }

    /// Removes all containers; tells how long it took.
    pub(crate) fn remove_containers(&self) -> Result<Duration> {
        let ids = self.docker(&["ps", "-aq"])?;
        let mut remove = vec!["rm", "-f"];
        remove.extend(ids.split_whitespace());
        if remove.len() == 2 {
            return Ok(Duration::ZERO);
        }
        self.timed(&remove)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Err(error) = self.remove_containers() {
            eprintln!("containers of {} stay: {error:#}", self.name);
        }
        let pid = i32::try_from(self.process.id()).expect("a process id fits");
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let asked = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && asked.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        remove_cgroups_of_dockerd();
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("docker.sock")
}

/// The daemon leaves the parents of its containers' cgroups. One that is in use cannot be removed.
fn remove_cgroups_of_dockerd() {
    let hierarchies = fs::read_dir("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .flatten();
    for hierarchy in hierarchies {
        let _ = fs::remove_dir(hierarchy.path().join("docker"));
    }
}
