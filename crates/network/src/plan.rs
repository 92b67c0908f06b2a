//! What an attachment will be: decided first, then done.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::BorrowedFd;

use crate::bridge::Bridge;
use crate::error::{Error, Result};
use crate::link::{Link, VethPair};
use crate::netlink::Rtnl;
use crate::network::Network;
use crate::request::{Attachment, ContainerNet, Ipv6Attachment, MacAddress};
use crate::state::{Lease, State};
use crate::{ipam, ipv6, netns};

/// What an attachment will be, before anything is done.
pub(crate) struct Plan {
    pub(crate) lease: Lease,
    /// The container's first network that leads out gives it its default route.
    default_route: bool,
    /// The first one that leads out over IPv6, likewise.
    default_ipv6_route: bool,
}

impl Plan {
    /// Makes the pair of links and configures the container's end.
    pub(crate) fn connect(
        &self,
        rtnl: &mut Rtnl,
        netns: BorrowedFd<'_>,
        bridge: &Bridge,
        link: &Link,
    ) -> Result<()> {
        let lease = &self.lease;
        let host = &lease.host_interface;
        // A pair that is left over from before would have the same name; its other end goes with it.
        rtnl.delete_link(host)?;
        rtnl.create_veth(&VethPair {
            host,
            container: &lease.interface,
            netns,
            mac: lease.mac(),
            bridge: link,
        })?;
        if !lease.ports.is_empty() {
            rtnl.set_hairpin(host)?;
        }
        netns::inside(netns, || {
            let mut rtnl = Rtnl::open()?;
            let lo = rtnl.require_link("lo")?;
            rtnl.set_up(&lo)?;
            let interface = rtnl.require_link(&lease.interface)?;
            rtnl.add_address(&interface, lease.address, bridge.subnet)?;
            let ipv6 = bridge.ipv6.as_ref().zip(lease.ipv6);
            if let Some((ipv6, address)) = ipv6 {
                ipv6::prepare_link(&lease.interface)?;
                rtnl.add_ipv6_address(&interface, address, ipv6.subnet)?;
            }
            rtnl.set_up(&interface)?;
            if self.default_route {
                rtnl.add_default_route(IpAddr::V4(bridge.gateway()))?;
            }
            match ipv6 {
                Some((ipv6, _)) if self.default_ipv6_route => {
                    rtnl.add_default_route(IpAddr::V6(ipv6.gateway()))
                }
                _ => Ok(()),
            }
        })
    }
}

impl Lease {
    fn mac(&self) -> MacAddress {
        self.mac.unwrap_or_else(|| MacAddress::of(self.address))
    }

    pub(crate) fn attachment(&self, bridge: &Bridge) -> Attachment {
        Attachment {
            network: self.network.clone(),
            address: self.address,
            prefix_len: bridge.subnet.prefix_len(),
            gateway: (!bridge.internal).then(|| bridge.gateway()),
            ipv6: bridge
                .ipv6
                .as_ref()
                .zip(self.ipv6)
                .map(|(ipv6, address)| Ipv6Attachment {
                    address,
                    prefix_len: ipv6.subnet.prefix_len(),
                    gateway: (!bridge.internal).then(|| ipv6.gateway()),
                }),
            mac: self.mac(),
            bridge: bridge.interface.clone(),
            interface: self.interface.clone(),
            host_interface: self.host_interface.clone(),
            ports: self.ports.clone(),
        }
    }
}

impl Network {
    /// Decides the lease; a container that has one already keeps its address and link names.
    pub(crate) fn plan(
        &self,
        container: &ContainerNet<'_>,
        bridge: &mut Bridge,
        state: &State<'_>,
    ) -> Result<Plan> {
        let leases = state.leases()?;
        let (own, others): (Vec<_>, Vec<_>) = leases
            .iter()
            .partition(|lease| lease.container == container.id && lease.network == bridge.name);
        let siblings: Vec<_> = others
            .iter()
            .filter(|lease| lease.container == container.id)
            .collect();
        let leased = own.first();
        let address = match (container.address, leased) {
            (Some(address), _) => check_address(bridge, address, &others)?,
            (None, Some(lease)) => lease.address,
            (None, None) => next_address(bridge, &others)?,
        };
        let ipv6 = ipv6::address_for(bridge, container.ipv6, leased.copied(), &others)?;
        // A fixed address says nothing about which ones were given out.
        if container.address.is_none() {
            bridge.last = Some(address);
        }
        let interface = leased.map_or_else(
            || {
                let taken = |name: &String| siblings.iter().any(|lease| lease.interface == *name);
                let mut names = (0..).map(|number| format!("eth{number}"));
                names
                    .find(|name| !taken(name))
                    .expect("a container has few networks")
            },
            |lease| lease.interface.clone(),
        );
        let out: Vec<_> = siblings
            .iter()
            .filter(|lease| leads_out(state, &lease.network))
            .collect();
        let ports = if container.ports.is_empty() {
            Vec::new()
        } else {
            self.reservations
                .reserve(container.id, container.ports, &leases)?
        };
        Ok(Plan {
            default_route: !bridge.internal && out.is_empty(),
            default_ipv6_route: !bridge.internal && out.iter().all(|lease| lease.ipv6.is_none()),
            lease: Lease {
                container: container.id.to_owned(),
                network: bridge.name.clone(),
                address,
                ipv6,
                interface,
                host_interface: self.instance.veth(&bridge.name, container.id),
                names: container.names.to_vec(),
                ports,
                mac: container.mac,
                links: container.links.to_vec(),
                dns: container.dns.to_vec(),
            },
        })
    }
}

fn leads_out(state: &State<'_>, network: &str) -> bool {
    matches!(state.bridge(network), Ok(Some(bridge)) if !bridge.internal)
}

fn next_address(bridge: &Bridge, others: &[&Lease]) -> Result<Ipv4Addr> {
    let taken: HashSet<_> = others
        .iter()
        .filter(|l| l.network == bridge.name)
        .map(|l| l.address)
        .chain([bridge.gateway()])
        .collect();
    let free = match bridge.range {
        None => ipam::free_address(bridge.subnet, &taken, bridge.last),
        Some(range) => ipam::free_address_of(range, bridge.subnet, &taken, bridge.last),
    };
    free.ok_or_else(|| Error::NoAddress {
        network: bridge.name.clone(),
        subnet: bridge.subnet.into(),
    })
}

fn check_address(bridge: &Bridge, address: Ipv4Addr, others: &[&Lease]) -> Result<Ipv4Addr> {
    let subnet = bridge.subnet;
    let reason = if !subnet.contains(address) {
        "it is outside the subnet"
    } else if !bridge.is_for_hosts(address) {
        "it is not an address of a host"
    } else if others
        .iter()
        .any(|l| l.network == bridge.name && l.address == address)
    {
        "another container has it"
    } else {
        return Ok(address);
    };
    Err(Error::AddressRefused {
        network: bridge.name.clone(),
        address: address.into(),
        reason,
    })
}
