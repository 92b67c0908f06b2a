//! The Docker Engine API over a unix socket, translated to the engine's use cases.
//!
//! Owns paths, query parameters, JSON bodies, streams and status codes as Docker's clients expect
//! them, API 1.24 to 1.50. It must never know how a use case is done: every route is a translation
//! of one or a few [`terrarium_engine::Engine`] methods, and every translation is a pure function.
//! Start from [`serve`]; the table of routes is in `server/routes.rs`.
//! Implements the Docker Engine API reference, <https://docs.docker.com/reference/api/engine/>.

#![forbid(unsafe_code)]

mod build;
mod buildkit;
mod containers;
mod error;
mod filters;
mod host;
mod images;
mod networks;
mod request;
mod server;
mod stream;
mod system;
mod time;
mod volumes;

pub use host::HostOptions;
pub use server::{Listening, ServeError, serve};
