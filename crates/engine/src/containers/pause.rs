//! Freezing and thawing.

use std::sync::Arc;

use terrarium_api::{ContainerSummary, Error, ErrorCode, Traced};
use terrarium_runtime::shim::protocol::Call;

use super::{container::Container, not_running, to_end};
use crate::{Engine, Result, Tracer, error::quoted};

impl Engine {
    /// Freezes all processes of a container.
    ///
    /// # Errors
    /// `WrongState` when it does not run or is paused; `Unsupported` without a control group.
    pub async fn pause_container(&self, name: &str) -> Result<Traced<ContainerSummary>> {
        let container = self.inner.containers.find(name)?;
        let engine = self.clone();
        to_end(async move { engine.freeze(&container, Freezer::Frozen).await }).await
    }

    /// Thaws all processes of a container.
    ///
    /// # Errors
    /// `WrongState` when it is not paused.
    pub async fn resume_container(&self, name: &str) -> Result<Traced<ContainerSummary>> {
        let container = self.inner.containers.find(name)?;
        let engine = self.clone();
        to_end(async move { engine.freeze(&container, Freezer::Thawed).await }).await
    }

    async fn freeze(
        &self,
        container: &Arc<Container>,
        wish: Freezer,
    ) -> Result<Traced<ContainerSummary>> {
        let _operation = container.operation.lock().await;
        let name = container.state().record.name.clone();
        let (verb, call) = match wish {
            Freezer::Frozen => ("pause", Call::Pause),
            Freezer::Thawed => ("unpause", Call::Resume),
        };
        let action = format!("container.{verb}");
        let mut tracer = Tracer::new(&action, &name, format!("docker {verb} {name}"));
        let (shim, paused) = {
            let state = container.state();
            let live = state.live.as_ref().ok_or_else(|| not_running(&name))?;
            (Arc::clone(&live.shim), live.paused)
        };
        if paused == (wish == Freezer::Frozen) {
            let how = if paused {
                "already paused"
            } else {
                "not paused"
            };
            return Err(Error::new(
                ErrorCode::WrongState,
                format!("container {} is {how}", quoted(&name)),
            ));
        }
        let detail = format!("cgroup freezer = {}", wish.value());
        tracer.step("freezer", detail, shim.command(call)).await?;
        if let Some(live) = container.state().live.as_mut() {
            live.paused = wish == Freezer::Frozen;
        }
        self.container_event(container, verb, &[]);
        self.container_changed(container);
        Ok(tracer.finish(container.summary()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freezer {
    Frozen,
    Thawed,
}

impl Freezer {
    fn value(self) -> &'static str {
        match self {
            Self::Frozen => "FROZEN",
            Self::Thawed => "THAWED",
        }
    }
}
