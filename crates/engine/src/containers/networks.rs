//! A container's places on networks: wished for, taken, changed while it runs.

use std::{os::fd::AsFd as _, sync::Arc};

use terrarium_api::{
    Attachment, ConnectNetwork, ContainerSummary, CreateContainer, DisconnectNetwork, Endpoint,
    Error, ErrorCode, NetworkMode, PortBinding, Privilege, Traced,
};
use terrarium_network::{ContainerNet, DEFAULT_NETWORK, MacAddress, PortRequest, open_netns};

use super::{bundle, container::Container, network, record::Record, to_end};
use crate::{Engine, Result, Tracer, blocking::blocking, error::quoted};

impl Engine {
    /// Replaces what a request calls networks by their names, and puts the first one first.
    pub(super) fn settle_networks(&self, request: &mut CreateContainer) -> Result<()> {
        for endpoint in &mut request.endpoints {
            endpoint.network = self.network_name(&endpoint.network)?;
            check(endpoint)?;
        }
        let first = match &mut request.network {
            NetworkMode::Bridge => DEFAULT_NETWORK.to_owned(),
            NetworkMode::Named { name } => {
                *name = self.network_name(name)?;
                name.clone()
            }
            _ if request.endpoints.is_empty() => return Ok(()),
            _ => return Err(private()),
        };
        match request
            .endpoints
            .iter()
            .position(|one| one.network == first)
        {
            Some(index) => request.endpoints[..=index].rotate_right(1),
            None => request.endpoints.insert(
                0,
                Endpoint {
                    network: first,
                    ..Endpoint::default()
                },
            ),
        }
        for endpoint in &request.endpoints {
            may_be_fixed(endpoint)?;
        }
        Ok(())
    }

    /// Takes all places of a container that starts. Blocks.
    pub(super) fn attach_all(
        &self,
        record: &Record,
        pid: u32,
    ) -> Result<(Vec<Attachment>, Vec<PortBinding>)> {
        let published = network::ports(&record.request.ports)?;
        let mut ports = Vec::new();
        let mut places = Vec::new();
        for endpoint in record.endpoints() {
            // They lead to the first network that leads out.
            let wanted: &[PortRequest] = if ports.is_empty() && self.leads_out(&endpoint.network)? {
                &published
            } else {
                &[]
            };
            let (place, bound) = self.attach(record, pid, &endpoint, wanted)?;
            ports.extend(bound);
            places.push(place);
        }
        self.tell_inside(record, pid, &places)?;
        Ok((places, ports))
    }

    fn attach(
        &self,
        record: &Record,
        pid: u32,
        endpoint: &Endpoint,
        ports: &[PortRequest],
    ) -> Result<(Attachment, Vec<PortBinding>)> {
        self.ensure_network(&endpoint.network)?;
        let netns = open_netns(pid).map_err(network::failed)?;
        let wanted = ContainerNet {
            id: record.id.as_str(),
            netns: netns.as_fd(),
            network: &endpoint.network,
            address: endpoint
                .address
                .as_deref()
                .and_then(|text| text.parse().ok()),
            ipv6: endpoint
                .ipv6_address
                .as_deref()
                .and_then(|text| text.parse().ok()),
            mac: endpoint.mac.as_deref().and_then(|text| text.parse().ok()),
            names: &names(record, endpoint),
            links: &links(endpoint),
            dns: &bundle::servers(record),
            ports,
        };
        let attached = self.network().setup(&wanted).map_err(network::failed)?;
        let place = Attachment {
            aliases: endpoint.aliases.clone(),
            ..network::attachment(&attached)
        };
        Ok((
            place,
            attached.ports.iter().flat_map(network::bindings).collect(),
        ))
    }

    /// Writes the container's files about its networks, and sees to it that names are answered.
    fn tell_inside(&self, record: &Record, pid: u32, places: &[Attachment]) -> Result<()> {
        let bundle = super::bundle::Bundle::of(&self.config().run_root, record.id.as_str());
        bundle.write_hosts(record, places)?;
        if record.asks_for_names() {
            let netns = open_netns(pid).map_err(network::failed)?;
            let served = self
                .network()
                .serve_names(record.id.as_str(), netns.as_fd());
            served.map_err(network::failed)?;
        }
        bundle.write_resolv_conf(record)
    }

