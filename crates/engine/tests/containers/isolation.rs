//! What the engine says of a running container, against what the container finds out by itself.

use std::{collections::BTreeMap, fs};

use terrarium_api::{
    CreateContainer, ErrorCode, Isolation, LimitFact, LimitKind, Limits, MountOrigin,
    NamespaceKind, NetworkMode, UpdateContainer,
};

use crate::engine::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_are_those_that_the_container_sees_in_itself() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let script =
        "for n in mnt pid net uts user; do readlink /proc/self/ns/$n; done; exec sleep 1000";
    let id = fixture.run(fixture.shell(script)).await.id;
    let friend = CreateContainer {
        network: NetworkMode::Container { id: id.clone() },
        ..fixture.shell("exec sleep 1000")
    };
    let friend = fixture.run(friend).await.id;
    let lines = loop {
        let lines = fixture.log(&id).await;
        if lines.len() == 5 {
            break lines;
        }
        tokio::task::yield_now().await;
    };
    let facts = fixture.engine.container_isolation(&id).await.unwrap();
    let own = inodes(&facts, Some(&id));
    for (kind, line) in ["mnt", "pid", "net", "uts", "user"].iter().zip(&lines) {
        let inode = own[*kind].expect("root may read it");
        assert_eq!(*line, format!("{kind}:[{inode}]"));
    }
    let (host, other) = (inodes(&facts, None), inodes(&facts, Some(&friend)));
    assert_eq!(own["user"], host["user"], "root shares the host's users");
    assert_ne!(own["net"], host["net"]);
    assert_eq!(own["net"], other["net"], "the friend joined its network");
    assert_ne!(own["pid"], other["pid"]);
    fixture.close().await;
}

