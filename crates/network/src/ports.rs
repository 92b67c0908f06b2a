//! Host ports: found, bound and held while a container owns them.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::port_holder;
use crate::request::{BoundPort, PortRequest};
use crate::sockets::{EVERY_IPV6, Socket, bind};
use crate::state::Lease;

/// How often another free port is asked for when the kernel's choice is leased already.
const ATTEMPTS: usize = 16;

#[derive(Debug)]
struct Held {
    port: BoundPort,
    /// On the address of the port.
    socket: Option<Socket>,
    /// On all addresses of IPv6, beside all of IPv4.
    twin: Option<Socket>,
}

/// A socket of a published port that is to be handed on.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) port: BoundPort,
    pub(crate) is_ipv6: bool,
    pub(crate) socket: OwnedFd,
}

impl Held {
    fn copies(&self) -> Result<Vec<Copied>> {
        let sockets = [
            (self.port.address.is_ipv6(), &self.socket),
            (true, &self.twin),
        ];
        let there = sockets
            .into_iter()
            .filter_map(|(is_ipv6, socket)| Some((is_ipv6, socket.as_ref()?)));
        there
            .map(|(is_ipv6, socket)| {
                Ok(Copied {
                    port: self.port.clone(),
                    is_ipv6,
                    socket: socket.copy().map_err(self.failed())?,
                })
            })
            .collect()
    }

    fn failed(&self) -> impl Fn(io::Error) -> Error {
        let (address, port, protocol) =
            (self.port.address, self.port.host_port, self.port.protocol);
        move |source| Error::Bind {
            address,
            port,
            protocol,
            source,
        }
    }
}

/// The sockets of this process, by container.
#[derive(Debug, Default)]
pub(crate) struct Reservations {
    held: Mutex<HashMap<String, Vec<Held>>>,
}

impl Reservations {
    /// Holds a host port for each request, all or none. What is held already for the container stays
    /// when it is what was asked for.
    pub(crate) fn reserve(
        &self,
        id: &str,
        requests: &[PortRequest],
        leases: &[Lease],
    ) -> Result<Vec<BoundPort>> {
        requests.iter().try_for_each(PortRequest::validate)?;
        let mut all = self.lock();
        if let Some(held) = all.get(id)
            && held.len() == requests.len()
            && held
                .iter()
                .zip(requests)
                .all(|(held, request)| answers(&held.port, request))
        {
            return Ok(held.iter().map(|held| held.port.clone()).collect());
        }
        // The old ones go first: they may be in the way of the new ones.
        all.remove(id);
        let others = Others { id, leases };
        let held = requests
            .iter()
            .map(|request| others.hold(request))
            .collect::<Result<Vec<_>>>()?;
        let ports = held.iter().map(|held| held.port.clone()).collect();
        if !held.is_empty() {
            all.insert(id.to_owned(), held);
        }
        Ok(ports)
    }

    /// Holds ports that a lease says are published already, after a restart of the host. Gives back
    /// those that somebody else has bound meanwhile; they still lead to the container.
    pub(crate) fn hold_again(&self, lease: &Lease) -> Vec<BoundPort> {
        let mut all = self.lock();
        let held = all.entry(lease.container.clone()).or_default();
        let mut lost = Vec::new();
        for port in &lease.ports {
            if held.iter().any(|held| held.port == *port) {
                continue;
            }
            let mut again = Held {
                port: port.clone(),
                socket: None,
                twin: None,
            };
            // Those of IPv6 are in the hands of the process that hands on what arrives.
            if port.address.is_ipv4() {
                match bind(port.protocol, port.address, port.host_port) {
                    Ok((socket, _)) => again.socket = Some(socket),
                    Err(_) => {
                        lost.push(port.clone());
                        continue;
                    }
                }
            }
            held.push(again);
        }
        lost
    }

    /// The sockets of a container once more. Those of IPv6 that are in nobody's hands are bound anew.
    pub(crate) fn sockets(&self, id: &str) -> Result<Vec<Copied>> {
        let mut all = self.lock();
        let mut copies = Vec::new();
        for held in all.get_mut(id).into_iter().flatten() {
            let port = &held.port;
            let bind = |address| bind(port.protocol, address, port.host_port).ok();
            // A port that a stranger has meanwhile stays his.
            if held.socket.is_none() {
                held.socket = bind(port.address).map(|(socket, _)| socket);
            }
            if held.twin.is_none() && port.also_ipv6 {
                held.twin = bind(EVERY_IPV6).map(|(socket, _)| socket);
            }
            copies.extend(held.copies()?);
        }
        Ok(copies)
    }

