use terrarium_api::{ContainerSummary, Traced};

use super::unsupported;
use crate::{Engine, Result};

impl Engine {
    /// Freezes all processes of a container.
    ///
    /// # Errors
    /// `WrongState` when it does not run or is paused; `Unsupported` without a control group.
    pub async fn pause_container(&self, name: &str) -> Result<Traced<ContainerSummary>> {
        unsupported("pause", name)
    }

    /// Thaws all processes of a container.
    ///
    /// # Errors
    /// `WrongState` when it is not paused.
    pub async fn resume_container(&self, name: &str) -> Result<Traced<ContainerSummary>> {
        unsupported("resume", name)
    }
}
