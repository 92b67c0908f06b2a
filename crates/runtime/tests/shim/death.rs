//! What remains when a host or a shim dies.

use std::process::Stdio;

use terrarium_runtime::shim::protocol::{Call, PROTOCOL_VERSION, Reply, Status, Target};

use crate::host::everything;
use crate::require_root;
use crate::sandbox::{Recipe, script, spawn};

#[test]
fn a_container_outlives_its_host_and_answers_the_next() {
    require_root!();
    let mut sandbox = script("read line; echo $line; exit 6")
        .stdin(terrarium_runtime::shim::protocol::StdinMode::Open)
        .log(|_| ())
        .create();
    sandbox.start();
    let next = sandbox.second_host();
    drop(std::mem::replace(&mut sandbox.host, next));
    let state = match sandbox.host.call(Call::State) {
        Ok(Reply::State(state)) => state,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (state.protocol, state.status),
        (PROTOCOL_VERSION, Status::Running)
    );
    assert_eq!(state, sandbox.state_file());
    assert!(!sandbox.shim_is_dead());
    let mut client = sandbox.attach(everything(Target::Init));
    client.write(b"still here\n");
    assert_eq!(client.read_all().stdout, b"still here\n");
    assert_eq!(sandbox.wait().code, 6);
    assert_eq!(sandbox.logged("stdout"), "still here\n");
}

#[test]
fn files_tell_of_a_container_whose_shim_was_killed() {
    require_root!();
    let mut sandbox = Recipe::new(&["/bin/sleep", "1000"]).create();
    sandbox.start();
    sandbox.kill_shim();
    assert!(sandbox.shim_is_dead());
    let state = sandbox.state_file();
    assert_eq!(state.status, Status::Running);
    let init = state.init.unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", init.pid)).unwrap();
    assert!(stat.contains(&format!(" {} ", init.start_ticks)), "{stat}");
    assert!(!sandbox.path("exit.json").exists());
}

#[test]
fn a_bundle_has_one_shim_at_most() {
    require_root!();
    let mut sandbox = script("read line").create();
    let folder = sandbox.path("");
    let mut second = spawn(&folder, Stdio::null(), None);
    assert_eq!(second.wait().unwrap().code(), Some(1));
    assert!(
        matches!(sandbox.host.call(Call::State), Ok(Reply::State(_))),
        "the first is unharmed"
    );
}

#[test]
fn signals_that_a_terminal_sends_do_not_reach_the_shim() {
    require_root!();
    let mut sandbox = script("exit 0").create();
    for signal in ["HUP", "INT", "QUIT", "TERM", "PIPE", "TSTP", "USR1"] {
        let pid = sandbox.shim_pid().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", signal, &pid])
            .status()
            .unwrap();
        assert!(sent.success());
    }
    sandbox.start();
    assert_eq!(sandbox.wait().code, 0);
}

#[test]
fn nonsense_on_the_socket_harms_nobody() {
    require_root!();
    use std::io::Write as _;
    let mut sandbox = script("exit 0").create();
    for bytes in [
        &b"{}\n"[..],
        b"\n\n\n",
        b"\xff\xfe\n",
        &[b'x'; 2 << 20],
        b"{\"id\":1,\"call\":\"fly\"}\n",
    ] {
        // The shim may hang up in the middle.
        let _ = sandbox.connect().write_all(bytes);
    }
    sandbox.start();
    assert_eq!(sandbox.wait().code, 0);
}
