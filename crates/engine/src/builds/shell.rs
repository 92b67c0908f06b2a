//! A shell where a command of a build failed.
//!
//! What the command stood on is kept while the host runs: its layers under a lease, its mounts, its variables. The
//! files that it changed before it failed are gone, so that what is tried is what the next build would do.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use terrarium_api::{Error, ErrorCode, OpenStepShell, TerminalEvent};
use terrarium_builder::{Layer, Process, ProcessMount};
use terrarium_dockerfile::Sharing;
use terrarium_store::Lease;
use tokio::sync::mpsc;

use super::{Options, executor::Worker, look, mounts::Mounted, process};
use crate::{
    AttachContainer, Engine, Result,
    error::quoted,
    terminal::{SHELLS, Target},
};

/// More would keep too many files of builds.
const KEPT: usize = 4;

/// Where the latest builds failed, newest last and one for each project.
#[derive(Debug, Default)]
pub(crate) struct FailedSteps(Mutex<VecDeque<FailedStep>>);

#[derive(Debug, Clone)]
struct FailedStep {
    build: String,
    project: String,
    on: Vec<Layer>,
    process: Process,
    options: Options,
    /// Keeps the layers.
    lease: Arc<Lease>,
}

impl FailedSteps {
    fn keep(&self, step: FailedStep) {
        let mut steps = self.lock();
        steps.retain(|other| other.project != step.project);
        steps.push_back(step);
        while steps.len() > KEPT {
            steps.pop_front();
        }
    }

    fn find(&self, build: &str) -> Result<FailedStep> {
        let found = self.lock().iter().find(|step| step.build == build).cloned();
        found.ok_or_else(|| {
            let message = format!("no failed command is kept of build {}", quoted(build));
            Error::new(ErrorCode::NoSuchBuild, message)
                .hint("build it again: the last failure of a project is kept while the engine runs")
        })
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<FailedStep>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    /// Notes where a command failed.
    pub(super) fn keep_failed(&self, on: &[Layer], mut process: Process) {
        let Some(recorder) = &self.recorder else {
            return;
        };
        // Only builds of projects are looked at in a window.
        let Some(project) = recorder.summary().project else {
            return;
        };
        // A shell may stay open for hours: it must not keep others from their caches.
        for mount in &mut process.mounts {
            if let ProcessMount::Cache { sharing, .. } = mount {
                *sharing = Sharing::Shared;
            }
        }
        self.engine.inner.failed_steps.keep(FailedStep {
            build: recorder.id.clone(),
            project,
            on: on.to_vec(),
            process,
            options: self.options.clone(),
            lease: Arc::clone(&self.lease),
        });
    }
}

impl Engine {
    /// Opens a shell on what a failed command stood on, with its mounts and variables. The container goes with it.
    ///
    /// # Errors
    /// `NoSuchBuild` where no failure of the build is kept, `CommandNotFound` for layers without a shell.
    pub async fn open_step_shell(
        &self,
        request: OpenStepShell,
    ) -> Result<mpsc::Receiver<TerminalEvent>> {
        let step = self.inner.failed_steps.find(&request.build)?;
        let shell = self.shell_on(&step.on).await?;
        let worker = Worker {
            engine: self.clone(),
            options: step.options,
            events: mpsc::channel(1).0,
            lease: step.lease,
            imports: Vec::new(),
            taken: Default::default(),
            recorder: None,
        };
        let mounted: Mounted = worker.mount(step.process.mounts.clone()).await?;
        let mut asked = worker.request(step.process);
        asked.command = Some(vec![shell.clone()]);
        asked.mounts.clone_from(&mounted.mounts);
        (asked.terminal, asked.open_stdin) = (true, true);
        asked.console_size = Some((request.rows, request.cols));
        if !asked.env.iter().any(|entry| entry.starts_with("TERM=")) {
            asked.env.push("TERM=xterm-256color".to_owned());
        }
        let mut container = process::Temporary::named(self)?;
        asked.name = Some(container.id.clone());
        let created = self.create_of(asked, process::image(&step.on)).await?;
        container.id.clone_from(&created.value.id);
        // Attached before it starts: the prompt comes first of all.
        let attached = self.attach_container(AttachContainer {
            container: container.id.clone(),
            stdin: true,
            stdout: true,
            stderr: true,
        });
        let attached = attached.await?;
        self.start_container(&container.id).await?;
        let target = Target::Main {
            container: container.id.clone(),
        };
        let kept = (container, mounted, worker);
        Ok(self.serve_terminal(target, vec![shell], attached, kept))
    }

    /// The best shell that some layers have.
    async fn shell_on(&self, on: &[Layer]) -> Result<String> {
        let top = on.last().map(|layer| &layer.chain);
        for shell in SHELLS {
            let found = look::find(self, top, shell).await?;
            if found.exists && !found.is_folder {
                return Ok(shell.to_owned());
            }
        }
        let message = "the layers below the failed command have no shell";
        Err(Error::new(ErrorCode::CommandNotFound, message).hint(
            "build the step on an image with a shell, and copy its result into the small one",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};
    use terrarium_store::{Config, Ids, Name, Store};

    #[test]
    fn the_last_failure_of_a_project_is_kept_and_only_a_few_in_all() {
        let root = tempfile::tempdir().unwrap();
        let config = Config {
            data_root: root.path().to_owned(),
            worker: root.path().join("none"),
            ids: Ids::Host,
        };
        let store = Store::open(&config, SystemTime::now()).unwrap();
        let lease = |build: &str| {
            let name = Name::new(build).unwrap();
            let lease = store
                .leases()
                .create(name, SystemTime::now(), Duration::from_secs(9));
            Arc::new(lease.unwrap())
        };
        let steps = FailedSteps::default();
        for (build, project) in [
            ("a1", "a"),
            ("b1", "b"),
            ("a2", "a"),
            ("c1", "c"),
            ("d1", "d"),
            ("e1", "e"),
        ] {
            steps.keep(FailedStep {
                build: build.to_owned(),
                project: project.to_owned(),
                on: Vec::new(),
                process: Process::default(),
                options: Options::default(),
                lease: lease(build),
            });
        }
        let kept = |build: &str| steps.find(build).is_ok();
        assert_eq!(
            ["a1", "b1", "a2", "c1", "d1", "e1"].map(kept),
            [false, false, true, true, true, true]
        );
    }
}
