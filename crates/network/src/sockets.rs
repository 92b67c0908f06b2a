//! Sockets on the addresses of the host, as published ports need them.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddrV6, TcpListener, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn6, listen, setsockopt, socket, sockopt,
};

use crate::request::Protocol;

/// All addresses of IPv6.
pub(crate) const EVERY_IPV6: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
/// Connections from IPv6 that wait to be handed on.
const BACKLOG: i32 = 1024;

/// A bound socket: nobody accepts on it, its packets are translated before they reach it. It makes the
/// kernel say "in use" to everyone else, at once and with no race.
///
/// Those of a user's networks are copied to the process that hands on what arrives at them.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Socket {
    pub(crate) fn copy(&self) -> io::Result<OwnedFd> {
        match self {
            Self::Tcp(socket) => socket.as_fd().try_clone_to_owned(),
            Self::Udp(socket) => socket.as_fd().try_clone_to_owned(),
        }
    }
}

/// Binds a port and tells which one, where any will do.
pub(crate) fn bind(protocol: Protocol, address: IpAddr, port: u16) -> io::Result<(Socket, u16)> {
    let socket = match (protocol, address) {
        (Protocol::Tcp, IpAddr::V4(_)) => Socket::Tcp(TcpListener::bind((address, port))?),
        (Protocol::Udp, IpAddr::V4(_)) => Socket::Udp(UdpSocket::bind((address, port))?),
        (Protocol::Tcp, IpAddr::V6(address)) => {
            let socket = bind_ipv6(SockType::Stream, address, port)?;
            listen(&socket, Backlog::new(BACKLOG)?)?;
            Socket::Tcp(socket.into())
        }
        (Protocol::Udp, IpAddr::V6(address)) => {
            Socket::Udp(bind_ipv6(SockType::Datagram, address, port)?.into())
        }
    };
    let bound = match &socket {
        Socket::Tcp(socket) => socket.local_addr()?,
        Socket::Udp(socket) => socket.local_addr()?,
    };
    Ok((socket, bound.port()))
}

/// Without the addresses of IPv4, which have a socket of their own.
fn bind_ipv6(kind: SockType, address: Ipv6Addr, port: u16) -> io::Result<OwnedFd> {
    let socket = socket(AddressFamily::Inet6, kind, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
    if kind == SockType::Stream {
        setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    }
    let at = SockaddrIn6::from(SocketAddrV6::new(address, port, 0, 0));
    nix::sys::socket::bind(socket.as_raw_fd(), &at)?;
    Ok(socket)
}
