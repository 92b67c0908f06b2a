//! Ends what a killed shim left running.

use std::{collections::BTreeMap, fs, path::Path};

use terrarium_runtime::{CgroupPaths, destroy, kill_all, shim::protocol::ProcessId};

use crate::stats::Hierarchies;

/// Kills all processes of the container in `bundle` and removes its control groups. What cannot be
/// done is reported; the container counts as ended all the same.
pub(super) fn kill(bundle: &Path, init: Option<ProcessId>) {
    let paths = cgroups(bundle);
    if let Err(error) = kill_all(&paths) {
        tracing::debug!(bundle = %bundle.display(), %error, "no control group to kill");
    }
    // Without a control group, the end of init is the end of its pid namespace.
    if let Some(init) = init.filter(is_the_same) {
        let pid = nix::unistd::Pid::from_raw(init.pid);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
    }
    if let Err(error) = destroy(&paths) {
        tracing::warn!(bundle = %bundle.display(), %error, "control groups of a container remain");
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

/// The control groups that the spec of a bundle names.
fn cgroups(bundle: &Path) -> CgroupPaths {
    let name = bundle.file_name().unwrap_or_default();
    let relative = Path::new("terrarium").join(name);
    let machine = Hierarchies::of_this_machine().unwrap_or_default();
    let folders = machine.folders(&relative);
    let mut v1 = BTreeMap::new();
    let mut unified = None;
    for (controller, folder) in folders {
        if !folder.exists() {
            continue;
        }
        if controller.is_empty() {
            unified = Some(folder);
        } else {
            v1.insert(controller, folder);
        }
    }
    CgroupPaths {
        controllers_on_v2: v1.is_empty() && unified.is_some(),
        v1,
        unified,
        relative: Path::new("/").join(relative),
    }
}
