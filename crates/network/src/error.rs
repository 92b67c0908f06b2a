//! What can go wrong, said about the object it went wrong on.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::request::Protocol;
use crate::subnet6::AnySubnet;
pub use crate::told::{Kind, Told};

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed act on a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be used.
    #[error("{operation} {}", path.display())]
    Io {
        /// The verb, such as `read`.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// A record of ours does not parse.
    #[error("parse {}", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// Where it is wrong.
        source: serde_json::Error,
    },
    /// The kernel refused a request over rtnetlink.
    #[error("{operation} `{object}`")]
    Netlink {
        /// The verb, such as `create bridge`.
        operation: &'static str,
        /// The link, address or route.
        object: String,
        /// What the kernel answered.
        source: io::Error,
    },
    /// The kernel sent a message that does not parse.
    #[error("decode the kernel's answer to {operation}")]
    Decode {
        /// The request that was answered.
        operation: &'static str,
        /// Where the answer is wrong.
        source: netlink_packet_core::DecodeError,
    },
    /// The network namespace of the container could not be entered.
    #[error("enter the network namespace of the container")]
    Namespace {
        /// What the kernel answered.
        source: io::Error,
    },
    /// The kernel tells no news about packet filter tables.
    #[error("watch the packet filter tables")]
    RulesUnwatched {
        /// What the kernel answered.
        source: io::Error,
    },
    /// The packet filter tool is not installed.
    #[error("nft not found")]
    NftMissing,
    /// The packet filter tool could not be run.
    #[error("run nft")]
    NftRun {
        /// Why it did not run.
        source: io::Error,
    },
    /// The packet filter tool refused our table.
    #[error("nft refused table `inet {table}`: {message}")]
    NftRefused {
        /// The table.
        table: String,
        /// The first lines that nft said.
        message: String,
    },
    /// No tool that leads out of a user's networks is installed.
    #[error("neither pasta nor slirp4netns found")]
    UplinkMissing,
    /// The tool that leads out of a user's networks could not be run.
    #[error("run {program}")]
    UplinkRun {
        /// The tool.
        program: &'static str,
        /// Why it did not run.
        source: io::Error,
    },
    /// The tool that leads out of a user's networks gave up.
    #[error("{program} gave up: {message}")]
    UplinkRefused {
        /// The tool.
        program: &'static str,
        /// The first lines that it said.
        message: String,
    },
    /// A user's networks have no namespace to be in.
    #[error("make a network namespace for the networks of this user")]
    Realm {
        /// What the kernel answered.
        source: io::Error,
    },
    /// The process that keeps a user's networks could not do it.
    #[error(transparent)]
    Told(#[from] Told),
    /// The options of a network contradict each other.
    #[error("network with subnet {subnet}: {reason}")]
    OptionsRefused {
        /// The subnet.
        subnet: AnySubnet,
        /// What does not fit.
        reason: &'static str,
    },
    /// The process that answers names could not be started or spoken to.
    #[error("{operation} the name server of the containers")]
    Names {
        /// The verb, such as `start`.
        operation: &'static str,
        /// What the kernel answered.
        source: io::Error,
    },
    /// A host port is in use.
    #[error("port {port}/{protocol} on {address} is already in use{}", by(holder.as_deref()))]
    PortTaken {
        /// The host address.
        address: IpAddr,
        /// The host port.
        port: u16,
        /// TCP or UDP.
        protocol: Protocol,
        /// Who holds it, if that could be found out.
        holder: Option<String>,
    },
    /// Every port of a range is in use.
    #[error("all ports {first}-{last}/{protocol} on {address} are already in use")]
    PortRangeTaken {
        /// The host address.
        address: IpAddr,
        /// The first port of the range.
        first: u16,
        /// The last port of the range.
        last: u16,
        /// TCP or UDP.
        protocol: Protocol,
    },
    /// A host port could not be bound for another reason than that it is taken.
    #[error("bind port {port}/{protocol} on {address}")]
    Bind {
        /// The host address.
        address: IpAddr,
        /// The host port.
        port: u16,
        /// TCP or UDP.
        protocol: Protocol,
        /// What the kernel answered.
        source: io::Error,
    },
    /// A port mapping makes no sense.
    #[error("port mapping for container port {container_port}: {reason}")]
    InvalidPort {
        /// The port inside the container.
        container_port: u16,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A container ID or network name cannot name a file or a link.
    #[error("invalid {what} {name:?}")]
    InvalidName {
        /// `container ID` or `network name`.
        what: &'static str,
        /// The text, cut to 64 characters.
        name: String,
    },
    /// There is no network of that name.
    #[error("no network named `{0}`")]
    UnknownNetwork(String),
    /// The network still has containers.
    #[error("network `{network}` is in use by {containers} container(s)")]
    NetworkInUse {
        /// The network.
        network: String,
        /// How many containers hold a lease in it.
        containers: usize,
    },
    /// A network of that name exists with other options.
    #[error("network `{0}` already exists with other options")]
    NetworkExists(String),
    /// All addresses of the subnet are leased.
    #[error("no free address in {subnet} of network `{network}`")]
    NoAddress {
        /// The network.
        network: String,
        /// Its subnet.
        subnet: AnySubnet,
    },
    /// The address asked for cannot be leased.
    #[error("address {address} in network `{network}`: {reason}")]
    AddressRefused {
        /// The network.
        network: String,
        /// The address asked for.
        address: IpAddr,
        /// Why not.
        reason: &'static str,
    },
    /// Every subnet of the pool overlaps a route of the host.
    #[error("no free subnet: every candidate overlaps a route of this machine")]
    NoSubnet,
    /// The subnet asked for overlaps a route of the host.
    #[error("subnet {subnet} overlaps route {route} of this machine")]
    SubnetOverlaps {
        /// The subnet asked for.
        subnet: AnySubnet,
        /// The route that is in the way.
        route: AnySubnet,
    },
    /// The kernel was started without IPv6.
    #[error("this machine has no IPv6")]
    NoIpv6,
    /// A text is not a subnet.
    #[error("invalid subnet {0:?}")]
    InvalidSubnet(String),
}

impl Error {
    /// Says what the user can do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NftMissing => Some("install nftables"),
            Self::Names { .. } => Some(
                "a program in the container may listen on port 53 of all addresses; terrarium-runtime must be there",
            ),
            Self::UplinkMissing => Some("install passt, which connects containers without root"),
            Self::UplinkRefused { message, .. } if message.contains("tun") => {
                Some("/dev/net/tun must be readable and writable for you (mode 0666)")
            }
            Self::Told(told) => told.hint(),
            Self::Bind {
                source,
                port: ..1024,
                ..
            } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("ports below 1024 need root or a lower net.ipv4.ip_unprivileged_port_start")
            }
            Self::PortTaken { .. } | Self::PortRangeTaken { .. } => {
                Some("choose another host port, or leave it empty for any free one")
            }
            Self::NoSubnet | Self::SubnetOverlaps { .. } => {
                Some("give the network a subnet that this machine does not route yet")
            }
            Self::NoIpv6 => {
                Some("make the network without IPv6, or start the machine without ipv6.disable=1")
            }
            Self::NetworkInUse { .. } => Some("remove or disconnect its containers first"),
            Self::NftRefused { .. } => Some("this kernel may lack nf_tables NAT support"),
            _ => None,
        }
    }

    /// Says what sort of failure it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::PortTaken { .. } => Kind::PortTaken,
            Self::InvalidPort { .. }
            | Self::InvalidName { .. }
            | Self::OptionsRefused { .. }
            | Self::AddressRefused { .. }
            | Self::NoIpv6
            | Self::SubnetOverlaps { .. } => Kind::Invalid,
            Self::UnknownNetwork(_) => Kind::UnknownNetwork,
            Self::NetworkExists(_) => Kind::NameTaken,
            Self::NetworkInUse { .. } => Kind::InUse,
            Self::Told(told) => told.kind(),
            _ => Kind::Failed,
        }
    }

    pub(crate) fn io(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            operation,
            path,
            source,
        }
    }
}

fn by(holder: Option<&str>) -> String {
    holder
        .map(|holder| format!(" by {holder}"))
        .unwrap_or_default()
}
