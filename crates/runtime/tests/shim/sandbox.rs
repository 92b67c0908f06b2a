//! A bundle with a busybox in it, and the shim that runs it; cleans up whatever happens.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{lchown, symlink};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use terrarium_runtime::shim::protocol::{
    Attach, Call, Created, ExitStatus, Failure, LogConfig, Reply, RootfsConfig, ShimConfig,
    ShimState, StdinMode, Target, file,
};

use super::host::{Attached, Host};
use super::user::User;

const BUSYBOX: &str = "/bin/busybox";
const APPLETS: [&str; 16] = [
    "sh", "cat", "echo", "true", "false", "seq", "sleep", "stty", "tail", "head", "kill", "dd",
    "yes", "grep", "id", "ls",
];

pub(crate) fn may_run_containers() -> bool {
    let why = if !geteuid().is_root() {
        "not root"
    } else if !Path::new(BUSYBOX).exists() {
        "no static busybox"
    } else {
        return true;
    };
    assert!(
        std::env::var_os("REQUIRE_PRIVILEGED").is_none(),
        "cannot run containers: {why}"
    );
    eprintln!("SKIPPED, cannot run containers: {why}");
    false
}

/// What to run, before it runs.
pub(crate) struct Recipe {
    pub(crate) spec: Value,
    pub(crate) config: ShimConfig,
    folder: tempfile::TempDir,
    /// Who runs the shim.
    owner: Option<(u32, u32)>,
}

/// A shim and its container.
pub(crate) struct Sandbox {
    pub(crate) host: Host,
    pub(crate) created: Created,
    shim: Child,
    folder: tempfile::TempDir,
}

/// Runs `sh -c script`.
pub(crate) fn script(script: &str) -> Recipe {
    Recipe::new(&["/bin/sh", "-c", script])
}

