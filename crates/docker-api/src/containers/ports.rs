//! Ports, both ways.

use std::collections::BTreeMap;

use terrarium_api::{PortBinding, PortRequest, Protocol};

use super::host_config::{self, HostConfig};
use crate::error::{Failure, Result};

/// Translates `PortBindings`, and with `PublishAllPorts` every exposed port that has no binding.
pub(super) fn translate<'a>(
    host: &HostConfig,
    exposed: impl Iterator<Item = &'a String>,
) -> Result<Vec<PortRequest>> {
    let mut requests = Vec::new();
    for (port, bindings) in &host.port_bindings {
        let (container_port, protocol) = parse(port)?;
        for binding in bindings.iter().flatten() {
            requests.push(PortRequest {
                container_port,
                host_port: host_port(&binding.host_port)?,
                host_address: Some(binding.host_ip.clone()).filter(|address| !address.is_empty()),
                protocol,
            });
        }
    }
    if host.publish_all_ports {
        for port in exposed {
            let (container_port, protocol) = parse(port)?;
            let bound = |request: &PortRequest| {
                (request.container_port, request.protocol) == (container_port, protocol)
            };
            if !requests.iter().any(bound) {
                requests.push(PortRequest {
                    container_port,
                    host_port: 0,
                    host_address: None,
                    protocol,
                });
            }
        }
    }
    Ok(requests)
}

/// Reads `80`, `80/tcp`, `53/udp`.
pub(super) fn parse(text: &str) -> Result<(u16, Protocol)> {
    let invalid = || {
        Failure::bad_request(format!(
            "invalid port specification: \"{}\"",
            text.escape_debug()
        ))
    };
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol.to_ascii_lowercase().as_str() {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return Err(invalid()),
    };
    match port.parse() {
        Ok(port) if port > 0 => Ok((port, protocol)),
        _ => Err(invalid()),
    }
}

/// `80` is `80/tcp`.
pub(super) fn with_protocol(text: &str) -> String {
    if text.contains('/') {
        text.to_owned()
    } else {
        format!("{text}/tcp")
    }
}

/// Empty is "any". Of a range, which asks for any port within it, the first is taken.
fn host_port(text: &str) -> Result<u16> {
    let first = text.split('-').next().unwrap_or_default();
    if first.is_empty() {
        return Ok(0);
    }
    first.parse().map_err(|_| {
        Failure::bad_request(format!("invalid host port: \"{}\"", text.escape_debug()))
    })
}

/// The name of a protocol.
pub(super) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}

/// `80/tcp`.
pub(super) fn key(port: u16, of: Protocol) -> String {
    format!("{port}/{}", protocol(of))
}

type Shown = BTreeMap<String, Option<Vec<host_config::PortBinding>>>;

/// The requested bindings, as in `HostConfig`.
pub(super) fn show_requests(requests: &[PortRequest]) -> Shown {
    let mut shown = Shown::new();
    for request in requests {
        let binding = host_config::PortBinding {
            host_ip: request.host_address.clone().unwrap_or_default(),
            host_port: match request.host_port {
                0 => String::new(),
                port => port.to_string(),
            },
        };
        let entry = shown
            .entry(key(request.container_port, request.protocol))
            .or_default();
        entry.get_or_insert_default().push(binding);
    }
    shown
}

/// The real bindings, as in `NetworkSettings`: exposed ports without one are `null`.
pub(super) fn show_bindings(bindings: &[PortBinding], exposed: &[String]) -> Shown {
    let mut shown: Shown = exposed.iter().map(|port| (port.clone(), None)).collect();
    for bound in bindings {
        let binding = host_config::PortBinding {
            host_ip: bound.host_address.clone(),
            host_port: bound.host_port.to_string(),
        };
        let entry = shown
            .entry(key(bound.container_port, bound.protocol))
            .or_default();
        entry.get_or_insert_default().push(binding);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_with_and_without_protocol() {
        assert_eq!(parse("80"), Ok((80, Protocol::Tcp)));
        assert_eq!(parse("53/UDP"), Ok((53, Protocol::Udp)));
        for text in ["", "0", "65536", "80/sctpx", "a/tcp", "80-90/tcp", "/tcp"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn all_exposed_ports_are_published_once() {
        let mut host = HostConfig {
            publish_all_ports: true,
            ..HostConfig::default()
        };
        let binding = host_config::PortBinding {
            host_ip: String::new(),
            host_port: "8080".into(),
        };
        host.port_bindings
            .insert("80/tcp".into(), Some(vec![binding]));
        let exposed = ["80/tcp".to_owned(), "81".to_owned()];
        let ports = translate(&host, exposed.iter()).expect("it is valid");
        let pairs: Vec<_> = ports
            .iter()
            .map(|port| (port.container_port, port.host_port))
            .collect();
        assert_eq!(pairs, [(80, 8080), (81, 0)]);
    }

    #[test]
    fn a_range_of_host_ports_begins_at_its_first() {
        assert_eq!(host_port("8000-8010"), Ok(8000));
        assert_eq!(host_port(""), Ok(0));
        assert!(host_port("x").is_err() && host_port("70000").is_err());
    }
}
