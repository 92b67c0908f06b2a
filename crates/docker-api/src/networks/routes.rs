//! The routes of networks.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use http::StatusCode;
use serde_json::{Value, json};
use terrarium_api::ContainerDetail;

use super::{NAMES, derived, id, name};
use crate::{
    error::{Failure, Result},
    filters::Filters,
    request::Params,
    server::{App, not_built},
    time,
};

const FILTERS: &[&str] = &["dangling", "driver", "id", "label", "name", "scope", "type"];

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/networks", get(list))
        .route("/networks/create", post(not_built("making networks")))
        .route("/networks/prune", post(prune))
        .route("/networks/{name}", get(inspect).delete(remove))
        .route(
            "/networks/{name}/connect",
            post(not_built("connecting to a network")),
        )
        .route(
            "/networks/{name}/disconnect",
            post(not_built("disconnecting from a network")),
        )
}

async fn list(State(app): State<App>, params: Params) -> Result<Json<Vec<Value>>> {
    let filters = Filters::parse(params.text("filters"), FILTERS)?;
    let wanted = |name: &&str| {
        filters.any("name", |part| name.contains(part))
            && filters.any("id", |start| id(name).starts_with(start))
            && filters.exact("driver", driver(name))
            && filters.exact("scope", "local")
            && filters.exact("type", "builtin")
            && filters.labels(&BTreeMap::new())
            && filters.any("dangling", |flag| matches!(flag, "0" | "false"))
    };
    let created = created(&app);
    // Members are part of an inspection only.
    let shown = NAMES
        .into_iter()
        .filter(wanted)
        .map(|name| show(name, &created, &[]));
    Ok(Json(shown.collect()))
}

async fn inspect(State(app): State<App>, Path(wanted): Path<String>) -> Result<Json<Value>> {
    let network = find(&wanted)?;
    let mut members = Vec::new();
    for container in app.engine.containers().await? {
        if container.pid.is_some() && name(&container.network) == Some(network) {
            // One that was removed meanwhile is no member.
            members.extend(app.engine.inspect_container(&container.id).await.ok());
        }
    }
    Ok(Json(show(network, &created(&app), &members)))
}

async fn remove(Path(wanted): Path<String>) -> Result<StatusCode> {
    let network = find(&wanted)?;
    let text = format!("{network} is a pre-defined network and cannot be removed");
    Err(Failure::new(StatusCode::FORBIDDEN, text))
}

async fn prune(params: Params) -> Result<Json<Value>> {
    Filters::parse(params.text("filters"), &["until", "label", "label!"])?;
    Ok(Json(json!({ "NetworksDeleted": null })))
}

fn find(wanted: &str) -> Result<&'static str> {
    let is_it =
        |name: &&str| *name == wanted || (wanted.len() >= 4 && id(name).starts_with(wanted));
    NAMES
        .into_iter()
        .find(is_it)
        .ok_or_else(|| Failure::not_found(format!("network {wanted} not found")))
}

fn driver(name: &str) -> &str {
    if name == "none" { "null" } else { name }
}

/// The networks are as old as the host's process.
fn created(app: &App) -> String {
    time::from_ns(app.started_ns)
}

fn show(name: &str, created: &str, members: &[ContainerDetail]) -> Value {
    let place = members.iter().find_map(|member| member.attachment.as_ref());
    let subnets: Vec<Value> = place
        .and_then(|place| subnet(&place.gateway, place.prefix_length).map(|subnet| (place, subnet)))
        .map(|(place, subnet)| json!({ "Subnet": subnet, "Gateway": place.gateway }))
        .into_iter()
        .collect();
    let containers: BTreeMap<&str, Value> = members
        .iter()
        .map(|member| (member.summary.id.as_str(), show_member(member)))
        .collect();
    let options = match (name, place) {
        ("bridge", Some(place)) => json!({ "com.docker.network.bridge.name": place.bridge }),
        _ => json!({}),
    };
    json!({
        "Name": name,
        "Id": id(name),
        "Created": created,
        "Scope": "local",
        "Driver": driver(name),
        "EnableIPv4": true,
        "EnableIPv6": false,
        "IPAM": { "Driver": "default", "Options": null, "Config": subnets },
        "Internal": false,
        "Attachable": false,
        "Ingress": false,
        "ConfigFrom": { "Network": "" },
        "ConfigOnly": false,
        "Containers": containers,
        "Options": options,
        "Labels": {},
    })
}

fn show_member(member: &ContainerDetail) -> Value {
    let place = member.attachment.as_ref();
    json!({
        "Name": member.summary.name,
        "EndpointID": derived("endpoint", &member.summary.id),
        "MacAddress": place.map(|place| place.mac.as_str()).unwrap_or_default(),
        "IPv4Address": place
            .map(|place| format!("{}/{}", place.address, place.prefix_length))
            .unwrap_or_default(),
        "IPv6Address": "",
    })
}

/// The network that an address lies in.
fn subnet(address: &str, prefix_length: u8) -> Option<String> {
    let address: std::net::Ipv4Addr = address.parse().ok()?;
    let mask = u32::MAX
        .checked_shl(32_u32.checked_sub(u32::from(prefix_length))?)
        .unwrap_or(0);
    let network = std::net::Ipv4Addr::from(u32::from(address) & mask);
    Some(format!("{network}/{prefix_length}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_its_address_without_the_host_part() {
        let check = |address, length, expect: Option<&str>| {
            assert_eq!(
                subnet(address, length).as_deref(),
                expect,
                "{address}/{length}"
            );
        };
        check("172.17.0.1", 16, Some("172.17.0.0/16"));
        check("10.1.2.3", 0, Some("0.0.0.0/0"));
        check("10.1.2.3", 32, Some("10.1.2.3/32"));
        check("10.1.2.3", 33, None);
        check("::1", 64, None);
    }

    #[test]
    fn networks_are_found_by_name_and_by_id() {
        assert_eq!(find("host"), Ok("host"));
        assert_eq!(find(&id("none")[..12]), Ok("none"));
        assert!(find("mine").is_err());
    }
}
