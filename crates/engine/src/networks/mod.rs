//! Networks that users made: their records, and who is on them.

mod records;

use terrarium_api::{
    AddressPlan, ContainerSummary, CreateNetwork, Error, ErrorCode, LifecycleEvent, Network,
    NetworkMember, NetworkMode, Traced,
};
use terrarium_network::{Bridge, BridgeOptions, DEFAULT_NETWORK, Ipv6Options};
use terrarium_oci::Digest;

use records::Record;
pub(crate) use records::Records;

use crate::{
    Engine, Result, Tracer,
    blocking::blocking,
    containers::network_failed,
    error::quoted,
    time::{now_ms, now_ns},
};

/// The networks that exist always, with their drivers.
const BUILTIN: [(&str, &str); 3] = [
    (DEFAULT_NETWORK, "bridge"),
    ("host", "host"),
    ("none", "null"),
];

const MTU: &str = "com.docker.network.driver.mtu";

/// The id of a network: the same on every machine and after every start.
pub fn network_id(name: &str) -> String {
    Digest::sha256_of(format!("terrarium network {name}").as_bytes())
        .hex()
        .to_owned()
}

impl Engine {
    /// All networks and who is on them.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn networks(&self) -> Result<Vec<Network>> {
        let (records, network) = (self.inner.networks.clone(), self.network());
        let (made, bridges) =
            blocking(move || Ok((records.all()?, network.networks().map_err(network_failed)?)))
                .await?;
        let mut networks: Vec<Network> = BUILTIN.map(|(name, driver)| builtin(name, driver)).into();
        networks.extend(made.into_iter().map(Record::network));
        let containers = self.containers().await?;
        for network in &mut networks {
            if let Some(bridge) = bridges.iter().find(|bridge| bridge.name == network.name) {
                network.subnet = Some(bridge.subnet.to_string());
                network.gateway = Some(bridge.gateway().to_string());
                network.interface = Some(bridge.interface.clone());
                network.ipv6 = plan(bridge);
            }
            network.members = members(&network.name, &containers);
        }
        Ok(networks)
    }

    /// One network, by name, id or unique id prefix.
    ///
    /// # Errors
    /// `NoSuchNetwork`.
    pub async fn inspect_network(&self, wanted: &str) -> Result<Network> {
        let name = self.network_name(wanted)?;
        let networks = self.networks().await?;
        let found = networks.into_iter().find(|network| network.name == name);
        found.ok_or_else(|| no_such_network(wanted))
    }

    /// Makes a network. Its bridge appears with its first container.
    ///
    /// # Errors
    /// `NameInUse`, or `InvalidArgument` for addresses that do not fit.
    pub async fn create_network(&self, request: CreateNetwork) -> Result<Traced<Network>> {
        let name = request.name.clone();
        let options = options(&request)?;
        let mut tracer = Tracer::new("network.create", &name, command(&request));
        let (records, network) = (self.inner.networks.clone(), self.network());
        let detail = request
            .subnet
            .clone()
            .unwrap_or_else(|| "a free subnet".into());
        let made = blocking(move || {
            let taken = BUILTIN.iter().any(|(builtin, _)| *builtin == request.name);
            if taken || records.get(&request.name)?.is_some() {
                let text = format!("network with name {} already exists", request.name);
                return Err(Error::new(ErrorCode::NameInUse, text));
            }
            let bridge = network
                .create(&request.name, options)
                .map_err(network_failed)?;
            let request = CreateNetwork {
                subnet: Some(bridge.subnet.to_string()),
                ipv6: plan(&bridge),
                ..request
            };
            let record = Record {
                created_at_ms: now_ms(),
                request,
            };
            records.put(&record).inspect_err(|_| {
                // The first error is the one that says what went wrong.
                let _ = network.remove(&record.request.name);
            })
        });
        tracer.step("reserve addresses", detail, made).await?;
        self.network_event("create", &name, None);
        Ok(tracer.finish(self.inspect_network(&name).await?))
    }

    /// Removes a network on which nothing runs.
    ///
    /// # Errors
    /// `NoSuchNetwork`, `NetworkInUse`.
    pub async fn remove_network(&self, wanted: &str) -> Result<Traced<()>> {
        let found = self.inspect_network(wanted).await?;
        let name = found.name;
        if found.builtin {
            let text = format!("{name} is a pre-defined network and cannot be removed");
            return Err(Error::new(ErrorCode::NetworkInUse, text));
        }
        let running: Vec<&str> = found
            .members
            .iter()
            .filter(|member| !member.place.address.is_empty())
            .map(|member| member.name.as_str())
            .collect();
        if !running.is_empty() {
            let text = format!("network {name} is in use by {}", running.join(", "));
            return Err(Error::new(ErrorCode::NetworkInUse, text)
                .hint("stop these containers, or disconnect them first"));
        }
        let mut tracer = Tracer::new("network.remove", &name, format!("docker network rm {name}"));
        let (records, network, removed) =
            (self.inner.networks.clone(), self.network(), name.clone());
        let work = blocking(move || {
            network.remove(&removed).map_err(network_failed)?;
            records.remove(&removed)
        });
        tracer.step("remove bridge", name.clone(), work).await?;
        self.network_event("destroy", &name, None);
        Ok(tracer.finish(()))
    }

    /// The name of a network that is called by name, id or unique id prefix. Blocks for a moment.
    pub(crate) fn network_name(&self, wanted: &str) -> Result<String> {
        let made = self.inner.networks.names()?;
        let names: Vec<&str> = BUILTIN
            .iter()
            .map(|(name, _)| *name)
            .chain(made.iter().map(String::as_str))
            .collect();
        if names.contains(&wanted) {
            return Ok(wanted.to_owned());
        }
        let by_id = |name: &&&str| wanted.len() >= 4 && network_id(name).starts_with(wanted);
        let mut found = names.iter().filter(by_id);
        match (found.next(), found.next()) {
            (Some(name), None) => Ok((*name).to_owned()),
            _ => Err(no_such_network(wanted)),
        }
    }

    /// Makes what a reboot has taken of a network. Blocks.
    pub(crate) fn ensure_network(&self, name: &str) -> Result<()> {
        if name == DEFAULT_NETWORK {
            return Ok(());
        }
        let record = self
            .inner
            .networks
            .get(name)?
            .ok_or_else(|| no_such_network(name))?;
        let made = self.network().create(name, options(&record.request)?);
        made.map(drop).map_err(network_failed)
    }

    /// Whether a network leads out of the machine. Blocks.
    pub(crate) fn leads_out(&self, name: &str) -> Result<bool> {
        let record = self.inner.networks.get(name)?;
        Ok(record.is_none_or(|record| !record.request.internal))
    }

    pub(crate) fn network_event(&self, action: &str, name: &str, container: Option<&str>) {
        let mut attributes = std::collections::BTreeMap::from([
            ("name".to_owned(), name.to_owned()),
            ("type".to_owned(), "bridge".to_owned()),
        ]);
        attributes.extend(container.map(|id| ("container".to_owned(), id.to_owned())));
        self.hub().event(LifecycleEvent {
            at_ns: now_ns(),
            kind: "network".into(),
            action: action.into(),
            id: network_id(name),
            attributes,
        });
    }
}

