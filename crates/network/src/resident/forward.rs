//! Asking the servers that know the rest of the world, from the host's side.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::files;

const PORT: u16 = 53;
/// How long one server gets; a client gives up after five seconds by default.
const PATIENCE: Duration = Duration::from_millis(2_000);
/// Servers that are asked in turn; more than `resolv.conf(5)` allows are not.
const SERVERS: usize = 3;

/// How the asker came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Datagram,
    Stream,
}

/// Asks the servers in turn and gives back the first answer.
pub(super) fn ask(query: &[u8], named: &[IpAddr], transport: Transport) -> Option<Vec<u8>> {
    let machine = files::machine_servers();
    let servers = if named.is_empty() { &machine } else { named };
    servers.iter().take(SERVERS).find_map(|server| {
        let server = SocketAddr::new(*server, PORT);
        match transport {
            Transport::Datagram => over_datagram(query, server).ok(),
            Transport::Stream => over_stream(query, server).ok(),
        }
    })
}

/// Another number and a port of its own for each question: an answer from elsewhere has to guess both.
fn over_datagram(query: &[u8], server: SocketAddr) -> io::Result<Vec<u8>> {
    let any: IpAddr = if server.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    let mut sent = query.to_vec();
    let number = (RandomState::new().build_hasher().finish() as u16).to_be_bytes();
    sent[..2].copy_from_slice(&number);
    socket.send(&sent)?;
    let end = Instant::now() + PATIENCE;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let length = socket.recv(&mut buffer)?;
        let answer = &buffer[..length];
        if length >= 12 && answer[..2] == number && answer[2] & 0x80 != 0 {
            return Ok([&query[..2], &answer[2..]].concat());
        }
    }
}

fn over_stream(query: &[u8], server: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&framed(query))?;
    read_framed(&mut stream)
}

/// A message as it goes over TCP: its length before it (RFC 1035 section 4.2.2).
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend(&message[..usize::from(length)]);
    bytes
}

/// Reads one such message.
pub(super) fn read_framed(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(message)
}
