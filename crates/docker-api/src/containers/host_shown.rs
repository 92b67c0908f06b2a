//! `HostConfig` of a container that is there.

use std::collections::BTreeMap;

use terrarium_api::{ContainerDetail, LogOptions, Ulimit};

use super::{
    host_config::{Device, HostConfig, Limit, LogConfig, show_restart},
    limits, mount_points, ports,
};
use crate::networks;

/// Shows the host's part of a container.
pub(super) fn show(detail: &ContainerDetail) -> HostConfig {
    let request = &detail.request;
    let (binds, tmpfs) = mount_points::show_requests(&request.mounts);
    let mut resources = limits::show(&detail.summary.limits);
    resources.devices = request
        .devices
        .iter()
        .map(|device| show_device(device))
        .collect();
    let limit = |limit: &Ulimit| Limit {
        name: limit.name.clone(),
        soft: limit.soft,
        hard: limit.hard,
    };
    resources.device_cgroup_rules = request.device_rules.clone();
    resources.ulimits = request.ulimits.iter().map(limit).collect();
    HostConfig {
        binds,
        tmpfs,
        resources,
        log_config: LogConfig {
            r#type: if request.log.off { "none" } else { "json-file" }.into(),
            config: show_log(&request.log),
        },
        volumes_from: request.volumes_from.clone(),
        isolation: "default".into(),
        network_mode: networks::mode_text(&request.network),
        port_bindings: ports::show_requests(&request.ports),
        restart_policy: show_restart(request.restart),
        auto_remove: request.auto_remove,
        cap_add: request.cap_add.clone(),
        cap_drop: request.cap_drop.clone(),
        cgroupns_mode: "private".into(),
        dns: request.dns.clone(),
        dns_options: request.dns_options.clone(),
        dns_search: request.dns_search.clone(),
        extra_hosts: request.extra_hosts.clone(),
        group_add: request.groups.clone(),
        ipc_mode: request.ipc_mode.clone().unwrap_or_else(|| "private".into()),
        oom_score_adj: request.oom_score_adj.unwrap_or(0),
        pid_mode: request.pid_mode.clone().unwrap_or_default(),
        uts_mode: request.uts_mode.clone().unwrap_or_default(),
        privileged: request.privileged,
        readonly_rootfs: request.read_only,
        security_opt: request.security_options.clone(),
        shm_size: request
            .shm_bytes
            .and_then(|size| i64::try_from(size).ok())
            .unwrap_or(64 << 20),
        sysctls: request.sysctls.clone(),
        runtime: "terrarium".into(),
        console_size: request
            .console_size
            .map_or([0, 0], |(rows, cols)| [rows, cols]),
        init: request.init.then_some(true),
        ..HostConfig::default()
    }
}

fn show_device(text: &str) -> Device {
    let mut parts = text.split(':');
    let outside = parts.next().unwrap_or_default();
    Device {
        path_on_host: outside.to_owned(),
        path_in_container: parts.next().unwrap_or(outside).to_owned(),
        cgroup_permissions: parts.next().unwrap_or("rwm").to_owned(),
    }
}

fn show_log(log: &LogOptions) -> BTreeMap<String, String> {
    let pairs = [
        ("max-size", log.max_bytes.map(|size| size.to_string())),
        ("max-file", log.max_files.map(|count| count.to_string())),
        ("compress", log.compress.then(|| "true".to_owned())),
    ];
    let present = |(key, value): (&str, Option<String>)| Some((key.to_owned(), value?));
    pairs.into_iter().filter_map(present).collect()
}
