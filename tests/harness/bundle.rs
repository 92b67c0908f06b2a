//! An OCI bundle, and a runtime binary that is run on it directly, with no engine between.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{Ran, binaries, leaks::processes_of, run, skip};

/// The runtime that suites drive when it is not ours, e.g. `/usr/bin/runc`: it proves the suite.
const RUNTIME: &str = "TERRARIUM_SUITE_RUNTIME";
const BUSYBOX: &str = "/bin/busybox";
const APPLETS: &str = "sh true false cat echo ls sleep id ps hostname stat kill touch mkdir ln rm \
                       head readlink test mknod unshare mount ionice chrt setsid dd yes seq env";
/// No single act of a runtime takes longer on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);
static NEXT: AtomicU32 = AtomicU32::new(0);

/// The runtime binary under test.
pub fn runtime_path() -> PathBuf {
    let named = std::env::var_os(RUNTIME).filter(|path| !path.is_empty());
    named.map_or_else(|| binaries().join("terrarium-runtime"), PathBuf::from)
}

/// What the runtime under test is called: `terrarium-runtime`, `runc`, `crun`.
pub fn runtime_name() -> String {
    let path = runtime_path();
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A root file system with busybox and a probe, a state root, and an id. Dropping it ends and
/// removes its container.
#[derive(Debug)]
pub struct Bundle {
    folder: tempfile::TempDir,
    id: String,
    runtime: PathBuf,
}

impl Bundle {
    /// A bundle for the runtime under test, with `probe` as `/bin/probe`; none, said aloud, where
    /// this cannot be tested.
    ///
    /// # Errors
    /// When its files cannot be made.
    pub fn new(probe: &Path) -> Result<Option<Self>> {
        let reason = if !nix::unistd::Uid::effective().is_root() {
            "needs root"
        } else if !Path::new(BUSYBOX).exists() {
            "needs a static busybox"
        } else if !runtime_path().exists() {
            "needs the runtime: cargo build --bins"
        } else {
            return Self::with(&runtime_path(), probe).map(Some);
        };
        skip(reason);
        Ok(None)
    }

    /// A bundle for this runtime.
    ///
    /// # Errors
    /// When its files cannot be made.
    pub fn with(runtime: &Path, probe: &Path) -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let bundle = Self {
            folder: tempfile::Builder::new().prefix("bundle-").tempdir()?,
            id: format!("suite-{}-{number}", std::process::id()),
            runtime: runtime.to_owned(),
        };
        fs::set_permissions(bundle.folder.path(), fs::Permissions::from_mode(0o755))?;
        for folder in ["bin", "etc", "proc", "sys", "dev", "tmp", "home"] {
            fs::create_dir_all(bundle.rootfs(folder))?;
        }
        install(Path::new(BUSYBOX), &bundle.rootfs("bin/busybox"))?;
        for applet in APPLETS.split_whitespace() {
            symlink("busybox", bundle.rootfs(&format!("bin/{applet}")))?;
        }
        fs::write(
            bundle.rootfs("etc/passwd"),
            "root:x:0:0:root:/root:/bin/sh\n",
        )?;
        bundle.install_probe(probe)?;
        Ok(bundle)
    }

    /// The probe with the libraries it needs, so that it needs no build of its own.
    fn install_probe(&self, probe: &Path) -> Result<()> {
        let listed = run(Command::new("ldd").arg(probe), "")?;
        let libraries = listed
            .stdout
            .split_whitespace()
            .filter(|word| word.starts_with('/'));
        for library in libraries {
            let inside = self.rootfs(library.trim_start_matches('/'));
            fs::create_dir_all(inside.parent().context("it lies in a folder")?)?;
            install(Path::new(library), &inside)?;
        }
        install(probe, &self.rootfs("bin/probe"))
    }

    /// The container's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A file of the bundle's folder.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// A file of the root file system, seen from outside.
    pub fn rootfs(&self, below: &str) -> PathBuf {
        self.folder.path().join("rootfs").join(below)
    }

    /// A configuration that runs `args` with what engines usually give.
    pub fn config(&self, args: &[&str]) -> Value {
        let mut config = base();
        config["process"]["args"] = json!(args);
        config["linux"]["cgroupsPath"] = json!(format!("/terrarium-suite/{}", self.id));
        config
    }

    /// Writes `config.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, config: &Value) -> Result<()> {
        Ok(fs::write(self.path("config.json"), config.to_string())?)
    }

    /// The runtime with the bundle's state root.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = if self.runtime.ends_with("crun") {
            // It refuses hosts whose v2 tree has controllers beside those of v1.
            let mut unshare = Command::new("unshare");
            let line = "umount /sys/fs/cgroup/unified 2> /dev/null; exec \"$@\"";
            unshare
                .args(["-m", "--propagation", "private", "sh", "-c", line, "sh"])
                .arg(&self.runtime);
            unshare
        } else {
            Command::new(&self.runtime)
        };
        command.arg("--root").arg(self.path("state")).args(args);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs the runtime to its end. What it starts writes on into the same files; see
    /// [`Bundle::said`].
    ///
    /// # Errors
    /// When it does not end.
    pub fn runtime(&self, args: &[&str]) -> Result<Ran> {
        self.attend(&mut self.command(args))
    }

    /// Runs a command of this bundle to its end.
    ///
    /// # Errors
    /// When it does not end.
    pub fn attend(&self, command: &mut Command) -> Result<Ran> {
        let (out, err) = (self.path("stdout"), self.path("stderr"));
        command
            .stdout(File::create(&out)?)
            .stderr(File::create(&err)?);
        let line = format!("{command:?}");
        let mut child = command.spawn().with_context(|| format!("start {line}"))?;
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if started.elapsed() > TIMEOUT {
                child.kill()?;
                child.wait()?;
                bail!(
                    "{line} took too long; it said {:?}",
                    fs::read_to_string(err)
                );
            }
            thread::sleep(Duration::from_millis(1));
        };
        Ok(Ran {
            line,
            code: status.code(),
            stdout: lossy(&out),
            stderr: lossy(&err),
        })
    }

    /// What the last command and the processes it started wrote to their standard output so far.
    pub fn said(&self) -> String {
        lossy(&self.path("stdout"))
    }

    /// `run` of a configuration to the end of its container.
    ///
    /// # Errors
    /// When it does not end.
    pub fn run(&self, config: &Value) -> Result<Ran> {
        self.write(config)?;
        self.runtime(&[
            "run",
            "--bundle",
            &self.path("").display().to_string(),
            &self.id,
        ])
    }

    /// `create` and `start` of a configuration.
    ///
    /// # Errors
    /// When either fails.
    pub fn start(&self, config: &Value) -> Result<()> {
        self.write(config)?;
        for args in [&["create", self.id()][..], &["start", self.id()]] {
            let ran = self.runtime(args)?;
            ensure!(ran.code == Some(0), "{ran:#?}");
        }
        Ok(())
    }

    /// The answer of `state`.
    ///
    /// # Errors
    /// When there is none.
    pub fn state(&self) -> Result<Value> {
        let ran = self.runtime(&["state", &self.id])?;
        ensure!(ran.code == Some(0), "{ran:#?}");
        Ok(serde_json::from_str(&ran.stdout)?)
    }

    /// Waits until `state` tells this status.
    ///
    /// # Errors
    /// When it never does.
    pub fn wait_for(&self, status: &str) -> Result<()> {
        let started = Instant::now();
        while self.state()?["status"] != status {
            ensure!(started.elapsed() < TIMEOUT, "it never became {status}");
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Ends and removes the container, whatever its status.
    ///
    /// # Errors
    /// When the runtime does not end.
    pub fn delete(&self) -> Result<Ran> {
        self.runtime(&["delete", "--force", &self.id])
    }

    /// What the runtime left of this bundle: state, cgroups, processes, mounts. Empty is good.
    pub fn left(&self) -> Vec<String> {
        let states = fs::read_dir(self.path("state")).into_iter().flatten();
        let states = states.flatten().map(|entry| entry.file_name());
        // Dot files are caches.
        let states = states.filter(|name| !name.as_encoded_bytes().starts_with(b"."));
        let cgroups = self.cgroups().into_iter();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let folder = self.folder.path().display().to_string();
        let processes = processes_of(self.folder.path()).into_iter();
        let mut left: Vec<String> = states.map(|name| format!("state {name:?}")).collect();
        left.extend(cgroups.map(|path| format!("cgroup {}", path.display())));
        left.extend(processes.map(|(pid, line)| format!("process {pid}: {line}")));
        let mounts = mounts.lines().filter(|line| line.contains(&folder));
        left.extend(mounts.map(|line| format!("mount {line}")));
        left
    }

    /// The folders of the container's cgroups in all hierarchies.
    pub fn cgroups(&self) -> Vec<PathBuf> {
        let below = format!("terrarium-suite/{}", self.id);
        let hierarchies = fs::read_dir("/sys/fs/cgroup")
            .into_iter()
            .flatten()
            .flatten();
        let mut parents: Vec<PathBuf> = hierarchies.map(|entry| entry.path()).collect();
        parents.push("/sys/fs/cgroup".into());
        let mut found: Vec<PathBuf> = parents
            .into_iter()
            // `cpu` and `cpuacct` are links to `cpu,cpuacct`.
            .filter(|path| !path.is_symlink())
            .map(|path| path.join(&below))
            .filter(|path| path.is_dir())
            .collect();
        found.sort();
        found
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        let _ = self.delete();
        for (pid, _) in processes_of(self.folder.path()) {
            let pid = nix::unistd::Pid::from_raw(pid);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        for path in self.cgroups() {
            let _ = fs::remove_dir(path);
        }
    }
}

fn lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// Copied by another program: a fork of another thread would inherit our descriptor for writing, and
/// executing the file would be refused (ETXTBSY).
fn install(from: &Path, to: &Path) -> Result<()> {
    let ran = run(Command::new("cp").arg("-L").arg(from).arg(to), "")?;
    ensure!(ran.code == Some(0), "{ran:#?}");
    Ok(())
}

fn base() -> Value {
    let mount = |destination: &str, kind: &str, options: &[&str]| json!({"destination": destination, "type": kind, "source": kind, "options": options});
    let hidden = ["nosuid", "noexec", "nodev"];
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["/bin/probe", "facts"],
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/",
            "capabilities": {},
            "noNewPrivileges": true,
        },
        "root": {"path": "rootfs"},
        "hostname": "suite",
        "mounts": [
            mount("/proc", "proc", &hidden),
            mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
            mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            mount("/dev/mqueue", "mqueue", &hidden),
            mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
        ],
        "linux": {
            "namespaces": [
                {"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
            ],
            "resources": {"devices": [{"allow": false, "access": "rwm"}]},
        },
    })
}
