use terrarium_api::{ContainerSummary, RenameContainer, Traced, UpdateContainer};

use super::unsupported;
use crate::{Engine, Result};

impl Engine {
    /// Gives a container another name.
    ///
    /// # Errors
    /// `NameInUse`, or `InvalidArgument` for a name that is not one.
    pub async fn rename_container(
        &self,
        request: RenameContainer,
    ) -> Result<Traced<ContainerSummary>> {
        unsupported("rename", &request.container)
    }

    /// Changes the limits of a container, running or not, and its restart policy.
    ///
    /// # Errors
    /// `InvalidArgument` for limits that contradict each other.
    pub async fn update_container(
        &self,
        request: UpdateContainer,
    ) -> Result<Traced<ContainerSummary>> {
        unsupported("update", &request.container)
    }
}
