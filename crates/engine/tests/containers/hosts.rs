//! Containers outlive their host.

use nix::{sys::signal::Signal, unistd::Pid};
use terrarium_api::{ContainerStatus, CreateContainer, RestartPolicy, StopContainer};

use crate::engine::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_host_goes_on_with_what_runs() {
    let Some(mut fixture) = Fixture::open().await else {
        return;
    };
    let before = fixture
        .run(fixture.shell("echo one; exec sleep 1000"))
        .await;
    fixture.reopen().await;
    let after = fixture
        .engine
        .inspect_container(&before.id)
        .await
        .unwrap()
        .summary;
    assert_eq!(after.status, ContainerStatus::Running);
    assert_eq!(
        (after.pid, after.started_at_ms),
        (before.pid, before.started_at_ms)
    );
    let stop = StopContainer {
        container: before.id.clone(),
        timeout_s: Some(0),
        signal: None,
    };
    fixture.engine.stop_container(stop).await.unwrap();
    assert_eq!(fixture.exit(&before.id).await.code, 137);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_no_host_saw_is_recorded_by_the_next() {
    let Some(mut fixture) = Fixture::open().await else {
        return;
    };
    let pid = {
        let running = fixture.run(fixture.shell("exec sleep 1000")).await;
        running.pid.unwrap()
    };
    let id = fixture.engine.containers().await.unwrap()[0].id.clone();
    fixture
        .reopen_after(|| kill(pid, Signal::SIGTERM).unwrap_or_default())
        .await;
    // A main process without a handler ignores SIGTERM: only SIGKILL from outside ends it.
    fixture
        .reopen_after(|| {
            kill(pid, Signal::SIGKILL).unwrap();
            crate::engine::until_gone(pid);
        })
        .await;
    assert_eq!(fixture.exit(&id).await.code, 137);
    let summary = fixture.engine.inspect_container(&id).await.unwrap().summary;
    assert_eq!(summary.status, ContainerStatus::Stopped);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_whose_shim_was_killed_is_ended_and_cleaned_up() {
    let Some(mut fixture) = Fixture::open().await else {
        return;
    };
    let running = fixture.run(fixture.shell("exec sleep 1000")).await;
    let pid = running.pid.unwrap();
    let shim = crate::engine::parent_of(pid);
    fixture
        .reopen_after(|| {
            kill(shim, Signal::SIGKILL).unwrap();
            crate::engine::until_gone(shim);
        })
        .await;
    let summary = fixture
        .engine
        .inspect_container(&running.id)
        .await
        .unwrap()
        .summary;
    assert_eq!(summary.status, ContainerStatus::Stopped);
    assert_eq!(summary.exit.unwrap().code, 137);
    crate::engine::until_gone(pid);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shim_that_is_killed_under_a_host_ends_the_container() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let running = fixture.run(fixture.shell("exec sleep 1000")).await;
    let pid = running.pid.unwrap();
    kill(crate::engine::parent_of(pid), Signal::SIGKILL).unwrap();
    assert_eq!(fixture.exit(&running.id).await.code, 137);
    crate::engine::until_gone(pid);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_starts_what_its_policy_wants_and_forgets_what_was_to_be_removed() {
    let Some(mut fixture) = Fixture::open().await else {
        return;
    };
    let always = CreateContainer {
        restart: RestartPolicy::UnlessStopped,
        ..fixture.shell("exec sleep 1000")
    };
    let always = fixture.run(always).await;
    let once = CreateContainer {
        auto_remove: true,
        ..fixture.shell("exec sleep 1000")
    };
    let once = fixture.run(once).await;
    fixture
        .reopen_after(|| {
            for pid in [always.pid.unwrap(), once.pid.unwrap()] {
                kill(pid, Signal::SIGKILL).unwrap();
                crate::engine::until_gone(pid);
            }
        })
        .await;
    fixture
        .until(async |engine| {
            let rows = engine.containers().await.unwrap();
            rows.len() == 1 && rows[0].status == ContainerStatus::Running
        })
        .await;
    let row = &fixture.engine.containers().await.unwrap()[0];
    assert_eq!(row.id, always.id);
    assert_ne!(row.pid, always.pid);
    fixture.close().await;
}

fn kill(pid: u32, signal: Signal) -> nix::Result<()> {
    nix::sys::signal::kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal)
}
