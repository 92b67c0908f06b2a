//! From a Dockerfile to the layers and the config of an image.
//!
//! Owns: which stages a target needs and in which order they are carried out, what each instruction does to the config,
//! which files `COPY` and `ADD` take and where they go, and by what a step is recognized in the cache. Must never know:
//! the store, containers, networks, clients: what acts on the machine is asked of an [`Executor`].
//! Start at [`build`]. Implements: Docker's Dockerfile reference, image-spec 1.1 for what comes out.
#![forbid(unsafe_code)]

mod build;
mod cached;
mod change;
mod content;
mod copy;
mod error;
mod executor;
mod fetch;
mod files;
mod instructions;
mod key;
mod named;
mod order;
mod pack;
mod permissions;
mod run;
mod stage;
mod stages;
mod state;
mod unpack;
mod walk;

pub use build::{Outcome, Report, Request, build};
pub use change::{BadChange, change};
pub use content::Content;
pub use error::{Failure, Fault, Place};
pub use executor::{Base, BoxError, Executor, Fetched, Found, Layer, Process, ProcessMount};
pub use files::{Entry, Files, Kind, clean};
pub use key::{Key, Mark, Recipe};
pub use named::NamedContext;
pub use unpack::compression;
