//! A running `terrariumd` with folders of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::{Leaks, Ran, User, binaries, run};

/// How long a host may take to end; it waits some seconds for requests under way.
const END: Duration = Duration::from_secs(15);

/// How a host is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Mirrors of docker.io, as URLs.
    pub mirrors: Vec<String>,
}

/// A running host. Dropping it removes its containers, ends it, and removes its folders.
#[derive(Debug)]
pub struct Host {
    folder: TempDir,
    options: Options,
    user: Option<User>,
    process: Option<Child>,
    leaks: Leaks,
    has_disk: bool,
}

impl Host {
    /// Starts a host and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready; its log is in the error.
    pub fn start(options: Options) -> Result<Self> {
        Self::start_in(options, |_| Ok(()))
    }

    /// Starts a host that this user runs, without any privilege. Its commands are this user's too.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub fn start_as(user: &User, options: Options) -> Result<Self> {
        Self::start_in(options, |host| {
            user.give(host.scratch())?;
            user.give(&host.scratch().join("client"))?;
            host.user = Some(user.clone());
            Ok(())
        })
    }

    /// Starts a host whose data root is a disk of its own, of this many MiB.
    ///
    /// # Errors
    /// As [`Host::start`]; also when nothing can be mounted.
    pub fn start_on_disk(options: Options, mebibytes: u32) -> Result<Self> {
        Self::start_in(options, |host| {
            let size = format!("size={mebibytes}m");
            fs::create_dir(host.data_root())?;
            let mut mount = Command::new("mount");
            mount.args(["-t", "tmpfs", "-o", &size, "none"]);
            let ran = run(mount.arg(host.data_root()), "")?;
            ensure!(ran.code == Some(0), "{}: {}", ran.line, ran.stderr);
            host.has_disk = true;
            Ok(())
        })
    }

    fn start_in(options: Options, prepare: impl FnOnce(&mut Self) -> Result<()>) -> Result<Self> {
        // Short, for the path of a unix socket has no more than 107 bytes.
        let folder = tempfile::Builder::new().prefix("tt").tempdir_in("/tmp")?;
        fs::create_dir(folder.path().join("client"))?;
        let mut host = Self {
            folder,
            options,
            user: None,
            process: None,
            leaks: Leaks::look(),
            has_disk: false,
        };
        prepare(&mut host)?;
        host.restart()?;
        Ok(host)
    }

    /// Starts the host again on the same folders, after [`Host::stop`] or [`Host::kill`].
    ///
    /// # Errors
    /// As [`Host::start`].
    pub fn restart(&mut self) -> Result<()> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())?;
        let mut command = match &self.user {
            Some(user) => user.command(user.binaries.join("terrariumd")),
            None => Command::new(binaries().join("terrariumd")),
        };
        command
            .arg("--data-root")
            .arg(self.data_root())
            .arg("--run-root")
            .arg(self.run_root())
            .args(["--log", "terrarium_engine=debug,info"]);
        for mirror in &self.options.mirrors {
            command.args(["--registry-mirror", mirror]);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("start terrariumd")?;
        let stdout = child.stdout.take().context("it has a pipe")?;
        self.process = Some(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        ensure!(
            line.contains("ready"),
            "not ready: {line:?}\n{}",
            self.log()
        );
        Ok(())
    }

    /// Where it keeps images, containers and volumes.
    pub fn data_root(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where it keeps what is gone after a reboot.
    pub fn run_root(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// A folder for the test's own files.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// A folder of the test's own with these files.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn folder(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.scratch().join(name);
        for (path, content) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder");
            fs::write(path, content).expect("a file");
        }
        folder
    }

    /// The Docker API socket.
    pub fn socket(&self) -> PathBuf {
        self.run_root().join("docker.sock")
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it was ended.
    pub fn pid(&self) -> Pid {
        let child = self.process.as_ref().expect("the host runs");
        Pid::from_raw(i32::try_from(child.id()).expect("a process id fits"))
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// A `docker` command against this host.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("docker");
        command.args(arguments);
        command
    }

    /// A program in whose environment `docker` finds this host.
    pub fn program(&self, program: &str) -> Command {
        let mut command = match &self.user {
            Some(user) => user.command(program),
            None => Command::new(program),
        };
        command
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .env("DOCKER_CONFIG", self.folder.path().join("client"));
        command
    }

    /// Runs `docker` with these arguments to its end.
    ///
    /// # Panics
    /// When there is no docker client, or it takes more than a minute.
    #[track_caller]
    pub fn docker(&self, arguments: &[&str]) -> Ran {
        self.docker_with(arguments, "")
    }

    /// Runs `docker` with these arguments and this input to its end.
    ///
    /// # Panics
    /// As [`Host::docker`].
    #[track_caller]
    pub fn docker_with(&self, arguments: &[&str], input: &str) -> Ran {
        match run(&mut self.command(arguments), input) {
            Ok(ran) => ran,
            Err(error) => panic!("{error:#}\nthe host says:\n{}", self.log()),
        }
    }

    /// Ends the host as a service manager does. Containers go on.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> Result<()> {
        self.end(Signal::SIGTERM)
    }

    /// Ends the host as a power cut does, but for the containers, which go on.
    ///
    /// # Errors
    /// When it does not end.
    pub fn kill(&mut self) -> Result<()> {
        self.end(Signal::SIGKILL)
    }

    fn end(&mut self, signal: Signal) -> Result<()> {
        if self.process.is_none() {
            return Ok(());
        }
        kill(self.pid(), signal)?;
        let mut child = self.process.take().context("it runs")?;
        let asked = Instant::now();
        while child.try_wait()?.is_none() {
            if asked.elapsed() > END {
                child.kill()?;
                child.wait()?;
                anyhow::bail!("the host did not end within {END:?}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if self.process.is_none() {
            let _ = self.restart();
        }
        if self.process.is_some() {
            let listed = run(&mut self.command(&["ps", "-aq"]), "");
            let ids = listed.map(|ran| ran.stdout).unwrap_or_default();
            let mut remove = vec!["rm", "-fv"];
            remove.extend(ids.split_whitespace());
            if remove.len() > 2 {
                let _ = run(&mut self.command(&remove), "");
            }
        }
        if std::thread::panicking() {
            eprintln!("the host's log:\n{}", self.log());
        }
        let _ = self.end(Signal::SIGTERM);
        if self.has_disk {
            let _ = run(Command::new("umount").arg(self.data_root()), "");
        }
        self.leaks.assert_none(self.folder.path());
    }
}
