//! Terminals: size, input, signals, hang-ups.

use terrarium_runtime::shim::protocol::{Call, ExecOutput, FailureCode, Reply, StdinMode, Target};

use crate::host::everything;
use crate::require_root;
use crate::sandbox::{process, script};

#[test]
fn a_terminal_has_its_first_size_and_every_later_one() {
    require_root!();
    let mut sandbox = script("stty size; read line; stty size; echo got $line")
        .terminal()
        .log(|_| ())
        .create();
    let mut client = sandbox.attach(everything(Target::Init));
    sandbox.start();
    client.read_until("24 80\r\n");
    let resize = Call::Resize {
        target: Target::Init,
        rows: 50,
        cols: 132,
    };
    assert!(matches!(sandbox.host.call(resize), Ok(Reply::Done)));
    client.write(b"word\n");
    let seen = client.read_until("got word\r\n");
    assert!(seen.contains("50 132\r\n"), "{seen:?}");
    client.read_all();
    assert_eq!(sandbox.wait().code, 0);
    assert!(sandbox.logged("stdout").ends_with("got word\r\n"));
}

#[test]
fn an_interrupt_is_typed() {
    require_root!();
    let mut sandbox =
        script("trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 1; done")
            .terminal()
            .create();
    let mut client = sandbox.attach(everything(Target::Init));
    sandbox.start();
    client.read_until("ready");
    client.write(b"\x03");
    client.read_until("caught");
    assert_eq!(sandbox.wait().code, 5);
}

#[test]
fn a_terminal_outlives_its_clients_and_may_be_reopened() {
    require_root!();
    // The shell closes its terminal altogether, as an init system does, and opens it again.
    let script = script(
        "exec 3</proc/self/fd/0 </dev/null >/dev/null 2>&1 3<&-; sleep 1; \
         exec >/dev/console; echo back",
    );
    let mut sandbox = script.terminal().create();
    let first = sandbox.attach(everything(Target::Init));
    drop(first);
    let mut second = sandbox.attach(everything(Target::Init));
    sandbox.start();
    second.read_until("back");
    assert_eq!(sandbox.wait().code, 0);
}

#[test]
fn an_exec_has_a_terminal_of_its_own() {
    require_root!();
    let mut sandbox = script("while :; do sleep 1000; done").create();
    sandbox.start();
    let mut process = process(&["/bin/sh", "-c", "stty size; read line; stty size"]);
    process["terminal"] = true.into();
    process["consoleSize"] = serde_json::json!({"height": 11, "width": 22});
    let exec = Call::Exec {
        exec_id: "tty".to_owned(),
        process: serde_json::from_value(process).unwrap(),
        stdin: StdinMode::Open,
        output: ExecOutput::Attach,
    };
    sandbox.host.call(exec).unwrap();
    let target = Target::Exec("tty".to_owned());
    let mut client = sandbox.attach(everything(target.clone()));
    client.read_until("11 22");
    sandbox
        .host
        .call(Call::Resize {
            target: target.clone(),
            rows: 33,
            cols: 44,
        })
        .unwrap();
    client.write(b"\n");
    client.read_until("33 44");
    assert_eq!(sandbox.host.wait(target).code, 0);
    let none = Call::Resize {
        target: Target::Init,
        rows: 1,
        cols: 1,
    };
    assert_eq!(
        sandbox.host.call(none).unwrap_err().code,
        FailureCode::InvalidRequest
    );
}
