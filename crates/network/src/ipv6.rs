//! The IPv6 half of a network: asked for, decided, kept.

use std::collections::HashSet;
use std::fs;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::bridge::{Bridge, sysctl, sysctl_if_there};
use crate::error::{Error, Result};
use crate::instance::Instance;
use crate::link::Link;
use crate::netlink::Rtnl;
use crate::state::{Lease, State};
use crate::subnet6::Subnet6;

/// Where the settings are, in a kernel that speaks IPv6.
const SETTINGS: &str = "/proc/sys/net/ipv6";

/// How the IPv6 half of a new network is to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ipv6Options {
    /// Its subnet, else a free one of this machine's unique local addresses.
    pub subnet: Option<Subnet6>,
    /// The host's address in it, else the first one.
    pub gateway: Option<Ipv6Addr>,
    /// The part of the subnet that addresses are chosen from, else all of it.
    pub range: Option<Subnet6>,
}

impl Ipv6Options {
    fn validate(&self, subnet: Subnet6) -> Result<()> {
        let base = subnet.base();
        let unusable = base.is_multicast()
            || base.is_unicast_link_local()
            || base.to_ipv4_mapped().is_some()
            || subnet.contains(Ipv6Addr::LOCALHOST);
        let reason = if !(8..=126).contains(&subnet.prefix_len()) {
            "its prefix must have 8 to 126 bits"
        } else if unusable {
            "its addresses are none of hosts"
        } else if self
            .gateway
            .is_some_and(|gateway| !subnet.contains(gateway) || gateway == base)
        {
            "the gateway is not an address of a host in it"
        } else if self.range.is_some_and(|range| {
            !subnet.contains(range.base()) || range.prefix_len() < subnet.prefix_len()
        }) {
            "the range of addresses lies outside of it"
        } else {
            return Ok(());
        };
        Err(Error::OptionsRefused {
            subnet: subnet.into(),
            reason,
        })
    }
}

/// The IPv6 half of a network that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv6 {
    /// The addresses that containers get.
    pub subnet: Subnet6,
    /// The host's address in it, where it is not the first one.
    pub(crate) gateway: Option<Ipv6Addr>,
    /// The part of the subnet that addresses are chosen from.
    pub(crate) range: Option<Subnet6>,
    /// The address that was leased last.
    pub(crate) last: Option<Ipv6Addr>,
}

impl Ipv6 {
    /// The host's address on the bridge.
    #[must_use]
    pub fn gateway(&self) -> Ipv6Addr {
        self.gateway.unwrap_or_else(|| self.subnet.gateway())
    }

    /// The part of the subnet that addresses are chosen from, where it is not all of it.
    #[must_use]
    pub fn range(&self) -> Option<Subnet6> {
        self.range
    }

    pub(crate) fn is_as(&self, options: &Ipv6Options) -> bool {
        // The first address is the gateway also where it is named.
        options.gateway.unwrap_or_else(|| self.gateway()) == self.gateway()
            && self.range == options.range
            && options.subnet.is_none_or(|subnet| subnet == self.subnet)
    }

    /// Decides what the half of a new network is like: it overlaps no route and no other network.
    pub(crate) fn decide(
        options: Ipv6Options,
        state: &State<'_>,
        rtnl: &mut Rtnl,
        owner: &Instance,
    ) -> Result<Self> {
        if !kernel_speaks() {
            return Err(Error::NoIpv6);
        }
        let bridges = state.bridges()?.into_iter();
        let mut taken: Vec<Subnet6> = bridges
            .filter_map(|bridge| bridge.ipv6.map(|ipv6| ipv6.subnet))
            .collect();
        taken.extend(rtnl.routes_of_ipv6()?);
        let subnet = match options.subnet {
            None => free_subnet(owner.local_prefix(), &taken).ok_or(Error::NoSubnet)?,
            Some(subnet) => {
                options.validate(subnet)?;
                match taken.into_iter().find(|route| route.overlaps(subnet)) {
                    Some(route) => {
                        return Err(Error::SubnetOverlaps {
                            subnet: subnet.into(),
                            route: route.into(),
                        });
                    }
                    None => subnet,
                }
            }
        };
        options.validate(subnet)?;
        Ok(Self {
            subnet,
            gateway: options.gateway,
            range: options.range,
            last: None,
        })
    }

