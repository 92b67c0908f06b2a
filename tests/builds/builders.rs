//! Who builds: ours, and the peers of this machine.

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
use terrarium_tests::{Host, Ran, run};

/// The client of Debian's own version: it speaks to BuildKit without a plugin.
const OLD_CLIENT: &str = "/usr/bin/docker";
const DOCKERD: &str = "/usr/sbin/dockerd";
const PATIENCE: Duration = Duration::from_secs(30);
/// Bridges, rules and what lies in `/run` are the daemon's own.
const ALONE: &str =
    "ip link set lo up && mount -t tmpfs none /run && mount -t tmpfs none \"$0\" && exec \"$@\"";

/// Builds images and gives them out as archives.
pub(crate) trait Builder: Sync {
    /// What the corpus calls it.
    fn name(&self) -> &'static str;
    /// Builds a folder under a name.
    fn build(&self, folder: &Path, image: &str, options: &[String]) -> Result<Ran>;
    /// Writes an image as a Docker archive.
    fn save(&self, image: &str, archive: &Path) -> Result<()>;
}

fn ended(ran: Ran) -> Result<()> {
    ensure!(ran.code == Some(0), "{}: {}", ran.line, ran.stderr);
    Ok(())
}

impl Builder for Host {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn build(&self, folder: &Path, image: &str, options: &[String]) -> Result<Ran> {
        let mut command = self.command(&["build", "-q", "-t", image]);
        run(
            command
                .args(options)
                .arg(folder)
                .env("DOCKER_BUILDKIT", "0"),
            "",
        )
    }

    fn save(&self, image: &str, archive: &Path) -> Result<()> {
        let mut command = self.command(&["save", "-o"]);
        ended(run(command.arg(archive).arg(image), "")?)
    }
}

/// Debian's dockerd in namespaces of its own, with its data in memory.
pub(crate) struct Dockerd {
    folder: TempDir,
    process: Child,
}

impl Dockerd {
    /// Starts it; none where it is not installed.
    pub(crate) fn start() -> Result<Option<Self>> {
        if !Path::new(DOCKERD).exists() || !Path::new(OLD_CLIENT).exists() {
            return Ok(None);
        }
        let folder = tempfile::Builder::new().prefix("dk").tempdir_in("/tmp")?;
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir(folder.path().join("data"))?;
        let log = fs::File::create(path("log"))?;
        let mut command = Command::new("unshare");
        command.args(["-m", "-n", "--propagation", "private", "sh", "-c", ALONE]);
        command.args([&path("data"), DOCKERD, "--data-root", &path("data")]);
        command.args(["--exec-root", &path("run"), "--pidfile", &path("pid")]);
        command.args(["-H", &format!("unix://{}", path("sock"))]);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let process = command.spawn().context("start dockerd")?;
        let mut daemon = Self { folder, process };
        daemon.await_answer()?;
        Ok(Some(daemon))
    }

    fn await_answer(&mut self) -> Result<()> {
        let started = Instant::now();
        while run(self.command().arg("version"), "")?.code != Some(0) {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            ensure!(self.process.try_wait()?.is_none(), "dockerd ended: {log}");
            ensure!(
                started.elapsed() < PATIENCE,
                "dockerd does not answer: {log}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(OLD_CLIENT);
        let socket = self.folder.path().join("sock");
        command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
        command.env("DOCKER_CONFIG", self.folder.path().join("client"));
        command
    }

    pub(crate) fn load(&self, archive: &Path) -> Result<()> {
        ended(run(
            self.command().args(["load", "-q", "-i"]).arg(archive),
            "",
        )?)
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        // `unshare` and `sh` became the daemon, so its number is the daemon's.
        let pid = Pid::from_raw(i32::try_from(self.process.id()).unwrap_or_default());
        let _ = kill(pid, Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

/// One of the two builders in dockerd.
pub(crate) struct Docker<'a> {
    pub(crate) daemon: &'a Dockerd,
    pub(crate) buildkit: bool,
}

impl Builder for Docker<'_> {
    fn name(&self) -> &'static str {
        if self.buildkit { "buildkit" } else { "classic" }
    }

    fn build(&self, folder: &Path, image: &str, options: &[String]) -> Result<Ran> {
        let mut command = self.daemon.command();
        command
            .args(["build", "-q", "-t", image])
            .args(options)
            .arg(folder);
        run(
            command.env("DOCKER_BUILDKIT", if self.buildkit { "1" } else { "0" }),
            "",
        )
    }

    fn save(&self, image: &str, archive: &Path) -> Result<()> {
        ended(run(
            self.daemon
                .command()
                .args(["save", "-o"])
                .arg(archive)
                .arg(image),
            "",
        )?)
    }
}

/// buildah with a store of its own.
pub(crate) struct Buildah {
    folder: TempDir,
}

impl Buildah {
    /// None where it is not installed.
    pub(crate) fn start(base: &Path, image: &str) -> Result<Option<Self>> {
        if Command::new("buildah").arg("--version").output().is_err() {
            return Ok(None);
        }
        let folder = tempfile::Builder::new().prefix("bh").tempdir_in("/tmp")?;
        fs::write(
            folder.path().join("policy"),
            r#"{"default":[{"type":"insecureAcceptAnything"}]}"#,
        )?;
        let buildah = Self { folder };
        let source = format!("docker-archive:{}", base.display());
        let mut pull = buildah.command("pull");
        ended(run(pull.args(["-q", &source]), "")?)?;
        ensure!(
            run(
                buildah.command("inspect").args(["--type", "image", image]),
                ""
            )?
            .code
                == Some(0),
            "buildah has no {image}"
        );
        Ok(Some(buildah))
    }

    fn command(&self, verb: &str) -> Command {
        let path = |name: &str| self.folder.path().join(name);
        let mut command = Command::new("buildah");
        command
            .arg("--root")
            .arg(path("root"))
            .arg("--runroot")
            .arg(path("run"));
        command.args(["--storage-driver", "vfs", verb]);
        if matches!(verb, "pull" | "push" | "bud") {
            command.arg("--signature-policy").arg(path("policy"));
        }
        command
    }
}

impl Builder for Buildah {
    fn name(&self) -> &'static str {
        "buildah"
    }

    fn build(&self, folder: &Path, image: &str, options: &[String]) -> Result<Ran> {
        let mut command = self.command("bud");
        command.args([
            "-q",
            "--layers",
            "--format",
            "docker",
            "--isolation",
            "chroot",
        ]);
        command.args(["--pull-never", "--identity-label=false", "-t", image]);
        // One command line serves all: this is the only difference of the options.
        command.args(options).arg(folder);
        run(&mut command, "")
    }

    fn save(&self, image: &str, archive: &Path) -> Result<()> {
        let target = format!("docker-archive:{}", archive.display());
        ended(run(self.command("push").args(["-q", image, &target]), "")?)
    }
}

/// Builds a folder and gives the archive; nothing when it was refused.
pub(crate) fn archive_of(
    builder: &dyn Builder,
    folder: &Path,
    image: &str,
    options: &[String],
    into: &Path,
) -> Result<Result<PathBuf, Ran>> {
    let ran = builder.build(folder, image, options)?;
    if ran.code != Some(0) {
        if ran.code.is_none() {
            bail!("{} died: {}", ran.line, ran.stderr);
        }
        return Ok(Err(ran));
    }
    let archive = into.join(format!("{}.tar", builder.name()));
    if archive.exists() {
        fs::remove_file(&archive)?;
    }
    builder.save(image, &archive)?;
    Ok(Ok(archive))
}
