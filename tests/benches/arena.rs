//! Where everything is measured: namespaces of this process alone, with data in memory.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};
use terrarium_tests::run;

/// Moves this process into a mount and a network namespace of its own, with `/tmp` and `/run` in
/// memory: no engine slows down the other one's disk, meets its bridge, or leaves anything on the
/// machine.
///
/// # Errors
/// When the kernel refuses. The process must not have threads yet.
pub(crate) fn enter() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).context("make namespaces")?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .context("keep mounts from the machine")?;
    for folder in ["/tmp", "/run"] {
        let options = Some("mode=1777");
        mount(
            Some("tmpfs"),
            folder,
            Some("tmpfs"),
            MsFlags::empty(),
            options,
        )
        .with_context(|| format!("mount a tmpfs on {folder}"))?;
    }
    let ran = run(Command::new("ip").args(["link", "set", "lo", "up"]), "")?;
    ensure!(ran.code == Some(0), "set up loopback: {}", ran.stderr);
    Ok(())
}
