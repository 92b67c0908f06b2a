//! Bodies as docker 28.2 sends them, recorded, against what they must mean.

use terrarium_api::{Mount, MountKind, PortRequest, Protocol, RestartPolicy, Ulimit};

use super::*;

fn translated(query: &str, body: &str) -> Result<Creation> {
    let body = serde_json::from_str(body).expect("recorded bodies are valid");
    translate(&Params::of(query), body)
}

#[test]
fn run_detached_with_ports_volumes_and_restart() {
    let body = include_str!("../../testdata/run_detached.json");
    let creation = translated("name=web", body).expect("it is valid");
    let udp = |port| PortRequest {
        container_port: port,
        host_port: port,
        host_address: Some("127.0.0.1".into()),
        protocol: Protocol::Udp,
    };
    let expect = CreateContainer {
        name: Some("web".into()),
        image: "nginx:1.25".into(),
        mounts: vec![
            Mount::new(MountKind::Volume, "data", "/data"),
            Mount {
                read_only: true,
                ..Mount::new(MountKind::Bind, "/srv", "/srv")
            },
            Mount::new(MountKind::Volume, "", "/anon"),
        ],
        ports: vec![
            PortRequest {
                container_port: 80,
                host_port: 8080,
                host_address: None,
                protocol: Protocol::Tcp,
            },
            udp(9000),
            udp(9001),
        ],
        exposed_ports: vec!["80/tcp".into(), "9000/udp".into(), "9001/udp".into()],
        restart: RestartPolicy::OnFailure { max_retries: 3 },
        ..CreateContainer::default()
    };
    assert_eq!(creation.request, expect);
    assert_eq!(creation.warnings, Vec::<String>::new());
}

#[test]
fn run_attached_and_removed_at_the_end() {
    let body = include_str!("../../testdata/run_attached.json");
    let expect = CreateContainer {
        image: "alpine".into(),
        command: Some(vec!["echo".into(), "hi".into()]),
        auto_remove: true,
        ..CreateContainer::default()
    };
    assert_eq!(translated("", body).expect("it is valid").request, expect);
}

#[test]
fn run_with_every_option() {
    let body = include_str!("../../testdata/run_every_option.json");
    let request = translated("name=full&platform=linux%2Famd64", body)
        .expect("it is valid")
        .request;
    let text = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(request.platform.as_deref(), Some("linux/amd64"));
    assert_eq!(request.env, text(&["A=1", "HOME=/root"]));
    assert_eq!(request.working_dir.as_deref(), Some("/tmp"));
    assert_eq!(request.user.as_deref(), Some("1000:1000"));
    assert_eq!(request.entrypoint, Some(text(&["/bin/sh"])));
    assert_eq!(request.limits.memory_bytes, Some(64 << 20));
    assert_eq!(request.limits.memory_swap_bytes, Some(128 << 20));
    assert_eq!(request.limits.nano_cpus, Some(1_500_000_000));
    assert_eq!(request.limits.pids, Some(20));
    assert_eq!(request.limits.cpuset_cpus.as_deref(), Some("0"));
    assert_eq!(request.network, NetworkMode::None);
    assert_eq!(request.cap_add, text(&["CAP_NET_ADMIN"]));
    assert_eq!(request.cap_drop, text(&["ALL"]));
    assert_eq!(request.devices, text(&["/dev/fuse:/dev/f:rw"]));
    assert_eq!(
        request.ulimits,
        [Ulimit {
            name: "nofile".into(),
            soft: 10,
            hard: 20
        }]
    );
    assert_eq!(request.shm_bytes, Some(32 << 20));
    assert_eq!(request.log.max_files, Some(2));
    assert_eq!(request.log.max_bytes, Some(1 << 20));
    assert_eq!(
        (request.pid_mode.as_deref(), request.ipc_mode.as_deref()),
        (Some("host"), Some("host"))
    );
    assert_eq!(
        (request.stop_signal.as_deref(), request.stop_timeout_s),
        (Some("INT"), Some(5))
    );
    assert!(request.read_only && request.init && request.open_stdin && request.stdin_once);
    assert!(!request.terminal && !request.privileged);
}