    /// Puts a container on a network, running or not.
    ///
    /// # Errors
    /// `NoSuchContainer`, `NoSuchNetwork`, `WrongState` where it is there already.
    pub async fn connect_network(
        &self,
        request: ConnectNetwork,
    ) -> Result<Traced<ContainerSummary>> {
        let container = self.inner.containers.find(&request.container)?;
        let mut endpoint = request.endpoint;
        endpoint.network = self.network_name(&endpoint.network)?;
        check(&endpoint)?;
        may_be_fixed(&endpoint)?;
        let engine = self.clone();
        to_end(async move { engine.connect(&container, endpoint).await }).await
    }

    async fn connect(
        &self,
        container: &Arc<Container>,
        endpoint: Endpoint,
    ) -> Result<Traced<ContainerSummary>> {
        let _operation = container.operation.lock().await;
        let (mut record, runs) = {
            let state = container.state();
            (state.record.clone(), state.live.is_some())
        };
        let (name, network) = (record.name.clone(), endpoint.network.clone());
        let mut endpoints = record.endpoints();
        match &record.request.network {
            NetworkMode::Host | NetworkMode::Container { .. } => return Err(private()),
            // Its user namespace is another one than that of the user's networks.
            NetworkMode::None if runs && self.inner.privilege == Privilege::Rootless => {
                let text = format!(
                    "container {name} was started without networks: stop it, connect it, and start it again"
                );
                return Err(Error::new(ErrorCode::WrongState, text));
            }
            NetworkMode::None => record.request.network = named(&network),
            _ if endpoints.iter().any(|one| one.network == network) => {
                return Err(Error::new(
                    ErrorCode::NetworkInUse,
                    format!("endpoint with name {name} already exists in network {network}"),
                ));
            }
            _ => {}
        }
        endpoints.push(endpoint.clone());
        record.request.endpoints = endpoints;
        let command = format!("docker network connect {network} {name}");
        let mut tracer = Tracer::new("network.connect", &network, command);
        let pid = record.run.as_ref().and_then(|run| run.pid).filter(|_| runs);
        if let Some(pid) = pid {
            let (engine, joining) = (self.clone(), record.clone());
            let places = record.run.as_ref().map(|run| run.attachments.clone());
            let work =
                blocking(move || engine.join(&joining, pid, &endpoint, places.unwrap_or_default()));
            let (places, ports) = tracer.step("network", network.clone(), work).await?;
            if let Some(run) = record.run.as_mut() {
                run.attachments = places;
                run.ports.extend(ports);
            }
        }
        self.settled(container, record, &mut tracer).await?;
        self.network_event("connect", &network, Some(container.id.as_str()));
        Ok(tracer.finish(container.summary()))
    }

    fn join(
        &self,
        record: &Record,
        pid: u32,
        endpoint: &Endpoint,
        mut places: Vec<Attachment>,
    ) -> Result<(Vec<Attachment>, Vec<PortBinding>)> {
        let bound = record.run.as_ref().is_some_and(|run| !run.ports.is_empty());
        let ports = if !bound && self.leads_out(&endpoint.network)? {
            network::ports(&record.request.ports)?
        } else {
            Vec::new()
        };
        let (place, bound) = self.attach(record, pid, endpoint, &ports)?;
        places.push(place);
        self.tell_inside(record, pid, &places)?;
        Ok((places, bound))
    }

    /// Takes a container from a network.
    ///
    /// # Errors
    /// `NoSuchContainer`, `NoSuchNetwork`, `WrongState` where it is not there.
    pub async fn disconnect_network(
        &self,
        request: DisconnectNetwork,
    ) -> Result<Traced<ContainerSummary>> {
        let container = self.inner.containers.find(&request.container)?;
        // A network that is gone can still stand in the record of a container.
        let network = self
            .network_name(&request.network)
            .unwrap_or(request.network);
        let engine = self.clone();
        to_end(async move { engine.leave(&container, network).await }).await
    }