fn inodes(facts: &Isolation, container: Option<&str>) -> BTreeMap<&'static str, Option<u64>> {
    let view = facts
        .views
        .iter()
        .find(|view| view.container.as_deref() == container)
        .unwrap();
    let name = |kind| match kind {
        NamespaceKind::Mnt => "mnt",
        NamespaceKind::Pid => "pid",
        NamespaceKind::Net => "net",
        NamespaceKind::Ipc => "ipc",
        NamespaceKind::Uts => "uts",
        NamespaceKind::Cgroup => "cgroup",
        NamespaceKind::User => "user",
        NamespaceKind::Time => "time",
    };
    let facts = view.namespaces.iter();
    facts.map(|fact| (name(fact.kind), fact.inode)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_signals_mounts_and_zombies_are_told() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let volume = terrarium_api::Mount::new(terrarium_api::MountKind::Volume, "facts", "/data");
    let request = CreateContainer {
        mounts: vec![volume],
        cap_drop: vec!["CHOWN".into()],
        security_options: vec!["no-new-privileges".into()],
        // `exec` keeps the child of the shell, which nobody then asks for.
        ..fixture.shell("trap '' HUP; trap 'exit 7' USR1; true & exec sleep 1000")
    };
    let id = fixture.run(request).await.id;
    let facts = loop {
        let facts = fixture.engine.container_isolation(&id).await.unwrap();
        if facts.processes.iter().any(|process| process.state == "Z") {
            break facts;
        }
        tokio::task::yield_now().await;
    };
    let main = &facts.processes[0];
    assert_eq!((main.inside_pid, main.inside_uid), (1, Some(0)));
    assert!(main.parent_outside && main.apart.is_empty());
    // A handler ends with the program, what is ignored stays (execve(2)).
    assert!(main.signals.ignored.contains(&1) && !main.signals.caught.contains(&10));
    let zombie = facts.processes.iter().find(|one| one.state == "Z").unwrap();
    assert_eq!(zombie.parent_pid, main.pid);

    let sets = facts.capabilities.as_ref().unwrap();
    assert!(sets.effective.contains(&"KILL".to_owned()));
    assert!(!sets.bounding.contains(&"CHOWN".to_owned()));
    let confinement = &facts.confinement;
    assert_eq!(confinement.no_new_privileges, Some(true));
    assert_eq!(confinement.seccomp.mode.as_deref(), Some("filter"));
    assert!(confinement.seccomp.refused.contains(&"reboot".to_owned()));
    assert!(
        confinement
            .masked_paths
            .contains(&"/proc/timer_list".to_owned())
    );

    let origin = |target: &str| {
        let mount = facts.mounts.iter().rfind(|mount| mount.target == target);
        mount.unwrap().origin
    };
    assert_eq!(origin("/data"), MountOrigin::Volume);
    assert_eq!(origin("/proc/timer_list"), MountOrigin::Mask);
    assert_eq!(origin("/etc/hosts"), MountOrigin::Generated);
    let root = facts.mounts.iter().find(|one| one.target == "/").unwrap();
    assert!(!root.layers.is_empty() && root.writable_layer.is_some());
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listening_socket_is_told_with_its_process() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let id = fixture.run(fixture.shell("exec nc -l -p 8080")).await.id;
    let facts = loop {
        let facts = fixture.engine.container_isolation(&id).await.unwrap();
        if !facts.sockets.is_empty() {
            break facts;
        }
        tokio::task::yield_now().await;
    };
    let socket = &facts.sockets[0];
    // Of both families, or of the first alone.
    assert!(["::", "0.0.0.0"].contains(&socket.address.as_str()));
    assert_eq!(socket.port, 8080);
    assert_eq!(socket.pids, [facts.processes[0].pid]);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_set_and_taken_away_in_the_kernel_s_own_file() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        limits: Limits {
            memory_bytes: Some(64 << 20),
            cpu_quota_usec: Some(20_000),
            pids: Some(9),
            ..Default::default()
        },
        ..fixture.shell("exec sleep 1000")
    };
    let id = fixture.run(request).await.id;
    let all = [LimitKind::Memory, LimitKind::Cpu, LimitKind::Pids];
    let limits = |facts: &Isolation| {
        let limit = |kind| facts.cgroup.limits.iter().find(|one| one.kind == kind);
        all.map(|kind| limit(kind).and_then(|limit: &LimitFact| limit.limit))
    };
    let before = fixture.engine.container_isolation(&id).await.unwrap();
    assert_eq!(
        limits(&before),
        [Some(64 << 20), Some(200_000_000), Some(9)]
    );
    for limit in &before.cgroup.limits {
        assert_eq!(fs::read_to_string(&limit.file).unwrap().trim(), limit.raw);
        assert!(limit.used.is_some() && limit.machine > 0);
    }

    // In other words than before, and larger than the swap that came with the old limit.
    let larger = UpdateContainer {
        container: id.clone(),
        limits: Limits {
            memory_bytes: Some(256 << 20),
            nano_cpus: Some(500_000_000),
            ..Default::default()
        },
        lift: vec![LimitKind::Memory, LimitKind::Cpu],
        restart: None,
    };
    let traced = fixture.engine.update_container(larger).await.unwrap();
    let told = &traced.trace.kernel[0].detail;
    assert!(told.contains("268435456"), "the file as it stands: {told}");
    let during = fixture.engine.container_isolation(&id).await.unwrap();
    assert_eq!(
        limits(&during),
        [Some(256 << 20), Some(500_000_000), Some(9)]
    );

    let lifted = UpdateContainer {
        container: id.clone(),
        limits: Limits::default(),
        lift: all.to_vec(),
        restart: None,
    };
    let summary = fixture.engine.update_container(lifted).await.unwrap().value;
    assert_eq!(summary.limits, Limits::default());
    let after = fixture.engine.container_isolation(&id).await.unwrap();
    assert_eq!(limits(&after), [None; 3]);
    let detail = fixture.engine.inspect_container(&id).await.unwrap();
    assert_eq!(detail.notes, [], "the kernel took all of it");
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_container_that_does_not_run_nothing_is_said() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let id = fixture.create(fixture.shell("true")).await;
    let error = fixture.engine.container_isolation(&id).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongState);
    fixture.close().await;
}
