use terrarium_api::{ContainerSummary, KillContainer, Traced};

use super::unsupported;
use crate::{Engine, Result};

impl Engine {
    /// Sends a signal to a container's main process.
    ///
    /// # Errors
    /// `WrongState` when it does not run, `InvalidArgument` for an unknown signal.
    pub async fn kill_container(&self, request: KillContainer) -> Result<Traced<ContainerSummary>> {
        unsupported("kill", &request.container)
    }
}
