use terrarium_api::{Exit, ImageSummary, LayerMark, Limits, NetworkMode, PortBinding, Protocol};

use super::*;

fn container(name: &str, status: ContainerStatus, created_at_ms: u64) -> ContainerSummary {
    ContainerSummary {
        id: format!("{created_at_ms:064x}"),
        name: name.into(),
        image: "alpine:3.18".into(),
        image_id: "sha256:1234".into(),
        command: vec!["sleep".into(), "1".into()],
        status,
        created_at_ms,
        started_at_ms: Some(created_at_ms),
        health: None,
        exit: matches!(
            status,
            ContainerStatus::Stopped | ContainerStatus::Restarting
        )
        .then_some(Exit {
            code: 3,
            oom_killed: false,
            at_ms: created_at_ms,
            error: None,
        }),
        pid: None,
        ports: vec![PortBinding {
            container_port: 80,
            host_port: 8080,
            host_address: "0.0.0.0".into(),
            protocol: Protocol::Tcp,
        }],
        network: NetworkMode::Bridge,
        networks: vec![terrarium_api::Attachment {
            network: "bridge".into(),
            address: "172.17.0.2".into(),
            ..Default::default()
        }],
        address: Some("172.17.0.2".into()),
        limits: Limits::default(),
        labels: BTreeMap::from([("app".into(), name.into())]),
        terminal: false,
        auto_remove: false,
        mounts: Vec::new(),
    }
}

fn all() -> Vec<ContainerSummary> {
    vec![
        container("old", ContainerStatus::Stopped, 1_000),
        container("web", ContainerStatus::Running, 2_000),
        container("web2", ContainerStatus::Paused, 3_000),
        container("new", ContainerStatus::Created, 4_000),
    ]
}

fn select(filters: &str, stopped_too: bool) -> Result<Vec<String>> {
    let filters = Filters::parse(Some(filters), FILTERS)?;
    let selection = Selection {
        filters: &filters,
        images: &[],
        stopped_too,
    };
    let found = selection.select(all())?;
    Ok(found.into_iter().map(|container| container.name).collect())
}

#[test]
fn filters_select_what_docker_selects() {
    let check = |filters: &str, expect: &[&str]| {
        assert_eq!(
            select(filters, true).expect("it is valid"),
            expect,
            "{filters}"
        );
    };
    check("{}", &["new", "web2", "web", "old"]);
    check(r#"{"status":["exited","created"]}"#, &["new", "old"]);
    check(r#"{"name":{"web":true}}"#, &["web2", "web"]);
    check(r#"{"name":["^/web$"]}"#, &["web"]);
    check(r#"{"name":["^web"]}"#, &["web2", "web"]);
    check(r#"{"exited":["3"]}"#, &["old"]);
    check(r#"{"label":["app=web"]}"#, &["web"]);
    check(r#"{"since":["web"]}"#, &["new", "web2"]);
    check(r#"{"before":["web"]}"#, &["old"]);
    check(r#"{"network":["bridge"]}"#, &["new", "web2", "web", "old"]);
    check(r#"{"network":["host"]}"#, &[]);
    check(
        r#"{"publish":["8000-9000"]}"#,
        &["new", "web2", "web", "old"],
    );
    check(r#"{"expose":["80/udp"]}"#, &[]);
    check(r#"{"ancestor":["alpine:3.18"],"name":["old"]}"#, &["old"]);
    check(r#"{"ancestor":["busybox"]}"#, &[]);
}

#[test]
fn only_running_ones_are_listed_without_all() {
    assert_eq!(select("{}", false), Ok(vec!["web2".into(), "web".into()]));
}

#[test]
fn filters_that_make_no_sense_are_refused() {
    let check = |filters: &str, status: u16| {
        let failure = select(filters, true).expect_err(filters);
        assert_eq!(failure.status.as_u16(), status, "{filters}");
    };
    check(r#"{"status":["asleep"]}"#, 400);
    check(r#"{"exited":["x"]}"#, 400);
    check(r#"{"since":["lost"]}"#, 404);
    check(r#"{"color":["red"]}"#, 400);
}

#[test]
fn an_image_built_on_another_descends_from_it() {
    let image = |id: &str, name: &str, chains: &[&str]| ImageSummary {
        id: id.into(),
        manifest_digest: String::new(),
        references: vec![name.into()],
        repo_digests: Vec::new(),
        created_at_ms: None,
        size_bytes: 0,
        unique_bytes: 0,
        compressed_bytes: 0,
        platform: "linux/amd64".into(),
        layers: chains
            .iter()
            .map(|chain| LayerMark {
                chain_id: (*chain).into(),
                size_bytes: 0,
            })
            .collect(),
        used_by: Vec::new(),
        labels: BTreeMap::new(),
    };
    let images = [
        image("sha256:1234", "app:1", &["a", "b"]),
        image("sha256:5678", "base:latest", &["a"]),
        image("sha256:9abc", "other:latest", &["c"]),
    ];
    let check = |ancestor: &str, expect: usize| {
        let text = format!(r#"{{"ancestor":["{ancestor}"]}}"#);
        let filters = Filters::parse(Some(&text), FILTERS).expect("it is valid");
        let selection = Selection {
            filters: &filters,
            images: &images,
            stopped_too: true,
        };
        assert_eq!(
            selection.select(all()).expect("it is valid").len(),
            expect,
            "{ancestor}"
        );
    };
    check("base", 4);
    check("sha256:1234", 4);
    check("5678", 4);
    check("other", 0);
}

#[test]
fn states_are_worded_like_docker_words_them() {
    let words: Vec<_> = all()
        .iter()
        .map(|container| status(container, 64))
        .collect();
    assert_eq!(
        words,
        [
            "Exited (3) About a minute ago",
            "Up About a minute",
            "Up About a minute (Paused)",
            "Created"
        ]
    );
    let again = container("again", ContainerStatus::Restarting, 4_000);
    assert_eq!(status(&again, 6), "Restarting (3) 2 seconds ago");
    assert_eq!(state(ContainerStatus::Restarting), "restarting");
}

#[test]
fn an_item_has_dockers_fields() {
    let item = item(&all()[1], None, &|name: &str| name.to_owned(), 64);
    let json = serde_json::to_value(item).expect("it is plain");
    assert_eq!(json["Names"][0], "/web");
    assert_eq!(json["Command"], "sleep 1");
    assert_eq!(json["Created"], 2);
    assert_eq!(json["ImageID"], "sha256:1234");
    assert_eq!(json["Ports"][0]["PublicPort"], 8080);
    assert_eq!(json["HostConfig"]["NetworkMode"], "bridge");
    assert_eq!(
        json["NetworkSettings"]["Networks"]["bridge"]["IPAddress"],
        "172.17.0.2"
    );
    assert!(json.get("SizeRw").is_none());
}
