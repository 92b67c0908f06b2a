//! A network: a bridge of its own with a subnet of its own.

use std::fs;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::instance::Instance;
use crate::ipv6;
use crate::ipv6::{Ipv6, Ipv6Options};
use crate::link::Link;
use crate::netlink::Rtnl;
use crate::subnet::Subnet;

/// How a new network is to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BridgeOptions {
    /// Its subnet, else a free one of the pool.
    pub subnet: Option<Subnet>,
    /// The host's address in it, else the first one.
    pub gateway: Option<Ipv4Addr>,
    /// The part of the subnet that addresses are chosen from, else all of it.
    pub range: Option<Subnet>,
    /// The largest packet, else that of the way out.
    pub mtu: Option<u32>,
    /// Whether its containers reach only each other.
    pub internal: bool,
    /// Its IPv6 addresses, if it has any.
    pub ipv6: Option<Ipv6Options>,
}

impl BridgeOptions {
    /// Checks that gateway, range and packet size fit the subnet.
    pub(crate) fn validate(&self, subnet: Subnet) -> Result<()> {
        let usable = |address: Ipv4Addr| {
            subnet.contains(address) && address != subnet.base() && address != subnet.broadcast()
        };
        let reason = if subnet.prefix_len() < 8 || subnet.prefix_len() > 30 {
            "its prefix must have 8 to 30 bits"
        } else if self.gateway.is_some_and(|gateway| !usable(gateway)) {
            "the gateway is not an address of a host in it"
        } else if self.range.is_some_and(|range| {
            !subnet.contains(range.base()) || range.prefix_len() < subnet.prefix_len()
        }) {
            "the range of addresses lies outside of it"
        } else if self.mtu.is_some_and(|mtu| !(68..=65_535).contains(&mtu)) {
            "the MTU must be from 68 to 65535"
        } else {
            return Ok(());
        };
        Err(Error::OptionsRefused {
            subnet: subnet.into(),
            reason,
        })
    }
}

/// A network that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridge {
    /// The network's name.
    pub name: String,
    /// The bridge's link on the host.
    pub interface: String,
    /// The addresses that containers get.
    pub subnet: Subnet,
    /// Whether its containers reach only each other.
    pub internal: bool,
    /// The address that was leased last; see [`crate::ipam::free_address`].
    pub(crate) last: Option<Ipv4Addr>,
    /// The host's address in it, where it is not the first one.
    #[serde(default)]
    pub(crate) gateway: Option<Ipv4Addr>,
    /// The part of the subnet that addresses are chosen from.
    #[serde(default)]
    pub(crate) range: Option<Subnet>,
    /// The largest packet, where it is not that of the way out.
    #[serde(default)]
    pub(crate) mtu: Option<u32>,
    /// Its IPv6 half.
    #[serde(default)]
    pub ipv6: Option<Ipv6>,
}

impl Bridge {
    /// The host's address on the bridge.
    #[must_use]
    pub fn gateway(&self) -> Ipv4Addr {
        self.gateway.unwrap_or_else(|| self.subnet.gateway())
    }

    /// Tells whether a container may have the address.
    pub(crate) fn is_for_hosts(&self, address: Ipv4Addr) -> bool {
        let reserved = [self.subnet.base(), self.gateway(), self.subnet.broadcast()];
        self.subnet.contains(address) && !reserved.contains(&address)
    }

    /// Finds the link in the kernel, or makes it. Tells whether it was made.
    pub(crate) fn ensure(&self, rtnl: &mut Rtnl, owner: &Instance) -> Result<(Link, Made)> {
        if let Some(link) = rtnl.link(&self.interface)? {
            return Ok((link, Made::Before));
        }
        let mtu = match self.mtu {
            Some(mtu) => mtu,
            None => uplink_mtu(rtnl)?,
        };
        let link = rtnl.create_bridge(&self.interface, mtu)?;
        rtnl.set_alias(&link, &owner.describe(&self.name))?;
        self.set_sysctls()?;
        rtnl.add_address(&link, self.gateway(), self.subnet)?;
        if let Some(ipv6) = self.ipv6.as_ref().filter(|_| ipv6::kernel_speaks()) {
            ipv6.set_up(rtnl, &link, !self.internal)?;
        }
        rtnl.set_up(&link)?;
        Ok((link, Made::Now))
    }

    fn set_sysctls(&self) -> Result<()> {
        let link = &self.interface;
        // A container with CAP_NET_RAW could send router advertisements and become the host's IPv6 gateway.
        sysctl_if_there(&format!("ipv6/conf/{link}/accept_ra"), "0")?;
        if self.ipv6.is_none() {
            sysctl_if_there(&format!("ipv6/conf/{link}/disable_ipv6"), "1")?;
        }
        if self.internal {
            return Ok(());
        }
        // Lets a packet from 127.0.0.1 to a published port leave through the bridge (it is masqueraded on
        // the way); the table drops what containers send to 127.0.0.0/8.
        sysctl(&format!("ipv4/conf/{link}/route_localnet"), "1")?;
        sysctl("ipv4/ip_forward", "1")
    }
}

/// Whether the bridge was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// It was.
    Before,
    /// It is new, so its rules are missing too.
    Now,
}

/// The MTU of the link that leads out, so that a container's packets fit a tunnel or a cloud network.
fn uplink_mtu(rtnl: &mut Rtnl) -> Result<u32> {
    const ETHERNET: u32 = 1500;
    let default = rtnl
        .routes()?
        .into_iter()
        .find(|(subnet, _)| subnet.prefix_len() == 0);
    let Some((_, Some(index))) = default else {
        return Ok(ETHERNET);
    };
    let uplink = rtnl.links()?.into_iter().find(|link| link.index == index);
    Ok(uplink.map_or(ETHERNET, |link| link.mtu))
}

/// Writes a setting unless it has the value already: then a read-only `/proc/sys` does no harm.
pub(crate) fn sysctl(name: &str, value: &str) -> Result<()> {
    let path = PathBuf::from("/proc/sys/net").join(name);
    if fs::read_to_string(&path).is_ok_and(|now| now.trim() == value) {
        return Ok(());
    }
    fs::write(&path, value).map_err(Error::io("write", path))
}

/// Like [`sysctl`], for settings that a kernel without IPv6 lacks.
pub(crate) fn sysctl_if_there(name: &str, value: &str) -> Result<()> {
    match sysctl(name, value) {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
