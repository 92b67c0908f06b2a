//! What serves containers also while no host runs: the name server at 127.0.0.11, and doors from IPv6.
//!
//! One process an engine, `terrarium-runtime network FOLDER`. It is given sockets that the host has bound
//! inside the containers' namespaces, so it enters none of them, and takes all it knows from the records in
//! the folder. A killed host changes nothing for it; the next one finds it by its socket.
//!
//! For an ordinary user it also keeps the namespace of the bridges ([`crate::realm`]), does there what hosts
//! ask for, and hands on what arrives at published ports. It stays in the machine's own network namespace,
//! where those ports and the machine's name servers are, and only its threads enter the other one.
//!
//! At 127.0.0.11 and not at the gateway, as Docker has it: it is reached on internal networks and behind
//! any firewall of the host, and stays the same when networks come and go.

mod act;
mod call;
mod datagrams;
mod directory;
mod door;
mod forward;
mod host;
mod keep;
mod message;
mod server;

use std::net::Ipv4Addr;

pub(crate) use act::{Act, Place, Realm, Reply};
pub(crate) use message::{question_for_address, read_addresses};
pub use server::{serve, serve_realm};

/// Where a container finds its name server.
pub const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