#[test]
fn run_with_every_kind_of_mount() {
    let body = include_str!("../../testdata/run_every_option.json");
    let request = translated("", body).expect("it is valid").request;
    let expect = [
        Mount {
            read_only: true,
            ..Mount::new(MountKind::Bind, "/etc", "/e")
        },
        Mount {
            no_copy: true,
            ..Mount::new(MountKind::Volume, "v1", "/v")
        },
        Mount {
            size_bytes: Some(1 << 20),
            mode: Some(0o1770),
            ..Mount::new(MountKind::Tmpfs, "", "/t")
        },
        Mount {
            size_bytes: Some(1 << 20),
            mode: Some(0o755),
            ..Mount::new(MountKind::Tmpfs, "", "/run")
        },
    ];
    assert_eq!(request.mounts, expect);
}

#[test]
fn a_terminal_in_another_containers_network_with_a_health_check_is_understood() {
    let creation =
        translated("", include_str!("../../testdata/create_terminal.json")).expect("it is valid");
    assert!(creation.request.terminal && creation.request.privileged);
    assert_eq!(
        creation.request.network,
        NetworkMode::Container { id: "web".into() }
    );
    let check = creation.request.health_check.expect("it has one");
    assert_eq!(check.test, ["CMD-SHELL", "true"]);
    assert_eq!(check.interval_ns, 3_000_000_000);
    assert_eq!(creation.warnings, Vec::<String>::new());
}

#[test]
fn gpus_are_refused_and_lesser_wishes_are_warned_of() {
    let body = include_str!("../../testdata/create_rare_options.json");
    let refused = translated("", body).expect_err("it asks for GPUs");
    assert_eq!(refused.status, http::StatusCode::NOT_IMPLEMENTED);

    let mut body: Value = serde_json::from_str(body).expect("it is valid");
    body["HostConfig"]["DeviceRequests"] = Value::Null;
    let creation = translated("", &body.to_string()).expect("it is valid");
    assert_eq!(creation.request.volumes_from, ["web"]);
    assert_eq!(creation.warnings.len(), 3, "{:?}", creation.warnings);
}

#[test]
fn an_empty_entrypoint_clears_the_images() {
    let entrypoint = |json: &str| {
        let body = format!(r#"{{"Image":"a","Entrypoint":{json}}}"#);
        translated("", &body)
            .expect("it is valid")
            .request
            .entrypoint
    };
    assert_eq!(entrypoint("null"), None);
    assert_eq!(entrypoint("[]"), None);
    assert_eq!(entrypoint(r#"[""]"#), Some(vec![]));
    assert_eq!(entrypoint(r#""sh""#), Some(vec!["sh".into()]));
}

#[test]
fn bodies_that_make_no_sense_are_refused() {
    let check = |body: &str, status: u16| {
        let failure = translated("", body).expect_err(body);
        assert_eq!(
            failure.status.as_u16(),
            status,
            "{body}: {}",
            failure.message
        );
    };
    check("{}", 400);
    check(
        r#"{"Image":"a","HostConfig":{"NetworkMode":"container:"}}"#,
        400,
    );
    check(
        r#"{"Image":"a","HostConfig":{"RestartPolicy":{"Name":"maybe"}}}"#,
        400,
    );
    check(
        r#"{"Image":"a","HostConfig":{"AutoRemove":true,"RestartPolicy":{"Name":"always"}}}"#,
        400,
    );
    check(
        r#"{"Image":"a","HostConfig":{"PortBindings":{"x":[{}]}}}"#,
        400,
    );
    check(r#"{"Image":"a","HostConfig":{"Memory":5}}"#, 400);
    check(
        r#"{"Image":"a","HostConfig":{"LogConfig":{"Type":"syslog"}}}"#,
        400,
    );
}

#[test]
fn a_field_of_the_wrong_type_is_an_error_wherever_it_stands() {
    for body in [
        r#"{"Image":1}"#,
        r#"{"HostConfig":{"Memory":"1g"}}"#,
        r#"{"HostConfig":{"Binds":"/a:/b"}}"#,
    ] {
        assert!(serde_json::from_str::<CreateBody>(body).is_err(), "{body}");
    }
}
