//! Who listens on a port: only asked when a port is taken, for the message.

use std::fs;
use std::path::Path;

use crate::request::Protocol;

/// Finds the process that holds a host port, as `` `nginx` (PID 812) ``, if we may know.
pub(crate) fn find(protocol: Protocol, port: u16) -> Option<String> {
    let tables = match protocol {
        Protocol::Tcp => ["tcp", "tcp6"],
        Protocol::Udp => ["udp", "udp6"],
    };
    // `thread-self`: `/proc/net` shows the network namespace of the main thread.
    let inode = tables.iter().find_map(|table| {
        let text = fs::read_to_string(Path::new("/proc/thread-self/net").join(table)).ok()?;
        socket_inode(&text, protocol, port)
    })?;
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
fn socket_inode(table: &str, protocol: Protocol, port: u16) -> Option<u64> {
    const LISTEN: &str = "0A";
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace();
        let local = fields.nth(1)?;
        let state = fields.nth(1)?;
        let inode = fields.nth(5)?.parse().ok()?;
        let (_, local_port) = local.rsplit_once(':')?;
        let listens = protocol == Protocol::Udp || state == LISTEN;
        let fits = u16::from_str_radix(local_port, 16).ok()? == port;
        (fits && listens).then_some(inode)
    })
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
        assert_eq!(socket_inode(table, Protocol::Tcp, 8080), Some(22222));
        assert_eq!(socket_inode(table, Protocol::Udp, 8080), Some(11111));
        assert_eq!(socket_inode(table, Protocol::Tcp, 8081), None);
    }
}
