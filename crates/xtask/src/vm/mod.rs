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

use crate::{
    Consent,
    check::FEATURES,
    front_end::{build_front_end, check_node},
    machine::is_root,
    packages::{self, BUILD, VM},
    shell::{root, step},
};
use guest::Suite;

/// Builds as `cargo xtask test` does, boots the machine with the suites, and fails with what failed inside.
pub(crate) fn vm(consent: Consent) -> Result<()> {
    ensure!(is_root(), "making a system needs root");
    packages::ensure(&[BUILD, VM], consent.yes)?;
    let folder = root().join("target/vm");
    let kernel = image::system(&folder)?;
    check_node()?;
    build_front_end()?;
    step(&format!("cargo build {FEATURES} --bins")).run()?;
    let suites = [
        "-p terrarium-tests --features terrarium-api/typescript --test conformance".to_owned(),
        format!("{FEATURES} --exclude terrarium-tests --test unified --test rootless"),
    ];
    let suites = suites.iter().map(|arguments| built(arguments));
    let suites: Vec<Suite> = suites.collect::<Result<Vec<_>>>()?.concat();
    guest::install(&folder.join("system"), &suites)?;
    image::pack(&folder)?;
    let log = folder.join("console.log");
    boot(&folder, &kernel, &log)?;
    let text = fs::read(&log).with_context(|| format!("read {}", log.display()))?;
    let text = String::from_utf8_lossy(&text);
    println!("{text}");
    guest::judge(&text, &suites)
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
