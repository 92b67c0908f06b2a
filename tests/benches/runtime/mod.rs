//! OCI runtimes on one bundle, with no engine between: ours beside its peers, and beside the floor.

mod bundle;
mod program;
mod soak;
mod took;
mod works;

use anyhow::{Context as _, Result, anyhow};
use nix::{
    mount::{MntFlags, umount2},
    sched::{CloneFlags, unshare},
};

use crate::measure::Row;
use bundle::Bundle;

/// `run` of `true`, with namespaces, cgroups, masked paths, capabilities and seccomp as Docker has
/// them by default.
pub(crate) fn run() -> Result<Vec<Row>> {
    with_bundle(works::run)
}

/// `exec` of `true` in a container that sleeps.
pub(crate) fn exec() -> Result<Vec<Row>> {
    with_bundle(works::exec)
}

/// A hundred lives, eight at a time.
pub(crate) fn crowd() -> Result<Vec<Row>> {
    with_bundle(works::crowd)
}

/// Ten thousand lives in a row, and a hundred crowds: minutes.
pub(crate) fn soak() -> Result<Vec<Row>> {
    with_bundle(soak::measure)
}

/// Works in a thread that does not see the v2 tree of a hybrid machine: crun refuses controllers in
/// both versions. Programs and threads that it starts inherit its mount namespace.
fn with_bundle(work: fn(&Bundle) -> Result<Vec<Row>>) -> Result<Vec<Row>> {
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNS).context("make a mount namespace")?;
            // It is there on hybrid machines only.
            let _ = umount2("/sys/fs/cgroup/unified", MntFlags::MNT_DETACH);
            work(&Bundle::make()?)
        });
        worker.join().map_err(|_| anyhow!("the thread panicked"))?
    })
}