impl Recipe {
    pub(crate) fn new(args: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let id = format!("shimtest-{}-{number}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        make_root(&folder.path().join("rootfs"));
        let spec = json!({
            "ociVersion": "1.2.0",
            "root": {"path": "rootfs"},
            "hostname": "shimtest",
            "process": process(args),
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                 "options": ["nosuid", "mode=755", "size=65536k"]},
                {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                 "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
            ],
            "linux": {
                "cgroupsPath": format!("/terrarium-test/{id}"),
                "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}],
            },
        });
        let config = ShimConfig {
            id,
            rootfs: None,
            init: false,
            stdin: StdinMode::Null,
            log: None,
        };
        Self {
            spec,
            config,
            folder,
            owner: None,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn stdin(mut self, mode: StdinMode) -> Self {
        self.config.stdin = mode;
        self
    }

    pub(crate) fn terminal(mut self) -> Self {
        self.spec["process"]["terminal"] = json!(true);
        self.spec["process"]["consoleSize"] = json!({"height": 24, "width": 80});
        self
    }

    /// Logs to `log` beside the bundle's files.
    pub(crate) fn log(mut self, change: impl FnOnce(&mut LogConfig)) -> Self {
        let mut log = LogConfig {
            path: self.folder.path().join("log"),
            max_size_bytes: None,
            max_files: 1,
            compress: false,
            attrs: std::collections::BTreeMap::new(),
        };
        change(&mut log);
        self.config.log = Some(log);
        self
    }

    /// Makes the root file system the only layer of an overlay.
    pub(crate) fn overlay(mut self) -> Self {
        let folder = |name: &str| {
            let path = self.folder.path().join(name);
            fs::create_dir_all(&path).unwrap();
            path
        };
        self.config.rootfs = Some(RootfsConfig::Overlay {
            lowerdirs: vec![folder("rootfs")],
            upperdir: folder("upper"),
            workdir: folder("work"),
            userxattr: false,
        });
        self
    }

    /// Runs it all as this user, who is root inside; the last change to a recipe.
    pub(crate) fn rootless(mut self, user: &User) -> Self {
        let namespaces = self.spec["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.push(json!({"type": "user"}));
        let maps = |own: u32, first: u32| {
            json!([{"containerID": 0, "hostID": own, "size": 1},
                   {"containerID": 1, "hostID": first, "size": 65535}])
        };
        self.spec["linux"]["uidMappings"] = maps(user.uid, user.first_subuid);
        self.spec["linux"]["gidMappings"] = maps(user.gid, user.first_subgid);
        if let Some(RootfsConfig::Overlay { userxattr, .. }) = &mut self.config.rootfs {
            *userxattr = true;
        }
        give(self.folder.path(), user);
        self.owner = Some((user.uid, user.gid));
        self
    }

    pub(crate) fn create(self) -> Sandbox {
        self.try_create()
            .unwrap_or_else(|failure| panic!("create: {failure:?}"))
    }

    pub(crate) fn try_create(self) -> Result<Sandbox, Failure> {
        self.write();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let shim = spawn(self.path(), OwnedFd::from(theirs).into(), self.owner);
        let mut host = Host::new(ours);
        match host.created() {
            Ok(Reply::Created(created)) => Ok(Sandbox {
                host,
                created,
                shim,
                folder: self.folder,
            }),
            Ok(other) => panic!("expected created, got {other:?}"),
            Err(failure) => {
                let mut shim = shim;
                assert_eq!(shim.wait().unwrap().code(), Some(1));
                Err(failure)
            }
        }
    }

    fn write(&self) {
        let write = |name: &str, text: Vec<u8>| fs::write(self.path().join(name), text).unwrap();
        write("config.json", serde_json::to_vec(&self.spec).unwrap());
        write(file::CONFIG, serde_json::to_vec(&self.config).unwrap());
    }
}

/// An OCI process.
pub(crate) fn process(args: &[&str]) -> Value {
    json!({
        "user": {"uid": 0, "gid": 0},
        "args": args,
        "env": ["PATH=/bin", "TERM=xterm"],
        "cwd": "/",
    })
}

impl Sandbox {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn shim_pid(&self) -> i32 {
        self.created.state.shim.pid
    }

    pub(crate) fn start(&mut self) {
        match self.host.call(Call::Start) {
            Ok(Reply::Started(_)) => {}
            other => panic!("start: {other:?}"),
        }
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let folder = File::open(self.folder.path()).unwrap();
        let path = format!("/proc/self/fd/{}/{}", folder.as_raw_fd(), file::SOCKET);
        UnixStream::connect(path).unwrap()
    }

    pub(crate) fn second_host(&self) -> Host {
        Host::new(self.connect())
    }

    pub(crate) fn attach(&self, attach: Attach) -> Attached {
        Attached::new(self.connect(), attach)
            .unwrap_or_else(|failure| panic!("attach: {failure:?}"))
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> T {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }

    pub(crate) fn exit_file(&self) -> ExitStatus {
        self.read(file::EXIT)
    }

    pub(crate) fn state_file(&self) -> ShimState {
        self.read(file::STATE)
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.host.wait(Target::Init)
    }

    /// The texts of the log, oldest file first.
    pub(crate) fn logged(&self, stream: &str) -> String {
        let lines = fs::read_to_string(self.path("log")).unwrap();
        texts(&lines, stream)
    }

    /// Whether nobody holds the lock.
    pub(crate) fn shim_is_dead(&self) -> bool {
        let lock = File::open(self.path(file::LOCK)).unwrap();
        Flock::lock(lock, FlockArg::LockExclusiveNonblock).is_ok()
    }

    pub(crate) fn kill_shim(&mut self) {
        self.shim.kill().unwrap();
        self.shim.wait().unwrap();
    }

    /// Ends it all, and checks that nothing stays.
    pub(crate) fn shut_down(&mut self) {
        self.end(Call::Shutdown);
    }

    /// As [`Self::shut_down`], of a container that has stopped.
    pub(crate) fn delete(&mut self) {
        self.end(Call::Delete);
    }

    fn end(&mut self, call: Call) {
        match self.host.call(call) {
            Ok(Reply::Done) => {}
            other => panic!("the end: {other:?}"),
        }
        assert!(self.shim.wait().unwrap().success());
        for folder in self
            .created
            .state
            .cgroup
            .v1
            .values()
            .chain(&self.created.state.cgroup.unified)
        {
            assert!(!folder.exists(), "{} is left", folder.display());
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if matches!(self.shim.try_wait(), Ok(None)) {
            if std::thread::panicking() {
                let _ = self.shim.kill();
                let _ = self.shim.wait();
            } else {
                return self.shut_down();
            }
        }
        if let Some(init) = self.created.state.init
            && Path::new(&format!("/proc/{}", init.pid)).exists()
        {
            let _ = kill(Pid::from_raw(init.pid), Signal::SIGKILL);
        }
        let _ = terrarium_runtime::destroy(&self.created.state.cgroup);
    }
}

/// Starts a shim without waiting for it.
pub(crate) fn spawn(bundle: &Path, stdin: Stdio, owner: Option<(u32, u32)>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrarium-runtime"));
    command.args(["shim", "--bundle"]).arg(bundle).stdin(stdin);
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command.spawn().unwrap()
}

fn give(path: &Path, user: &User) {
    lchown(path, Some(user.uid), Some(user.gid)).unwrap();
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), user);
        }
    }
}

/// What lines in json-file format say of one stream.
pub(crate) fn texts(lines: &str, stream: &str) -> String {
    let objects = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_stream = objects.filter(|object| object["stream"] == stream);
    of_stream
        .map(|object| object["log"].as_str().unwrap().to_owned())
        .collect()
}

fn make_root(root: &Path) {
    for folder in ["bin", "proc", "dev", "tmp", "etc"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::copy(BUSYBOX, root.join("bin/busybox")).unwrap();
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
}
