//! Listening sockets of a network namespace, see proc_pid_net(5).

use std::{
    collections::HashMap,
    fs,
    net::{Ipv4Addr, Ipv6Addr},
};

use terrarium_api::{IsolatedProcess, ListeningSocket, Protocol};

/// `TCP_LISTEN` of the kernel; an unconnected datagram socket is `TCP_CLOSE`.
const STREAM_WAITS: &str = "0A";
const DATAGRAM_WAITS: &str = "07";

/// All sockets that wait in the namespace of `init`, with the container's processes that hold them.
pub(super) fn listening(init: u32, processes: &[IsolatedProcess]) -> Vec<ListeningSocket> {
    let tables = [
        ("tcp", Protocol::Tcp, STREAM_WAITS),
        ("tcp6", Protocol::Tcp, STREAM_WAITS),
        ("udp", Protocol::Udp, DATAGRAM_WAITS),
        ("udp6", Protocol::Udp, DATAGRAM_WAITS),
    ];
    let mut found = Vec::new();
    for (table, protocol, waits) in tables {
        let text = fs::read_to_string(format!("/proc/{init}/net/{table}")).unwrap_or_default();
        found.extend(parse(&text, waits).map(|socket| (protocol, socket)));
    }
    if found.is_empty() {
        return Vec::new();
    }
    let owners = owners(processes);
    let fact = |(protocol, socket): (Protocol, Socket)| ListeningSocket {
        protocol,
        address: socket.address,
        port: socket.port,
        pids: owners.get(&socket.inode).cloned().unwrap_or_default(),
    };
    let mut sockets: Vec<ListeningSocket> = found.into_iter().map(fact).collect();
    sockets.sort_by_key(|socket| socket.port);
    sockets
}

#[derive(Debug, PartialEq, Eq)]
struct Socket {
    address: String,
    port: u16,
    inode: u64,
}

fn parse<'t>(text: &'t str, waits: &'t str) -> impl Iterator<Item = Socket> + 't {
    text.lines().skip(1).filter_map(move |line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        if *fields.get(3)? != waits {
            return None;
        }
        let (address, port) = fields.get(1)?.split_once(':')?;
        Some(Socket {
            address: address_of(address)?,
            port: u16::from_str_radix(port, 16).ok()?,
            inode: fields.get(9)?.parse().ok()?,
        })
    })
}

/// Words of four bytes in the order of this machine.
fn address_of(hex: &str) -> Option<String> {
    let word = |at: usize| u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok();
    if hex.len() == 8 {
        return Some(Ipv4Addr::from(word(0)?.to_ne_bytes()).to_string());
    }
    let mut bytes = [0_u8; 16];
    for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
        chunk.copy_from_slice(&word(index)?.to_ne_bytes());
    }
    Some(Ipv6Addr::from(bytes).to_string())
}

/// Which processes hold a socket, by its inode. Descriptors of another user's process are not shown
/// to an ordinary user.
fn owners(processes: &[IsolatedProcess]) -> HashMap<u64, Vec<u32>> {
    let mut owners: HashMap<u64, Vec<u32>> = HashMap::new();
    for process in processes {
        let folder = fs::read_dir(format!("/proc/{}/fd", process.pid));
        for entry in folder.into_iter().flatten().flatten() {
            let Some(inode) = fs::read_link(entry.path())
                .ok()
                .and_then(|link| socket_inode(link.to_str()?))
            else {
                continue;
            };
            let pids = owners.entry(inode).or_default();
            if !pids.contains(&process.pid) {
                pids.push(process.pid);
            }
        }
    }
    owners
}

fn socket_inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_waits_is_listed() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0
   1: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0 100 0 0 10 0";
        let found: Vec<Socket> = parse(text, STREAM_WAITS).collect();
        let expect = Socket {
            address: "127.0.0.1".into(),
            port: 8080,
            inode: 4242,
        };
        assert_eq!(found, [expect]);
    }

    #[test]
    fn addresses_of_both_families_are_read() {
        let check = |hex, expect: &str| assert_eq!(address_of(hex).as_deref(), Some(expect));
        check("00000000", "0.0.0.0");
        check("00000000000000000000000000000000", "::");
        check("00000000000000000000000001000000", "::1");
        assert_eq!(address_of("0000"), None);
        assert_eq!(socket_inode("socket:[77]"), Some(77));
        assert_eq!(socket_inode("pipe:[77]"), None);
    }
}
