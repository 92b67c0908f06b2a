use terrarium_api::{Attachment, ContainerSummary, CreateContainer, Exit, NetworkMode};

use super::*;
use crate::containers::create;

/// A container as it would be after `POST /containers/create` with a recorded body.
fn created(body: &str) -> ContainerDetail {
    let body = serde_json::from_str(body).expect("recorded bodies are valid");
    let request = create::translate(&Params::default(), body)
        .expect("it is valid")
        .request;
    detail(request)
}

fn detail(request: CreateContainer) -> ContainerDetail {
    ContainerDetail {
        summary: ContainerSummary {
            id: "c".repeat(64),
            name: "web".into(),
            image: request.image.clone(),
            image_id: "sha256:1234".into(),
            command: vec!["nginx".into()],
            status: ContainerStatus::Running,
            created_at_ms: 1_700_000_000_000,
            started_at_ms: Some(1_700_000_001_000),
            exit: None,
            health: None,
            pid: Some(42),
            ports: Vec::new(),
            network: request.network.clone(),
            address: Some("172.17.0.2".into()),
            networks: vec![Attachment {
                network: "bridge".into(),
                interface: "eth0".into(),
                address: "172.17.0.2".into(),
                prefix_length: 16,
                gateway: "172.17.0.1".into(),
                mac: "02:42:ac:11:00:02".into(),
                bridge: "terrarium0".into(),
                aliases: Vec::new(),
                ..Attachment::default()
            }],
            limits: request.limits.clone(),
            labels: request.labels.clone(),
            terminal: request.terminal,
            auto_remove: request.auto_remove,
            mounts: request.mounts.clone(),
        },
        health_check: request.health_check.clone(),
        request,
        env: vec!["PATH=/bin".into()],
        path: "nginx".into(),
        args: vec!["-g".into()],
        working_dir: "/".into(),
        user: String::new(),
        hostname: "cccccccccccc".into(),
        restart_count: 2,
        timeline: Vec::new(),
        notes: Vec::new(),
        spec: None,
        chain_id: "sha256:abcd".into(),
        upper_dir: "/data/snapshots/7/fs".into(),
        log_path: "/data/containers/c/log".into(),
        cgroup: None,
        manifest_digest: None,
        health: None,
    }
}

fn shown(detail: ContainerDetail, image: &ImageSettings) -> Value {
    let path = |name: &str| format!("/data/volumes/{name}/_data");
    serde_json::to_value(inspection(detail, image, None, &path)).expect("it is plain")
}

#[test]
fn what_was_asked_for_is_shown_again() {
    for body in [
        include_str!("../../testdata/run_detached.json"),
        include_str!("../../testdata/run_attached.json"),
        include_str!("../../testdata/run_every_option.json"),
        include_str!("../../testdata/create_terminal.json"),
    ] {
        let asked: Value = serde_json::from_str(body).expect("recorded bodies are valid");
        let shown = shown(created(body), &ImageSettings::default());
        for field in [
            "PortBindings",
            "RestartPolicy",
            "AutoRemove",
            "Dns",
            "DnsSearch",
            "Memory",
            "NanoCpus",
            "CpusetCpus",
            "Devices",
            "Ulimits",
            "Privileged",
            "ReadonlyRootfs",
            "PidMode",
            "UTSMode",
            "OomScoreAdj",
            "CpuShares",
        ] {
            assert_eq!(
                shown["HostConfig"][field], asked["HostConfig"][field],
                "{field}"
            );
        }
        for field in [
            "Image",
            "Tty",
            "OpenStdin",
            "StdinOnce",
            "Cmd",
            "Entrypoint",
            "Labels",
        ] {
            assert_eq!(shown["Config"][field], asked[field], "{field}");
        }
    }
}

#[test]
fn a_running_container_has_its_place_on_the_network() {
    let shown = shown(
        created(include_str!("../../testdata/run_detached.json")),
        &ImageSettings::default(),
    );
    assert_eq!(shown["State"]["Status"], "running");
    assert_eq!(shown["State"]["Pid"], 42);
    assert_eq!(shown["State"]["FinishedAt"], time::ZERO);
    let settings = &shown["NetworkSettings"];
    assert_eq!(settings["IPAddress"], "172.17.0.2");
    assert_eq!(settings["Networks"]["bridge"]["Gateway"], "172.17.0.1");
    assert_eq!(settings["Networks"]["bridge"]["IPPrefixLen"], 16);
    assert_eq!(settings["Ports"]["80/tcp"], Value::Null);
    assert_eq!(shown["Mounts"][0]["Source"], "/data/volumes/data/_data");
    assert_eq!(shown["Mounts"][1]["RW"], false);
    assert_eq!(shown["HostConfig"]["Binds"][0], "data:/data");
    assert_eq!(
        shown["GraphDriver"]["Data"]["WorkDir"],
        "/data/snapshots/7/work"
    );
}

#[test]
fn a_stopped_container_has_an_exit_and_no_pid() {
    let mut detail = detail(CreateContainer {
        network: NetworkMode::Host,
        ..CreateContainer::default()
    });
    detail.summary.status = ContainerStatus::Stopped;
    detail.summary.networks = Vec::new();
    detail.summary.exit = Some(Exit {
        code: 137,
        oom_killed: true,
        at_ms: 1_700_000_002_000,
        error: None,
    });
    let shown = shown(detail, &ImageSettings::default());
    let state = &shown["State"];
    assert_eq!(
        (&state["Running"], &state["OOMKilled"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        (&state["ExitCode"], &state["Pid"]),
        (&json!(137), &json!(0))
    );
    assert_eq!(state["FinishedAt"], "2023-11-14T22:13:22Z");
    assert!(shown["NetworkSettings"]["Networks"].get("host").is_some());
}

#[test]
fn the_images_settings_fill_what_was_not_asked_for() {
    let image = ImageSettings {
        entrypoint: vec!["/entry".into()],
        command: vec!["serve".into()],
        exposed_ports: vec!["80/tcp".into()],
        volumes: vec!["/data".into()],
        labels: [("of".into(), "image".into())].into(),
        stop_signal: Some("SIGQUIT".into()),
        ..ImageSettings::default()
    };
    let plain = shown(detail(CreateContainer::default()), &image);
    assert_eq!(plain["Config"]["Cmd"], json!(["serve"]));
    assert_eq!(plain["Config"]["Entrypoint"], json!(["/entry"]));
    assert_eq!(plain["Config"]["ExposedPorts"], json!({ "80/tcp": {} }));
    assert_eq!(plain["Config"]["Volumes"], json!({ "/data": {} }));
    assert_eq!(plain["Config"]["StopSignal"], "SIGQUIT");

    let own = CreateContainer {
        entrypoint: Some(vec!["sh".into()]),
        ..CreateContainer::default()
    };
    let own = shown(detail(own), &image);
    assert_eq!(own["Config"]["Cmd"], Value::Null);
}
