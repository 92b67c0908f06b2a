use terrarium_api::{ContainerSummary, Traced};

use super::unsupported;
use crate::{Engine, Result};

impl Engine {
    /// Starts a container. One that runs already is left alone: the trace then has no step.
    ///
    /// # Errors
    /// `CommandNotFound`, `CommandNotExecutable` (the container then has an exit of 127 or 126),
    /// `PortInUse`, `RuntimeFailed`; everything done until then is undone.
    pub async fn start_container(&self, name: &str) -> Result<Traced<ContainerSummary>> {
        unsupported("start", name)
    }
}
