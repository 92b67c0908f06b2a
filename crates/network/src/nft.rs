//! The packet filter table: rendered from the records, replaced in one transaction.

use std::io::{self, ErrorKind, Write};
use std::net::IpAddr;
use std::process::{Command, Stdio};

use crate::bridge::Bridge;
use crate::error::{Error, Result};
use crate::netfilter::{INET, Netfilter};
use crate::request::BoundPort;
use crate::state::Lease;

/// Renders the whole table. Replacing all of it makes every change the same, safe operation: what
/// another tool flushed or a crash left is put right by the next one. Connections that are tracked
/// already keep their translation.
pub(crate) fn render(table: &str, bridges: &[Bridge], leases: &[Lease]) -> String {
    let chains = [
        guard(bridges),
        arriving(),
        local(),
        published(leases),
        leaving(bridges),
        through(bridges),
        quiet(bridges),
    ];
    // Adding first makes deleting safe when there is none.
    let head =
        format!("add table inet {table}\ndelete table inet {table}\ntable inet {table} {{\n");
    head + &chains.concat() + "}\n"
}

/// Drops what containers send to the host's loopback, which `route_localnet` would let in
/// (CVE-2020-8558). It must come before the translation, hence priority `raw`.
fn guard(bridges: &[Bridge]) -> String {
    let rules = bridges
        .iter()
        .map(|bridge| format!("iifname \"{}\" ip daddr 127.0.0.0/8 drop", bridge.interface));
    chain(
        "guard",
        "type filter hook prerouting priority -300; policy accept;",
        rules,
    )
}

/// Translates what comes in. The translation precedes the kernel's check for impossible addresses: without
/// the exception a neighbor's packet for 127.0.0.1 would reach a port that is published on loopback only.
fn arriving() -> String {
    let rules = [
        "ip daddr 127.0.0.0/8 return",
        "fib daddr type local jump published",
    ];
    let hook = "type nat hook prerouting priority -100; policy accept;";
    chain("arriving", hook, rules.map(str::to_owned))
}

/// Translates what the host itself sends.
fn local() -> String {
    let rules = ["fib daddr type local jump published".to_owned()];
    chain(
        "local",
        "type nat hook output priority -100; policy accept;",
        rules,
    )
}

fn published(leases: &[Lease]) -> String {
    let ports = leases
        .iter()
        .flat_map(|lease| lease.ports.iter().map(move |port| (lease, port)));
    chain(
        "published",
        "",
        ports.flat_map(|(lease, port)| translations(port, lease)),
    )
}

/// One for each family in which both the port and the container have an address.
fn translations(port: &BoundPort, lease: &Lease) -> Vec<String> {
    let mut rules = Vec::new();
    if let IpAddr::V4(address) = port.address {
        let on = if address.is_unspecified() {
            String::new()
        } else {
            format!("ip daddr {address} ")
        };
        rules.push(translation(&on, port, "ip", &lease.address.to_string()));
    }
    let address = match port.address {
        IpAddr::V6(address) if !address.is_unspecified() => Some(format!("ip6 daddr {address} ")),
        // Nothing leaves the loopback of IPv6: a connection from there is handed on by a process.
        IpAddr::V6(_) => Some("ip6 daddr != ::1 ".to_owned()),
        IpAddr::V4(_) => port.also_ipv6.then(|| "ip6 daddr != ::1 ".to_owned()),
    };
    if let (Some(on), Some(ipv6)) = (address.filter(|_| !is_loopback(port)), lease.ipv6) {
        rules.push(translation(&on, port, "ip6", &format!("[{ipv6}]")));
    }
    rules
}

fn is_loopback(port: &BoundPort) -> bool {
    matches!(port.address, IpAddr::V6(address) if address.is_loopback())
}

fn translation(on: &str, port: &BoundPort, family: &str, container: &str) -> String {
    let BoundPort {
        host_port,
        container_port,
        protocol,
        ..
    } = port;
    format!("{on}{protocol} dport {host_port} dnat {family} to {container}:{container_port}")
}

/// Lends the host's address to what leaves. Also to what comes back to the bridge it came from, or from the
/// host's loopback: without the bridge's address as source, the answer would miss the way back through the
/// translation.
fn leaving(bridges: &[Bridge]) -> String {
    let rules = bridges.iter().filter(|bridge| !bridge.internal).flat_map(|bridge| {
        let (link, subnet) = (&bridge.interface, bridge.subnet);
        let mut rules = vec![
            format!("ip saddr {subnet} oifname != \"{link}\" masquerade"),
            format!(
                "oifname \"{link}\" ct status dnat ip saddr {{ {subnet}, 127.0.0.0/8 }} masquerade"
            ),
        ];
        if let Some(ipv6) = &bridge.ipv6 {
            let subnet = ipv6.subnet;
            rules.extend([
                format!("ip6 saddr {subnet} oifname != \"{link}\" masquerade"),
                format!("oifname \"{link}\" ct status dnat ip6 saddr {subnet} masquerade"),
            ]);
        }
        rules
    });
    chain(
        "leaving",
        "type nat hook postrouting priority 100; policy accept;",
        rules,
    )
}

