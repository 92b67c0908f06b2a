//! A host that is killed at any moment leaves what the next one understands.
//!
//! The host is this test program itself, started again with an environment variable.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use terrarium_api::{ContainerStatus, ContainerSummary, CreateContainer, StopContainer};
use terrarium_engine::{Config, Engine};

use crate::engine::{Fixture, names, remove};

/// Tells the program where to be a host, and of which image.
const ROLE: &str = "TERRARIUM_TEST_HOST";

/// Creates, starts, stops and removes containers until it is killed; does nothing as a test.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_works_until_it_is_killed() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let (root, rest) = role.split_once(' ').unwrap();
    let (image, runtime) = rest.split_once(' ').unwrap();
    let engine = Engine::open(config(Path::new(root), runtime.into()))
        .await
        .unwrap();
    for round in 0_u32.. {
        let request = CreateContainer {
            name: Some(format!("round_{round}_{}", std::process::id())),
            image: image.into(),
            entrypoint: Some(vec!["/bin/sleep".into()]),
            command: Some(vec!["1000".into()]),
            network: terrarium_api::NetworkMode::None,
            auto_remove: round % 3 == 0,
            ..Default::default()
        };
        let id = engine.create_container(request).await.unwrap().value.id;
        engine.start_container(&id).await.unwrap();
        if round % 4 == 3 {
            // Some go on.
            continue;
        }
        let stop = StopContainer {
            container: id.clone(),
            timeout_s: Some(0),
            signal: None,
        };
        engine.stop_container(stop).await.unwrap();
        let _ = engine.remove_container(remove(&id)).await;
    }
}

fn config(root: &Path, runtime: PathBuf) -> Config {
    Config {
        data_root: root.join("data"),
        run_root: root.join("run"),
        socket: root.join("docker.sock"),
        runtime,
        registry_mirrors: Vec::new(),
        insecure_registries: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_killed_at_any_moment_leaves_what_the_next_one_understands() {
    let Some(mut fixture) = Fixture::open().await else {
        return;
    };
    for round in 0_u64..25 {
        let (role, delay) = (fixture.role(), Duration::from_millis(40 + round * 17));
        fixture
            .reopen_after(|| {
                let mut host = work(&role);
                // The moment is the point of the test: it is spread, not waited for.
                std::thread::sleep(delay);
                host.kill().unwrap();
                host.wait().unwrap();
            })
            .await;
        consistent(&fixture).await;
    }
    fixture.close().await;
}

fn work(role: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::a_host_that_works_until_it_is_killed"])
        .env(ROLE, role)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Every record is of a container that rests or runs, and everything on disk belongs to one.
async fn consistent(fixture: &Fixture) {
    let runs = fixture.config.run_root.join("containers");
    // A container that the killed host was about to stop may end under the next one.
    let settled = async |engine: &Engine| {
        let rows = engine.containers().await.unwrap();
        let runs_only_what_runs = names(&runs).iter().all(|id| {
            let row = rows.iter().find(|row| row.id == *id);
            row.is_some_and(|row| row.status == ContainerStatus::Running)
        });
        let removed =
            |row: &ContainerSummary| !row.auto_remove || row.status != ContainerStatus::Stopped;
        runs_only_what_runs && rows.iter().all(removed)
    };
    fixture.until(settled).await;
    let rows = fixture.engine.containers().await.unwrap();
    for row in &rows {
        match row.status {
            ContainerStatus::Running => assert!(is_alive(row.pid.unwrap()), "{row:?}"),
            ContainerStatus::Created => assert_eq!(row.pid, None),
            ContainerStatus::Stopped => assert!(row.exit.is_some(), "{row:?}"),
            ContainerStatus::Creating | ContainerStatus::Paused | ContainerStatus::Restarting => {
                panic!("{row:?}")
            }
        }
    }
    let mut ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let mut records = names(&fixture.config.data_root.join("containers"));
    ids.sort();
    records.sort();
    assert_eq!(ids, records);
    for row in &rows {
        fixture.engine.container_size(&row.id).await.unwrap();
        fixture
            .engine
            .remove_container(remove(&row.id))
            .await
            .unwrap();
    }
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

impl Fixture {
    fn role(&self) -> String {
        let root = self.config.data_root.parent().unwrap();
        format!(
            "{} {} {}",
            root.display(),
            self.image,
            self.config.runtime.display()
        )
    }
}
