use terrarium_api::{ContainerSummary, CreateContainer, Traced};

use super::unsupported;
use crate::{Engine, Result};

impl Engine {
    /// Creates a container without starting it: a record and a writable layer, nothing that runs.
    ///
    /// # Errors
    /// `NoSuchImage`, `NameInUse`, or `InvalidArgument` with the field's name.
    pub async fn create_container(
        &self,
        request: CreateContainer,
    ) -> Result<Traced<ContainerSummary>> {
        unsupported("create container of", &request.image)
    }
}
