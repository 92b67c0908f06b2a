//! Addresses and routes, as far as containers need them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::error::Result;
use crate::link::Link;
use crate::netlink::{Act, Rtnl};
use crate::subnet::Subnet;
use crate::subnet6::Subnet6;

fn address_of(link: &Link, address: IpAddr, prefix_len: u8) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    message.header.prefix_len = prefix_len;
    message.header.index = link.index;
    message.attributes = vec![
        AddressAttribute::Local(address),
        AddressAttribute::Address(address),
    ];
    message
}

impl Rtnl {
    /// Gives a link an address; one that it has already is fine.
    pub(crate) fn add_address(
        &mut self,
        link: &Link,
        address: Ipv4Addr,
        subnet: Subnet,
    ) -> Result<()> {
        let mut message = address_of(link, address.into(), subnet.prefix_len());
        let broadcast = AddressAttribute::Broadcast(subnet.broadcast());
        message.attributes.push(broadcast);
        self.put_address(link, address.into(), message)
    }

    /// Gives a link an IPv6 address, at once: addresses are chosen here, so that nobody has to be asked
    /// for a second whether he has it already.
    pub(crate) fn add_ipv6_address(
        &mut self,
        link: &Link,
        address: Ipv6Addr,
        subnet: Subnet6,
    ) -> Result<()> {
        let mut message = address_of(link, address.into(), subnet.prefix_len());
        message.header.flags = AddressHeaderFlags::Nodad;
        self.put_address(link, address.into(), message)
    }

    fn put_address(&mut self, link: &Link, address: IpAddr, message: AddressMessage) -> Result<()> {
        let object = format!("{address}/{} on {}", message.header.prefix_len, link.name);
        self.change(
            RouteNetlinkMessage::NewAddress(message),
            NLM_F_CREATE | NLM_F_REPLACE,
            Act::new("add address", &object),
        )
    }

    /// Makes a gateway the way to everywhere, within its family.
    pub(crate) fn add_default_route(&mut self, gateway: IpAddr) -> Result<()> {
        let mut message = RouteMessage::default();
        message.header.address_family = match gateway {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Boot;
        message.header.scope = RouteScope::Universe;
        message.header.kind = RouteType::Unicast;
        message.attributes = vec![RouteAttribute::Gateway(gateway.into())];
        let add = RouteNetlinkMessage::NewRoute(message);
        let object = format!("default via {gateway}");
        self.change(
            add,
            NLM_F_CREATE | NLM_F_REPLACE,
            Act::new("add route", &object),
        )
    }

    /// Lists the IPv4 routes of all tables, as destination and outgoing link.
    pub(crate) fn routes(&mut self) -> Result<Vec<(Subnet, Option<u32>)>> {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet;
        let answers = self.dump(
            RouteNetlinkMessage::GetRoute(message),
            Act::new("list", "routes"),
        )?;
        Ok(answers.into_iter().filter_map(parse_route).collect())
    }

    /// Lists the destinations of IPv6 routes of all tables, but for those that every link has and the one
    /// that leads everywhere.
    pub(crate) fn routes_of_ipv6(&mut self) -> Result<Vec<Subnet6>> {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet6;
        let answers = self.dump(
            RouteNetlinkMessage::GetRoute(message),
            Act::new("list", "routes"),
        )?;
        Ok(answers.iter().filter_map(ipv6_destination).collect())
    }
}

fn ipv6_destination(answer: &RouteNetlinkMessage) -> Option<Subnet6> {
    let RouteNetlinkMessage::NewRoute(message) = answer else {
        return None;
    };
    let destination = message.attributes.iter().find_map(|one| match one {
        RouteAttribute::Destination(RouteAddress::Inet6(address)) => Some(*address),
        _ => None,
    })?;
    let of_every_link = destination.is_multicast() || destination.is_unicast_link_local();
    let length = message.header.destination_prefix_length.min(128);
    (!of_every_link && length > 0).then(|| Subnet6::containing(destination, length))
}

fn parse_route(answer: RouteNetlinkMessage) -> Option<(Subnet, Option<u32>)> {
    let RouteNetlinkMessage::NewRoute(message) = answer else {
        return None;
    };
    let mut destination = Ipv4Addr::UNSPECIFIED;
    let mut link = None;
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(address)) => destination = *address,
            RouteAttribute::Oif(index) => link = Some(*index),
            _ => {}
        }
    }
    Some((
        Subnet::containing(
            destination,
            message.header.destination_prefix_length.min(32),
        ),
        link,
    ))
}
