use terrarium_api::ProcessList;

use super::unsupported;
use crate::{Engine, Result};

impl Engine {
    /// The processes of a running container.
    ///
    /// # Errors
    /// `WrongState` when it does not run.
    pub async fn container_processes(&self, name: &str) -> Result<ProcessList> {
        unsupported("list the processes of", name)
    }
}
