//! The ports of a container: what is said about them beside what the kernel knows.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use terrarium_api::{PortBinding, PortTruth, PortVerdict, Protocol};

use super::record::Record;
use crate::{Engine, Result, blocking::blocking};

/// A table longer than this is not read to its end.
const LINES: usize = 4096;

/// The addresses inside on which each port is listened on.
pub(super) type Listening = BTreeMap<(u16, Protocol), Vec<IpAddr>>;

impl Engine {
    /// The ports of a container: exposed, published, and really listened on.
    ///
    /// # Errors
    /// `NoSuchContainer`.
    pub async fn container_ports(&self, name: &str) -> Result<Vec<PortTruth>> {
        let container = self.inner.containers.find(name)?;
        let (record, runs) = {
            let state = container.state();
            (state.record.clone(), state.live.is_some())
        };
        let pid = record.run.as_ref().and_then(|run| run.pid).filter(|_| runs);
        blocking(move || Ok(truths(&record, pid.map(listening)))).await
    }
}

/// `found` is absent where the container does not run.
fn truths(record: &Record, found: Option<Listening>) -> Vec<PortTruth> {
    let mut truths: BTreeMap<(u16, Protocol), PortTruth> = BTreeMap::new();
    let exposed = record
        .request
        .exposed_ports
        .iter()
        .chain(&record.image.config.exposed_ports);
    for (port, protocol) in exposed.filter_map(|text| exposed_port(text)) {
        entry(&mut truths, port, protocol).exposed = true;
    }
    let bound = record
        .run
        .as_ref()
        .filter(|_| found.is_some())
        .map(|run| run.ports.clone());
    let asked = record.request.ports.iter().map(|port| PortBinding {
        container_port: port.container_port,
        host_port: port.host_port,
        host_address: port.host_address.clone().unwrap_or_default(),
        protocol: port.protocol,
    });
    for port in bound.unwrap_or_else(|| asked.collect()) {
        let truth = entry(&mut truths, port.container_port, port.protocol);
        truth.published.push(port);
    }
    let runs = found.is_some();
    for ((port, protocol), addresses) in found.unwrap_or_default() {
        // Sockets of clients are bound to any high port, and nobody has to care.
        let said = truths.contains_key(&(port, protocol));
        if said || protocol == Protocol::Tcp {
            entry(&mut truths, port, protocol).listening =
                addresses.iter().map(ToString::to_string).collect();
        }
    }
    let has_ipv6 = record
        .places(runs)
        .iter()
        .any(|place| !place.ipv6_address.is_empty());
    let judged = truths.into_values().map(|truth| PortTruth {
        verdict: match verdict(&truth, runs) {
            PortVerdict::Reachable if has_ipv6 && is_deaf_to_ipv6(&truth) => PortVerdict::Ipv4Only,
            verdict => verdict,
        },
        ..truth
    });
    judged.collect()
}

fn entry(
    truths: &mut BTreeMap<(u16, Protocol), PortTruth>,
    port: u16,
    protocol: Protocol,
) -> &mut PortTruth {
    truths.entry((port, protocol)).or_insert_with(|| PortTruth {
        container_port: port,
        protocol,
        exposed: false,
        published: Vec::new(),
        listening: Vec::new(),
        verdict: PortVerdict::NotRunning,
    })
}

fn verdict(truth: &PortTruth, runs: bool) -> PortVerdict {
    let addresses: Vec<IpAddr> = truth
        .listening
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let heard = heard(&addresses);
    if !runs {
        PortVerdict::NotRunning
    } else if heard == PortVerdict::Reachable && truth.published.is_empty() {
        PortVerdict::NotPublished
    } else {
        heard
    }
}

/// Whether connections from IPv6 come to an address inside on which no process listens.
fn is_deaf_to_ipv6(truth: &PortTruth) -> bool {
    let is_ipv6 = |text: &String| text.contains(':');
    let mut published = truth.published.iter().map(|port| &port.host_address);
    published.any(is_ipv6) && !truth.listening.iter().any(is_ipv6)
}

/// Whether a process that listens on these addresses inside is heard outside.
pub(super) fn heard(addresses: &[IpAddr]) -> PortVerdict {
    if addresses.is_empty() {
        PortVerdict::NobodyListens
    } else if addresses.iter().all(IpAddr::is_loopback) {
        PortVerdict::LoopbackOnly
    } else {
        PortVerdict::Reachable
    }
}

/// Reads `80`, `80/tcp`, `53/udp`; other protocols are not published.
fn exposed_port(text: &str) -> Option<(u16, Protocol)> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return None,
    };
    Some((port.parse().ok()?, protocol))
}

