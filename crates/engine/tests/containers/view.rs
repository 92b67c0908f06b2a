//! What a container sees of itself and of the host.

use terrarium_api::{
    CreateContainer, Mount, MountKind, NetworkMode, PortRequest, Protocol, Ulimit,
};

use crate::engine::{Fixture, PATIENCE};

#[tokio::test(flavor = "multi_thread")]
async fn a_container_sees_the_names_files_and_numbers_that_were_asked_for() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        hostname: Some("moss".into()),
        env: vec!["COLOR=green".into()],
        user: Some("12:34".into()),
        groups: vec!["56".into()],
        working_dir: Some("/new/folder".into()),
        extra_hosts: vec!["friend:192.0.2.7".into()],
        dns: vec!["192.0.2.53".into()],
        ulimits: vec![Ulimit {
            name: "nofile".into(),
            soft: 100,
            hard: 200,
        }],
        ..fixture.shell(
            "hostname; cat /etc/hostname; echo $COLOR $HOSTNAME; id -u; id -g; pwd; ulimit -n; \
             grep friend /etc/hosts; cat /etc/resolv.conf; echo $$",
        )
    };
    let (output, exit) = fixture.output(request).await;
    let expect = "moss\nmoss\ngreen moss\n12\n34\n/new/folder\n100\n192.0.2.7\tfriend\n\
                  nameserver 192.0.2.53\n1\n";
    // The machine's search domains and options may follow.
    let lines: Vec<&str> = output
        .lines()
        .filter(|line| !line.starts_with("search") && !line.starts_with("options"))
        .collect();
    assert_eq!(lines.join("\n") + "\n", expect);
    assert_eq!(exit.code, 0);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_root_can_be_written_only_where_something_is_mounted() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        read_only: true,
        mounts: vec![
            Mount::new(MountKind::Tmpfs, "", "/scratch"),
            Mount::new(MountKind::Volume, "", "/data"),
        ],
        ..fixture
            .shell("for f in /a /scratch/a /data/a; do echo x > $f && echo $f; done 2>/dev/null")
    };
    let (output, _) = fixture.output(request).await;
    let written: Vec<&str> = output.lines().filter(|line| !line.contains(' ')).collect();
    assert_eq!(written, ["/scratch/a", "/data/a"], "{output}");
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_outlives_its_container_and_a_bind_shows_the_host() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("file"), "host\n").unwrap();
    let mut bind = Mount::new(MountKind::Bind, host.path().to_str().unwrap(), "/host");
    bind.read_only = true;
    let request = |script: &str| CreateContainer {
        mounts: vec![Mount::new(MountKind::Volume, "kept", "/data"), bind.clone()],
        auto_remove: true,
        ..fixture.shell(script)
    };
    fixture
        .output(request("cp /host/file /data/copy; echo no > /host/file"))
        .await;
    let (output, _) = fixture.output(request("cat /data/copy")).await;
    assert_eq!(output, "host\n");
    assert_eq!(
        std::fs::read_to_string(host.path().join("file")).unwrap(),
        "host\n"
    );
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_on_the_bridge_has_an_address_and_its_port_is_reached() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        network: NetworkMode::Bridge,
        ports: vec![PortRequest {
            container_port: 8080,
            host_port: 0,
            host_address: Some("127.0.0.1".into()),
            protocol: Protocol::Tcp,
        }],
        ..fixture.shell("hostname -i; nc -l -p 8080 -e echo hello")
    };
    let summary = fixture.run(request).await;
    let address = summary.address.clone().unwrap();
    fixture.logged(&summary.id, &address).await;
    let port = summary.ports[0].host_port;
    let reached = async {
        loop {
            // Until the program inside listens.
            let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
            let mut text = String::new();
            if let Ok(mut stream) = connected {
                let _ = tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut text).await;
            }
            if !text.is_empty() {
                return text;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    assert_eq!(
        tokio::time::timeout(PATIENCE, reached).await.unwrap(),
        "hello\n"
    );
    let detail = fixture.engine.inspect_container(&summary.id).await.unwrap();
    assert!(detail.timeline.iter().any(|step| step.name == "network"));
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_joins_the_namespaces_of_another() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let first = fixture.run(fixture.shell("exec sleep 1000")).await;
    let request = CreateContainer {
        network: NetworkMode::Container {
            id: first.name.clone(),
        },
        pid_mode: Some(format!("container:{}", first.id)),
        ..fixture.shell("readlink /proc/1/ns/net; readlink /proc/self/ns/net")
    };
    let (output, exit) = fixture.output(request).await;
    let links: Vec<&str> = output.lines().collect();
    assert_eq!((exit.code, links.len()), (0, 2), "{output}");
    assert_eq!(links[0], links[1]);
    fixture.close().await;
}
