use terrarium_api::{CreateContainer, ErrorCode, ExecRequest, WaitCondition};
use terrarium_engine::StartExec;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::engine::{Fixture, PATIENCE, unframed, wait};

#[tokio::test(flavor = "multi_thread")]
async fn input_reaches_a_container_and_ends_with_the_client() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        open_stdin: true,
        stdin_once: true,
        ..fixture.shell("cat; echo end")
    };
    let id = fixture.create(request).await;
    let mut attached = fixture.attach(&id, true).await;
    fixture.engine.start_container(&id).await.unwrap();
    attached.input.write_all(b"hello\n").await.unwrap();
    attached.input.shutdown().await.unwrap();
    let mut bytes = Vec::new();
    let read = attached.output.read_to_end(&mut bytes);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert_eq!(unframed(&bytes), "hello\nend\n");
    assert_eq!(fixture.exit(&id).await.code, 0);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_begins_with_the_size_that_the_client_said_before_the_start() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        terminal: true,
        ..fixture.shell("stty size; echo $TERM")
    };
    let id = fixture.create(request).await;
    fixture.engine.resize_container(&id, 33, 99).await.unwrap();
    let mut attached = fixture.attach(&id, false).await;
    assert!(attached.terminal);
    fixture.engine.start_container(&id).await.unwrap();
    let mut bytes = Vec::new();
    let read = attached.output.read_to_end(&mut bytes);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert_eq!(unframed(&bytes), "33 99\r\nxterm\r\n");
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_start_that_fails_is_let_go() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        entrypoint: Some(vec!["/nosuch".into()]),
        ..fixture.shell("")
    };
    let id = fixture.create(request).await;
    let mut attached = fixture.attach(&id, true).await;
    fixture.engine.start_container(&id).await.unwrap_err();
    let mut bytes = Vec::new();
    let read = attached.output.read_to_end(&mut bytes);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(bytes.is_empty());
    fixture.close().await;
}

fn exec(container: &str, command: &[&str]) -> ExecRequest {
    ExecRequest {
        container: container.into(),
        command: command.iter().map(|&word| word.to_owned()).collect(),
        env: vec!["FROM=exec".into()],
        working_dir: Some("/tmp".into()),
        user: None,
        terminal: false,
        stdin: false,
        privileged: false,
        detach_keys: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exec_process_has_its_own_output_folder_user_and_exit_code() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let request = CreateContainer {
        working_dir: Some("/tmp".into()),
        ..fixture.shell("exec sleep 1000")
    };
    let id = fixture.run(request).await.id;
    let script = "pwd; echo $FROM; id -u; exit 9";
    let request = ExecRequest {
        user: Some("4321".into()),
        ..exec(&id, &["sh", "-c", script])
    };
    let exec_id = fixture.engine.create_exec(request).await.unwrap().id;
    let attached = fixture
        .engine
        .start_exec(&exec_id, StartExec::default())
        .await
        .unwrap();
    let mut bytes = Vec::new();
    let mut output = attached.unwrap().output;
    let read = output.read_to_end(&mut bytes);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert_eq!(unframed(&bytes), "/tmp\nexec\n4321\n");
    assert_eq!(fixture.exec_exit(&exec_id).await, 9);
    let error = fixture
        .engine
        .start_exec(&exec_id, StartExec::default())
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongState);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exec_of_a_missing_command_is_127_and_harms_nothing() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let id = fixture.run(fixture.shell("exec sleep 1000")).await.id;
    let request = ExecRequest {
        working_dir: None,
        ..exec(&id, &["/nosuch"])
    };
    let exec_id = fixture.engine.create_exec(request).await.unwrap().id;
    let error = fixture
        .engine
        .start_exec(&exec_id, StartExec::default())
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::CommandNotFound, "{error}");
    assert_eq!(fixture.exec_exit(&exec_id).await, 127);
    let processes = fixture
        .engine
        .container_processes(&id)
        .await
        .unwrap()
        .processes;
    assert_eq!(processes.len(), 1, "{processes:?}");
    assert_eq!(processes[0].inside_pid, 1);
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exec_needs_a_container_that_runs() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    let id = fixture.create(fixture.shell("true")).await;
    let error = fixture
        .engine
        .create_exec(exec(&id, &["true"]))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongState);
    let waiter = fixture
        .engine
        .wait_container(wait(&id, WaitCondition::NotRunning));
    assert_eq!(waiter.await.unwrap().done().await.unwrap().code, 0);
    fixture.close().await;
}
