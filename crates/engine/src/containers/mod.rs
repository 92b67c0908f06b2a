//! Containers: their records, their specs, and everything that is done with them.
//!
//! Every method of [`Engine`](crate::Engine) that concerns containers stands in the file of its
//! verb. What a container is stands in `record` (on disk) and `container` (in memory); what it becomes
//! for the runtime, in `spec`.

mod attach;
mod bundle;
mod change;
mod clashes;
mod clean_up;
mod command_line;
mod committed;
mod container;
mod copy;
mod create;
mod events;
mod exec;
mod export;
mod health;
mod id;
mod inspect;
mod isolation;
mod kill;
mod launch;
mod layered;
mod leftovers;
mod names;
mod network;
mod networks;
mod pause;
mod ports;
mod prepare;
mod probe;
mod processes;
mod reconcile;
mod record;
mod records;
mod remove;
mod restart;
mod save;
mod shim;
mod signal;
mod snapshot;
mod spec;
mod start;
mod stop;
mod supervise;
mod table;
mod user;
mod validate;
mod wait;

use terrarium_api::{Error, ErrorCode};

pub use attach::{AttachContainer, Attached, Input, Output};
pub use copy::{PutFiles, Whose};
pub use exec::StartExec;
pub use wait::Waiter;

pub(crate) use committed::Committed;
pub(crate) use container::Life;
pub(crate) use exec::Execs;
pub(crate) use layered::Layers;
pub(crate) use network::failed as network_failed;
pub(crate) use prepare::databases;
pub(crate) use records::Records;
pub(crate) use table::Table;
pub(crate) use user::Databases;

use crate::{Result, error::quoted};

/// Runs `work` to its end even if nobody waits for it any more: a client that hangs up must not leave
/// a container half-way.
async fn to_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::new(
                ErrorCode::Internal,
                "the engine is being closed",
            )),
        },
    }
}

fn not_running(name: &str) -> Error {
    Error::new(
        ErrorCode::WrongState,
        format!("container {} is not running", quoted(name)),
    )
}