/// Lets only answers and published ports reach a container from outside its own bridge; this also keeps
/// bridges apart from each other.
fn through(bridges: &[Bridge]) -> String {
    let inward = bridges
        .iter()
        .filter(|bridge| bridge.internal)
        .map(|bridge| {
            let link = &bridge.interface;
            format!("iifname \"{link}\" oifname != \"{link}\" drop")
        });
    let outward = bridges.iter().flat_map(|bridge| {
        let link = &bridge.interface;
        let mut rules = Vec::new();
        if !bridge.internal {
            rules.push(format!(
                "oifname \"{link}\" ct state established,related accept"
            ));
            rules.push(format!("oifname \"{link}\" ct status dnat accept"));
        }
        rules.push(format!("oifname \"{link}\" iifname != \"{link}\" drop"));
        rules
    });
    // Before all others: a port that another network publishes is no way out of an internal one.
    let rules = inward.chain(outward);
    chain(
        "through",
        "type filter hook forward priority 0; policy accept;",
        rules,
    )
}

/// Keeps the host from telling two containers that meet through a published port to go the direct way: the
/// caller would then get answers from an address that it did not call.
fn quiet(bridges: &[Bridge]) -> String {
    let rules = bridges.iter().flat_map(|bridge| {
        let link = &bridge.interface;
        let ipv4 = format!("oifname \"{link}\" icmp type redirect drop");
        let ipv6 = format!("oifname \"{link}\" icmpv6 type nd-redirect drop");
        [Some(ipv4), bridge.ipv6.as_ref().map(|_| ipv6)]
    });
    let rules = rules.flatten();
    chain(
        "quiet",
        "type filter hook output priority 0; policy accept;",
        rules,
    )
}

fn chain(name: &str, hook: &str, rules: impl IntoIterator<Item = String>) -> String {
    let rules: String = rules
        .into_iter()
        .map(|rule| format!("    {rule}\n"))
        .collect();
    format!("  chain {name} {{\n    {hook}\n{rules}  }}\n")
}

/// Removes the table.
pub(crate) fn remove(table: &str) -> Result<()> {
    apply(
        table,
        &format!("add table inet {table}\ndelete table inet {table}\n"),
    )
}

/// The names of all tables that could be an engine's: asked of the kernel, as most machines have none.
pub(crate) fn tables() -> io::Result<Vec<String>> {
    const GET_TABLE: u16 = 10 << 8 | 1;
    const NAME: u16 = 1;
    let mut names = Vec::new();
    Netfilter::open(0)?.dump(GET_TABLE, |message| {
        let name = message.attributes().get(NAME);
        let text = name.and_then(|name| std::str::from_utf8(name.strip_suffix(&[0])?).ok());
        names.extend(
            text.filter(|_| message.family() == Some(INET))
                .map(str::to_owned),
        );
    })?;
    Ok(names)
}

/// A table, as it is.
pub(crate) fn list(table: &str) -> Result<String> {
    run(table, &["list", "table", "inet", table], "")
}

/// Gives the text to `nft` as one transaction: all of it counts, or nothing.
pub(crate) fn apply(table: &str, text: &str) -> Result<()> {
    run(table, &["-f", "-"], text).map(drop)
}

fn run(table: &str, arguments: &[&str], text: &str) -> Result<String> {
    let mut child = Command::new("nft")
        .args(arguments)
        .env("PATH", search_path())
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| match source.kind() {
            ErrorKind::NotFound => Error::NftMissing,
            _ => Error::NftRun { source },
        })?;
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    // A broken pipe means that nft gave up; its own words below say why.
    let _ = stdin.write_all(text.as_bytes());
    drop(stdin);
    let output = child
        .wait_with_output()
        .map_err(|source| Error::NftRun { source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let message = said
        .lines()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(300)
        .collect();
    Err(Error::NftRefused {
        table: table.to_owned(),
        message,
    })
}

/// A desktop user's or a service's `PATH` often lacks the folders of system tools.
fn search_path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    format!("{own}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipv6::Ipv6;
    use crate::request::Protocol;

    fn bridge(name: &str, subnet: &str, internal: bool) -> Bridge {
        let interface = format!("{name}0");
        Bridge {
            name: name.into(),
            interface,
            subnet: subnet.parse().unwrap(),
            internal,
            last: None,
            gateway: None,
            range: None,
            mtu: None,
            ipv6: None,
        }
    }

    #[test]
    fn the_table_says_what_the_records_say() {
        let port = |address: [u8; 4], host_port, protocol| BoundPort {
            address: IpAddr::V4(address.into()),
            also_ipv6: address == [0; 4],
            host_port,
            container_port: 80,
            protocol,
        };
        let lease = Lease {
            container: "a".into(),
            network: "front".into(),
            address: [10, 90, 0, 2].into(),
            ipv6: None,
            interface: "eth0".into(),
            host_interface: "tv0".into(),
            names: vec![],
            ports: vec![
                port([0, 0, 0, 0], 8080, Protocol::Tcp),
                port([127, 0, 0, 1], 53, Protocol::Udp),
            ],
            mac: None,
            links: vec![],
            dns: vec![],
        };
        let bridges = [
            bridge("front", "10.90.0.0/20", false),
            bridge("back", "10.90.16.0/20", true),
        ];
        insta::assert_snapshot!(render("terrarium", &bridges, std::slice::from_ref(&lease)));
        let mut six = bridge("six", "10.90.32.0/20", false);
        six.ipv6 = Some(Ipv6 {
            subnet: "fd00:6::/64".parse().unwrap(),
            gateway: None,
            range: None,
            last: None,
        });
        let lease = Lease {
            network: "six".into(),
            address: [10, 90, 32, 2].into(),
            ipv6: "fd00:6::2".parse().ok(),
            ports: [
                lease.ports.clone(),
                vec![BoundPort {
                    address: "2001:db8::1".parse().unwrap(),
                    also_ipv6: false,
                    ..lease.ports[0].clone()
                }],
            ]
            .concat(),
            ..lease
        };
        insta::assert_snapshot!("ipv6", render("terrarium", &[six], &[lease]));
    }
}
