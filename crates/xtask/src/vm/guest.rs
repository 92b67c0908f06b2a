//! What runs inside the machine, and what its console must say in the end.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use super::scripts::{self, Script};
use crate::shell::{root, step};

/// A test program of this checkout.
#[derive(Debug, Clone)]
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) program: PathBuf,
}

const UNIT: &str = "[Unit]\nWants=user@1000.service\nAfter=multi-user.target systemd-user-sessions.service user@1000.service\n\
    [Service]\nType=oneshot\nExecStart=/suites/run\nStandardOutput=tty\nStandardError=tty\n\
    TTYPath=/dev/console\nTimeoutStartSec=infinity\n[Install]\nWantedBy=graphical.target\n";

/// Puts the suites, and what they drive, where they were built: that is where they look for it.
pub(super) fn install(system: &Path, suites: &[Suite], scripts: &[Script]) -> Result<()> {
    let debug = root().join("target/debug");
    let binaries = ["terrarium-runtime", "terrariumd", "probe"].map(|name| debug.join(name));
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
    scripts::install(system, [&binaries[0], &binaries[1]])?;
    write(system, "suites/run", &run(suites, scripts), 0o755)?;
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

fn run(suites: &[Suite], scripts: &[Script]) -> String {
    let mut script = "#!/bin/sh\nexport REQUIRE_PRIVILEGED=1 RUST_BACKTRACE=0\n\
        stat -fc 'cgroups: %T' /sys/fs/cgroup\n"
        .to_owned();
    for suite in suites {
        let (name, program) = (&suite.name, suite.program.display());
        script += &format!("cd {}\n", folder_of(name).display());
        script += &timed(name, &format!("{program} --test-threads=1"));
    }
    script += "cd /\n";
    for (name, line) in scripts {
        script += &timed(name, line);
    }
    script += "systemctl poweroff --force\n";
    script
}

/// Runs a line, and says how it ended and after how long.
fn timed(name: &str, line: &str) -> String {
    format!(
        "begun=$(date +%s)\n{line}\n\
         echo \"suite {name} ended with $? after $(($(date +%s) - begun)) s\"\n"
    )
}

fn folder_of(suite: &str) -> PathBuf {
    let folder = if suite == "conformance" {
        "tests"
    } else {
        "crates/runtime"
    };
    root().join(folder)
}

pub(super) fn write(system: &Path, path: &str, text: &str, mode: u32) -> Result<()> {
    let path = system.join(path);
    fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    Ok(fs::set_permissions(
        &path,
        fs::Permissions::from_mode(mode),
    )?)
}

/// Says how each suite ended, and fails with the names of those that failed or never ended.
pub(super) fn judge(console: &str, suites: &[Suite], scripts: &[Script]) -> Result<()> {
    let ends = console.lines().filter(|line| line.starts_with("suite "));
    ends.for_each(|line| println!("{line}"));
    let names = suites.iter().map(|suite| suite.name.as_str());
    let scripts = scripts.iter().map(|(name, _)| *name);
    let failed: Vec<&str> = names
        .chain(scripts)
        .filter(|name| !console.contains(&format!("suite {name} ended with 0")))
        .collect();
    ensure!(
        failed.is_empty(),
        "failed in the machine: {}",
        failed.join(", ")
    );
    Ok(())
}
