//! What serves containers also while no host runs: the name server at 127.0.0.11, and doors from IPv6.
//!
//! One process an engine, `terrarium-runtime network FOLDER`. It is given sockets that the host has bound
//! inside the containers' namespaces, so it enters none of them, and takes all it knows from the records in
//! the folder. A killed host changes nothing for it; the next one finds it by its socket.
//!
//! At 127.0.0.11 and not at the gateway, as Docker has it: it is reached on internal networks and behind
//! any firewall of the host, and stays the same when networks come and go.

mod call;
mod directory;
mod door;
mod forward;
mod host;
mod message;
mod server;

use std::net::Ipv4Addr;

pub(crate) use message::{question_for_address, read_addresses};
pub use server::serve;

/// Where a container finds its name server.
pub const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
