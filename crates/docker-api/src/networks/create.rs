//! Bodies of `/networks`, and how they are read.

use std::collections::BTreeMap;

use serde_json::Value;
use terrarium_api::{AddressPlan, CreateNetwork, Endpoint};

use crate::{
    error::{Failure, Result},
    request::json_body,
};

json_body! {
    /// The body of a creation.
    struct CreateBody {
        name: String,
        driver: String,
        scope: String,
        internal: bool,
        attachable: bool,
        ingress: bool,
        config_only: bool,
        #[serde(rename = "EnableIPv4")]
        enable_ipv4: Option<bool>,
        #[serde(rename = "EnableIPv6")]
        enable_ipv6: Option<bool>,
        #[serde(rename = "IPAM")]
        ipam: Ipam,
        options: BTreeMap<String, String>,
        labels: BTreeMap<String, String>,
    }

    /// The addresses of a network.
    struct Ipam {
        driver: String,
        config: Vec<Pool>,
        options: BTreeMap<String, String>,
    }

    /// One range of addresses.
    struct Pool {
        subnet: String,
        #[serde(rename = "IPRange")]
        ip_range: String,
        gateway: String,
        auxiliary_addresses: BTreeMap<String, String>,
    }

    /// The body of connecting.
    struct ConnectBody {
        container: String,
        endpoint_config: Option<EndpointSettings>,
    }

    /// The body of disconnecting.
    struct DisconnectBody {
        container: String,
        force: bool,
    }

    /// A wish for a place on a network.
    struct EndpointSettings {
        #[serde(rename = "IPAMConfig")]
        ipam_config: Option<EndpointAddresses>,
        links: Vec<String>,
        aliases: Vec<String>,
        mac_address: String,
        driver_opts: BTreeMap<String, Value>,
    }

    /// Fixed addresses.
    struct EndpointAddresses {
        #[serde(rename = "IPv4Address")]
        ipv4_address: String,
        #[serde(rename = "IPv6Address")]
        ipv6_address: String,
    }
}

/// Translates a creation.
pub(super) fn translate(body: CreateBody) -> Result<CreateNetwork> {
    if body.name.is_empty() {
        return Err(Failure::bad_request("network name cannot be empty"));
    }
    if !matches!(body.driver.as_str(), "" | "bridge" | "default") {
        let driver = body.driver.escape_debug();
        return Err(Failure::not_found(format!("plugin \"{driver}\" not found")));
    }
    if body.enable_ipv4 == Some(false) {
        return Err(Failure::not_built("a network without IPv4 addresses"));
    }
    if body.config_only || body.ingress {
        return Err(Failure::not_built("a network of a swarm"));
    }
    let (ipv6_pools, pools): (Vec<_>, Vec<_>) = body
        .ipam
        .config
        .into_iter()
        .partition(|pool| pool.is_ipv6());
    let ipv6 = match (one(ipv6_pools)?, body.enable_ipv6) {
        (Some(_), Some(false)) => {
            let text = "an IPv6 subnet needs EnableIPv6";
            return Err(Failure::bad_request(text));
        }
        (Some(pool), _) => Some(AddressPlan {
            subnet: named(pool.subnet),
            gateway: named(pool.gateway),
            range: named(pool.ip_range),
        }),
        (None, Some(true)) => Some(AddressPlan::default()),
        (None, _) => None,
    };
    let pool = one(pools)?.unwrap_or_default();
    Ok(CreateNetwork {
        name: body.name,
        subnet: named(pool.subnet),
        gateway: named(pool.gateway),
        range: named(pool.ip_range),
        ipv6,
        internal: body.internal,
        labels: body.labels,
        options: body.options,
    })
}

impl Pool {
    fn is_ipv6(&self) -> bool {
        [&self.subnet, &self.gateway, &self.ip_range]
            .iter()
            .any(|text| text.contains(':'))
    }
}

/// Docker takes several subnets of a family from drivers of swarms only.
fn one(pools: Vec<Pool>) -> Result<Option<Pool>> {
    let mut pools = pools.into_iter();
    match (pools.next(), pools.next()) {
        (pool, None) => Ok(pool),
        _ => Err(Failure::not_built(
            "a network with more than one subnet of a family",
        )),
    }
}

/// Translates a wish for a place on a network.
pub(crate) fn translate_endpoint(network: &str, settings: EndpointSettings) -> Result<Endpoint> {
    let addresses = settings.ipam_config.unwrap_or_default();
    Ok(Endpoint {
        network: match network {
            "default" => "bridge".into(),
            network => network.to_owned(),
        },
        aliases: settings.aliases,
        links: settings.links,
        address: named(addresses.ipv4_address),
        ipv6_address: named(addresses.ipv6_address),
        mac: named(settings.mac_address),
    })
}

fn named(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CreateNetwork> {
        translate(serde_json::from_str(text).expect("it is JSON"))
    }

    #[test]
    fn what_the_client_sends_is_read() {
        let body = r#"{"Name":"front","CheckDuplicate":true,"Driver":"bridge","EnableIPv6":false,
            "IPAM":{"Driver":"default","Options":{},"Config":[{"Subnet":"10.1.0.0/24",
            "IPRange":"10.1.0.128/25","Gateway":"10.1.0.9"}]},"Internal":true,"Options":null,
            "Labels":{"a":"b"}}"#;
        let network = read(body).expect("it can be made");
        assert_eq!((network.name.as_str(), network.internal), ("front", true));
        assert_eq!(network.subnet.as_deref(), Some("10.1.0.0/24"));
        assert_eq!(network.range.as_deref(), Some("10.1.0.128/25"));
        assert_eq!(network.gateway.as_deref(), Some("10.1.0.9"));
    }

    #[test]
    fn each_family_has_a_pool_of_its_own() {
        let body = r#"{"Name":"six","EnableIPv6":true,"IPAM":{"Config":[
            {"Subnet":"fd00:1::/64","Gateway":"fd00:1::9"},{"Subnet":"10.1.0.0/24"}]}}"#;
        let network = read(body).expect("it can be made");
        assert_eq!(network.subnet.as_deref(), Some("10.1.0.0/24"));
        let ipv6 = network.ipv6.expect("it has IPv6 addresses");
        assert_eq!(ipv6.subnet.as_deref(), Some("fd00:1::/64"));
        assert_eq!(ipv6.gateway.as_deref(), Some("fd00:1::9"));
        let chosen = read(r#"{"Name":"six","EnableIPv6":true}"#).expect("it can be made");
        assert_eq!(chosen.ipv6, Some(AddressPlan::default()));
        assert_eq!(
            read(r#"{"Name":"four"}"#).expect("it can be made").ipv6,
            None
        );
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        for body in [
            "{}",
            r#"{"Name":"a","Driver":"overlay"}"#,
            r#"{"Name":"a","EnableIPv4":false,"EnableIPv6":true}"#,
            r#"{"Name":"a","EnableIPv6":false,"IPAM":{"Config":[{"Subnet":"fd00::/64"}]}}"#,
            r#"{"Name":"a","IPAM":{"Config":[{},{}]}}"#,
        ] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
