//! What runs inside the machine, and what its console must say in the end.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::shell::{root, step};

/// A test program of this checkout.
#[derive(Debug, Clone)]
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) program: PathBuf,
}

/// What a logged-in user asks for, and what the container must find in its own cgroup.
const LIMITS: &[(&str, &str)] = &[
    ("memory.max", "67108864"),
    ("pids.max", "20"),
    ("cpu.max", "50000 100000"),
];
/// Stands for the session's cgroup until that is known.
const OWN: &str = "/of-the-session";
const UNIT: &str = "[Unit]\nAfter=multi-user.target systemd-user-sessions.service\n\
    [Service]\nType=oneshot\nExecStart=/suites/run\nStandardOutput=tty\nStandardError=tty\n\
    TTYPath=/dev/console\nTimeoutStartSec=infinity\n[Install]\nWantedBy=graphical.target\n";

/// Puts the suites, and what they drive, where they were built: that is where they look for it.
pub(super) fn install(system: &Path, suites: &[Suite]) -> Result<()> {
    let debug = root().join("target/debug");
    let binaries = ["terrarium-runtime", "probe"].map(|name| debug.join(name));
    let programs = suites.iter().map(|suite| &suite.program);
    for program in programs.chain(&binaries) {
        let inside = system.join(program.strip_prefix("/").unwrap_or(program));
        let parent = inside.parent().context("it lies in a folder")?;
        fs::create_dir_all(parent)?;
        fs::copy(program, &inside).with_context(|| format!("copy {}", program.display()))?;
    }
    for folder in ["tests", "crates/runtime"] {
        // Tests start in the folder of their crate.
        let folder = root().join(folder);
        fs::create_dir_all(system.join(folder.strip_prefix("/").unwrap_or(&folder)))?;
    }
    install_session(system, &binaries[0])?;
    write(system, "suites/run", &run(suites), 0o755)?;
    write(system, "etc/systemd/system/suites.service", UNIT, 0o644)?;
    step("chroot")
        .args([
            &system.display().to_string(),
            "systemctl",
            "-q",
            "enable",
            "suites",
        ])
        .run()
}

fn run(suites: &[Suite]) -> String {
    let mut script = "#!/bin/sh\nexport REQUIRE_PRIVILEGED=1 RUST_BACKTRACE=0\n\
        stat -fc 'cgroups: %T' /sys/fs/cgroup\n"
        .to_owned();
    for suite in suites {
        let (name, program) = (&suite.name, suite.program.display());
        script += &format!("cd {}\n", folder_of(name).display());
        script += &format!("{program} --test-threads=1\necho \"suite {name} ended with $?\"\n");
    }
    script += "cd /\nsystemd-run -q --wait --pipe -p PAMName=login -p User=someone -p Delegate=yes /suites/session\n\
        echo \"suite session ended with $?\"\nsystemctl poweroff --force\n";
    script
}

fn folder_of(suite: &str) -> PathBuf {
    let folder = if suite == "conformance" {
        "tests"
    } else {
        "crates/runtime"
    };
    root().join(folder)
}

/// A container of a user who is logged in, with limits that the session's cgroup lets it set.
fn install_session(system: &Path, runtime: &Path) -> Result<()> {
    let bin = system.join("suites/bundle/rootfs/bin");
    fs::create_dir_all(&bin)?;
    fs::copy("/bin/busybox", bin.join("busybox")).context("copy the static busybox")?;
    for applet in ["sh", "cat"] {
        let _ = fs::remove_file(bin.join(applet));
        symlink("busybox", bin.join(applet))?;
    }
    let shown: Vec<_> = LIMITS
        .iter()
        .map(|(file, _)| format!("/sys/fs/cgroup/{file}"))
        .collect();
    let config = config(&format!("exec cat {}", shown.join(" ")));
    write(
        system,
        "suites/bundle/config.json",
        &config.to_string(),
        0o644,
    )?;
    let expected: Vec<_> = LIMITS.iter().map(|(_, value)| *value).collect();
    // The user's own processes move to a leaf first: v2 lets a cgroup hold processes or limits.
    let script = format!(
        "#!/bin/sh\nown=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)\n\
         mkdir $own/leaf && echo $$ > $own/leaf/cgroup.procs && echo '+memory +pids +cpu' > $own/cgroup.subtree_control\n\
         cp -r /suites/bundle ~/bundle && cd ~/bundle && sed -i \"s#{OWN}#${{own#/sys/fs/cgroup}}#\" config.json\n\
         found=$({} run --bundle . one)\n\
         test \"$found\" = '{}' || {{ echo \"found: $found\"; exit 1; }}\n",
        runtime.display(),
        expected.join("\n")
    );
    write(system, "suites/session", &script, 0o755)
}

fn config(script: &str) -> Value {
    let mount = |at: &str, kind: &str| json!({"destination": at, "type": kind, "source": kind});
    let map = json!([{"containerID": 0, "hostID": 1000, "size": 1}]);
    let kinds = ["pid", "mount", "user", "network", "cgroup", "ipc", "uts"];
    json!({
        "ociVersion": "1.2.0",
        "root": {"path": "rootfs"},
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["sh", "-c", script], "env": ["PATH=/bin"], "cwd": "/"},
        "mounts": [mount("/proc", "proc"), mount("/sys", "sysfs"), mount("/sys/fs/cgroup", "cgroup")],
        "linux": {
            "cgroupsPath": format!("{OWN}/one"),
            "uidMappings": map, "gidMappings": map,
            "namespaces": kinds.map(|kind| json!({"type": kind})),
            "resources": {
                "memory": {"limit": 67_108_864}, "pids": {"limit": 20},
                "cpu": {"quota": 50_000, "period": 100_000}
            }
        }
    })
}

fn write(system: &Path, path: &str, text: &str, mode: u32) -> Result<()> {
    let path = system.join(path);
    fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    Ok(fs::set_permissions(
        &path,
        fs::Permissions::from_mode(mode),
    )?)
}

/// Fails with the names of suites that failed or never ended.
pub(super) fn judge(console: &str, suites: &[Suite]) -> Result<()> {
    let names = suites.iter().map(|suite| suite.name.as_str());
    let failed: Vec<&str> = names
        .chain(["session"])
        .filter(|name| !console.contains(&format!("suite {name} ended with 0")))
        .collect();
    ensure!(
        failed.is_empty(),
        "failed in the machine: {}",
        failed.join(", ")
    );
    Ok(())
}