    /// Lets go of all ports of a container.
    pub(crate) fn release(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Held>>> {
        // A panic between two inserts leaves a map that is still true.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The leases that a port of container `id` must not collide with.
struct Others<'a> {
    id: &'a str,
    leases: &'a [Lease],
}

impl Others<'_> {
    fn hold(&self, request: &PortRequest) -> Result<Held> {
        let address = request.address;
        if *request.host_ports.end() == 0 {
            return self.hold_any(request, address);
        }
        let mut first_error = None;
        for host_port in request.host_ports.clone() {
            match self.hold_one(request, address, host_port) {
                Ok(held) => return Ok(held),
                Err(error @ Error::PortTaken { .. }) => first_error.get_or_insert(error),
                Err(error) => return Err(error),
            };
        }
        let (first, last) = (*request.host_ports.start(), *request.host_ports.end());
        Err(match first_error {
            Some(taken) if first == last => taken,
            _ => Error::PortRangeTaken {
                address,
                first,
                last,
                protocol: request.protocol,
            },
        })
    }

    fn hold_any(&self, request: &PortRequest, address: IpAddr) -> Result<Held> {
        for _ in 0..ATTEMPTS {
            let held = self.hold_one(request, address, 0)?;
            if self.owner(&held.port).is_none() {
                return Ok(held);
            }
        }
        let protocol = request.protocol;
        Err(Error::PortRangeTaken {
            address,
            first: 1,
            last: u16::MAX,
            protocol,
        })
    }

    fn hold_one(&self, request: &PortRequest, address: IpAddr, host_port: u16) -> Result<Held> {
        let protocol = request.protocol;
        let mut port = BoundPort {
            address,
            also_ipv6: false,
            host_port,
            container_port: request.container_port,
            protocol,
        };
        let taken = |holder| Error::PortTaken {
            address,
            port: host_port,
            protocol,
            holder,
        };
        if let Some(lease) = self.owner(&port) {
            let short = lease.container.get(..12).unwrap_or(&lease.container);
            return Err(taken(Some(format!("container {short}"))));
        }
        match bind(protocol, address, host_port) {
            Ok((socket, bound)) => {
                port.host_port = bound;
                // A host without IPv6 has no such address, and a port that a stranger has there stays his.
                let twin = (request.also_ipv6 && address.is_ipv4() && address.is_unspecified())
                    .then(|| bind(protocol, EVERY_IPV6, bound).ok())
                    .flatten();
                port.also_ipv6 = twin.is_some();
                Ok(Held {
                    port,
                    socket: Some(socket),
                    twin: twin.map(|(socket, _)| socket),
                })
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                Err(taken(port_holder::find(protocol, host_port)))
            }
            Err(source) => Err(Error::Bind {
                address,
                port: host_port,
                protocol,
                source,
            }),
        }
    }

    fn owner(&self, port: &BoundPort) -> Option<&Lease> {
        let collides = |other: &BoundPort| {
            other.protocol == port.protocol
                && other.host_port == port.host_port
                && (meet(other, port) || meet(port, other))
        };
        self.leases
            .iter()
            .find(|lease| lease.container != self.id && lease.ports.iter().any(collides))
    }
}

fn answers(held: &BoundPort, request: &PortRequest) -> bool {
    held.container_port == request.container_port
        && held.protocol == request.protocol
        && held.address == request.address
        && (*request.host_ports.end() == 0 || request.host_ports.contains(&held.host_port))
}

/// Whether the addresses of one port take that of another in.
fn meet(one: &BoundPort, other: &BoundPort) -> bool {
    let same_family = one.address.is_ipv4() == other.address.is_ipv4();
    one.address == other.address
        || same_family && one.address.is_unspecified()
        || one.also_ipv6 && other.address.is_ipv6()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::request::Protocol;

    fn on_loopback(host_ports: std::ops::RangeInclusive<u16>) -> PortRequest {
        PortRequest {
            address: Ipv4Addr::LOCALHOST.into(),
            host_ports,
            ..PortRequest::tcp(0, 80)
        }
    }

    #[test]
    fn a_reserved_port_is_in_use_for_everyone_until_released() {
        let reservations = Reservations::default();
        let port = reservations
            .reserve("a", &[on_loopback(0..=0)], &[])
            .unwrap()[0]
            .host_port;
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err());
        let again = reservations
            .reserve("a", &[on_loopback(port..=port)], &[])
            .unwrap();
        assert_eq!(again[0].host_port, port);
        reservations.release("a");
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    }

    #[test]
    fn a_taken_port_is_named_with_its_holder() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = Reservations::default()
            .reserve("a", &[on_loopback(port..=port)], &[])
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&format!(
                "port {port}/tcp on 127.0.0.1 is already in use by "
            )),
            "{text}"
        );
        assert!(
            text.contains(&format!("PID {}", std::process::id())),
            "{text}"
        );
    }

    #[test]
    fn a_range_gives_the_first_free_port_and_all_or_none_are_held() {
        let reservations = Reservations::default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let first = listener.local_addr().unwrap().port();
        let range = first..=first.saturating_add(20);
        let got = reservations
            .reserve("a", &[on_loopback(range)], &[])
            .unwrap()[0]
            .host_port;
        assert!(got > first);
        let failed =
            reservations.reserve("b", &[on_loopback(0..=0), on_loopback(first..=first)], &[]);
        assert!(failed.is_err());
        assert!(!reservations.lock().contains_key("b"));
    }

    #[test]
    fn a_port_of_another_container_is_refused_even_when_its_socket_is_lost() {
        let port = BoundPort {
            address: Ipv4Addr::UNSPECIFIED.into(),
            also_ipv6: true,
            host_port: 64_321,
            container_port: 80,
            protocol: Protocol::Tcp,
        };
        let lease = Lease {
            container: "0123456789abcdef".into(),
            network: "bridge".into(),
            address: Ipv4Addr::new(10, 90, 0, 2),
            ipv6: None,
            interface: "eth0".into(),
            host_interface: "tv0".into(),
            names: vec![],
            ports: vec![port],
            mac: None,
            links: vec![],
            dns: vec![],
        };
        let error = Reservations::default()
            .reserve("other", &[on_loopback(64_321..=64_321)], &[lease])
            .unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("in use by container 0123456789ab"),
            "{error}"
        );
    }
}
