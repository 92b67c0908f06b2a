//! Containers: their records, their specs, and everything that is done with them.
//!
//! Every method of [`Engine`](crate::Engine) that concerns containers stands in the file of its
//! verb.

mod attach;
mod change;
mod create;
mod exec;
mod inspect;
mod kill;
mod pause;
mod processes;
mod remove;
mod start;
mod stop;
mod wait;

use terrarium_api::{Error, ErrorCode};

pub use attach::{AttachContainer, Attached, Input, Output};
pub use exec::StartExec;
pub use wait::Waiter;

fn unsupported<T>(verb: &str, name: &str) -> crate::Result<T> {
    Err(Error::new(
        ErrorCode::Unsupported,
        format!("{verb} {}: not possible yet", crate::error::quoted(name)),
    ))
}
