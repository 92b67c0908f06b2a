//! Between the contract's words about networks and those of the network crate.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use terrarium_api::{Attachment, Error, ErrorCode, PortBinding, PortRequest, Protocol};
use terrarium_network as network;

use crate::{Result, error::quoted};

/// The ports to publish.
///
/// # Errors
/// `InvalidArgument` for an address that is none.
pub(super) fn ports(requests: &[PortRequest]) -> Result<Vec<network::PortRequest>> {
    requests.iter().map(port).collect()
}

fn port(request: &PortRequest) -> Result<network::PortRequest> {
    let text = request.host_address.as_deref().unwrap_or_default();
    // Without an address the port is published on all of them, and with `0.0.0.0` on those of IPv4.
    let also_ipv6 = text.is_empty();
    let address: IpAddr = match text.trim_start_matches('[').trim_end_matches(']') {
        "" => Ipv4Addr::UNSPECIFIED.into(),
        text => text.parse().map_err(|_| {
            Error::new(
                ErrorCode::InvalidArgument,
                format!("invalid address {} to publish a port on", quoted(text)),
            )
        })?,
    };
    Ok(network::PortRequest {
        address,
        also_ipv6,
        host_ports: request.host_port..=request.host_port,
        container_port: request.container_port,
        protocol: protocol(request.protocol),
    })
}

/// TCP or UDP.
pub(super) fn protocol(protocol: Protocol) -> network::Protocol {
    match protocol {
        Protocol::Tcp => network::Protocol::Tcp,
        Protocol::Udp => network::Protocol::Udp,
    }
}

/// A port as it is bound: once, or in both families.
pub(super) fn bindings(bound: &network::BoundPort) -> Vec<PortBinding> {
    let on = |address: IpAddr| PortBinding {
        container_port: bound.container_port,
        host_port: bound.host_port,
        host_address: address.to_string(),
        protocol: match bound.protocol {
            network::Protocol::Tcp => Protocol::Tcp,
            network::Protocol::Udp => Protocol::Udp,
        },
    };
    let twin = bound.also_ipv6.then(|| on(Ipv6Addr::UNSPECIFIED.into()));
    [Some(on(bound.address)), twin]
        .into_iter()
        .flatten()
        .collect()
}

/// A place on a network.
pub(super) fn attachment(attached: &network::Attachment) -> Attachment {
    Attachment {
        network: attached.network.clone(),
        aliases: Vec::new(),
        interface: attached.interface.clone(),
        address: attached.address.to_string(),
        prefix_length: attached.prefix_len,
        gateway: attached
            .gateway
            .map(|gateway| gateway.to_string())
            .unwrap_or_default(),
        ipv6_address: attached
            .ipv6
            .map(|ipv6| ipv6.address.to_string())
            .unwrap_or_default(),
        ipv6_prefix_length: attached
            .ipv6
            .map(|ipv6| ipv6.prefix_len)
            .unwrap_or_default(),
        ipv6_gateway: attached
            .ipv6
            .and_then(|ipv6| ipv6.gateway)
            .map(|gateway| gateway.to_string())
            .unwrap_or_default(),
        mac: attached.mac.to_string(),
        bridge: attached.bridge.clone(),
    }
}

/// What the network crate refused, with the code that clients match on.
pub(crate) fn failed(error: network::Error) -> Error {
    let code = match error.kind() {
        network::Kind::PortTaken => ErrorCode::PortInUse,
        network::Kind::Invalid => ErrorCode::InvalidArgument,
        network::Kind::UnknownNetwork => ErrorCode::NoSuchNetwork,
        network::Kind::NameTaken => ErrorCode::NameInUse,
        network::Kind::InUse => ErrorCode::NetworkInUse,
        _ => ErrorCode::RuntimeFailed,
    };
    let mut translated = Error::new(code, error.to_string());
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        translated.causes.push(cause.to_string());
        source = cause.source();
    }
    match error.hint() {
        Some(hint) => translated.hint(hint),
        None => translated,
    }
}
