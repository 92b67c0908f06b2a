//! `cargo xtask vm`: the runtime's suites where this machine may differ most from others: a kernel with
//! cgroup v2 alone, systemd as PID 1, and a user who is really logged in.
//!
//! Debian 13 in QEMU without hardware virtualization, so that it runs anywhere, and too slowly for
//! continuous integration. The system is made once, below `target/vm`.

mod guest;
mod image;
mod scripts;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::{
    Consent,
    check::FEATURES,
    front_end::{build_front_end, check_node},
    machine::is_root,
    packages::{self, BUILD, VM},
    shell::{root, step},
};
use guest::Suite;
use scripts::{SCRIPTS, Script};

/// What is run in the machine.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    consent: Consent,
    /// Only these: conformance unified rootless systemd podman engine session
    suites: Vec<String>,
}

impl Options {
    fn wants(&self, suite: &str) -> bool {
        self.suites.is_empty() || self.suites.iter().any(|wanted| wanted == suite)
    }
}

/// Builds as `cargo xtask test` does, boots the machine with the suites, and fails with what failed inside.
pub(crate) fn vm(options: &Options) -> Result<()> {
    ensure!(is_root(), "making a system needs root");
    packages::ensure(&[BUILD, VM], options.consent.yes)?;
    let folder = root().join("target/vm");
    let kernel = image::system(&folder)?;
    check_node()?;
    build_front_end()?;
    step(&format!("cargo build {FEATURES} --bins")).run()?;
    let mut suites = Vec::new();
    if options.wants("conformance") {
        suites.extend(built(
            "-p terrarium-tests --features terrarium-api/typescript --test conformance",
        )?);
    }
    let of_runtime = ["unified", "rootless"].into_iter();
    for name in of_runtime.filter(|name| options.wants(name)) {
        suites.extend(built(&format!(
            "{FEATURES} --exclude terrarium-tests --test {name}"
        ))?);
    }
    let scripts: Vec<Script> = SCRIPTS
        .iter()
        .copied()
        .filter(|(name, _)| options.wants(name))
        .collect();
    ensure!(
        !suites.is_empty() || !scripts.is_empty(),
        "there is no such suite"
    );
    guest::install(&folder.join("system"), &suites, &scripts)?;
    image::pack(&folder)?;
    let log = folder.join("console.log");
    boot(&folder, &kernel, &log)?;
    let text = fs::read(&log).with_context(|| format!("read {}", log.display()))?;
    let text = String::from_utf8_lossy(&text);
    println!("{text}");
    guest::judge(&text, &suites, &scripts)
}

/// Builds tests, and gives back where their programs are.
fn built(arguments: &str) -> Result<Vec<Suite>> {
    let line = format!("cargo test {arguments} --no-run --message-format=json");
    let messages = step(&line).output()?;
    let program = |line: &str| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let path = message["executable"].as_str()?;
        let name = message["target"]["name"].as_str()?;
        (message["target"]["kind"][0] == "test").then(|| Suite {
            name: name.to_owned(),
            program: PathBuf::from(path),
        })
    };
    Ok(messages.lines().filter_map(program).collect())
}

/// Runs the machine until it turns itself off; what it changes is forgotten.
fn boot(folder: &Path, kernel: &Path, log: &Path) -> Result<()> {
    File::create(log).with_context(|| format!("make {}", log.display()))?;
    let disk = folder.join("disk.ext4");
    // A busy host is no reason for the guest to give up waiting for its disk or its journal.
    let patience = "systemd.default_timeout_start_sec=900 systemd.default_device_timeout_sec=900";
    let console =
        format!("console=ttyS0 panic=-1 quiet mitigations=off systemd.show_status=0 {patience}");
    step("timeout 3600 qemu-system-x86_64 -M q35 -accel tcg,thread=single,tb-size=512 -cpu max -smp 2 -m 2048")
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none"])
        .args(["-serial", &format!("file:{}", log.display())])
        .args(["-kernel", &kernel.display().to_string()])
        .args(["-initrd", &folder.join("initrd.gz").display().to_string()])
        .args(["-append", &console, "-device", "virtio-blk-pci,drive=disk", "-drive"])
        .args([format!("file={},if=none,id=disk,format=raw,snapshot=on,cache=unsafe", disk.display())])
        .run()
}
