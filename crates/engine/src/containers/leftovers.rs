//! Ends what a killed shim left running.

use std::fs;

use terrarium_runtime::{
    destroy, kill_all,
    shim::protocol::{ProcessId, ShimState},
};

/// Kills all processes that a shim knew of and removes its container's control groups. What cannot
/// be done is reported; the container counts as ended all the same.
pub(super) fn kill(state: &ShimState) {
    if let Err(error) = kill_all(&state.cgroup) {
        tracing::debug!(container_id = state.id, %error, "no control group to kill");
    }
    // Without a control group, the end of init is the end of its pid namespace.
    if let Some(init) = state.init.filter(is_the_same) {
        let pid = nix::unistd::Pid::from_raw(init.pid);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
    }
    if let Err(error) = destroy(&state.cgroup) {
        tracing::warn!(container_id = state.id, %error, "control groups of a container remain");
    }
}

/// Whether the process with this number is still the one that the shim meant.
fn is_the_same(process: &ProcessId) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap_or_default();
    // The name may contain anything; the start is the twentieth field after it.
    let start = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.split(' ').nth(19));
    start.and_then(|ticks| ticks.parse().ok()) == Some(process.start_ticks)
}
