use terrarium_api::{RemoveContainer, Traced};

use super::unsupported;
use crate::{Engine, Result};

impl Engine {
    /// Removes a container with its writable layer, its log, and, if asked, its anonymous volumes.
    ///
    /// # Errors
    /// `WrongState` when it runs and `force` is not set.
    pub async fn remove_container(&self, request: RemoveContainer) -> Result<Traced<()>> {
        unsupported("remove", &request.container)
    }
}
