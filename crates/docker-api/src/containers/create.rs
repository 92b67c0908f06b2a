//! `POST /containers/create`: the body, and its translation.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use terrarium_api::{CreateContainer, Endpoint, LogOptions, NetworkMode};

use super::{
    health,
    host_config::{HostConfig, restart_policy, ulimit},
    limits, mounts, ports,
};
use crate::{
    error::{Failure, Result},
    networks::{EndpointSettings, translate_endpoint},
    request::{Params, json_body},
};

json_body! {
    /// The body: the image's settings to replace, and the host's part.
    struct CreateBody {
        hostname: String,
        domainname: String,
        user: String,
        attach_stdin: bool,
        attach_stdout: bool,
        attach_stderr: bool,
        exposed_ports: BTreeMap<String, Value>,
        tty: bool,
        open_stdin: bool,
        stdin_once: bool,
        env: Vec<String>,
        cmd: Option<Words>,
        healthcheck: Option<Healthcheck>,
        image: String,
        volumes: BTreeMap<String, Value>,
        working_dir: String,
        entrypoint: Option<Words>,
        labels: BTreeMap<String, String>,
        stop_signal: String,
        stop_timeout: Option<i64>,
        mac_address: String,
        host_config: HostConfig,
        networking_config: NetworkingConfig,
    }

    /// A health check; times are in nanoseconds, 0 means the image's.
    struct Healthcheck {
        test: Vec<String>,
        interval: i64,
        timeout: i64,
        start_period: i64,
        start_interval: i64,
        retries: i64,
    }

    /// The networks to join.
    struct NetworkingConfig {
        endpoints_config: BTreeMap<String, Option<EndpointSettings>>,
    }
}

/// A command line: a list, or one word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            List(Vec<String>),
            Word(String),
        }
        Ok(Self(match Form::deserialize(deserializer)? {
            Form::List(words) => words,
            Form::Word(word) => vec![word],
        }))
    }
}

/// A translated body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Creation {
    pub(crate) request: CreateContainer,
    /// What was asked for and is not done; the client prints each line.
    pub(crate) warnings: Vec<String>,
}

/// Translates a body and its parameters `name` and `platform`.
pub(crate) fn translate(params: &Params, body: CreateBody) -> Result<Creation> {
    if body.image.is_empty() {
        return Err(Failure::bad_request("no image was specified"));
    }
    let warnings = warnings(&body)?;
    let exposed = body.exposed_ports.keys();
    let name = params.text("name");
    let request = CreateContainer {
        name: name.map(|name| name.trim_start_matches('/').to_owned()),
        platform: params.text("platform").map(str::to_owned),
        mounts: mounts::translate(&body.host_config, body.volumes.keys())?,
        ports: ports::translate(&body.host_config, exposed.clone())?,
        exposed_ports: exposed.map(|port| ports::with_protocol(port)).collect(),
        image: body.image,
        command: words(body.cmd),
        entrypoint: entrypoint(body.entrypoint),
        env: body.env,
        working_dir: named(&body.working_dir),
        user: named(&body.user),
        hostname: named(&body.hostname),
        domainname: named(&body.domainname),
        terminal: body.tty,
        open_stdin: body.open_stdin,
        stdin_once: body.stdin_once,
        health_check: body.healthcheck.map(health::translate).transpose()?,
        labels: body.labels,
        stop_signal: named(&body.stop_signal),
        stop_timeout_s: body
            .stop_timeout
            .and_then(|seconds| u32::try_from(seconds).ok()),
        volumes_from: body.host_config.volumes_from.clone(),
        endpoints: endpoints(&body.host_config, body.networking_config, &body.mac_address)?,
        ..host_part(&body.host_config)?
    };
    Ok(Creation { request, warnings })
}

/// What `HostConfig` alone says.
fn host_part(host: &HostConfig) -> Result<CreateContainer> {
    let [rows, cols] = host.console_size;
    let resources = &host.resources;
    Ok(CreateContainer {
        limits: limits::translate(resources)?,
        restart: restart_policy(&host.restart_policy, host.auto_remove)?,
        network: network_mode(&host.network_mode)?,
        log: log_options(host)?,
        console_size: (rows > 0 && cols > 0).then_some((rows, cols)),
        dns: host.dns.clone(),
        dns_search: host.dns_search.clone(),
        dns_options: host.dns_options.clone(),
        extra_hosts: host.extra_hosts.clone(),
        groups: host.group_add.clone(),
        auto_remove: host.auto_remove,
        read_only: host.readonly_rootfs,
        init: host.init.unwrap_or(false),
        privileged: host.privileged,
        cap_add: host.cap_add.clone(),
        cap_drop: host.cap_drop.clone(),
        security_options: host.security_opt.clone(),
        devices: resources.devices.iter().map(ToString::to_string).collect(),
        device_rules: resources.device_cgroup_rules.clone(),
        sysctls: host.sysctls.clone(),
        ulimits: resources.ulimits.iter().map(ulimit).collect(),
        pid_mode: named(&host.pid_mode),
        ipc_mode: named(&host.ipc_mode),
        uts_mode: named(&host.uts_mode),
        shm_bytes: positive(host.shm_size, "ShmSize")?,
        oom_score_adj: Some(host.oom_score_adj).filter(|adjust| *adjust != 0),
        ..CreateContainer::default()
    })
}

