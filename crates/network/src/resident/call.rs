//! What a host asks of the process, one message each; sockets come along as descriptors.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::Act;

/// The longest message: a thousand ports fit. The kernel's buffers take a little more.
pub(super) const BYTES: usize = 192 * 1024;

/// A request; each but [`Call::Act`] is answered by one byte, [`YES`] or [`NO`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Call {
    /// Answer names on the datagram socket that comes along.
    Datagrams { container: String },
    /// Answer names on the listening socket that comes along.
    Streams { container: String },
    /// Hand on what arrives at the listening socket that comes along, to the first that takes it.
    Door {
        container: String,
        to: Vec<SocketAddr>,
    },
    /// Hand on what arrives at the datagram socket that comes along.
    DatagramDoor { container: String, to: SocketAddr },
    /// Close what hands on to a container.
    CloseDoors { container: String },
    /// Do something in the user's namespace; answered by a [`super::Reply`].
    Act(Act),
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