    /// Gives the host's link its address, and lets packets through the machine.
    pub(crate) fn set_up(&self, rtnl: &mut Rtnl, link: &Link, leads_out: bool) -> Result<()> {
        let setting = |name: &str| format!("ipv6/conf/{}/{name}", link.name);
        // The kernel looks for neighbors from the link-local address, and from none while it waits for a
        // second whether somebody has that already: the first packets would be lost.
        sysctl(&setting("accept_dad"), "0")?;
        sysctl(&setting("disable_ipv6"), "0")?;
        rtnl.add_ipv6_address(link, self.gateway(), self.subnet)?;
        if leads_out { forward() } else { Ok(()) }
    }
}

/// Chooses and checks the IPv6 address of a container, whose own lease is not among the others.
pub(crate) fn address_for(
    bridge: &mut Bridge,
    wanted: Option<Ipv6Addr>,
    leased: Option<&Lease>,
    others: &[&Lease],
) -> Result<Option<Ipv6Addr>> {
    let name = bridge.name.clone();
    let refused = |address: Ipv6Addr, reason| Error::AddressRefused {
        network: name.clone(),
        address: IpAddr::V6(address),
        reason,
    };
    let Some(ipv6) = bridge.ipv6.as_mut() else {
        return match wanted {
            Some(address) => Err(refused(address, "the network has no IPv6 addresses")),
            None => Ok(None),
        };
    };
    // A machine that was started without IPv6 since: the rest of the network works all the same.
    if !kernel_speaks() {
        return Ok(None);
    }
    let taken: HashSet<Ipv6Addr> = others
        .iter()
        .filter(|lease| lease.network == bridge.name)
        .filter_map(|lease| lease.ipv6)
        .chain([ipv6.gateway(), ipv6.subnet.base()])
        .collect();
    if let Some(address) = wanted {
        return match address {
            _ if !ipv6.subnet.contains(address) => {
                Err(refused(address, "it is outside the subnet"))
            }
            _ if taken.contains(&address) => {
                Err(refused(address, "another one has it, or it is no host's"))
            }
            address => Ok(Some(address)),
        };
    }
    if let Some(address) = leased.and_then(|lease| lease.ipv6) {
        return Ok(Some(address));
    }
    let free = free_address(ipv6.range.unwrap_or(ipv6.subnet), &taken, ipv6.last);
    let free = free.ok_or_else(|| Error::NoAddress {
        network: bridge.name.clone(),
        subnet: ipv6.subnet.into(),
    })?;
    ipv6.last = Some(free);
    Ok(Some(free))
}

/// Prepares a container's link for addresses. A neighbor must not become its way out by advertising
/// itself as a router (CVE-2020-13401).
pub(crate) fn prepare_link(interface: &str) -> Result<()> {
    [
        ("accept_ra", "0"),
        ("accept_dad", "0"),
        ("disable_ipv6", "0"),
    ]
    .into_iter()
    .try_for_each(|(name, value)| sysctl_if_there(&format!("ipv6/conf/{interface}/{name}"), value))
}

/// Whether this kernel has IPv6 at all.
pub(crate) fn kernel_speaks() -> bool {
    Path::new(SETTINGS).exists()
}

/// Makes the machine a router. As one it would stop to listen to other routers, and lose its own way out
/// where that was advertised: links that listen are told to go on.
fn forward() -> Result<()> {
    const ALL: &str = "ipv6/conf/all/forwarding";
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let settings = Path::new(SETTINGS).join("conf");
    if read(&settings.join("all/forwarding")).trim() == "1" {
        return Ok(());
    }
    for entry in fs::read_dir(&settings).map_err(Error::io("list", &settings))? {
        let Ok(entry) = entry else { continue };
        if read(&entry.path().join("accept_ra")).trim() == "1"
            && let Some(link) = entry.file_name().to_str()
        {
            sysctl_if_there(&format!("ipv6/conf/{link}/accept_ra"), "2")?;
        }
    }
    sysctl(ALL, "1")
}

