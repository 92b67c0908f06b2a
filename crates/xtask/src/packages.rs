//! The Debian packages that a purpose needs, and their installation.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Result, bail};

use crate::{
    machine::{has_apt, is_root},
    shell::{is_installed, step},
};

/// A package and what it is for.
type Package = (&'static str, &'static str);

/// To build the engine and the window.
pub(crate) const BUILD: &[Package] = &[
    ("build-essential", "compiler and linker"),
    ("pkg-config", "finds libraries"),
    ("libwebkit2gtk-4.1-dev", "the web view of the window"),
];

/// To run containers.
pub(crate) const RUN: &[Package] = &[
    ("uidmap", "several users in a container without root"),
    ("nftables", "published ports and outgoing traffic"),
    ("passt", "a network for containers without root"),
    (
        "busybox-static",
        "the starter image, made without a network",
    ),
    ("fonts-noto-cjk", "Korean text in the terminal"),
];

/// To prove it.
pub(crate) const TEST: &[Package] = &[
    ("webkit2gtk-driver", "drives the window"),
    ("xvfb", "a display for it"),
    ("imagemagick", "pictures of the display"),
    ("docker-registry", "a real registry"),
    ("apache2-utils", "passwords for it"),
    ("openssl", "certificates for it"),
    ("curl", "calls that the docker client does not make"),
    ("skopeo", "a peer that reads and writes images"),
    ("umoci", "another one"),
    ("debootstrap", "a real Debian root file system"),
    ("iproute2", "networks of the tests"),
    ("strace", "faults of the tests"),
    ("libcap2-bin", "file capabilities of the tests"),
    ("podman", "an engine that can use our runtime"),
    ("docker.io", "another one"),
    ("bzip2", "archives of the tests"),
    ("xz-utils", "other ones"),
    ("git", "repositories of the tests"),
    ("openssh-client", "keys that a build may use and not see"),
];

/// To measure, and to measure against.
pub(crate) const PEERS: &[Package] = &[
    ("xdotool", "hides the window"),
    ("iperf3", "fills a published port"),
    ("docker.io", "the engine that most people have"),
    ("runc", "its OCI runtime"),
    ("crun", "the fastest OCI runtime"),
    ("podman", "the engine without a daemon"),
    ("buildah", "a builder of images"),
    ("bubblewrap", "what isolation costs without the rest"),
];

/// To make and boot a virtual machine.
pub(crate) const VM: &[Package] = &[
    ("qemu-system-x86", "the machine"),
    ("seabios", "its firmware"),
    ("debootstrap", "its Debian"),
    ("e2fsprogs", "its disk"),
    ("xz-utils", "its kernel's modules"),
    ("busybox-static", "what containers run in it"),
];

/// The client that the suites speak through, unless one is there from wherever.
pub(crate) fn docker_client() -> Vec<Package> {
    if is_installed("docker") {
        return Vec::new();
    }
    // Debian 13 has the client alone; before, and in Ubuntu, it comes with the daemon.
    let name = if is_known("docker-cli") {
        "docker-cli"
    } else {
        "docker.io"
    };
    vec![(name, "the real docker client, against our socket")]
}

/// Compose, where the distribution still has the version that speaks to the socket by itself; its suite
/// skips where not.
pub(crate) fn compose() -> Vec<Package> {
    if is_installed("docker-compose") || !is_known("docker-compose") {
        return Vec::new();
    }
    vec![(
        "docker-compose",
        "brings up several containers through our socket",
    )]
}

fn is_known(name: &str) -> bool {
    step("apt-cache show --no-all-versions")
        .args([name])
        .output()
        .is_ok()
}

/// Installs what is missing, after asking unless `yes`.
pub(crate) fn ensure(wanted: &[&[Package]], yes: bool) -> Result<()> {
    let wanted = wanted.iter().copied().flatten();
    let missing: Vec<Package> = wanted
        .filter(|(name, _)| !has_package(name))
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("These packages are missing:");
    for (name, purpose) in &missing {
        println!("  {name:<24} {purpose}");
    }
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    let line = format!(
        "apt-get install -y --no-install-recommends {}",
        names.join(" ")
    );
    if !has_apt() {
        bail!(
            "this machine has no apt-get: install the counterparts of these packages, then try again"
        );
    }
    if !yes && !agrees(&line)? {
        bail!("nothing was installed; do it with: sudo {line}");
    }
    as_root("apt-get update -q")?;
    as_root(&line)
}

/// Runs a line as root, through sudo if need be.
pub(crate) fn as_root(line: &str) -> Result<()> {
    let wait_for_lock = line.replacen("apt-get ", "apt-get -o DPkg::Lock::Timeout=400 ", 1);
    let line = if is_root() {
        wait_for_lock
    } else {
        format!("sudo {wait_for_lock}")
    };
    if !is_root() && !is_installed("sudo") {
        bail!("this needs root, and there is no sudo; run as root: {line}");
    }
    step(&line).env("DEBIAN_FRONTEND", "noninteractive").run()
}

/// Asks on the terminal; without one the answer is no.
pub(crate) fn agrees(line: &str) -> Result<bool> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    print!("Run `{line}` now? [Y/n] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_lowercase().as_str(),
        "" | "y" | "yes"
    ))
}

fn has_package(name: &str) -> bool {
    let status = step("dpkg-query -W -f ${db:Status-Status}")
        .args([name])
        .output();
    status.is_ok_and(|status| status.trim() == "installed")
}
