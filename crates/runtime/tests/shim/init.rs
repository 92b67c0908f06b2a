//! The init option: PID 1 is the runtime's, and the program its child.

use terrarium_runtime::shim::protocol::{Call, ExecOutput, FailureCode, Reply, StdinMode, Target};

use crate::host::everything;
use crate::require_root;
use crate::sandbox::{Recipe, Sandbox, process, script};

fn with_init(mut recipe: Recipe) -> Sandbox {
    recipe.config.init = true;
    // Under it clone3 looks absent, for PID 1 too.
    let filter = terrarium_runtime::seccomp::docker_default(&Default::default());
    recipe.spec["linux"]["seccomp"] = serde_json::to_value(filter).unwrap();
    recipe.create()
}

fn signal(sandbox: &mut Sandbox, signal: i32) {
    let kill = Call::Kill {
        target: Target::Init,
        signal,
        all: false,
    };
    assert!(matches!(sandbox.host.call(kill), Ok(Reply::Done)));
}

/// The sandbox once the program has said that it is ready.
fn ready(text: &str) -> Sandbox {
    let mut sandbox = with_init(script(text));
    let mut client = sandbox.attach(everything(Target::Init));
    sandbox.start();
    client.read_until("ready");
    sandbox
}

#[test]
fn the_exit_code_is_the_program_s_and_not_the_init_s() {
    require_root!();
    for (text, code) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)] {
        let mut sandbox = with_init(script(text));
        sandbox.start();
        assert_eq!(sandbox.wait().code, code, "of {text}");
    }
}

#[test]
fn a_signal_reaches_a_program_that_does_not_handle_it() {
    require_root!();
    // As PID 1 it would never hear of it.
    let mut sandbox = ready("echo ready; exec sleep 1000");
    signal(&mut sandbox, 15);
    assert_eq!(sandbox.wait().code, 143);
    let mut sandbox = ready("trap 'exit 5' USR1; echo ready; while :; do sleep 0.01; done");
    signal(&mut sandbox, 10);
    assert_eq!(sandbox.wait().code, 5);
    // Beyond those that have names.
    let mut sandbox = ready("echo ready; exec sleep 1000");
    signal(&mut sandbox, 40);
    assert_eq!(sandbox.wait().code, 128 + 40);
}

#[test]
fn orphans_leave_no_zombies() {
    require_root!();
    let mut sandbox = with_init(script(
        "for i in 1 2 3 4 5; do (sh -c 'exit 3' &); done; \
         until [ $(grep -l 'State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l) = 0 ]; do :; done; \
         tr '\\0' ' ' < /proc/1/cmdline; cat /proc/1/comm; echo $$; \
         ls /proc/1/fd 2>/dev/null | wc -l",
    ));
    let mut client = sandbox.attach(everything(Target::Init));
    sandbox.start();
    let output = String::from_utf8_lossy(&client.read_all().stdout).into_owned();
    assert!(output.contains("/sbin/init"), "{output}");
    assert!(
        !output.contains("bundle"),
        "no folder of the host: {output}"
    );
    assert!(output.contains("init\n"), "{output}");
    assert_eq!(sandbox.wait().code, 0);
}

#[test]
fn a_program_that_is_not_there_is_told_as_without_an_init() {
    require_root!();
    let mut recipe = Recipe::new(&["/no/such"]);
    recipe.config.init = true;
    let mut sandbox = recipe.create();
    let failure = sandbox.host.call(Call::Start).unwrap_err();
    assert_eq!(failure.code, FailureCode::CommandNotFound);
    assert_eq!(sandbox.wait().code, 127);
}

#[test]
fn a_terminal_and_an_exec_work_behind_an_init() {
    require_root!();
    let mut sandbox = with_init(script("read line; echo got $line; exit 6").terminal());
    let mut client = sandbox.attach(everything(Target::Init));
    sandbox.start();
    client.write(b"typed\n");
    client.read_until("got typed");
    assert_eq!(sandbox.wait().code, 6);

    let mut sandbox = ready("echo ready; exec sleep 1000");
    let exec = Call::Exec {
        exec_id: "one".to_owned(),
        process: Box::new(serde_json::from_value(process(&["/bin/sh", "-c", "exit 4"])).unwrap()),
        stdin: StdinMode::Null,
        output: ExecOutput::Discard,
    };
    sandbox.host.call(exec).unwrap();
    let target = Target::Exec("one".to_owned());
    let Ok(Reply::Exited(status)) = sandbox.host.call(Call::Wait { target }) else {
        panic!("it has exited");
    };
    assert_eq!(status.code, 4);
    sandbox.shut_down();
}
