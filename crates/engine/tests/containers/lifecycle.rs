use std::time::Duration;

use terrarium_api::{
    ContainerStatus, CreateContainer, ErrorCode, KillContainer, Limits, RenameContainer,
    RestartPolicy, StopContainer, UpdateContainer, WaitCondition,
};

use crate::engine::{Fixture, PATIENCE, remove, wait};

#[tokio::test(flavor = "multi_thread")]
async fn a_container_runs_and_its_output_and_exit_code_are_seen() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = fixture.shell("echo out; echo err >&2; exit 7");
    let (output, exit) = fixture.output(request).await;
    assert!(
        output.contains("out\n") && output.contains("err\n"),
        "{output:?}"
    );
    assert_eq!((exit.code, exit.oom_killed, exit.error), (7, false, None));
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_cannot_be_run_says_why_and_leaves_a_created_container() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let cases = [
        ("/nosuch", ErrorCode::CommandNotFound, 127),
        ("/etc", ErrorCode::CommandNotExecutable, 126),
    ];
    for (command, code, exit_code) in cases {
        let request = CreateContainer {
            entrypoint: Some(vec![command.into()]),
            command: None,
            ..fixture.shell("")
        };
        let id = fixture.create(request).await;
        let error = fixture.engine.start_container(&id).await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.to_string().contains(command), "{error}");
        let summary = fixture.engine.inspect_container(&id).await.unwrap().summary;
        assert_eq!(summary.status, ContainerStatus::Created);
        assert_eq!(summary.exit.unwrap().code, exit_code);
    }
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_asks_first_and_kills_when_the_grace_is_over() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let stop = |id: &str| StopContainer {
        container: id.into(),
        timeout_s: Some(1),
        signal: None,
    };
    let polite = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let deaf = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    for (script, code) in [(polite, 3), (deaf, 137)] {
        let id = fixture.run(fixture.shell(script)).await.id;
        fixture.logged(&id, "ready").await;
        let stopped = fixture.engine.stop_container(stop(&id)).await.unwrap();
        assert_eq!(stopped.value.status, ContainerStatus::Stopped);
        assert_eq!(stopped.value.exit.unwrap().code, code, "{script}");
        let again = fixture.engine.stop_container(stop(&id)).await.unwrap();
        assert!(again.trace.kernel.is_empty());
    }
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reaches_the_main_process_only_while_it_runs() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let script = "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.05; done";
    let id = fixture.run(fixture.shell(script)).await.id;
    fixture.logged(&id, "ready").await;
    let kill = |signal: &str| KillContainer {
        container: id.clone(),
        signal: Some(signal.into()),
    };
    fixture
        .engine
        .kill_container(kill("SIGUSR1"))
        .await
        .unwrap();
    fixture.logged(&id, "usr1").await;
    fixture.engine.kill_container(kill("9")).await.unwrap();
    assert_eq!(fixture.exit(&id).await.code, 137);
    let error = fixture.engine.kill_container(kill("9")).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongState);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_container_stands_still_and_can_be_stopped() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let id = fixture
        .run(fixture.shell("while :; do echo tick; sleep 0.02; done"))
        .await
        .id;
    let paused = fixture.engine.pause_container(&id).await.unwrap().value;
    assert_eq!(paused.status, ContainerStatus::Paused);
    let log = fixture.log(&id).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    // One line may have been on its way.
    assert!(fixture.log(&id).await.len() <= log.len() + 1);
    let error = fixture.engine.pause_container(&id).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongState);
    fixture.engine.resume_container(&id).await.unwrap();
    fixture.engine.pause_container(&id).await.unwrap();
    let stop = StopContainer {
        container: id.clone(),
        timeout_s: Some(0),
        signal: None,
    };
    let stopped = fixture.engine.stop_container(stop).await.unwrap().value;
    assert_eq!(stopped.status, ContainerStatus::Stopped);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_container_is_started_again_as_often_as_its_policy_says() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        restart: RestartPolicy::OnFailure { max_retries: 2 },
        ..fixture.shell("echo run; exit 1")
    };
    let id = fixture.run(request).await.id;
    // A wait sees one end, also of a container that is started again.
    for _ in 0..3 {
        assert_eq!(fixture.exit(&id).await.code, 1);
    }
    let detail = fixture.engine.inspect_container(&id).await.unwrap();
    assert_eq!(detail.restart_count, 2);
    assert_eq!(fixture.log(&id).await, ["run", "run", "run"]);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_policy_too() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        restart: RestartPolicy::Always,
        ..fixture.shell("exec sleep 1000")
    };
    let id = fixture.run(request).await.id;
    let stop = StopContainer {
        container: id.clone(),
        timeout_s: Some(0),
        signal: None,
    };
    fixture.engine.stop_container(stop).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let summary = fixture.engine.inspect_container(&id).await.unwrap().summary;
    assert_eq!(summary.status, ContainerStatus::Stopped);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_to_be_removed_at_its_end_is() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        auto_remove: true,
        ..fixture.shell("exit 5")
    };
    let id = fixture.create(request).await;
    let removed = wait(&id, WaitCondition::Removed);
    let waiter = fixture.engine.wait_container(removed).await.unwrap();
    fixture.engine.start_container(&id).await.unwrap();
    let exit = tokio::time::timeout(PATIENCE, waiter.done())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(exit.code, 5);
    let error = fixture.engine.inspect_container(&id).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NoSuchContainer);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_container_is_removed_only_by_force() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let id = fixture.run(fixture.shell("exec sleep 1000")).await.id;
    let mut request = remove(&id);
    request.force = false;
    let error = fixture
        .engine
        .remove_container(request.clone())
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongState);
    request.force = true;
    fixture.engine.remove_container(request).await.unwrap();
    assert!(fixture.engine.containers().await.unwrap().is_empty());
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_belongs_to_one_container() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let named = |name: &str| CreateContainer {
        name: Some(name.into()),
        ..fixture.shell("true")
    };
    let first = fixture
        .engine
        .create_container(named("first"))
        .await
        .unwrap()
        .value;
    let error = fixture
        .engine
        .create_container(named("first"))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::NameInUse);
    let rename = RenameContainer {
        container: "first".into(),
        name: "second".into(),
    };
    fixture.engine.rename_container(rename).await.unwrap();
    let found = fixture.engine.inspect_container("/second").await.unwrap();
    assert_eq!(found.summary.id, first.id);
    fixture
        .engine
        .create_container(named("first"))
        .await
        .unwrap();
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_gives_a_new_process_and_keeps_the_files() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let script = "echo x >> /count; wc -l < /count; exec sleep 1000";
    let before = fixture.run(fixture.shell(script)).await;
    fixture.logged(&before.id, "1").await;
    let request = StopContainer {
        container: before.id.clone(),
        timeout_s: Some(0),
        signal: None,
    };
    let after = fixture
        .engine
        .restart_container(request)
        .await
        .unwrap()
        .value;
    assert_ne!(before.pid, after.pid);
    fixture.logged(&before.id, "2").await;
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_needs_too_much_memory_is_killed_and_says_so() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        limits: Limits {
            memory_bytes: Some(16 << 20),
            ..Default::default()
        },
        ..fixture.shell("exec tail /dev/zero")
    };
    let id = fixture.run(request).await.id;
    let exit = fixture.exit(&id).await;
    assert_eq!((exit.code, exit.oom_killed), (137, true));
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_running_container_change() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let id = fixture.run(fixture.shell("exec sleep 1000")).await.id;
    let update = UpdateContainer {
        container: id.clone(),
        limits: Limits {
            memory_bytes: Some(64 << 20),
            pids: Some(17),
            ..Default::default()
        },
        lift: Vec::new(),
        restart: Some(RestartPolicy::Always),
    };
    let updated = fixture.engine.update_container(update).await.unwrap().value;
    assert_eq!(updated.limits.pids, Some(17));
    let detail = fixture.engine.inspect_container(&id).await.unwrap();
    assert_eq!(detail.notes, []);
    assert_eq!(detail.request.restart, RestartPolicy::Always);
    fixture.close().await;
}
