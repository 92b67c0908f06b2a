//! gRPC over HTTP/2: calls to the other side, and answers to its calls.

mod client;
mod messages;
mod server;
mod status;

pub use client::{Call, Channel};
pub use messages::{Receiving, Sending};
pub use server::{Incoming, Outgoing, serve};
pub use status::Status;