/// What listens in the network namespace of a process; what cannot be read is not there.
pub(super) fn listening(pid: u32) -> Listening {
    let mut found = Listening::new();
    for (table, protocol) in [
        ("tcp", Protocol::Tcp),
        ("tcp6", Protocol::Tcp),
        ("udp", Protocol::Udp),
        ("udp6", Protocol::Udp),
    ] {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for (address, port) in text
            .lines()
            .skip(1)
            .take(LINES)
            .filter_map(|line| socket(line, protocol))
        {
            // The engine's own name server is no service of the container.
            if address != IpAddr::V4(terrarium_network::resident::NAME_SERVER) {
                found.entry((port, protocol)).or_default().push(address);
            }
        }
    }
    found
}

/// One line of `/proc/net/tcp` and its like, if it is of a socket that waits for others; see `proc_net(5)`.
fn socket(line: &str, protocol: Protocol) -> Option<(IpAddr, u16)> {
    const LISTEN: &str = "0A";
    const UNCONNECTED: &str = "07";
    let mut fields = line.split_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let waiting = match protocol {
        Protocol::Tcp => LISTEN,
        Protocol::Udp => UNCONNECTED,
    };
    let (address, port) = local.split_once(':').filter(|_| state == waiting)?;
    Some((read_address(address)?, u16::from_str_radix(port, 16).ok()?))
}

/// Words of 32 bits, each in the byte order of the machine.
fn read_address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        u32::from_str_radix(hex.get(at..at + 8)?, 16)
            .ok()
            .map(u32::to_ne_bytes)
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index * 8)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::record::{Run, tests::record};

    #[test]
    fn listening_sockets_are_told_from_others() {
        let line =
            |local: &str, state: &str| format!("0: {local} 00000000:0000 {state} 0:0 00:0 0 0 0 1");
        let check = |local: &str, state: &str, protocol, expect: Option<&str>| {
            let found = socket(&line(local, state), protocol);
            let text = found.map(|(address, port)| format!("{address} {port}"));
            assert_eq!(text.as_deref(), expect, "{local} {state}");
        };
        check("0100007F:1F90", "0A", Protocol::Tcp, Some("127.0.0.1 8080"));
        check("00000000:0050", "0A", Protocol::Tcp, Some("0.0.0.0 80"));
        check("00000000:0050", "01", Protocol::Tcp, None);
        check("00000000:0035", "07", Protocol::Udp, Some("0.0.0.0 53"));
        check(
            "00000000000000000000000001000000:0050",
            "0A",
            Protocol::Tcp,
            Some("::1 80"),
        );
    }

    #[test]
    fn the_chain_is_followed_to_where_it_breaks() {
        let check = |published: bool, addresses: Option<&[&str]>, expect| {
            let mut record = record();
            record.request.exposed_ports = vec!["80/tcp".into()];
            let bound = PortBinding {
                container_port: 80,
                host_port: 8080,
                host_address: "0.0.0.0".into(),
                protocol: Protocol::Tcp,
            };
            record.run = Some(Run {
                ports: if published { vec![bound] } else { vec![] },
                ..Run::default()
            });
            let found = addresses.map(|addresses| {
                let read = addresses
                    .iter()
                    .map(|text| text.parse().expect("an address"));
                let all: Vec<IpAddr> = read.collect();
                if all.is_empty() {
                    Listening::new()
                } else {
                    [((80, Protocol::Tcp), all)].into()
                }
            });
            let truths = truths(&record, found);
            assert_eq!(
                (truths.len(), truths[0].verdict),
                (1, expect),
                "{published} {addresses:?}"
            );
        };
        check(true, Some(&["0.0.0.0"]), PortVerdict::Reachable);
        check(true, Some(&["127.0.0.1", "::1"]), PortVerdict::LoopbackOnly);
        check(true, Some(&["127.0.0.1", "::"]), PortVerdict::Reachable);
        check(true, Some(&[]), PortVerdict::NobodyListens);
        check(false, Some(&["0.0.0.0"]), PortVerdict::NotPublished);
        check(false, Some(&["127.0.0.1"]), PortVerdict::LoopbackOnly);
        check(false, None, PortVerdict::NotRunning);
    }

    #[test]
    fn a_server_of_ipv4_is_not_reached_over_ipv6() {
        let truth = |published: &str, listening: &str| PortTruth {
            container_port: 80,
            protocol: Protocol::Tcp,
            exposed: true,
            published: vec![PortBinding {
                container_port: 80,
                host_port: 8080,
                host_address: published.into(),
                protocol: Protocol::Tcp,
            }],
            listening: vec![listening.into()],
            verdict: PortVerdict::Reachable,
        };
        assert!(is_deaf_to_ipv6(&truth("::", "0.0.0.0")));
        assert!(!is_deaf_to_ipv6(&truth("::", "::")));
        assert!(!is_deaf_to_ipv6(&truth("0.0.0.0", "0.0.0.0")));
    }
}
