//! `/networks`, and a container's places in them.

mod create;
mod routes;

use std::collections::BTreeMap;

use serde::Serialize;
use terrarium_api::{Attachment, ContainerSummary, NetworkMode};
use terrarium_engine::network_id;
use terrarium_oci::Digest;

pub(crate) use create::{EndpointSettings, translate_endpoint};
pub(crate) use routes::routes;

/// The name of a container's network; none when it shares another container's.
pub(crate) fn name(mode: &NetworkMode) -> Option<&str> {
    match mode {
        NetworkMode::Bridge => Some("bridge"),
        NetworkMode::Host => Some("host"),
        NetworkMode::None => Some("none"),
        NetworkMode::Named { name } => Some(name),
        NetworkMode::Container { .. } => None,
    }
}

/// The mode as `HostConfig` has it.
pub(crate) fn mode_text(mode: &NetworkMode) -> String {
    match mode {
        NetworkMode::Container { id } => format!("container:{id}"),
        own => name(own).unwrap_or_default().to_owned(),
    }
}

/// The id of a network.
pub(crate) fn id(name: &str) -> String {
    network_id(name)
}

/// 64 hexadecimal digits that stand for a container's place in a network.
fn endpoint_id(network: &str, container: &str) -> String {
    let text = format!("terrarium endpoint {network} {container}");
    Digest::sha256_of(text.as_bytes()).hex().to_owned()
}

/// A container's place in a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Endpoint {
    #[serde(rename = "IPAMConfig")]
    ipam_config: Option<()>,
    links: Option<()>,
    aliases: Option<Vec<String>>,
    pub(crate) mac_address: String,
    driver_opts: Option<()>,
    gw_priority: i64,
    #[serde(rename = "NetworkID")]
    network_id: String,
    #[serde(rename = "EndpointID")]
    pub(crate) endpoint_id: String,
    pub(crate) gateway: String,
    #[serde(rename = "IPAddress")]
    pub(crate) ip_address: String,
    #[serde(rename = "IPPrefixLen")]
    pub(crate) ip_prefix_len: u8,
    #[serde(rename = "IPv6Gateway")]
    pub(crate) ipv6_gateway: String,
    #[serde(rename = "GlobalIPv6Address")]
    pub(crate) global_ipv6_address: String,
    #[serde(rename = "GlobalIPv6PrefixLen")]
    pub(crate) global_ipv6_prefix_len: u8,
    #[serde(rename = "DNSNames")]
    dns_names: Option<Vec<String>>,
}

/// The networks of a container.
pub(crate) fn of(container: &ContainerSummary) -> BTreeMap<String, Endpoint> {
    match &container.network {
        NetworkMode::Host | NetworkMode::None if container.networks.is_empty() => {
            let network = name(&container.network).unwrap_or_default();
            [(network.to_owned(), blank(network, &container.id))].into()
        }
        _ => {
            let places = container.networks.iter();
            places
                .map(|place| (place.network.clone(), endpoint(place, container)))
                .collect()
        }
    }
}

fn endpoint(place: &Attachment, container: &ContainerSummary) -> Endpoint {
    // On the default bridge nobody is called by name.
    let named = place.network != "bridge";
    let short = container.id.get(..12).unwrap_or_default().to_owned();
    let names = || {
        let mut names = vec![container.name.clone()];
        names.extend(place.aliases.iter().cloned());
        names.push(short.clone());
        names
    };
    Endpoint {
        aliases: named.then(|| {
            let own = place.aliases.iter().cloned();
            own.chain([short.clone()]).collect()
        }),
        mac_address: place.mac.clone(),
        gateway: place.gateway.clone(),
        ip_address: place.address.clone(),
        ip_prefix_len: place.prefix_length,
        ipv6_gateway: place.ipv6_gateway.clone(),
        global_ipv6_address: place.ipv6_address.clone(),
        global_ipv6_prefix_len: place.ipv6_prefix_length,
        dns_names: named.then(names),
        ..blank(&place.network, &container.id)
    }
}

fn blank(network: &str, container: &str) -> Endpoint {
    Endpoint {
        network_id: id(network),
        endpoint_id: endpoint_id(network, container),
        ..Endpoint::default()
    }
}