fn builtin(name: &str, driver: &str) -> Network {
    Network {
        id: network_id(name),
        name: name.into(),
        driver: driver.into(),
        builtin: true,
        internal: false,
        subnet: None,
        gateway: None,
        range: None,
        ipv6: None,
        interface: None,
        labels: Default::default(),
        options: Default::default(),
        created_at_ms: 0,
        members: Vec::new(),
    }
}

fn members(network: &str, containers: &[ContainerSummary]) -> Vec<NetworkMember> {
    let mut members = Vec::new();
    for container in containers {
        let place = match (&container.network, network) {
            (NetworkMode::Host, "host") | (NetworkMode::None, "none") => Some(Default::default()),
            _ => container
                .networks
                .iter()
                .find(|place| place.network == network)
                .cloned(),
        };
        members.extend(place.map(|place| NetworkMember {
            container: container.id.clone(),
            name: container.name.clone(),
            place,
        }));
    }
    members
}

/// The IPv6 half of a network, as it is.
fn plan(bridge: &Bridge) -> Option<AddressPlan> {
    let ipv6 = bridge.ipv6.as_ref()?;
    Some(AddressPlan {
        subnet: Some(ipv6.subnet.to_string()),
        gateway: Some(ipv6.gateway().to_string()),
        range: ipv6.range().map(|range| range.to_string()),
    })
}

fn read<T: std::str::FromStr>(what: &str, text: Option<&String>) -> Result<Option<T>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        let text = format!("invalid {what} {}", quoted(text));
        Error::new(ErrorCode::InvalidArgument, text)
            .hint("a subnet looks like 10.90.0.0/24, and one of IPv6 like fd00:1::/64")
    })
}

/// Reads the IPv6 half of a request.
fn ipv6_options(plan: &AddressPlan) -> Result<Ipv6Options> {
    Ok(Ipv6Options {
        subnet: read("IPv6 subnet", plan.subnet.as_ref())?,
        gateway: read("IPv6 gateway", plan.gateway.as_ref())?,
        range: read("range of IPv6 addresses", plan.range.as_ref())?,
    })
}

/// Reads the addresses of a request.
fn options(request: &CreateNetwork) -> Result<BridgeOptions> {
    Ok(BridgeOptions {
        subnet: read("subnet", request.subnet.as_ref())?,
        gateway: read("gateway", request.gateway.as_ref())?,
        range: read("range of addresses", request.range.as_ref())?,
        mtu: read("MTU", request.options.get(MTU))?,
        internal: request.internal,
        ipv6: request.ipv6.as_ref().map(ipv6_options).transpose()?,
    })
}

fn command(request: &CreateNetwork) -> String {
    let mut line = "docker network create".to_owned();
    let words = [
        ("--subnet", &request.subnet),
        ("--gateway", &request.gateway),
        ("--ip-range", &request.range),
    ];
    for (option, value) in words {
        if let Some(value) = value {
            line += &format!(" {option} {value}");
        }
    }
    if let Some(plan) = &request.ipv6 {
        line += " --ipv6";
        for (option, value) in [
            ("--subnet", &plan.subnet),
            ("--gateway", &plan.gateway),
            ("--ip-range", &plan.range),
        ] {
            if let Some(value) = value {
                line += &format!(" {option} {value}");
            }
        }
    }
    if request.internal {
        line += " --internal";
    }
    format!("{line} {}", request.name)
}

fn no_such_network(name: &str) -> Error {
    Error::new(
        ErrorCode::NoSuchNetwork,
        format!("network {} not found", quoted(name)),
    )
}
