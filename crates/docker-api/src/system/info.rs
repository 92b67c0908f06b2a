//! `GET /version` and `GET /info`.

use axum::{Json, extract::State};
use serde_json::{Value, json};
use terrarium_api::{CheckState, ContainerStatus, Privilege, SystemInfo};

use crate::{
    error::Result,
    networks,
    request::{MAX, MIN},
    server::App,
    time,
};

pub(super) async fn version(State(app): State<App>) -> Result<Json<Value>> {
    Ok(Json(show_version(&app.engine.info().await?)))
}

fn show_version(info: &SystemInfo) -> Value {
    json!({
        "Platform": { "Name": "Terrarium" },
        "Components": [{
            "Name": "Engine",
            "Version": info.version,
            "Details": {
                "ApiVersion": MAX.to_string(),
                "MinAPIVersion": MIN.to_string(),
                "Arch": info.architecture,
                "Os": "linux",
                "KernelVersion": info.kernel,
                "Experimental": "false",
            },
        }],
        "Version": info.version,
        "ApiVersion": MAX.to_string(),
        "MinAPIVersion": MIN.to_string(),
        "GitCommit": "",
        "GoVersion": "",
        "Os": "linux",
        "Arch": info.architecture,
        "KernelVersion": info.kernel,
        "BuildTime": "",
    })
}

/// How many containers stand how.
#[derive(Debug, Default)]
struct Counts {
    running: usize,
    paused: usize,
    stopped: usize,
    images: usize,
}

pub(super) async fn info(State(app): State<App>) -> Result<Json<Value>> {
    let info = app.engine.info().await?;
    let mut counts = Counts {
        images: app.engine.images().await?.len(),
        ..Counts::default()
    };
    for container in app.engine.containers().await? {
        match container.status {
            ContainerStatus::Running => counts.running += 1,
            ContainerStatus::Paused => counts.paused += 1,
            _ => counts.stopped += 1,
        }
    }
    Ok(Json(show_info(
        &info,
        &counts,
        &time::from_ns(time::now_ns()),
    )))
}

fn show_info(info: &SystemInfo, counts: &Counts, now: &str) -> Value {
    let mut shown = json!({
        "ID": networks::id(&info.data_root),
        "Name": info.hostname,
        "ServerVersion": info.version,
        "Containers": counts.running + counts.paused + counts.stopped,
        "ContainersRunning": counts.running,
        "ContainersPaused": counts.paused,
        "ContainersStopped": counts.stopped,
        "Images": counts.images,
        "KernelVersion": info.kernel,
        "OperatingSystem": info.operating_system,
        "Architecture": machine(&info.architecture),
        "NCPU": info.cpus,
        "MemTotal": info.memory_bytes,
        "SystemTime": now,
        "DockerRootDir": info.data_root,
        "RegistryConfig": registries(info),
        "SecurityOptions": security(info),
        "CgroupVersion": if info.cgroup == "v2" { "2" } else { "1" },
        "Warnings": warnings(info),
    });
    let limits = info
        .checks
        .iter()
        .any(|check| check.name == "cgroup" && check.state == CheckState::Ok);
    for limit in [
        "MemoryLimit",
        "SwapLimit",
        "CpuCfsPeriod",
        "CpuCfsQuota",
        "CPUShares",
        "CPUSet",
        "PidsLimit",
    ] {
        shown[limit] = json!(limits);
    }
    if let (Value::Object(shown), Value::Object(constants)) = (&mut shown, constants()) {
        shown.extend(constants);
    }
    shown
}

