//! A busybox bundle in a temporary directory, and the built runtime run on it as root or as a user.

#![allow(dead_code, reason = "each test binary uses its own part of it")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const RUNTIME: &str = env!("CARGO_BIN_EXE_terrarium-runtime");
const BUSYBOX: &str = "/bin/busybox";
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A user that exists for one test, with ranges of subordinate ids.
pub(crate) struct TestUser {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) first_subid: u32,
}

/// A bundle with its own state root; everything is removed at the end of the test.
pub(crate) struct Bundle {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) id: String,
    pub(crate) user: Option<TestUser>,
    /// Hides the v1 hierarchies from the runtime, as on a host of pure v2.
    pub(crate) unified: bool,
}

/// Skips loudly, or fails where a skip must not happen.
fn skip(reason: &str) {
    assert!(
        std::env::var_os("REQUIRE_PRIVILEGED").is_none(),
        "cannot run: {reason}"
    );
    eprintln!("SKIPPED: {reason}");
}

impl Bundle {
    /// For a container of root's; `None` (said aloud) when this is not root or busybox is missing.
    pub(crate) fn rootful() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() || !Path::new(BUSYBOX).exists() {
            skip("needs root and a static busybox");
            return None;
        }
        let bundle = Self::new(None);
        assert!(bundle.runtime(&["spec"]).status.success());
        bundle.edit(|spec| spec["process"]["terminal"] = false.into());
        Some(bundle)
    }

    /// As [`Bundle::rootful`], on a host whose only hierarchy is the v2 one.
    pub(crate) fn unified() -> Option<Self> {
        let mut bundle = Self::rootful()?;
        bundle.unified = true;
        Some(bundle)
    }

    /// For a container of an unprivileged user with one id, or with its whole range.
    pub(crate) fn rootless() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() || !Path::new(BUSYBOX).exists() {
            skip("needs root (to make a user) and a static busybox");
            return None;
        }
        let user = TestUser::new()?;
        let bundle = Self::new(Some(user));
        assert!(bundle.runtime(&["spec", "--rootless"]).status.success());
        bundle.edit(|spec| spec["process"]["terminal"] = false.into());
        Some(bundle)
    }

    fn new(user: Option<TestUser>) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let id = format!("test-{}-{number}", std::process::id());
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let bin = directory.path().join("rootfs/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir(directory.path().join("rootfs/etc")).unwrap();
        fs::copy(BUSYBOX, bin.join("busybox")).unwrap();
        copy_runtime(directory.path());
        let applets = "sh true false cat echo ls sleep id ps hostname mount stat stty grep kill pwd \
                       env seq head tail wc touch mkdir dd date readlink test mknod unshare";
        for applet in applets.split_whitespace() {
            symlink("busybox", bin.join(applet)).unwrap();
        }
        let passwd = "root:x:0:0:root:/root:/bin/sh\n";
        fs::write(directory.path().join("rootfs/etc/passwd"), passwd).unwrap();
        let bundle = Self {
            directory,
            id,
            user,
            unified: false,
        };
        if let Some(user) = &bundle.user {
            give(bundle.directory.path(), user.uid, user.gid);
        }
        bundle
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Changes `config.json`.
    pub(crate) fn edit(&self, change: impl FnOnce(&mut Value)) {
        let path = self.path("config.json");
        let mut spec: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut spec);
        fs::write(&path, spec.to_string()).unwrap();
    }

    pub(crate) fn set_args(&self, args: &[&str]) {
        self.edit(|spec| spec["process"]["args"] = json!(args));
    }

    /// Maps the whole range of the user, as an engine would.
    pub(crate) fn map_range(&self) {
        let user = self.user.as_ref().unwrap();
        let map = |id: u32| {
            json!([{"containerID": 0, "hostID": id, "size": 1},
                   {"containerID": 1, "hostID": user.first_subid, "size": 65535}])
        };
        self.edit(|spec| {
            spec["linux"]["uidMappings"] = map(user.uid);
            spec["linux"]["gidMappings"] = map(user.gid);
        });
    }

    /// Makes `id` the owner of the root file system, as for a mapped root.
    pub(crate) fn give_rootfs_to(&self, id: u32) {
        give(&self.path("rootfs"), id, id);
    }

    /// The runtime with its state below the bundle, as the user if there is one.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = if self.unified {
            let mut unshare = Command::new("unshare");
            unshare
                .args(["-m", "sh", "-c", PURE_V2, "sh"])
                .arg(self.path("runtime"));
            unshare
        } else {
            Command::new(self.path("runtime"))
        };
        command.arg("--root").arg(self.path("state")).args(args);
        command
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        if let Some(user) = &self.user {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }

    pub(crate) fn runtime(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Succeeds and prints: its standard output.
    pub(crate) fn expect(&self, args: &[&str]) -> String {
        let output = self.runtime(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{args:?} failed: {} {stderr}",
            output.status
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a script as the container's program.
    pub(crate) fn run(&self, script: &str) -> Output {
        self.set_args(&["sh", "-c", script]);
        self.runtime(&["run", &self.id])
    }

    /// Runs a script that must exit with 0: what it printed.
    pub(crate) fn output(&self, script: &str) -> String {
        let output = self.run(script);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{script:?}: {} {stderr}",
            output.status
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a container that stays; its streams go nowhere.
    pub(crate) fn start_in_background(&self, script: &str) {
        self.set_args(&["sh", "-c", script]);
        let mut command = self.command(&["run", "-d", &self.id]);
        let status = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    }

    pub(crate) fn status(&self) -> String {
        let state: Value = serde_json::from_str(&self.expect(&["state", &self.id])).unwrap();
        state["status"].as_str().unwrap().to_owned()
    }

    pub(crate) fn wait_for_status(&self, wanted: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.status() != wanted {
            assert!(Instant::now() < deadline, "never became {wanted}");
            std::thread::yield_now();
        }
    }

    /// Directories of this container in all cgroup hierarchies.
    pub(crate) fn cgroups(&self) -> Vec<PathBuf> {
        let found = Command::new("find")
            .args(["/sys/fs/cgroup", "-type", "d", "-name", &self.id])
            .output()
            .unwrap();
        String::from_utf8(found.stdout)
            .unwrap()
            .lines()
            .map(PathBuf::from)
            .collect()
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        let _ = self.runtime(&["delete", "-f", &self.id]);
        if let Some(user) = &self.user {
            let _guard = USERS.lock();
            let _ = Command::new("userdel").arg(&user.name).output();
        }
    }
}

/// By another program: while we held it open for writing, a fork of another test would inherit that, and
/// executing it would be refused (ETXTBSY).
fn copy_runtime(directory: &Path) {
    let copied = Command::new("cp")
        .arg(RUNTIME)
        .arg(directory.join("runtime"))
        .status();
    assert!(copied.unwrap().success());
}

const PURE_V2: &str = "mount --make-rprivate / && umount -a -t cgroup,cgroup2 && \
    umount /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && exec \"$@\"";

static USERS: Mutex<()> = Mutex::new(());

impl TestUser {
    fn new() -> Option<Self> {
        let _guard = USERS.lock();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("trt{}x{number}", std::process::id());
        let made = Command::new("useradd")
            .args(["-M", "-s", "/bin/false", &name])
            .output();
        if !made.as_ref().is_ok_and(|output| output.status.success()) {
            skip("cannot make a user with `useradd`");
            return None;
        }
        let user = nix::unistd::User::from_name(&name).unwrap().unwrap();
        let ranges = fs::read_to_string("/etc/subuid").unwrap();
        let first = ranges
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}:")));
        let first = first.and_then(|range| range.split(':').next()?.parse().ok());
        Some(Self {
            name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            first_subid: first.expect("useradd gives ranges of subordinate ids"),
        })
    }
}

fn give(path: &Path, uid: u32, gid: u32) {
    lchown(path, Some(uid), Some(gid)).unwrap();
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), uid, gid);
        }
    }
}
