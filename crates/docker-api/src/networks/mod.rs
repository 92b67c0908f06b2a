//! `/networks`: the three that exist, and a container's place in them.

mod routes;

use std::collections::BTreeMap;

use serde::Serialize;
use terrarium_api::{Attachment, ContainerSummary, NetworkMode};
use terrarium_oci::Digest;

pub(crate) use routes::routes;

/// The networks that always exist.
pub(crate) const NAMES: [&str; 3] = ["bridge", "host", "none"];

/// The name of a container's network; none when it shares another container's.
pub(crate) fn name(mode: &NetworkMode) -> Option<&'static str> {
    match mode {
        NetworkMode::Bridge => Some("bridge"),
        NetworkMode::Host => Some("host"),
        NetworkMode::None => Some("none"),
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

/// The id of a network: the same on every machine and after every start.
pub(crate) fn id(name: &str) -> String {
    derived("network", name)
}

/// 64 hexadecimal digits that stand for `name`.
fn derived(kind: &str, name: &str) -> String {
    let text = format!("terrarium {kind} {name}");
    Digest::sha256_of(text.as_bytes()).hex().to_owned()
}

/// A container's place in a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Endpoint {
    #[serde(rename = "IPAMConfig")]
    ipam_config: Option<()>,
    links: Option<()>,
    aliases: Option<()>,
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
    ipv6_gateway: String,
    #[serde(rename = "GlobalIPv6Address")]
    global_ipv6_address: String,
    #[serde(rename = "GlobalIPv6PrefixLen")]
    global_ipv6_prefix_len: u8,
    #[serde(rename = "DNSNames")]
    dns_names: Option<()>,
}

/// The networks of a container in a list.
pub(crate) fn of_summary(container: &ContainerSummary) -> BTreeMap<&'static str, Endpoint> {
    let address = container.address.clone().unwrap_or_default();
    let endpoint = |endpoint: Endpoint| Endpoint {
        ip_address: address,
        ..endpoint
    };
    one(&container.network, &container.id, endpoint)
}

/// The networks of a container in full.
pub(crate) fn of_detail(
    container: &ContainerSummary,
    attachment: Option<&Attachment>,
) -> BTreeMap<&'static str, Endpoint> {
    one(
        &container.network,
        &container.id,
        |endpoint| match attachment {
            Some(place) => Endpoint {
                mac_address: place.mac.clone(),
                gateway: place.gateway.clone(),
                ip_address: place.address.clone(),
                ip_prefix_len: place.prefix_length,
                ..endpoint
            },
            None => endpoint,
        },
    )
}

fn one(
    mode: &NetworkMode,
    container: &str,
    fill: impl FnOnce(Endpoint) -> Endpoint,
) -> BTreeMap<&'static str, Endpoint> {
    let endpoint = |name: &'static str| {
        let endpoint = Endpoint {
            network_id: id(name),
            endpoint_id: derived("endpoint", container),
            ..Endpoint::default()
        };
        (name, fill(endpoint))
    };
    name(mode).map(endpoint).into_iter().collect()
}
