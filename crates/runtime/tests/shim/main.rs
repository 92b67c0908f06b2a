//! The shim as a host sees it: real processes in real containers of busybox.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod host;
mod sandbox;
mod user;

mod attach;
mod death;
mod exec;
mod exit;
mod init;
mod limits;
mod log;
mod rootless;
mod terminal;

/// Ends the test, loudly, where containers cannot be made; an error if `REQUIRE_PRIVILEGED` is set.
macro_rules! require_root {
    () => {
        if !crate::sandbox::may_run_containers() {
            return;
        }
    };
}
pub(crate) use require_root;
