//! Host ports: found, bound and held while a container owns them.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::port_holder;
use crate::request::{BoundPort, PortRequest, Protocol};
use crate::state::Lease;

/// How often another free port is asked for when the kernel's choice is leased already.
const ATTEMPTS: usize = 16;

/// A bound socket: nobody accepts on it, its packets are translated before they reach it. It makes the
/// kernel say "in use" to everyone else, at once and with no race.
///
/// Those of a user's networks are copied to the process that hands on what arrives at them.
#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

#[derive(Debug)]
struct Held {
    port: BoundPort,
    socket: Socket,
}

impl Held {
    fn copy(&self) -> Result<(BoundPort, OwnedFd)> {
        let copied = match &self.socket {
            Socket::Tcp(socket) => socket.as_fd().try_clone_to_owned(),
            Socket::Udp(socket) => socket.as_fd().try_clone_to_owned(),
        };
        let failed = |source| Error::Bind {
            address: self.port.address.into(),
            port: self.port.host_port,
            protocol: self.port.protocol,
            source,
        };
        Ok((self.port.clone(), copied.map_err(failed)?))
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
            match bind(port.protocol, port.address, port.host_port) {
                Ok((socket, _)) => held.push(Held {
                    port: port.clone(),
                    socket,
                }),
                Err(_) => lost.push(port.clone()),
            }
        }
        lost
    }

    /// The sockets of a container once more.
    pub(crate) fn sockets(&self, id: &str) -> Result<Vec<(BoundPort, OwnedFd)>> {
        let all = self.lock();
        all.get(id).into_iter().flatten().map(Held::copy).collect()
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
        let address = host_address(request);
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
                address: address.into(),
                first,
                last,
                protocol: request.protocol,
            },
        })
    }

    fn hold_any(&self, request: &PortRequest, address: Ipv4Addr) -> Result<Held> {
        for _ in 0..ATTEMPTS {
            let held = self.hold_one(request, address, 0)?;
            if self.owner(&held.port).is_none() {
                return Ok(held);
            }
        }
        let protocol = request.protocol;
        Err(Error::PortRangeTaken {
            address: address.into(),
            first: 1,
            last: u16::MAX,
            protocol,
        })
    }

    fn hold_one(&self, request: &PortRequest, address: Ipv4Addr, host_port: u16) -> Result<Held> {
        let protocol = request.protocol;
        let mut port = BoundPort {
            address,
            host_port,
            container_port: request.container_port,
            protocol,
        };
        let taken = |holder| Error::PortTaken {
            address: address.into(),
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
                Ok(Held { port, socket })
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                Err(taken(port_holder::find(protocol, host_port)))
            }
            Err(source) => Err(Error::Bind {
                address: address.into(),
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
                && (other.address == port.address
                    || other.address.is_unspecified()
                    || port.address.is_unspecified())
        };
        self.leases
            .iter()
            .find(|lease| lease.container != self.id && lease.ports.iter().any(collides))
    }
}

fn answers(held: &BoundPort, request: &PortRequest) -> bool {
    held.container_port == request.container_port
        && held.protocol == request.protocol
        && held.address == host_address(request)
        && (*request.host_ports.end() == 0 || request.host_ports.contains(&held.host_port))
}

/// All of IPv6 stands for all addresses; a single IPv6 address was refused before.
fn host_address(request: &PortRequest) -> Ipv4Addr {
    match request.address {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}

fn bind(protocol: Protocol, address: Ipv4Addr, port: u16) -> io::Result<(Socket, u16)> {
    match protocol {
        Protocol::Tcp => {
            let socket = TcpListener::bind((address, port))?;
            let port = socket.local_addr()?.port();
            Ok((Socket::Tcp(socket), port))
        }
        Protocol::Udp => {
            let socket = UdpSocket::bind((address, port))?;
            let port = socket.local_addr()?.port();
            Ok((Socket::Udp(socket), port))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            address: Ipv4Addr::UNSPECIFIED,
            host_port: 64_321,
            container_port: 80,
            protocol: Protocol::Tcp,
        };
        let lease = Lease {
            container: "0123456789abcdef".into(),
            network: "bridge".into(),
            address: Ipv4Addr::new(10, 90, 0, 2),
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
