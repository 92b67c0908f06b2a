//! The weak set-up: what a runtime without defenses does, by shell, in a mount namespace that goes
//! away with it.

use std::process::Command;

use terrarium_tests::{Bundle, Ran, run};

/// Runs a script on the host's view with `$ROOTFS`; its mounts reach nobody else.
pub(crate) fn naively(bundle: &Bundle, script: &str) -> Ran {
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private", "sh", "-c", script]);
    command.env("ROOTFS", bundle.rootfs(""));
    run(&mut command, "").unwrap()
}
