//! Waiting for the end of a container.

use terrarium_api::{Error, ErrorCode, Exit, WaitCondition, WaitContainer};
use tokio::sync::watch;

use super::container::Life;
use crate::{Engine, Result};

/// Waits for what was asked for when it was made, even if that happens before it is polled.
#[derive(Debug)]
pub struct Waiter {
    life: watch::Receiver<Life>,
    condition: WaitCondition,
    /// Ends that had happened before.
    ends: u64,
}

impl Waiter {
    /// How the container ended; code 0 for one that never ran.
    ///
    /// # Errors
    /// `Internal` when the engine is being closed.
    pub async fn done(mut self) -> Result<Exit> {
        let (condition, ends) = (self.condition, self.ends);
        let met = |life: &Life| match condition {
            // One that its policy starts again has ended all the same.
            WaitCondition::NotRunning => !life.running || life.ends > ends || life.removed,
            WaitCondition::NextExit => life.ends > ends || life.removed,
            WaitCondition::Removed => life.removed,
        };
        match self.life.wait_for(met).await {
            Ok(life) => Ok(life.exit.clone().unwrap_or_else(never_ran)),
            Err(_) => Err(Error::new(
                ErrorCode::Internal,
                "the engine is being closed",
            )),
        }
    }
}

impl Engine {
    /// Registers for an end of a container: nothing that happens after the return is missed.
    ///
    /// # Errors
    /// `NoSuchContainer`.
    pub async fn wait_container(&self, request: WaitContainer) -> Result<Waiter> {
        let container = self.inner.containers.find(&request.container)?;
        let life = container.life().subscribe();
        let ends = life.borrow().ends;
        Ok(Waiter {
            life,
            condition: request.condition,
            ends,
        })
    }
}

fn never_ran() -> Exit {
    Exit {
        code: 0,
        oom_killed: false,
        at_ms: 0,
        error: None,
    }
}