/// An empty text is an absent one.
fn named(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn words(words: Option<Words>) -> Option<Vec<String>> {
    words.map(|words| words.0).filter(|words| !words.is_empty())
}

/// `--entrypoint ""` is sent as one empty word and clears the image's entrypoint.
fn entrypoint(words: Option<Words>) -> Option<Vec<String>> {
    let words = words?.0;
    match words.as_slice() {
        [] => None,
        [word] if word.is_empty() => Some(Vec::new()),
        _ => Some(words),
    }
}

/// A size that is absent when 0.
pub(super) fn positive(number: i64, field: &str) -> Result<Option<u64>> {
    match u64::try_from(number) {
        Ok(0) => Ok(None),
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(Failure::bad_request(format!(
            "{field} must not be negative"
        ))),
    }
}

/// The places that are wished for. Links and a hardware address of the old form belong to the first one.
fn endpoints(host: &HostConfig, networking: NetworkingConfig, mac: &str) -> Result<Vec<Endpoint>> {
    let first = match host.network_mode.as_str() {
        "" | "default" => "bridge",
        mode => mode,
    };
    let mut endpoints = Vec::new();
    for (network, settings) in networking.endpoints_config {
        let endpoint = translate_endpoint(&network, settings.unwrap_or_default())?;
        // Clients name them too, and nothing can be wished for there; nor is the first one a wish by itself.
        let plain = endpoint
            == Endpoint {
                network: first.into(),
                ..Endpoint::default()
            };
        if !plain && !matches!(endpoint.network.as_str(), "host" | "none") {
            endpoints.push(endpoint);
        }
    }
    if host.links.is_empty() && mac.is_empty() {
        return Ok(endpoints);
    }
    if !endpoints.iter().any(|one| one.network == first) {
        endpoints.push(translate_endpoint(first, EndpointSettings::default())?);
    }
    for endpoint in endpoints.iter_mut().filter(|one| one.network == first) {
        endpoint.links.extend(host.links.iter().cloned());
        if endpoint.mac.is_none() {
            endpoint.mac = named(mac);
        }
    }
    Ok(endpoints)
}

/// The default bridge, the host's network, none, another container's, or one that a user made.
fn network_mode(text: &str) -> Result<NetworkMode> {
    Ok(match text {
        "" | "default" | "bridge" => NetworkMode::Bridge,
        "host" => NetworkMode::Host,
        "none" => NetworkMode::None,
        _ => match text.strip_prefix("container:") {
            Some(id) if !id.is_empty() => NetworkMode::Container { id: id.to_owned() },
            Some(_) => {
                return Err(Failure::bad_request(
                    "invalid container format container:<name|id>",
                ));
            }
            None => NetworkMode::Named {
                name: text.to_owned(),
            },
        },
    })
}

fn log_options(host: &HostConfig) -> Result<LogOptions> {
    let config = &host.log_config;
    if config.r#type == "none" {
        return Ok(LogOptions {
            off: true,
            ..LogOptions::default()
        });
    }
    if !matches!(config.r#type.as_str(), "" | "json-file" | "local") {
        return Err(Failure::bad_request(format!(
            "logger: no log driver named '{}' is registered",
            config.r#type
        )));
    }
    let invalid = |key: &str| Failure::bad_request(format!("invalid value for {key}"));
    let max_bytes = match config.config.get("max-size").map(String::as_str) {
        None | Some("-1") => None,
        Some(size) => Some(mounts::size(size).ok_or_else(|| invalid("max-size"))?),
    };
    let max_files = match config.config.get("max-file") {
        None => None,
        Some(count) => Some(count.parse().map_err(|_| invalid("max-file"))?),
    };
    let compress = config
        .config
        .get("compress")
        .is_some_and(|value| value == "true");
    Ok(LogOptions {
        off: false,
        max_bytes,
        max_files,
        compress,
    })
}

/// Refuses what would change the meaning of the container, and lists what is merely not done.
fn warnings(body: &CreateBody) -> Result<Vec<String>> {
    let host = &body.host_config;
    if !host.resources.device_requests.is_empty() {
        return Err(Failure::not_built("giving GPUs to a container (--gpus)"));
    }
    let mut warnings = Vec::new();
    let mut warn = |asked: bool, text: &str| {
        if asked {
            warnings.push(text.to_owned());
        }
    };
    warn(
        !host.storage_opt.is_empty(),
        "Storage options are ignored by this version of Terrarium.",
    );
    warn(
        host.resources
            .memory_swappiness
            .is_some_and(|value| value >= 0),
        "Memory swappiness is not set by this version of Terrarium.",
    );
    warn(
        host.resources.oom_kill_disable == Some(true),
        "Disabling the OOM killer is ignored: it lets a container hang the machine.",
    );
    Ok(warnings)
}

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
