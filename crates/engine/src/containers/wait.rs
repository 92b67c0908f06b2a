use terrarium_api::{Exit, WaitContainer};

use super::unsupported;
use crate::{Engine, Result};

/// Waits for what was asked for when it was made, even if that happens before it is polled.
#[derive(Debug)]
pub struct Waiter {
    _private: (),
}

impl Waiter {
    /// How the container ended; code 0 for one that never ran.
    ///
    /// # Errors
    /// `Internal` when the engine is being closed.
    pub async fn done(self) -> Result<Exit> {
        unsupported("wait for", "container")
    }
}

impl Engine {
    /// Registers for an end of a container: nothing that happens after the return is missed.
    ///
    /// # Errors
    /// `NoSuchContainer`.
    pub async fn wait_container(&self, request: WaitContainer) -> Result<Waiter> {
        unsupported("wait for", &request.container)
    }
}
