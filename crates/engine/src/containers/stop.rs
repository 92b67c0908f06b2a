use terrarium_api::{ContainerSummary, StopContainer, Traced};

use super::unsupported;
use crate::{Engine, Result};

impl Engine {
    /// Asks a container to stop and kills it when its grace is over. One that does not run is left
    /// alone: the trace then has no step.
    ///
    /// # Errors
    /// `InvalidArgument` for an unknown signal.
    pub async fn stop_container(&self, request: StopContainer) -> Result<Traced<ContainerSummary>> {
        unsupported("stop", &request.container)
    }

    /// Stops a container, if it runs, and starts it.
    ///
    /// # Errors
    /// As [`Engine::stop_container`] and [`Engine::start_container`].
    pub async fn restart_container(
        &self,
        request: StopContainer,
    ) -> Result<Traced<ContainerSummary>> {
        unsupported("restart", &request.container)
    }
}
