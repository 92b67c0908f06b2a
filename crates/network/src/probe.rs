//! Trying a way from inside a container: the name, the route, the connection, as its programs would.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::netns::inside;
use crate::network::Network;
use crate::resident::{NAME_SERVER, question_for_address, read_addresses};

/// Longer than the name server takes to ask elsewhere.
const NAMES: Duration = Duration::from_secs(3);
/// Between neighbors on one machine a packet takes microseconds; what is dropped is never answered.
const CONNECTION: Duration = Duration::from_secs(2);

/// What the container's name server says about a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lookup {
    /// Its addresses.
    Found(Vec<Ipv4Addr>),
    /// It knows no such name, or no address of it.
    Unknown,
    /// It does not answer, or there is none.
    Silent,
}

/// What came of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reached {
    /// Somebody accepted it.
    Accepted,
    /// It was refused: nobody listens at this address.
    Refused,
    /// No answer at all.
    Silent,
    /// The kernel knows no way.
    NoWay,
}

impl Network {
    /// Asks the container's own name server.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub fn look_up(&self, netns: BorrowedFd<'_>, name: &str) -> Result<Lookup> {
        if self.is_asked_for() {
            return self.ask_look_up(netns, name);
        }
        inside(netns, || Ok(ask(name).unwrap_or(Lookup::Silent)))
    }

    /// The address that the container would speak from; none where the kernel knows no way.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub fn source_toward(
        &self,
        netns: BorrowedFd<'_>,
        address: Ipv4Addr,
    ) -> Result<Option<Ipv4Addr>> {
        if self.is_asked_for() {
            return self.ask_source(netns, address);
        }
        inside(netns, || Ok(source(address)))
    }

    /// Opens a connection and closes it again.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub fn connect(&self, netns: BorrowedFd<'_>, address: Ipv4Addr, port: u16) -> Result<Reached> {
        if self.is_asked_for() {
            return self.ask_connect(netns, address, port);
        }
        inside(netns, || Ok(reach(SocketAddr::from((address, port)))))
    }
}

fn ask(name: &str) -> io::Result<Lookup> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(NAMES))?;
    socket.connect((NAME_SERVER, 53))?;
    socket.send(&question_for_address(name))?;
    let mut answer = [0; 1500];
    let length = socket.recv(&mut answer)?;
    let addresses = read_addresses(&answer[..length]);
    Ok(if addresses.is_empty() {
        Lookup::Unknown
    } else {
        Lookup::Found(addresses)
    })
}

/// Connecting a datagram socket looks up the route and sends nothing.
fn source(address: Ipv4Addr) -> Option<Ipv4Addr> {
    let chosen = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        .and_then(|socket| socket.connect((address, 9)).map(|()| socket))
        .and_then(|socket| socket.local_addr());
    match chosen.map(|chosen| chosen.ip()) {
        Ok(IpAddr::V4(source)) => Some(source),
        _ => None,
    }
}

fn reach(to: SocketAddr) -> Reached {
    match TcpStream::connect_timeout(&to, CONNECTION) {
        Ok(_) => Reached::Accepted,
        Err(error) => match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Reached::Refused,
            ErrorKind::NetworkUnreachable => Reached::NoWay,
            _ => Reached::Silent,
        },
    }
}