/// What is the same on every machine.
fn constants() -> Value {
    json!({
        "Driver": "overlay2",
        "DriverStatus": [],
        "Plugins": {
            "Volume": ["local"],
            "Network": ["bridge", "host", "null"],
            "Authorization": null,
            "Log": ["json-file"],
        },
        "CgroupDriver": "cgroupfs",
        "LoggingDriver": "json-file",
        "OSType": "linux",
        "OSVersion": "",
        "IPv4Forwarding": true,
        "OomKillDisable": false,
        "IndexServerAddress": "https://index.docker.io/v1/",
        "DefaultRuntime": "terrarium",
        "Runtimes": { "terrarium": { "path": "terrarium-runtime" } },
        "InitBinary": "terrarium-runtime",
        "Swarm": {
            "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": false,
            "Error": "", "RemoteManagers": null,
        },
        "Labels": [],
        "Debug": false,
        "NFd": 0,
        "NGoroutines": 0,
        "NEventsListener": 0,
        "HttpProxy": "",
        "HttpsProxy": "",
        "NoProxy": "",
        "ExperimentalBuild": false,
        "LiveRestoreEnabled": true,
        "Isolation": "",
    })
}

fn security(info: &SystemInfo) -> Vec<&'static str> {
    let rootless = info.privilege == Privilege::Rootless;
    ["name=seccomp,profile=builtin"]
        .into_iter()
        .chain(rootless.then_some("name=rootless"))
        .collect()
}

/// The kernel's word for what Go calls `amd64`.
fn machine(architecture: &str) -> &str {
    match architecture {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    }
}

fn registries(info: &SystemInfo) -> Value {
    let mirrors = &info.registry_mirrors;
    let mut by_name = json!({
        "docker.io": { "Name": "docker.io", "Mirrors": mirrors, "Secure": true, "Official": true },
    });
    for name in &info.insecure_registries {
        by_name[name] = json!({ "Name": name, "Mirrors": [], "Secure": false, "Official": false });
    }
    json!({
        "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8"],
        "IndexConfigs": by_name,
        "Mirrors": mirrors,
    })
}

fn warnings(info: &SystemInfo) -> Vec<String> {
    let weak = info
        .checks
        .iter()
        .filter(|check| check.state != CheckState::Ok);
    let weak = weak.map(|check| format!("WARNING: {}: {}", check.name, check.detail));
    weak.chain(info.warnings.iter().map(|text| format!("WARNING: {text}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrarium_api::Check;

    fn host() -> SystemInfo {
        SystemInfo {
            version: "0.1.0".into(),
            privilege: Privilege::Rootless,
            data_root: "/data".into(),
            run_root: "/run".into(),
            socket: "/run/docker.sock".into(),
            hostname: "box".into(),
            kernel: "6.1".into(),
            operating_system: "Debian".into(),
            architecture: "amd64".into(),
            cpus: 2,
            memory_bytes: 1024,
            cgroup: "v2".into(),
            ready_usec: 1,
            checks: vec![Check {
                name: "cgroup".into(),
                state: CheckState::Limited,
                finding: None,
                detail: "no delegation".into(),
                fix: None,
            }],
            registry_mirrors: vec!["http://mirror".into()],
            insecure_registries: vec!["box:5000".into()],
            warnings: Vec::new(),
        }
    }

    #[test]
    fn a_rootless_host_says_so() {
        let shown = show_info(
            &host(),
            &Counts {
                running: 1,
                stopped: 2,
                ..Counts::default()
            },
            "now",
        );
        assert_eq!(shown["Containers"], 3);
        assert_eq!(shown["SecurityOptions"][1], "name=rootless");
        assert_eq!(shown["MemoryLimit"], false);
        assert_eq!(shown["Warnings"][0], "WARNING: cgroup: no delegation");
        assert_eq!(shown["CgroupVersion"], "2");
        assert_eq!(
            shown["RegistryConfig"]["IndexConfigs"]["box:5000"]["Secure"],
            false
        );
    }

    #[test]
    fn the_version_names_the_range_of_the_api() {
        let shown = show_version(&host());
        assert_eq!(
            (&shown["ApiVersion"], &shown["MinAPIVersion"]),
            (&json!("1.50"), &json!("1.24"))
        );
    }
}
