//! The routes of networks.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde_json::{Value, json};
use terrarium_api::{
    AddressPlan, ConnectNetwork, DisconnectNetwork, ErrorCode, Network, NetworkMember,
};

use super::{
    create::{ConnectBody, CreateBody, DisconnectBody, translate, translate_endpoint},
    endpoint_id,
};
use crate::{
    error::Result,
    filters::{Filters, until_ms},
    request::{Body, Params},
    server::App,
    time,
};

const FILTERS: &[&str] = &["dangling", "driver", "id", "label", "name", "scope", "type"];

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/networks", get(list))
        .route("/networks/create", post(create))
        .route("/networks/prune", post(prune))
        .route("/networks/{name}", get(inspect).delete(remove))
        .route("/networks/{name}/connect", post(connect))
        .route("/networks/{name}/disconnect", post(disconnect))
}

async fn list(State(app): State<App>, params: Params) -> Result<Json<Vec<Value>>> {
    let filters = Filters::parse(params.text("filters"), FILTERS)?;
    let dangling = filters.boolean("dangling")?;
    let wanted = |network: &&Network| {
        filters.any("name", |part| network.name.contains(part))
            && filters.any("id", |start| network.id.starts_with(start))
            && filters.exact("driver", &network.driver)
            && filters.exact("scope", "local")
            && filters.exact("type", if network.builtin { "builtin" } else { "custom" })
            && filters.labels(&network.labels)
            && dangling.is_none_or(|dangling| is_dangling(network) == dangling)
    };
    let networks = app.engine.networks().await?;
    // Members are part of an inspection only.
    let shown = networks.iter().filter(wanted);
    Ok(Json(
        shown.map(|network| show(&app, network, &[])).collect(),
    ))
}

fn is_dangling(network: &Network) -> bool {
    !network.builtin && network.members.is_empty()
}

async fn create(State(app): State<App>, body: Body<CreateBody>) -> Result<Response> {
    let request = translate(body.required()?)?;
    let network = app.engine.create_network(request).await?.value;
    let answer = Json(json!({ "Id": network.id, "Warning": "" }));
    Ok((StatusCode::CREATED, answer).into_response())
}

async fn inspect(State(app): State<App>, Path(wanted): Path<String>) -> Result<Json<Value>> {
    let network = app.engine.inspect_network(&wanted).await?;
    Ok(Json(show(&app, &network, &network.members)))
}

async fn remove(State(app): State<App>, Path(wanted): Path<String>) -> Result<StatusCode> {
    app.engine.remove_network(&wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn connect(
    State(app): State<App>,
    Path(wanted): Path<String>,
    body: Body<ConnectBody>,
) -> Result<StatusCode> {
    let body = body.required()?;
    let endpoint = translate_endpoint(&wanted, body.endpoint_config.unwrap_or_default())?;
    let container = body.container;
    app.engine
        .connect_network(ConnectNetwork {
            container,
            endpoint,
        })
        .await?;
    Ok(StatusCode::OK)
}

async fn disconnect(
    State(app): State<App>,
    Path(network): Path<String>,
    body: Body<DisconnectBody>,
) -> Result<StatusCode> {
    let DisconnectBody { container, force } = body.required()?;
    let request = DisconnectNetwork { container, network };
    match app.engine.disconnect_network(request).await {
        // It is as it was to become.
        Err(error) if force && error.code == ErrorCode::NoSuchContainer => Ok(StatusCode::OK),
        done => done.map(|_| StatusCode::OK).map_err(Into::into),
    }
}

async fn prune(State(app): State<App>, params: Params) -> Result<Json<Value>> {
    let filters = Filters::parse(params.text("filters"), &["until", "label", "label!"])?;
    let until = until_ms(&filters)?;
    let mut deleted = Vec::new();
    for network in app.engine.networks().await? {
        let old = until.is_none_or(|until| network.created_at_ms < until);
        if !is_dangling(&network) || !old || !filters.labels(&network.labels) {
            continue;
        }
        match app.engine.remove_network(&network.id).await {
            Ok(_) => deleted.push(network.name),
            // Somebody uses or has removed it meanwhile.
            Err(error)
                if matches!(
                    error.code,
                    ErrorCode::NetworkInUse | ErrorCode::NoSuchNetwork
                ) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Json(json!({ "NetworksDeleted": deleted })))
}

fn show(app: &App, network: &Network, members: &[NetworkMember]) -> Value {
    // Builtin networks are as old as the host's process.
    let created = match network.created_at_ms {
        0 => app.started_ns,
        ms => ms * 1_000_000,
    };
    json!({
        "Name": network.name,
        "Id": network.id,
        "Created": time::from_ns(created),
        "Scope": "local",
        "Driver": network.driver,
        "EnableIPv4": true,
        "EnableIPv6": network.ipv6.is_some(),
        "IPAM": { "Driver": "default", "Options": {}, "Config": pools(network) },
        "Internal": network.internal,
        "Attachable": false,
        "Ingress": false,
        "ConfigFrom": { "Network": "" },
        "ConfigOnly": false,
        "Containers": containers(network, members),
        "Options": options(network),
        "Labels": network.labels,
    })
}

fn pools(network: &Network) -> Vec<Value> {
    let ipv4 = AddressPlan {
        subnet: network.subnet.clone(),
        gateway: network.gateway.clone(),
        range: network.range.clone(),
    };
    let plans = [Some(&ipv4), network.ipv6.as_ref()];
    plans.into_iter().flatten().filter_map(pool).collect()
}

fn pool(plan: &AddressPlan) -> Option<Value> {
    let mut pool = json!({ "Subnet": plan.subnet.as_ref()? });
    if let Some(range) = &plan.range {
        pool["IPRange"] = json!(range);
    }
    if let Some(gateway) = &plan.gateway {
        pool["Gateway"] = json!(gateway);
    }
    Some(pool)
}

fn options(network: &Network) -> BTreeMap<String, String> {
    let mut options = network.options.clone();
    if let Some(interface) = network.interface.as_ref().filter(|_| network.builtin) {
        options.insert("com.docker.network.bridge.name".into(), interface.clone());
    }
    options
}

/// Only containers that run have a place.
fn containers(network: &Network, members: &[NetworkMember]) -> BTreeMap<String, Value> {
    let there = members
        .iter()
        .filter(|member| !member.place.address.is_empty());
    there
        .map(|member| {
            let place = &member.place;
            let shown = json!({
                "Name": member.name,
                "EndpointID": endpoint_id(&network.name, &member.container),
                "MacAddress": place.mac,
                "IPv4Address": format!("{}/{}", place.address, place.prefix_length),
                "IPv6Address": if place.ipv6_address.is_empty() {
                    String::new()
                } else {
                    format!("{}/{}", place.ipv6_address, place.ipv6_prefix_length)
                },
            });
            (member.container.clone(), shown)
        })
        .collect()
}
