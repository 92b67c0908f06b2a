//! The same for a user without any privilege: the test program starts itself as one.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::Command,
};

use terrarium_api::{CreateContainer, ExecRequest, Limits, NetworkMode, Privilege};
use terrarium_engine::{Engine, StartExec};
use tokio::io::AsyncReadExt as _;

use crate::engine::{Fixture, PATIENCE, unframed};

/// Set where this program is that user; the folder to work in.
const ROLE: &str = "TERRARIUM_TEST_USER";

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_privileges_runs_containers() {
    if std::env::var_os(ROLE).is_some() || Fixture::open().await.is_none() {
        return;
    }
    let Some(user) = User::make() else {
        assert!(std::env::var_os("REQUIRE_PRIVILEGED").is_none(), "useradd");
        eprintln!("SKIPPED: cannot make a user with `useradd`");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // The user has to reach the programs, wherever they were built.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let runtime = crate::engine::runtime();
    fs::copy(std::env::current_exe().unwrap(), folder.path().join("test")).unwrap();
    fs::copy(runtime, folder.path().join("terrarium-runtime")).unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(user.uid), Some(user.gid)).unwrap();
    let output = Command::new(folder.path().join("test"))
        .args([
            "--exact",
            "--nocapture",
            "rootless::as_a_user_without_privileges",
        ])
        .env(ROLE, &home)
        .env("TERRARIUM_BIN_DIR", folder.path())
        .env("TMPDIR", &home)
        .env("HOME", &home)
        .uid(user.uid)
        .gid(user.gid)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}{text}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// Does nothing as a test of its own.
#[tokio::test(flavor = "multi_thread")]
async fn as_a_user_without_privileges() {
    let Some(home) = std::env::var_os(ROLE) else {
        return;
    };
    let mut fixture = Fixture::open_in(Path::new(&home)).await;
    assert_eq!(
        fixture.engine.info().await.unwrap().privilege,
        Privilege::Rootless
    );
    let script = "id -u; id -g; echo x > /written && cat /written; wc -l < /proc/self/uid_map";
    let (output, exit) = fixture.output(fixture.shell(script)).await;
    assert_eq!((output.as_str(), exit.code), ("0\n0\nx\n2\n", 0));
    let nobody = CreateContainer {
        user: Some("65534".into()),
        ..fixture.shell("id -u; echo x > /tmp/file && ls -ln /tmp/file | cut -d' ' -f1")
    };
    let (output, _) = fixture.output(nobody).await;
    assert!(output.starts_with("65534\n"), "{output}");
    limits_are_noted(&fixture).await;
    runs_on(&mut fixture).await;
    fixture.close().await;
}

/// Without delegation there are no limits; the container runs, and says so.
async fn limits_are_noted(fixture: &Fixture) {
    let request = CreateContainer {
        limits: Limits {
            memory_bytes: Some(64 << 20),
            ..Default::default()
        },
        ..fixture.shell("exec sleep 1000")
    };
    let id = fixture.run(request).await.id;
    let detail = fixture.engine.inspect_container(&id).await.unwrap();
    let without_group = detail.notes.iter().any(|note| !note.text.is_empty());
    assert!(without_group, "{:?}", detail.notes);
}

/// A new host finds what runs, and can enter it.
async fn runs_on(fixture: &mut Fixture) {
    let request = CreateContainer {
        network: NetworkMode::Bridge,
        ..fixture.shell("exec sleep 1000")
    };
    let id = fixture.run(request).await.id;
    let detail = fixture.engine.inspect_container(&id).await.unwrap();
    // Connected with its neighbors, whether or not this machine lets it out.
    assert!(detail.summary.address.is_some(), "{:?}", detail.notes);
    fixture.reopen().await;
    let exec = exec(&fixture.engine, &id, "echo $HOME; ls -d /proc/1").await;
    assert_eq!(exec, "/root\n/proc/1\n");
}

async fn exec(engine: &Engine, container: &str, script: &str) -> String {
    let request = ExecRequest {
        container: container.into(),
        command: vec!["sh".into(), "-c".into(), script.into()],
        env: Vec::new(),
        working_dir: None,
        user: None,
        terminal: false,
        stdin: false,
        privileged: false,
        detach_keys: None,
    };
    let id = engine.create_exec(request).await.unwrap().id;
    let attached = engine.start_exec(&id, StartExec::default()).await.unwrap();
    let mut bytes = Vec::new();
    let mut output = attached.unwrap().output;
    let read = output.read_to_end(&mut bytes);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    unframed(&bytes)
}

/// Made for one test, with ranges of subordinate ids; gone when dropped.
struct User {
    name: String,
    uid: u32,
    gid: u32,
}

impl User {
    fn make() -> Option<Self> {
        let name = format!("ten{}", std::process::id());
        let made = Command::new("useradd")
            .args(["-M", "-s", "/bin/false", &name])
            .status();
        made.ok().filter(std::process::ExitStatus::success)?;
        let user = nix::unistd::User::from_name(&name).unwrap().unwrap();
        Some(Self {
            name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        })
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = Command::new("userdel").arg(&self.name).status();
    }
}
