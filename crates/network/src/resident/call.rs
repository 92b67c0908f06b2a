//! What a host asks of the process, one message each; sockets come along as descriptors.

use std::net::SocketAddrV4;

use serde::{Deserialize, Serialize};

/// The longest message.
pub(super) const BYTES: usize = 64 * 1024;

/// A request; each is answered by one byte, [`YES`] or [`NO`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Call {
    /// Answer names on the datagram socket that comes along.
    Datagrams { container: String },
    /// Answer names on the listening socket that comes along.
    Streams { container: String },
    /// Hand on what arrives at the listening socket that comes along.
    Door { container: String, to: SocketAddrV4 },
    /// Does it answer names for this container?
    Serves { container: String },
    /// Close all sockets of a container.
    Forget { container: String },
    /// Close all sockets but those of these containers.
    Keep { containers: Vec<String> },
    /// End.
    Quit,
}

pub(super) const YES: u8 = b'y';
pub(super) const NO: u8 = b'n';
