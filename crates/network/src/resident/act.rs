//! What a host without root has done in its user's namespace.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike as _};
use serde::{Deserialize, Serialize};
use terrarium_sys::fdpass;

use super::call::{BYTES, Call};
use crate::error::{Error, Result};
use crate::network::Network;
use crate::probe::{Lookup, Reached};
use crate::request::{Attachment, BoundPort, ContainerNet, MacAddress, PortRequest};
use crate::told::Told;

/// How long the process gets; a slow machine loads the packet filter in seconds.
const PATIENCE_S: i64 = 60;

/// One of them. The network namespace of the container comes along as a descriptor, where there is one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Act {
    Where,
    /// The process that leads out, which ends with the namespace.
    Uplink {
        pid: i32,
    },
    Reserve {
        id: String,
        ports: Vec<PortRequest>,
    },
    Setup(Place),
    Names {
        id: String,
    },
    Teardown {
        id: String,
    },
    Disconnect {
        id: String,
        network: String,
    },
    Remove {
        name: String,
    },
    LookUp {
        name: String,
    },
    Source {
        to: Ipv4Addr,
    },
    Connect {
        to: Ipv4Addr,
        port: u16,
    },
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    Done,
    Realm(Realm),
    Ports(Vec<BoundPort>),
    Attached(Attachment),
    Looked(Lookup),
    Source(Option<Ipv4Addr>),
    Reached(Reached),
    Failed(Told),
}

/// Where the user's namespaces are found.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Realm {
    /// The process that keeps them.
    pub(crate) pid: u32,
    /// Its descriptor of the network namespace.
    pub(crate) netns: i32,
    /// Whether they lead out.
    pub(crate) has_uplink: bool,
}

/// A [`ContainerNet`] without its namespace.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    id: String,
    network: String,
    address: Option<Ipv4Addr>,
    ipv6: Option<Ipv6Addr>,
    mac: Option<MacAddress>,
    names: Vec<String>,
    links: Vec<(String, String)>,
    dns: Vec<IpAddr>,
    ports: Vec<PortRequest>,
}

impl Place {
    pub(crate) fn of(container: &ContainerNet<'_>) -> Self {
        Self {
            id: container.id.to_owned(),
            network: container.network.to_owned(),
            address: container.address,
            ipv6: container.ipv6,
            mac: container.mac,
            names: container.names.to_vec(),
            links: container.links.to_vec(),
            dns: container.dns.to_vec(),
            ports: container.ports.to_vec(),
        }
    }

    fn within<'a>(&'a self, netns: BorrowedFd<'a>) -> ContainerNet<'a> {
        ContainerNet {
            id: &self.id,
            netns,
            network: &self.network,
            address: self.address,
            ipv6: self.ipv6,
            mac: self.mac,
            names: &self.names,
            links: &self.links,
            dns: &self.dns,
            ports: &self.ports,
        }
    }
}

impl Act {
    /// Asks for it and waits for what comes of it.
    pub(crate) fn ask(
        self,
        process: BorrowedFd<'_>,
        netns: Option<BorrowedFd<'_>>,
    ) -> Result<Reply> {
        let failed = |source| Error::Names {
            operation: "reach",
            source,
        };
        let call = serde_json::to_vec(&Call::Act(self)).expect("an act holds what JSON can");
        let timeout = TimeVal::seconds(PATIENCE_S);
        setsockopt(&process, sockopt::ReceiveTimeout, &timeout)
            .map_err(|errno| failed(errno.into()))?;
        fdpass::send(process, &call, netns).map_err(failed)?;
        let mut buffer = vec![0; BYTES];
        let (length, _) = fdpass::receive(process, &mut buffer).map_err(failed)?;
        serde_json::from_slice(&buffer[..length])
            .map_err(|_| failed(ErrorKind::ConnectionReset.into()))
    }

    /// Does it, in the process that keeps the namespace.
    pub(super) fn run(self, network: &Network, netns: Option<OwnedFd>) -> Reply {
        self.act(network, netns)
            .unwrap_or_else(|error| Reply::Failed(Told::from(&error)))
    }

    fn act(self, network: &Network, netns: Option<OwnedFd>) -> Result<Reply> {
        let inside = || netns.as_ref().map(AsFd::as_fd).ok_or_else(incomplete);
        let done = |()| Reply::Done;
        match self {
            // The server knows these itself.
            Self::Where | Self::Uplink { .. } => Err(incomplete()),
            Self::Reserve { id, ports } => network.reserve(&id, &ports).map(Reply::Ports),
            Self::Setup(place) => network.setup(&place.within(inside()?)).map(Reply::Attached),
            Self::Names { id } => network.serve_names(&id, inside()?).map(done),
            Self::Teardown { id } => network.teardown(&id).map(done),
            Self::Disconnect { id, network: from } => {
                let netns = netns.as_ref().map(AsFd::as_fd);
                network.disconnect(&id, &from, netns).map(done)
            }
            Self::Remove { name } => network.remove(&name).map(done),
            Self::LookUp { name } => network.look_up(inside()?, &name).map(Reply::Looked),
            Self::Source { to } => network.source_toward(inside()?, to).map(Reply::Source),
            Self::Connect { to, port } => network.connect(inside()?, to, port).map(Reply::Reached),
        }
    }
}

impl Reply {
    /// An answer to another question: the process is of another version.
    pub(crate) fn unexpected(self) -> Error {
        match self {
            Self::Failed(told) => Error::Told(told),
            _ => incomplete(),
        }
    }
}

fn incomplete() -> Error {
    Error::Names {
        operation: "understand",
        source: ErrorKind::InvalidData.into(),
    }
}
