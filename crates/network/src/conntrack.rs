//! Forgetting tracked connections, whose translation would outlive what it was made for.
//!
//! The packet filter decides about the first packet of a connection only. A datagram socket that goes on
//! sending is one connection for as long as it does: without this it would never reach a container that
//! came later, and go on to the address of one that is gone.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::netfilter::{Attributes, Netfilter};
use crate::request::{BoundPort, Protocol};
use crate::state::Lease;

const SUBSYSTEM: u16 = 1 << 8;
const GET: u16 = SUBSYSTEM | 1;
const DELETE: u16 = SUBSYSTEM | 2;
/// Attributes of a connection, of a tuple, of its addresses and of its protocol.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const ZONE: u16 = 18;
const IP: u16 = 1;
const PROTO: u16 = 2;
const SOURCE: u16 = 1;
const IPV6_SOURCE: u16 = 3;
const NUMBER: u16 = 1;
const DESTINATION_PORT: u16 = 3;
const UDP: u8 = 17;

/// Forgets what led to a container that is gone.
pub(crate) fn forget_container(lease: &Lease) -> io::Result<()> {
    let own = [Some(lease.address.into()), lease.ipv6.map(IpAddr::V6)];
    forget(|connection| {
        let answers = source(connection, REPLY);
        answers.is_some() && own.contains(&answers)
    })
}

/// Forgets what datagrams to a port that is published now were told before.
pub(crate) fn forget_datagrams_to(lease: &Lease) -> io::Result<()> {
    let is_udp = |port: &&BoundPort| port.protocol == Protocol::Udp;
    let ports: Vec<u16> = lease
        .ports
        .iter()
        .filter(is_udp)
        .map(|port| port.host_port)
        .collect();
    if ports.is_empty() {
        return Ok(());
    }
    forget(|connection| {
        let proto = connection
            .inside(ORIGINAL)
            .and_then(|tuple| tuple.inside(PROTO));
        proto.is_some_and(|proto| {
            proto.get(NUMBER) == Some(&[UDP])
                && proto
                    .get(DESTINATION_PORT)
                    .and_then(|bytes| bytes.try_into().ok())
                    .is_some_and(|bytes| ports.contains(&u16::from_be_bytes(bytes)))
        })
    })
}

/// Who answers, or asks, in a tuple.
fn source(connection: Attributes<'_>, tuple: u16) -> Option<IpAddr> {
    let addresses = connection.inside(tuple)?.inside(IP)?;
    if let Some(bytes) = addresses.get(SOURCE) {
        let octets = <[u8; 4]>::try_from(bytes).ok()?;
        return Some(Ipv4Addr::from(octets).into());
    }
    let octets = <[u8; 16]>::try_from(addresses.get(IPV6_SOURCE)?).ok()?;
    Some(Ipv6Addr::from(octets).into())
}

fn forget(matches: impl Fn(Attributes<'_>) -> bool) -> io::Result<()> {
    let mut netfilter = Netfilter::open(0)?;
    let mut found = Vec::new();
    netfilter.dump(GET, |message| {
        let connection = message.attributes();
        if matches(connection)
            && let Some(tuple) = connection.whole(ORIGINAL)
        {
            let family = message.family().unwrap_or_default();
            let what = [tuple, connection.whole(ZONE).unwrap_or_default()].concat();
            found.push((family, what));
        }
    })?;
    for (family, tuple) in found {
        match netfilter.change(DELETE, family, &tuple) {
            // It ended by itself.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}
