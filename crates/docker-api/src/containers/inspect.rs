//! `GET /containers/{name}/json`.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use serde_json::{Value, json};
use terrarium_api::{ContainerDetail, ContainerSize, ContainerStatus, ImageSettings, MountKind};

use super::{
    create::{Healthcheck, Words},
    health::{self, ShownHealth},
    host_config::{self, HostConfig},
    host_shown,
    list::state,
    mount_points::{self, MountPoint},
    ports,
};
use crate::{
    error::Result,
    networks::{self, Endpoint},
    request::Params,
    server::App,
    time,
};

/// A container in full.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Inspection {
    id: String,
    created: String,
    path: String,
    args: Vec<String>,
    state: ShownState,
    image: String,
    resolv_conf_path: String,
    hostname_path: String,
    hosts_path: String,
    log_path: String,
    name: String,
    restart_count: u32,
    driver: &'static str,
    platform: &'static str,
    mount_label: &'static str,
    process_label: &'static str,
    app_armor_profile: &'static str,
    #[serde(rename = "ExecIDs")]
    exec_ids: Option<Vec<String>>,
    host_config: HostConfig,
    graph_driver: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_rw: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_root_fs: Option<u64>,
    mounts: Vec<MountPoint>,
    config: Config,
    network_settings: NetworkSettings,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownState {
    status: &'static str,
    running: bool,
    paused: bool,
    restarting: bool,
    #[serde(rename = "OOMKilled")]
    oom_killed: bool,
    dead: bool,
    pid: u32,
    exit_code: i32,
    error: String,
    started_at: String,
    finished_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<ShownHealth>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    hostname: String,
    domainname: String,
    user: String,
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    exposed_ports: BTreeMap<String, Value>,
    tty: bool,
    open_stdin: bool,
    stdin_once: bool,
    env: Vec<String>,
    cmd: Option<Words>,
    image: String,
    volumes: Option<BTreeMap<String, Value>>,
    working_dir: String,
    entrypoint: Option<Words>,
    on_build: Option<()>,
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    healthcheck: Option<Healthcheck>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_signal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_timeout: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    bridge: &'static str,
    #[serde(rename = "SandboxID")]
    sandbox_id: String,
    sandbox_key: String,
    ports: BTreeMap<String, Option<Vec<host_config::PortBinding>>>,
    hairpin_mode: bool,
    #[serde(rename = "LinkLocalIPv6Address")]
    link_local_ipv6_address: &'static str,
    #[serde(rename = "LinkLocalIPv6PrefixLen")]
    link_local_ipv6_prefix_len: u8,
    #[serde(rename = "SecondaryIPAddresses")]
    secondary_ip_addresses: Option<()>,
    #[serde(rename = "SecondaryIPv6Addresses")]
    secondary_ipv6_addresses: Option<()>,
    /// The default bridge's endpoint once more, for old clients.
    #[serde(flatten)]
    legacy: LegacyEndpoint,
    networks: BTreeMap<String, Endpoint>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LegacyEndpoint {
    #[serde(rename = "EndpointID")]
    endpoint_id: String,
    gateway: String,
    #[serde(rename = "GlobalIPv6Address")]
    global_ipv6_address: String,
    #[serde(rename = "GlobalIPv6PrefixLen")]
    global_ipv6_prefix_len: u8,
    #[serde(rename = "IPAddress")]
    ip_address: String,
    #[serde(rename = "IPPrefixLen")]
    ip_prefix_len: u8,
    #[serde(rename = "IPv6Gateway")]
    ipv6_gateway: String,
    mac_address: String,
}

pub(super) async fn inspect(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Json<Inspection>> {
    let detail = app.engine.inspect_container(&name).await?;
    let size = match params.flag("size") {
        true => Some(app.engine.container_size(&detail.summary.id).await?),
        false => None,
    };
    // The image may be gone by now; then only what was asked for is shown.
    let image = app.engine.inspect_image(&detail.summary.image_id).await;
    let settings = image.map(|image| image.config).unwrap_or_default();
    Ok(Json(inspection(
        detail,
        &settings,
        size,
        &app.volume_path(),
    )))
}

/// Translates a container together with its image's settings.
fn inspection(
    detail: ContainerDetail,
    image: &ImageSettings,
    size: Option<ContainerSize>,
    volume_path: &dyn Fn(&str) -> String,
) -> Inspection {
    let summary = &detail.summary;
    // The generated files lie beside the log.
    let folder = detail
        .log_path
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    Inspection {
        created: time::from_ms(summary.created_at_ms),
        state: shown_state(&detail),
        image: summary.image_id.clone(),
        resolv_conf_path: format!("{folder}/resolv.conf"),
        hostname_path: format!("{folder}/hostname"),
        hosts_path: format!("{folder}/hosts"),
        name: format!("/{}", summary.name),
        restart_count: detail.restart_count,
        driver: "overlay2",
        platform: "linux",
        mount_label: "",
        process_label: "",
        app_armor_profile: "",
        exec_ids: None,
        host_config: host_shown::show(&detail),
        graph_driver: graph_driver(&summary.id, &detail.upper_dir),
        size_rw: size.map(|size| size.writable_bytes),
        size_root_fs: size.map(|size| size.writable_bytes + size.image_bytes),
        mounts: mount_points::show(&summary.mounts, volume_path),
        config: config(&detail, image),
        network_settings: network_settings(&detail),
        id: detail.summary.id,
        path: detail.path,
        args: detail.args,
        log_path: detail.log_path,
    }
}

fn shown_state(detail: &ContainerDetail) -> ShownState {
    let summary = &detail.summary;
    let restarting = summary.status == ContainerStatus::Restarting;
    let up = matches!(
        summary.status,
        ContainerStatus::Running | ContainerStatus::Paused
    );
    let exit = summary.exit.as_ref();
    let current = exit.filter(|_| !up);
    ShownState {
        status: state(summary.status),
        // Docker counts one between two starts as running.
        running: up || restarting,
        paused: summary.status == ContainerStatus::Paused,
        restarting,
        oom_killed: current.is_some_and(|exit| exit.oom_killed),
        dead: false,
        pid: summary.pid.filter(|_| up).unwrap_or(0),
        exit_code: current.map_or(0, |exit| exit.code),
        error: current
            .and_then(|exit| exit.error.clone())
            .unwrap_or_default(),
        started_at: time::from_ms_or_zero(summary.started_at_ms),
        finished_at: time::from_ms_or_zero(exit.map(|exit| exit.at_ms)),
        health: detail.health.as_ref().map(health::show),
    }
}

fn graph_driver(id: &str, upper_dir: &str) -> Value {
    let work_dir = upper_dir
        .strip_suffix("/fs")
        .map(|root| format!("{root}/work"));
    json!({
        "Name": "overlay2",
        "Data": { "ID": id, "UpperDir": upper_dir, "WorkDir": work_dir.unwrap_or_default() },
    })
}

fn config(detail: &ContainerDetail, image: &ImageSettings) -> Config {
    let request = &detail.request;
    let set = |keys: &mut dyn Iterator<Item = &String>| -> BTreeMap<String, Value> {
        keys.map(|key| (key.clone(), json!({}))).collect()
    };
    let anonymous =
        |mount: &&terrarium_api::Mount| mount.kind == MountKind::Volume && mount.source.is_empty();
    let own = request
        .mounts
        .iter()
        .filter(anonymous)
        .map(|mount| &mount.target);
    let volumes = set(&mut image.volumes.iter().chain(own));
    let words = |own: &Option<Vec<String>>, of_image: &Vec<String>| match own {
        Some(words) => Some(Words(words.clone())),
        None => Some(Words(of_image.clone())).filter(|words| !words.0.is_empty()),
    };
    // An own entrypoint leaves the image's command aside.
    let command = match request.entrypoint {
        Some(_) => request.command.clone().map(Words),
        None => words(&request.command, &image.command),
    };
    // A name alone takes a variable away; Docker shows the wish.
    let removed = request.env.iter().filter(|entry| !entry.contains('='));
    let mut labels = image.labels.clone();
    labels.extend(request.labels.clone());
    Config {
        hostname: detail.hostname.clone(),
        domainname: request.domainname.clone().unwrap_or_default(),
        user: detail.user.clone(),
        attach_stdin: request.open_stdin && request.stdin_once,
        attach_stdout: true,
        attach_stderr: true,
        exposed_ports: set(&mut image.exposed_ports.iter().chain(&request.exposed_ports)),
        tty: request.terminal,
        open_stdin: request.open_stdin,
        stdin_once: request.stdin_once,
        env: detail.env.iter().chain(removed).cloned().collect(),
        cmd: command,
        image: request.image.clone(),
        volumes: (!volumes.is_empty()).then_some(volumes),
        working_dir: detail.working_dir.clone(),
        entrypoint: words(&request.entrypoint, &image.entrypoint),
        on_build: None,
        labels,
        healthcheck: detail.health_check.as_ref().map(health::show_check),
        stop_signal: request
            .stop_signal
            .clone()
            .or_else(|| image.stop_signal.clone()),
        stop_timeout: request.stop_timeout_s,
    }
}

fn network_settings(detail: &ContainerDetail) -> NetworkSettings {
    let summary = &detail.summary;
    let networks = networks::of(summary);
    let legacy = networks.get("bridge").map(|endpoint| LegacyEndpoint {
        endpoint_id: endpoint.endpoint_id.clone(),
        gateway: endpoint.gateway.clone(),
        ip_address: endpoint.ip_address.clone(),
        ip_prefix_len: endpoint.ip_prefix_len,
        ipv6_gateway: endpoint.ipv6_gateway.clone(),
        global_ipv6_address: endpoint.global_ipv6_address.clone(),
        global_ipv6_prefix_len: endpoint.global_ipv6_prefix_len,
        mac_address: endpoint.mac_address.clone(),
    });
    // Only a running container has a namespace, and ports that are bound.
    let pid = summary.pid;
    NetworkSettings {
        bridge: "",
        sandbox_id: pid.map(|_| summary.id.clone()).unwrap_or_default(),
        sandbox_key: pid
            .map(|pid| format!("/proc/{pid}/ns/net"))
            .unwrap_or_default(),
        ports: match pid {
            Some(_) => ports::show_bindings(&summary.ports, &detail.request.exposed_ports),
            None => BTreeMap::new(),
        },
        hairpin_mode: false,
        link_local_ipv6_address: "",
        link_local_ipv6_prefix_len: 0,
        secondary_ip_addresses: None,
        secondary_ipv6_addresses: None,
        legacy: legacy.unwrap_or_default(),
        networks,
    }
}

#[cfg(test)]
#[path = "inspect_tests.rs"]
mod tests;
