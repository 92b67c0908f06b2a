//! BuildKit's protocols: gRPC on a connection that HTTP gave away, and what clients offer on it.
//!
//! Owns the wire: messages, calls in both directions, sessions, the transfer of files, secrets, sign-ins and agents. It must
//! never know what a build is. Start from [`Session`], which is a client that answers calls, or from [`grpc::serve`].
//! Implements the gRPC protocol over HTTP/2 and, of BuildKit's `moby.filesync.v1`, `moby.buildkit.secrets.v1`,
//! `moby.sshforward.v1`, `moby.buildkit.v1` and `moby.buildkit.v1.frontend`, what its clients use.
//! What a client sends is taken for hostile: sizes are bounded, and names are checked before they are used.

#![forbid(unsafe_code)]

mod agent;
pub mod context;
mod error;
pub mod grpc;
pub mod messages;
mod session;

pub use agent::Agents;
pub use error::Error;
pub use session::{Session, Sessions};

/// What a call gives.
pub type Result<T> = std::result::Result<T, Error>;
