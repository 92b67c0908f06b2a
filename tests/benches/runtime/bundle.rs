//! The bundle that all runtimes run: what Docker gives a container by default, filter included.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// The calls that Docker's default profile allows; our own runtime is built from the same list.
const ALLOWED: &str = include_str!("../../../crates/runtime/src/seccomp/default_allow.txt");
const FOLDERS: &[&str] = &["bin", "dev", "etc", "proc", "sys", "tmp"];
const APPLETS: &[&str] = &["true", "sleep", "sh"];

/// A folder with a `config.json` and a root file system.
#[derive(Debug)]
pub(super) struct Bundle {
    folder: PathBuf,
}

impl Bundle {
    /// Makes it in `/tmp`, for `true`.
    pub(super) fn make() -> Result<Self> {
        let bundle = Self {
            folder: "/tmp/bundle".into(),
        };
        // Of the benchmark before.
        let _ = fs::remove_dir_all(&bundle.folder);
        for name in FOLDERS {
            fs::create_dir_all(bundle.path("rootfs").join(name))?;
        }
        let bin = bundle.path("rootfs/bin");
        fs::copy("/bin/busybox", bin.join("busybox")).context("copy the static busybox")?;
        for applet in APPLETS {
            symlink("busybox", bin.join(applet))?;
        }
        for name in ["upper", "work"] {
            fs::create_dir(bundle.path(name))?;
        }
        bundle.write(&["true"])?;
        Ok(bundle)
    }

    /// Something in its folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes it run something else.
    pub(super) fn write(&self, arguments: &[&str]) -> Result<()> {
        let text = spec(arguments).to_string();
        Ok(fs::write(self.path("config.json"), text)?)
    }

    /// What is left in the state folders and cgroups of runtimes.
    pub(super) fn left(&self) -> Vec<PathBuf> {
        let roots = names(&self.path("states")).into_iter();
        let states = roots.flat_map(|root| names(&root));
        let hierarchies = names(Path::new("/sys/fs/cgroup")).into_iter();
        let cgroups = hierarchies.flat_map(|path| names(&path.join("terrarium")));
        let begins = |path: &PathBuf, prefix: &str| {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            name.starts_with(prefix.as_bytes())
        };
        // Dot files are caches.
        let states = states.filter(|path| !begins(path, "."));
        let is_ours = |path: &PathBuf| ["crowd-", "soak"].iter().any(|prefix| begins(path, prefix));
        states.chain(cgroups.filter(is_ours)).collect()
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn spec(arguments: &[&str]) -> Value {
    let capabilities = json!([
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_FSETID",
        "CAP_FOWNER",
        "CAP_MKNOD",
        "CAP_NET_RAW",
        "CAP_SETGID",
        "CAP_SETUID",
        "CAP_SETFCAP",
        "CAP_SETPCAP",
        "CAP_NET_BIND_SERVICE",
        "CAP_SYS_CHROOT",
        "CAP_KILL",
        "CAP_AUDIT_WRITE"
    ]);
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": arguments,
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities
            },
            "noNewPrivileges": false,
        },
        "root": {"path": "rootfs"},
        "hostname": "bench",
        "mounts": mounts(),
        "linux": {
            // No `cgroupsPath`: each runtime names the cgroup after the container.
            "resources": {"devices": [{"allow": false, "access": "rwm"}]},
            "namespaces": [
                {"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                {"type": "mount"},
            ],
            "maskedPaths": [
                "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
                "/sys/firmware",
            ],
            "readonlyPaths": [
                "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
            ],
            "seccomp": seccomp(),
        },
    })
}

fn mounts() -> Value {
    let mount = |at: &str, kind: &str, options: &[&str]| json!({"destination": at, "type": kind, "source": kind, "options": options});
    let hidden = ["nosuid", "noexec", "nodev"];
    json!([
        mount("/proc", "proc", &hidden),
        mount(
            "/dev",
            "tmpfs",
            &["nosuid", "strictatime", "mode=755", "size=65536k"]
        ),
        mount(
            "/dev/pts",
            "devpts",
            &[
                "nosuid",
                "noexec",
                "newinstance",
                "ptmxmode=0666",
                "mode=0620",
                "gid=5"
            ]
        ),
        mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
        mount(
            "/sys/fs/cgroup",
            "cgroup",
            &["ro", "nosuid", "noexec", "nodev"]
        ),
        mount("/dev/mqueue", "mqueue", &hidden),
        mount(
            "/dev/shm",
            "tmpfs",
            &["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"]
        ),
    ])
}

fn seccomp() -> Value {
    let lines = ALLOWED.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let allow = |names: Value, args: Value| json!({"names": names, "action": "SCMP_ACT_ALLOW", "args": args});
    let when = |op: &str, value: u64| json!([{"index": 0, "value": value, "op": op}]);
    let mut rules = vec![
        allow(json!(names), json!([])),
        allow(json!(["arch_prctl", "modify_ldt", "chroot"]), json!([])),
        allow(
            json!(["clone"]),
            json!([{"index": 0, "value": 0x7e02_0000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]),
        ),
        json!({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}),
        allow(json!(["socket"]), when("SCMP_CMP_LT", 38)),
        allow(json!(["socket"]), when("SCMP_CMP_EQ", 39)),
        allow(json!(["socket"]), when("SCMP_CMP_GT", 40)),
    ];
    for persona in [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff] {
        rules.push(allow(json!(["personality"]), when("SCMP_CMP_EQ", persona)));
    }
    json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": rules,
    })
}
