//! What is asked for and what came of it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::os::fd::BorrowedFd;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A container that is to be attached to a network.
#[derive(Debug, Clone, Copy)]
pub struct ContainerNet<'a> {
    /// The container's ID: the key of the lease.
    pub id: &'a str,
    /// The container's network namespace ([`crate::open_netns`]).
    pub netns: BorrowedFd<'a>,
    /// The network's name; [`crate::DEFAULT_NETWORK`] exists always.
    pub network: &'a str,
    /// A fixed address, else the next free one.
    pub address: Option<Ipv4Addr>,
    /// A fixed IPv6 address, else the next free one where the network has any.
    pub ipv6: Option<Ipv6Addr>,
    /// A fixed hardware address, else one that follows from the address.
    pub mac: Option<MacAddress>,
    /// Under which names others on the network know it: container name, hostname, aliases.
    pub names: &'a [String],
    /// What it alone calls others: alias and name.
    pub links: &'a [(String, String)],
    /// Whom its name server asks in place of the machine's servers.
    pub dns: &'a [IpAddr],
    /// The ports to publish on the host.
    pub ports: &'a [PortRequest],
}

/// TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// One container port that is to be reachable on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRequest {
    /// The host address to publish on; unspecified means all of its family.
    pub address: IpAddr,
    /// Beside all of IPv4, all addresses of IPv6 too, where the machine has any.
    pub also_ipv6: bool,
    /// The host ports that will do, the first free one wins; `0..=0` means any.
    pub host_ports: RangeInclusive<u16>,
    /// The port inside the container.
    pub container_port: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
}

impl PortRequest {
    /// Publishes a TCP port on all addresses of the host.
    #[must_use]
    pub fn tcp(host_port: u16, container_port: u16) -> Self {
        Self {
            address: Ipv4Addr::UNSPECIFIED.into(),
            also_ipv6: true,
            host_ports: host_port..=host_port,
            container_port,
            protocol: Protocol::Tcp,
        }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let reason = if self.container_port == 0 {
            "port 0 does not exist"
        } else if self.host_ports.is_empty() {
            "the host port range is empty"
        } else if *self.host_ports.start() == 0 && *self.host_ports.end() != 0 {
            "a host port range cannot begin with 0"
        } else {
            return Ok(());
        };
        Err(Error::InvalidPort {
            container_port: self.container_port,
            reason,
        })
    }
}

/// A host port that leads to a container.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BoundPort {
    /// The host address; unspecified means all of its family.
    pub address: IpAddr,
    /// All addresses of IPv6 lead there too.
    #[serde(default)]
    pub also_ipv6: bool,
    /// The host port.
    pub host_port: u16,
    /// The port inside the container.
    pub container_port: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
}

/// A hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// Derives the locally administered address that belongs to an IPv4 address, so that a neighbor
    /// table that still knows the address knows the right hardware address too.
    #[must_use]
    pub fn of(address: Ipv4Addr) -> Self {
        let [a, b, c, d] = address.octets();
        Self([0x02, 0x74, a, b, c, d])
    }
}

impl FromStr for MacAddress {
    type Err = Error;

    /// Reads `02:42:ac:11:00:02`; a group address is none of an interface.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::InvalidName {
            what: "MAC address",
            name: text.chars().take(64).collect(),
        };
        let bytes: Vec<u8> = text
            .split([':', '-'])
            .map(|part| {
                u8::from_str_radix(part, 16)
                    .ok()
                    .filter(|_| part.len() == 2)
            })
            .collect::<Option<_>>()
            .ok_or_else(invalid)?;
        let bytes: [u8; 6] = bytes.try_into().map_err(|_| invalid())?;
        if bytes[0] & 1 == 1 || bytes == [0; 6] {
            return Err(invalid());
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Where a container ended up on a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// The container's address.
    pub address: Ipv4Addr,
    /// The length of the subnet's prefix.
    pub prefix_len: u8,
    /// The host's address on the bridge; absent on an internal network.
    pub gateway: Option<Ipv4Addr>,
    /// Its place in IPv6, where the network has one.
    pub ipv6: Option<Ipv6Attachment>,
    /// The hardware address inside the container.
    pub mac: MacAddress,
    /// The network's bridge on the host.
    pub bridge: String,
    /// The name of the link inside the container, such as `eth0`.
    pub interface: String,
    /// The name of the other end on the host, for its counters.
    pub host_interface: String,
    /// The ports that are published now.
    pub ports: Vec<BoundPort>,
}

/// Where a container ended up in the IPv6 half of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv6Attachment {
    /// The container's address.
    pub address: Ipv6Addr,
    /// The length of the subnet's prefix.
    pub prefix_len: u8,
    /// The host's address on the bridge; absent on an internal network.
    pub gateway: Option<Ipv6Addr>,
}

/// Checks a text that becomes part of a file name.
pub(crate) fn check_name(what: &'static str, name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let first = name
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric());
    if first && name.len() <= 128 && name.chars().all(fits) {
        return Ok(());
    }
    Err(Error::InvalidName {
        what,
        name: name.chars().take(64).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leaves_the_folder_is_refused() {
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a b",
            "-a",
            "a\0b",
            &"x".repeat(129),
        ] {
            assert!(check_name("container ID", bad).is_err(), "{bad:?}");
        }
        for good in ["a", "0af3", "web_1.x-y"] {
            assert!(check_name("container ID", good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_port_mapping_without_sense_is_refused() {
        assert!(PortRequest::tcp(8080, 80).validate().is_ok());
        assert!(PortRequest::tcp(0, 80).validate().is_ok());
        assert!(PortRequest::tcp(80, 0).validate().is_err());
        let zero_to_ten = PortRequest {
            host_ports: 0..=10,
            ..PortRequest::tcp(0, 80)
        };
        assert!(zero_to_ten.validate().is_err());
    }
}
