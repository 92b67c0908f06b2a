//! Hooks: programs that the spec runs at fixed points, with the container's state on their input.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use oci_spec::runtime::{Hook, Spec};
use serde_json::Value;

use crate::error::{Error, Result};

/// What a hook is told (OCI runtime spec, "State").
#[derive(Clone, Debug)]
pub(crate) struct HookState<'a> {
    /// Container ID.
    pub(crate) id: &'a str,
    /// Its bundle.
    pub(crate) bundle: &'a Path,
    /// Its spec, for version and annotations.
    pub(crate) spec: &'a Spec,
    /// Init, as the caller's pid namespace sees it; 0 before it is known.
    pub(crate) pid: i32,
}

impl HookState<'_> {
    /// The state as JSON text.
    pub(crate) fn with_status(&self, status: &str) -> String {
        self.state(status).to_string()
    }

    /// The state as JSON.
    pub(crate) fn state(&self, status: &str) -> Value {
        let mut state = serde_json::json!({
            "ociVersion": self.spec.version(),
            "id": self.id,
            "status": status,
            "bundle": self.bundle,
        });
        if self.pid != 0 {
            state["pid"] = self.pid.into();
        }
        if let Some(annotations) = self.spec.annotations() {
            state["annotations"] = serde_json::json!(annotations);
        }
        state
    }
}

/// Runs the hooks of one point in order; the first failure ends it.
pub(crate) fn run(point: &str, hooks: Option<&[Hook]>, state: &str) -> Result<()> {
    hooks
        .unwrap_or_default()
        .iter()
        .try_for_each(|hook| run_one(point, hook, state))
}

/// Runs the hooks of one point in order, all of them; what failed is given back.
pub(crate) fn run_all(point: &str, hooks: Option<&[Hook]>, state: &str) -> Vec<Error> {
    let hooks = hooks.unwrap_or_default().iter();
    hooks
        .filter_map(|hook| run_one(point, hook, state).err())
        .collect()
}

fn run_one(point: &str, hook: &Hook, state: &str) -> Result<()> {
    let failed = |reason: String| Error::Hook {
        point: point.to_owned(),
        path: hook.path().display().to_string(),
        reason,
    };
    let mut command = Command::new(hook.path());
    if let Some((name, args)) = hook.args().as_ref().and_then(|args| args.split_first()) {
        std::os::unix::process::CommandExt::arg0(&mut command, name);
        command.args(args);
    }
    command.env_clear();
    command.envs(
        hook.env()
            .iter()
            .flatten()
            .filter_map(|entry| entry.split_once('=')),
    );
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        // A hook that does not read its input is no failure.
        let _ = input.write_all(state.as_bytes());
    }
    let limit = hook
        .timeout()
        .and_then(|seconds| u64::try_from(seconds).ok());
    let deadline = limit.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    loop {
        let status = match deadline {
            None => Some(child.wait()),
            Some(_) => child.try_wait().transpose(),
        };
        match status {
            Some(Ok(status)) if status.success() => return Ok(()),
            Some(Ok(status)) => return Err(failed(status.to_string())),
            Some(Err(error)) => return Err(failed(error.to_string())),
            None if deadline.is_some_and(|deadline| Instant::now() > deadline) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed("ran out of time".to_owned()));
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
}