/// The first /64 of a /48 that overlaps none that are taken.
fn free_subnet(prefix: Subnet6, taken: &[Subnet6]) -> Option<Subnet6> {
    const BITS: u8 = 64;
    (0..=u16::MAX)
        .map(|number| {
            let base = prefix.base().to_bits() | u128::from(number) << BITS;
            Subnet6::containing(Ipv6Addr::from_bits(base), BITS)
        })
        .find(|candidate| taken.iter().all(|subnet| !subnet.overlaps(*candidate)))
}

/// The first free address after `last`, wrapping around; see [`crate::ipam::free_address`]. It never looks
/// at more addresses than are taken, and one.
fn free_address(
    range: Subnet6,
    taken: &HashSet<Ipv6Addr>,
    last: Option<Ipv6Addr>,
) -> Option<Ipv6Addr> {
    let (first, end) = (range.base().to_bits(), range.last().to_bits());
    let after = last.filter(|last| range.contains(*last) && last.to_bits() < end);
    let mut next = after.map_or(first, |last| last.to_bits() + 1);
    for _ in 0..=taken.len() {
        if !taken.contains(&Ipv6Addr::from_bits(next)) {
            return Some(Ipv6Addr::from_bits(next));
        }
        next = if next == end { first } else { next + 1 };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet6 {
        text.parse().unwrap()
    }

    #[test]
    fn a_free_subnet_is_the_first_that_nobody_has() {
        let prefix = subnet("fd12:3456:789a::/48");
        let check = |taken: &[&str], expect: Option<&str>| {
            let taken: Vec<_> = taken.iter().map(|text| subnet(text)).collect();
            assert_eq!(free_subnet(prefix, &taken), expect.map(subnet), "{taken:?}");
        };
        check(&["2001:db8::/32"], Some("fd12:3456:789a::/64"));
        check(&["fd12:3456:789a::/63"], Some("fd12:3456:789a:2::/64"));
        check(&["fd00::/8"], None);
    }

    #[test]
    fn addresses_go_round_and_skip_those_in_use() {
        let check = |range: &str, taken: &[&str], last: Option<&str>, expect: Option<&str>| {
            let read = |text: &&str| text.parse::<Ipv6Addr>().unwrap();
            let taken = taken.iter().map(read).collect();
            let free = free_address(subnet(range), &taken, last.as_ref().map(read));
            assert_eq!(free, expect.as_ref().map(read), "{taken:?} after {last:?}");
        };
        let ends = ["fd00::", "fd00::1"];
        check("fd00::/64", &ends, None, Some("fd00::2"));
        check("fd00::/64", &ends, Some("fd00::9"), Some("fd00::a"));
        check("fd00::/126", &ends, Some("fd00::3"), Some("fd00::2"));
        let full = ["fd00::", "fd00::1", "fd00::2", "fd00::3"];
        check("fd00::/126", &full, None, None);
    }

    #[test]
    fn what_is_no_network_of_hosts_is_refused() {
        let options = Ipv6Options::default();
        for bad in [
            "ff02::/64",
            "fe80::/64",
            "::/96",
            "fd00::/127",
            "::ffff:0:0/96",
        ] {
            assert!(options.validate(subnet(bad)).is_err(), "{bad}");
        }
        for good in ["fd00::/64", "2001:db8::/112", "fd00:5::/126"] {
            assert!(options.validate(subnet(good)).is_ok(), "{good}");
        }
        let outside = Ipv6Options {
            gateway: Some("fd01::1".parse().unwrap()),
            ..options
        };
        assert!(outside.validate(subnet("fd00::/64")).is_err());
    }
}
