//! `HostConfig`: the host's part of a container, as it is sent and as it is shown.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;
use terrarium_api::{RestartPolicy, Ulimit};

use crate::{
    error::{Failure, Result},
    request::json_body,
};

json_body! {
    /// The host's part of a container. Fields that this engine neither acts on nor warns about are
    /// left out and ignored.
    struct HostConfig {
        binds: Vec<String>,
        #[serde(rename = "ContainerIDFile")]
        container_id_file: String,
        log_config: LogConfig,
        network_mode: String,
        port_bindings: BTreeMap<String, Option<Vec<PortBinding>>>,
        restart_policy: Restart,
        auto_remove: bool,
        volume_driver: String,
        volumes_from: Vec<String>,
        console_size: [u16; 2],
        cap_add: Vec<String>,
        cap_drop: Vec<String>,
        cgroupns_mode: String,
        dns: Vec<String>,
        dns_options: Vec<String>,
        dns_search: Vec<String>,
        extra_hosts: Vec<String>,
        group_add: Vec<String>,
        ipc_mode: String,
        cgroup: String,
        links: Vec<String>,
        oom_score_adj: i32,
        pid_mode: String,
        privileged: bool,
        publish_all_ports: bool,
        readonly_rootfs: bool,
        security_opt: Vec<String>,
        storage_opt: BTreeMap<String, String>,
        tmpfs: BTreeMap<String, String>,
        #[serde(rename = "UTSMode")]
        uts_mode: String,
        userns_mode: String,
        shm_size: i64,
        sysctls: BTreeMap<String, String>,
        runtime: String,
        isolation: String,
        mounts: Vec<Mount>,
        masked_paths: Option<Vec<String>>,
        readonly_paths: Option<Vec<String>>,
        init: Option<bool>,
        ..resources: Resources,
    }

    /// The limits; also the body of an update.
    struct Resources {
        cpu_shares: i64,
        memory: i64,
        nano_cpus: i64,
        cgroup_parent: String,
        blkio_weight: u16,
        blkio_weight_device: Vec<Value>,
        blkio_device_read_bps: Vec<Value>,
        blkio_device_write_bps: Vec<Value>,
        #[serde(rename = "BlkioDeviceReadIOps")]
        blkio_device_read_iops: Vec<Value>,
        #[serde(rename = "BlkioDeviceWriteIOps")]
        blkio_device_write_iops: Vec<Value>,
        cpu_period: i64,
        cpu_quota: i64,
        cpu_realtime_period: i64,
        cpu_realtime_runtime: i64,
        cpuset_cpus: String,
        cpuset_mems: String,
        devices: Vec<Device>,
        device_cgroup_rules: Vec<String>,
        device_requests: Vec<Value>,
        memory_reservation: i64,
        memory_swap: i64,
        memory_swappiness: Option<i64>,
        oom_kill_disable: Option<bool>,
        pids_limit: Option<i64>,
        ulimits: Vec<Limit>,
        cpu_count: i64,
        cpu_percent: i64,
        #[serde(rename = "IOMaximumIOps")]
        io_maximum_iops: u64,
        #[serde(rename = "IOMaximumBandwidth")]
        io_maximum_bandwidth: u64,
    }

    /// A log driver and its options.
    struct LogConfig {
        r#type: String,
        config: BTreeMap<String, String>,
    }

    /// Where a port is published.
    struct PortBinding {
        host_ip: String,
        host_port: String,
    }

    /// A restart policy.
    struct Restart {
        name: String,
        maximum_retry_count: i64,
    }

    /// A device of the host.
    struct Device {
        path_on_host: String,
        path_in_container: String,
        cgroup_permissions: String,
    }

    /// One of `setrlimit(2)`.
    struct Limit {
        name: String,
        hard: i64,
        soft: i64,
    }

    /// A mount in the long form.
    struct Mount {
        r#type: String,
        source: String,
        target: String,
        read_only: bool,
        consistency: String,
        bind_options: Option<BindOptions>,
        volume_options: Option<VolumeOptions>,
        tmpfs_options: Option<TmpfsOptions>,
    }

    /// Options of a bind mount.
    struct BindOptions {
        propagation: String,
        non_recursive: bool,
        create_mountpoint: bool,
        read_only_non_recursive: bool,
        read_only_force_recursive: bool,
    }

    /// Options of a volume.
    struct VolumeOptions {
        no_copy: bool,
        labels: BTreeMap<String, String>,
        subpath: String,
        driver_config: Option<DriverConfig>,
    }

    /// A volume's driver.
    struct DriverConfig {
        name: String,
        options: BTreeMap<String, String>,
    }

    /// Options of a tmpfs.
    struct TmpfsOptions {
        size_bytes: i64,
        mode: u32,
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inside = match self.path_in_container.as_str() {
            "" => &self.path_on_host,
            inside => inside,
        };
        write!(f, "{}:{inside}", self.path_on_host)?;
        match self.cgroup_permissions.as_str() {
            "" => Ok(()),
            permissions => write!(f, ":{permissions}"),
        }
    }
}

pub(crate) fn ulimit(limit: &Limit) -> Ulimit {
    Ulimit {
        name: limit.name.to_ascii_lowercase(),
        soft: limit.soft,
        hard: limit.hard,
    }
}

/// Translates a restart policy, with Docker's checks.
pub(super) fn restart_policy(restart: &Restart, auto_remove: bool) -> Result<RestartPolicy> {
    let count = restart.maximum_retry_count;
    let policy = match restart.name.as_str() {
        "" | "no" => RestartPolicy::No,
        "always" => RestartPolicy::Always,
        "unless-stopped" => RestartPolicy::UnlessStopped,
        "on-failure" => RestartPolicy::OnFailure {
            max_retries: u32::try_from(count).map_err(|_| {
                Failure::bad_request(
                    "invalid restart policy: maximum retry count cannot be negative",
                )
            })?,
        },
        other => {
            let shown: String = other
                .chars()
                .take(40)
                .flat_map(char::escape_debug)
                .collect();
            let text = format!(
                "invalid restart policy: unknown policy '{shown}'; use one of 'no', 'always', \
                 'on-failure', or 'unless-stopped'"
            );
            return Err(Failure::bad_request(text));
        }
    };
    if count != 0 && !matches!(policy, RestartPolicy::OnFailure { .. }) {
        return Err(Failure::bad_request(
            "invalid restart policy: maximum retry count can only be used with 'on-failure'",
        ));
    }
    if auto_remove && policy != RestartPolicy::No {
        return Err(Failure::bad_request(
            "can't create 'AutoRemove' container with restart policy",
        ));
    }
    Ok(policy)
}

/// The policy in Docker's form.
pub(super) fn show_restart(policy: RestartPolicy) -> Restart {
    let (name, maximum_retry_count) = match policy {
        RestartPolicy::No => ("no", 0),
        RestartPolicy::Always => ("always", 0),
        RestartPolicy::UnlessStopped => ("unless-stopped", 0),
        RestartPolicy::OnFailure { max_retries } => ("on-failure", i64::from(max_retries)),
    };
    Restart {
        name: name.to_owned(),
        maximum_retry_count,
    }
}
