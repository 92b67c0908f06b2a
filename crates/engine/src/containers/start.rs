//! Starting a container: what is decided, what is recorded, what is undone.

use std::sync::Arc;

use terrarium_api::{ActivityKind, ContainerSummary, Error, ErrorCode, Exit, Traced};

use super::{
    container::{Container, Live},
    launch::Launched,
    record::{Desired, Run},
    to_end,
};
use crate::{Engine, Result, Tracer, time::now_ms};

impl Engine {
    /// Starts a container. One that runs already is left alone: the trace then has no step.
    ///
    /// # Errors
    /// `CommandNotFound`, `CommandNotExecutable` (the container then has an exit of 127 or 126),
    /// `PortInUse`, `RuntimeFailed`; everything done until then is undone.
    pub async fn start_container(&self, name: &str) -> Result<Traced<ContainerSummary>> {
        let container = self.inner.containers.find(name)?;
        let engine = self.clone();
        to_end(async move {
            let name = container.state().record.name.clone();
            let work = engine
                .activities()
                .begin(ActivityKind::StartContainer, &name);
            work.end(engine.start_by_hand(&container, &name).await)
        })
        .await
    }

    async fn start_by_hand(
        &self,
        container: &Arc<Container>,
        name: &str,
    ) -> Result<Traced<ContainerSummary>> {
        let mut tracer = Tracer::new("container.start", name, format!("docker start {name}"));
        let started = {
            let _operation = container.operation.lock().await;
            self.start(container, &mut tracer).await
        };
        if started.is_err() && container.state().record.request.auto_remove {
            self.remove_by_itself(container).await;
        }
        started?;
        Ok(tracer.finish(container.summary()))
    }

    /// Starts a container whose operations are locked, at a user's wish.
    pub(super) async fn start(
        &self,
        container: &Arc<Container>,
        tracer: &mut Tracer,
    ) -> Result<()> {
        if container.state().live.is_some() {
            return Ok(());
        }
        {
            let mut state = container.state();
            state.record.desired = Desired::Running;
            state.record.restart_count = 0;
        }
        self.run(container, tracer).await
    }

    /// Runs a container that does not run and whose operations are locked.
    pub(super) async fn run(&self, container: &Arc<Container>, tracer: &mut Tracer) -> Result<()> {
        if container.life().borrow().removed {
            return Err(crate::error::no_such_container(container.id.as_str()));
        }
        // Waits until the run before is cleaned up.
        let running = Arc::clone(&container.running).lock_owned().await;
        match self.launch(container, tracer).await {
            Ok(launched) => {
                self.started(container, &launched, tracer);
                self.supervise(container, launched, running);
                Ok(())
            }
            Err(error) => {
                self.not_started(container, &error).await;
                Err(error)
            }
        }
    }

    fn started(&self, container: &Arc<Container>, launched: &Launched, tracer: &Tracer) {
        let run = Run {
            timeline: tracer.steps().to_vec(),
            ..launched.run.clone()
        };
        if let Some(pid) = run.pid {
            self.inner.sampler.add(container.id.as_str(), pid);
        }
        {
            let mut state = container.state();
            state.record.run = Some(run);
            state.live = Some(Live {
                shim: Arc::clone(&launched.shim),
                paused: false,
            });
        }
        container.life().send_modify(|life| life.running = true);
        self.container_event(container, "start", &[]);
        self.container_changed(container);
        self.save_soon(container);
        self.attach_late(container, &launched.shim);
    }

    /// Records a start that failed; nothing of it is left.
    async fn not_started(&self, container: &Arc<Container>, error: &Error) {
        let exit = Exit {
            code: exit_code(error),
            oom_killed: false,
            at_ms: now_ms(),
            error: Some(error.to_string()),
        };
        {
            let mut state = container.state();
            state.pending.clear();
            let run = state.record.run.get_or_insert_default();
            run.exit = Some(exit.clone());
        }
        container.life().send_modify(|life| {
            life.running = false;
            life.exit = Some(exit);
        });
        self.container_changed(container);
        if let Err(error) = self.save(container).await {
            tracing::warn!(container_id = %container.id, %error, "a failed start is not recorded");
        }
    }
}

/// The shell's words for what could not be run, which Docker uses too.
fn exit_code(error: &Error) -> i32 {
    match error.code {
        ErrorCode::CommandNotFound => 127,
        ErrorCode::CommandNotExecutable => 126,
        _ => 128,
    }
}
