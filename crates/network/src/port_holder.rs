//! Who listens on a port: only asked when a port is taken, for the message.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use crate::request::{PortRequest, Protocol};

/// Finds the process that holds a host port, as `` `nginx` (PID 812) ``, if we may know.
pub(crate) fn find(protocol: Protocol, port: u16) -> Option<String> {
    let inode = holding(protocol, port, None)?;
    process(inode)
}

/// Who holds the host port of a request at this moment, for who only wants to know: nothing is bound.
#[must_use]
pub fn port_holder(request: &PortRequest) -> Option<String> {
    let port = *request.host_ports.start();
    if port == 0 || port != *request.host_ports.end() {
        return None;
    }
    let inode = holding(request.protocol, port, Some(request.address))?;
    Some(process(inode).unwrap_or_else(|| "another program".to_owned()))
}

/// The socket on a port, of those in the way of an address if one is given.
fn holding(protocol: Protocol, port: u16, address: Option<IpAddr>) -> Option<u64> {
    let tables = match protocol {
        Protocol::Tcp => ["tcp", "tcp6"],
        Protocol::Udp => ["udp", "udp6"],
    };
    // `thread-self`: `/proc/net` shows the network namespace of the main thread.
    tables.iter().find_map(|table| {
        let text = fs::read_to_string(Path::new("/proc/thread-self/net").join(table)).ok()?;
        socket_inode(&text, protocol, port, address)
    })
}

fn process(inode: u64) -> Option<String> {
    let link = format!("socket:[{inode}]");
    let pid = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .find(|pid| holds(*pid, &link))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(format!("`{}` (PID {pid})", name.trim()))
}

fn holds(pid: u32, link: &str) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    files
        .flatten()
        .any(|file| fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == link))
}

/// Finds the socket in a table of `/proc/net/tcp`, `udp` and their like; see `proc_net(5)`.
fn socket_inode(
    table: &str,
    protocol: Protocol,
    port: u16,
    address: Option<IpAddr>,
) -> Option<u64> {
    const LISTEN: &str = "0A";
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace();
        let local = fields.nth(1)?;
        let state = fields.nth(1)?;
        let inode = fields.nth(5)?.parse().ok()?;
        let (local_address, local_port) = local.rsplit_once(':')?;
        let listens = protocol == Protocol::Udp || state == LISTEN;
        let fits = u16::from_str_radix(local_port, 16).ok()? == port;
        let in_the_way = address.is_none_or(|address| overlaps(local_address, address));
        (fits && listens && in_the_way).then_some(inode)
    })
}

/// Whether a socket on an address of the table keeps another one from being bound.
fn overlaps(hex: &str, address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else {
        return true;
    };
    // Words of 32 bits in the byte order of the machine; all of IPv6 takes IPv4 with it.
    let own = format!("{:08X}", u32::from_ne_bytes(address.octets()));
    let is_v4 = hex.len() == own.len();
    hex.bytes().all(|digit| digit == b'0') || is_v4 && (address.is_unspecified() || hex == own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listening_socket_is_told_from_connections() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 11111 1 0
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22222 1 0
";
        let find = |protocol, port| socket_inode(table, protocol, port, None);
        assert_eq!(find(Protocol::Tcp, 8080), Some(22222));
        assert_eq!(find(Protocol::Udp, 8080), Some(11111));
        assert_eq!(find(Protocol::Tcp, 8081), None);
    }

    #[test]
    fn a_socket_is_in_the_way_of_its_own_address_and_of_all() {
        let check = |hex: &str, address: &str, expect| {
            assert_eq!(
                overlaps(hex, address.parse().unwrap()),
                expect,
                "{hex} {address}"
            );
        };
        let loopback = format!("{:08X}", u32::from_ne_bytes([127, 0, 0, 1]));
        check(&loopback, "127.0.0.1", true);
        check(&loopback, "0.0.0.0", true);
        check(&loopback, "127.0.0.2", false);
        check("00000000", "127.0.0.1", true);
        check(&"0".repeat(32), "127.0.0.1", true);
        check(&format!("{}01000000", "0".repeat(24)), "127.0.0.1", false);
    }
}
