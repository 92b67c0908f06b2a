//! `GET /containers/json`.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Serialize;
use terrarium_api::{ContainerSize, ContainerStatus, ContainerSummary};

use super::{
    health,
    mount_points::{self, MountPoint},
    ports,
    select::Selection,
};
use crate::{
    error::Result,
    filters::Filters,
    networks::{self, Endpoint},
    request::Params,
    server::App,
    time,
};

/// The filters that `docker ps` documents.
const FILTERS: &[&str] = &[
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "isolation",
    "label",
    "label!",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
];

/// One container of the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Item {
    id: String,
    names: Vec<String>,
    image: String,
    #[serde(rename = "ImageID")]
    image_id: String,
    command: String,
    created: u64,
    ports: Vec<Port>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_rw: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_root_fs: Option<u64>,
    labels: BTreeMap<String, String>,
    state: &'static str,
    status: String,
    host_config: ItemHost,
    network_settings: ItemNetworks,
    mounts: Vec<MountPoint>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ItemHost {
    network_mode: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ItemNetworks {
    networks: BTreeMap<String, Endpoint>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Port {
    #[serde(rename = "IP", skip_serializing_if = "Option::is_none")]
    ip: Option<String>,
    private_port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_port: Option<u16>,
    r#type: &'static str,
}

pub(super) async fn list(State(app): State<App>, params: Params) -> Result<Json<Vec<Item>>> {
    let filters = Filters::parse(params.text("filters"), FILTERS)?;
    let limit = params.number::<i64>("limit")?.unwrap_or(0);
    let images = match filters.has("ancestor") {
        true => app.engine.images().await?,
        false => Vec::new(),
    };
    let selection = Selection {
        filters: &filters,
        images: &images,
        stopped_too: params.flag("all") || limit > 0 || filters.has("status"),
    };
    let mut found = selection.select(app.engine.containers().await?)?;
    if let Ok(limit @ 1..) = usize::try_from(limit) {
        found.truncate(limit);
    }
    let mut items = Vec::with_capacity(found.len());
    for container in found {
        let size = match params.flag("size") {
            // One that was removed meanwhile has no size.
            true => app.engine.container_size(&container.id).await.ok(),
            false => None,
        };
        items.push(item(
            &container,
            size,
            &app.volume_path(),
            time::now_ns() / 1_000_000_000,
        ));
    }
    Ok(Json(items))
}

/// A state in Docker's words.
pub(super) fn state(status: ContainerStatus) -> &'static str {
    match status {
        ContainerStatus::Creating | ContainerStatus::Created => "created",
        ContainerStatus::Running => "running",
        ContainerStatus::Paused => "paused",
        ContainerStatus::Restarting => "restarting",
        ContainerStatus::Stopped => "exited",
    }
}

/// `Up 3 minutes`, `Exited (0) 5 seconds ago`.
fn status(container: &ContainerSummary, now_s: u64) -> String {
    let ago = |at_ms: u64| time::human(now_s.saturating_sub(at_ms / 1000));
    let up = || ago(container.started_at_ms.unwrap_or(container.created_at_ms));
    match (container.status, &container.exit) {
        (ContainerStatus::Running, _) => {
            format!("Up {}{}", up(), health::suffix(container.health))
        }
        (ContainerStatus::Paused, _) => format!("Up {} (Paused)", up()),
        (ContainerStatus::Restarting, Some(exit)) => {
            format!("Restarting ({}) {} ago", exit.code, ago(exit.at_ms))
        }
        (ContainerStatus::Stopped, Some(exit)) => {
            format!("Exited ({}) {} ago", exit.code, ago(exit.at_ms))
        }
        _ => "Created".to_owned(),
    }
}

/// One container as lists show it.
pub(crate) fn item(
    container: &ContainerSummary,
    size: Option<ContainerSize>,
    volume_path: &dyn Fn(&str) -> String,
    now_s: u64,
) -> Item {
    let ports = container.ports.iter().map(|port| Port {
        ip: Some(port.host_address.clone()),
        private_port: port.container_port,
        public_port: Some(port.host_port),
        r#type: ports::protocol(port.protocol),
    });
    Item {
        id: container.id.clone(),
        names: vec![format!("/{}", container.name)],
        image: container.image.clone(),
        image_id: container.image_id.clone(),
        command: container.command.join(" "),
        created: container.created_at_ms / 1000,
        ports: ports.collect(),
        size_rw: size.map(|size| size.writable_bytes),
        size_root_fs: size.map(|size| size.writable_bytes + size.image_bytes),
        labels: container.labels.clone(),
        state: state(container.status),
        status: status(container, now_s),
        host_config: ItemHost {
            network_mode: networks::mode_text(&container.network),
        },
        network_settings: ItemNetworks {
            networks: networks::of(container),
        },
        mounts: mount_points::show(&container.mounts, volume_path),
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