    async fn leave(
        &self,
        container: &Arc<Container>,
        network: String,
    ) -> Result<Traced<ContainerSummary>> {
        let _operation = container.operation.lock().await;
        let (mut record, runs) = {
            let state = container.state();
            (state.record.clone(), state.live.is_some())
        };
        let name = record.name.clone();
        let mut endpoints = record.endpoints();
        if !endpoints.iter().any(|one| one.network == network) {
            let text = format!(
                "container {name} is not connected to network {}",
                quoted(&network)
            );
            return Err(Error::new(ErrorCode::NetworkInUse, text));
        }
        endpoints.retain(|one| one.network != network);
        if endpoints.is_empty() {
            record.request.network = NetworkMode::None;
        }
        record.request.endpoints = endpoints;
        let command = format!("docker network disconnect {network} {name}");
        let mut tracer = Tracer::new("network.disconnect", &network, command);
        let pid = record.run.as_ref().and_then(|run| run.pid).filter(|_| runs);
        if let Some(pid) = pid {
            if let Some(run) = record.run.as_mut() {
                run.attachments.retain(|place| place.network != network);
            }
            let (engine, left, from) = (self.clone(), record.clone(), network.clone());
            let work = blocking(move || engine.part(&left, pid, &from));
            tracer.step("network", network.clone(), work).await?;
        }
        self.settled(container, record, &mut tracer).await?;
        self.network_event("disconnect", &network, Some(container.id.as_str()));
        Ok(tracer.finish(container.summary()))
    }

    fn part(&self, record: &Record, pid: u32, network: &str) -> Result<()> {
        let netns = open_netns(pid).map_err(network::failed)?;
        let id = record.id.as_str();
        let parted = self.network().disconnect(id, network, Some(netns.as_fd()));
        parted.map_err(network::failed)?;
        let places = record.run.as_ref().map(|run| run.attachments.clone());
        self.tell_inside(record, pid, &places.unwrap_or_default())
    }

    /// Writes what has changed about a container's networks.
    async fn settled(
        &self,
        container: &Arc<Container>,
        record: Record,
        tracer: &mut Tracer,
    ) -> Result<()> {
        {
            let mut state = container.state();
            // The rest may have changed meanwhile.
            state.record.request.network = record.request.network;
            state.record.request.endpoints = record.request.endpoints;
            if let (Some(run), Some(new)) = (state.record.run.as_mut(), record.run) {
                run.attachments = new.attachments;
                run.ports = new.ports;
            }
        }
        let saved = tracer.step("write record", "record.json, fsync", self.save(container));
        saved.await?;
        self.container_changed(container);
        Ok(())
    }
}

/// Under which names others know the container: the first one is its own.
fn names(record: &Record, endpoint: &Endpoint) -> Vec<String> {
    let mut names = vec![record.name.clone(), record.id.short().to_owned()];
    let more = endpoint.aliases.iter().cloned();
    for name in more.chain([record.hostname().to_owned()]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// `container` or `container:alias`, as alias and name.
fn links(endpoint: &Endpoint) -> Vec<(String, String)> {
    let read = |link: &String| {
        let (name, alias) = link.split_once(':').unwrap_or((link, link));
        let own = |text: &str| text.trim_start_matches('/').to_owned();
        (own(alias), own(name))
    };
    endpoint.links.iter().map(read).collect()
}

fn named(network: &str) -> NetworkMode {
    if network == DEFAULT_NETWORK {
        NetworkMode::Bridge
    } else {
        NetworkMode::Named {
            name: network.to_owned(),
        }
    }
}

fn check(endpoint: &Endpoint) -> Result<()> {
    let invalid = |what: &str, text: &str| {
        Err(Error::new(
            ErrorCode::InvalidArgument,
            format!("invalid {what} {}", quoted(text)),
        ))
    };
    if let Some(text) = &endpoint.address
        && text.parse::<std::net::Ipv4Addr>().is_err()
    {
        return invalid("IPv4 address", text);
    }
    if let Some(text) = &endpoint.ipv6_address
        && text.parse::<std::net::Ipv6Addr>().is_err()
    {
        return invalid("IPv6 address", text);
    }
    if let Some(text) = &endpoint.mac
        && text.parse::<MacAddress>().is_err()
    {
        return invalid("MAC address", text);
    }
    let word = |text: &&String| {
        text.is_empty() || text.len() > 253 || !text.chars().all(|c| c.is_ascii_graphic())
    };
    match endpoint.aliases.iter().find(word) {
        Some(text) => invalid("network alias", text),
        None => Ok(()),
    }
}

/// The default network's subnet is chosen anew at times, so nobody has a fixed address there.
fn may_be_fixed(endpoint: &Endpoint) -> Result<()> {
    let is_fixed = endpoint.address.is_some() || endpoint.ipv6_address.is_some();
    if endpoint.network != DEFAULT_NETWORK || !is_fixed {
        return Ok(());
    }
    let text = "user specified IP address is supported on user defined networks only";
    Err(Error::new(ErrorCode::InvalidArgument, text))
}

fn private() -> Error {
    let text = "a container in the host's or another container's network cannot be on others";
    Error::new(ErrorCode::InvalidArgument, text)
}
