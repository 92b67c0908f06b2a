//! Ports that a container will not get as things are: told when it is made, refused when it starts.
//!
//! They are not refused earlier, as Compose makes the next container of a service while the one before
//! still runs, and takes that away before the next one starts.

use std::collections::BTreeSet;

use terrarium_api::PortRequest;
use terrarium_network::port_holder;

use super::network;
use crate::{Engine, Result, blocking::blocking};

impl Engine {
    /// Says for each port that is asked for by number who has it, or will have it, instead.
    ///
    /// # Errors
    /// `InvalidArgument` for an address that is none.
    pub async fn port_clashes(&self, ports: &[PortRequest]) -> Result<Vec<String>> {
        let mut said = Vec::new();
        let mut published = BTreeSet::new();
        for container in self.inner.containers.all() {
            let state = container.state();
            let others = &state.record.request.ports;
            for port in ports
                .iter()
                .filter(|port| others.iter().any(|o| clash(o, port)))
            {
                let name = &state.record.name;
                let text = if state.live.is_some() {
                    published.insert((port.host_port, port.protocol));
                    format!("is published by container {name}, which runs")
                } else {
                    format!("is also asked for by container {name}: only one of them can run")
                };
                said.push(format!("{} {text}", shown(port)));
            }
        }
        let rest = ports
            .iter()
            .filter(|port| !published.contains(&(port.host_port, port.protocol)));
        let rest: Vec<PortRequest> = rest.cloned().collect();
        let held = blocking(move || {
            let wanted = network::ports(&rest)?;
            let held = rest.iter().zip(&wanted).filter_map(|(port, wanted)| {
                let holder = port_holder(wanted)?;
                Some(format!("{} is in use by {holder}", shown(port)))
            });
            Ok(held.collect::<Vec<_>>())
        });
        said.extend(held.await?);
        Ok(said)
    }
}

fn clash(a: &PortRequest, b: &PortRequest) -> bool {
    let any = |port: &PortRequest| {
        let address = port.host_address.as_deref().unwrap_or_default();
        matches!(address, "" | "0.0.0.0" | "::" | "[::]")
    };
    let same = (a.host_port, a.protocol) == (b.host_port, b.protocol) && a.host_port != 0;
    same && (any(a) || any(b) || a.host_address == b.host_address)
}

fn shown(port: &PortRequest) -> String {
    let address = port.host_address.as_deref().unwrap_or_default();
    let protocol = network::protocol(port.protocol);
    let colon = if address.is_empty() { "" } else { ":" };
    format!("port {address}{colon}{}/{protocol}", port.host_port)
}

#[cfg(test)]
mod tests {
    use terrarium_api::Protocol;

    use super::*;

    #[test]
    fn ports_clash_on_the_same_address_and_on_all() {
        let port = |address: &str, host_port, protocol| PortRequest {
            container_port: 80,
            host_port,
            host_address: Some(address.to_owned()).filter(|text| !text.is_empty()),
            protocol,
        };
        let one = port("127.0.0.1", 8080, Protocol::Tcp);
        assert!(clash(&one, &port("", 8080, Protocol::Tcp)));
        assert!(clash(&one, &one));
        assert!(!clash(&one, &port("127.0.0.2", 8080, Protocol::Tcp)));
        assert!(!clash(&one, &port("", 8080, Protocol::Udp)));
        let any = port("", 0, Protocol::Tcp);
        assert!(!clash(&any, &any), "any free one will do");
        assert_eq!(shown(&one), "port 127.0.0.1:8080/tcp");
        assert_eq!(shown(&port("", 53, Protocol::Udp)), "port 53/udp");
    }
}
