//! Stopping and restarting.

use std::{sync::Arc, time::Duration};

use terrarium_api::{ActivityKind, ContainerSummary, Error, ErrorCode, StopContainer, Traced};
use terrarium_runtime::shim::protocol::{Call, Target};

use super::{container::Container, record::Desired, shim::Shim, signal, to_end};
use crate::{Engine, Result, Tracer, error::quoted};

/// How long a killed process may take to be gone: the kernel may have to write its memory out.
const AFTER_KILL: Duration = Duration::from_secs(30);

/// A stop, with the container's own settings filled in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) signal: i32,
    /// None waits without end.
    pub(super) grace: Option<Duration>,
}

impl Engine {
    /// Asks a container to stop and kills it when its grace is over. One that does not run is left
    /// alone: the trace then has no step.
    ///
    /// # Errors
    /// `InvalidArgument` for an unknown signal.
    pub async fn stop_container(&self, request: StopContainer) -> Result<Traced<ContainerSummary>> {
        let container = self.inner.containers.find(&request.container)?;
        let stop = Stop::of(&container, &request)?;
        let engine = self.clone();
        to_end(async move {
            let name = container.state().record.name.clone();
            let work = engine
                .activities()
                .begin(ActivityKind::StopContainer, &name);
            let mut tracer = Tracer::new("container.stop", &name, format!("docker stop {name}"));
            let _operation = container.operation.lock().await;
            let stopped = engine.stop(&container, stop, &mut tracer).await;
            work.end(stopped.map(|()| tracer.finish(container.summary())))
        })
        .await
    }

    /// Stops a container, if it runs, and starts it.
    ///
    /// # Errors
    /// As [`Engine::stop_container`] and [`Engine::start_container`].
    pub async fn restart_container(
        &self,
        request: StopContainer,
    ) -> Result<Traced<ContainerSummary>> {
        let container = self.inner.containers.find(&request.container)?;
        let stop = Stop::of(&container, &request)?;
        let engine = self.clone();
        to_end(async move {
            let name = container.state().record.name.clone();
            let work = engine
                .activities()
                .begin(ActivityKind::RestartContainer, &name);
            work.end(engine.restart(&container, stop, &name).await)
        })
        .await
    }

    async fn restart(
        &self,
        container: &Arc<Container>,
        stop: Stop,
        name: &str,
    ) -> Result<Traced<ContainerSummary>> {
        let mut tracer = Tracer::new("container.restart", name, format!("docker restart {name}"));
        let _operation = container.operation.lock().await;
        self.stop(container, stop, &mut tracer).await?;
        self.start(container, &mut tracer).await?;
        self.container_event(container, "restart", &[]);
        Ok(tracer.finish(container.summary()))
    }

    /// Stops a container whose operations are locked.
    pub(super) async fn stop(
        &self,
        container: &Arc<Container>,
        stop: Stop,
        tracer: &mut Tracer,
    ) -> Result<()> {
        self.wish(container, Desired::Stopped).await?;
        let Some(shim) = container.shim() else {
            // Between two starts of its policy there is nothing to stop but the policy.
            self.give_up_restarting(container);
            return Ok(());
        };
        let mut gone = container.life().subscribe();
        let runs = gone.borrow().ends;
        let mut waiting = Box::pin(gone.wait_for(|life| life.ends > runs || !life.running));
        if stop.grace != Some(Duration::ZERO) {
            let detail = format!("signal {} to the main process", stop.signal);
            let sent = shim.kill(Target::Init, stop.signal);
            // It may have ended by itself: waiting tells.
            let _ = tracer.step("pidfd_send_signal", detail, sent).await;
            self.container_event(container, "kill", &[("signal", stop.signal.to_string())]);
            self.thaw(container).await;
            let grace = within(stop.grace, &mut waiting);
            if tracer.step("wait", grace_text(stop.grace), grace).await {
                self.container_event(container, "stop", &[]);
                return Ok(());
            }
        }
        let kill = kill_all(&shim);
        tracer.step("kill", "SIGKILL to every process", kill).await;
        self.container_event(container, "kill", &[("signal", signal::KILL.to_string())]);
        let end = within(Some(AFTER_KILL), &mut waiting);
        if !tracer
            .step("wait", "until the kernel has let it go", end)
            .await
        {
            return Err(still_there(container));
        }
        self.container_event(container, "stop", &[]);
        Ok(())
    }

    /// A frozen process gets its signal when it is thawed.
    async fn thaw(&self, container: &Container) {
        let paused = container
            .state()
            .live
            .as_ref()
            .is_some_and(|live| live.paused);
        if !paused {
            return;
        }
        let Some(shim) = container.shim() else { return };
        if shim.command(Call::Resume).await.is_ok() {
            if let Some(live) = container.state().live.as_mut() {
                live.paused = false;
            }
            self.container_event(container, "unpause", &[]);
        }
    }
}

impl Stop {
    /// What `request` wishes, else what the container says, else Docker's defaults.
    pub(super) fn of(container: &Container, request: &StopContainer) -> Result<Self> {
        let state = container.state();
        let wish = request
            .signal
            .as_deref()
            .filter(|signal| !signal.is_empty());
        let own = state.record.stop_signal();
        let own_grace = Duration::from_secs(state.record.stop_timeout_s().into());
        let grace = match request.timeout_s {
            None => Some(own_grace),
            // A negative time has no end.
            Some(seconds) => u64::try_from(seconds).ok().map(Duration::from_secs),
        };
        Ok(Self {
            signal: signal::parse(wish.unwrap_or(own))?,
            grace,
        })
    }

    /// At once.
    pub(super) fn now() -> Self {
        Self {
            signal: signal::KILL,
            grace: Some(Duration::ZERO),
        }
    }
}

/// Kills every process. What cannot be killed is noticed by waiting for its end.
async fn kill_all(shim: &Shim) {
    let (target, signal, all) = (Target::Init, signal::KILL, true);
    let killed = shim.command(Call::Kill {
        target,
        signal,
        all,
    });
    let _ = killed.await;
    // Without a control group that reached nobody; the others of its pid namespace end with init.
    let _ = shim.kill(Target::Init, signal::KILL).await;
}

async fn within(limit: Option<Duration>, event: impl Future) -> bool {
    match limit {
        None => {
            event.await;
            true
        }
        Some(limit) => tokio::time::timeout(limit, event).await.is_ok(),
    }
}

fn grace_text(grace: Option<Duration>) -> String {
    match grace {
        None => "without end".to_owned(),
        Some(grace) => format!("at most {} s", grace.as_secs()),
    }
}

fn still_there(container: &Container) -> Error {
    let name = container.state().record.name.clone();
    Error::new(
        ErrorCode::RuntimeFailed,
        format!("container {} does not end", quoted(&name)),
    )
    .hint("a process of it is stuck in the kernel, usually on a file system that does not answer")
}
