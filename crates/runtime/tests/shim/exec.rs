//! Exec processes: streams and statuses of their own.

use serde_json::Value;
use terrarium_runtime::shim::protocol::{
    Call, Event, ExecOutput, FailureCode, Reply, StdinMode, Target,
};

use crate::host::everything;
use crate::require_root;
use crate::sandbox::{Sandbox, process, script};

fn idle() -> Sandbox {
    let mut sandbox = script("while :; do sleep 1000; done").create();
    sandbox.start();
    sandbox
}

fn exec(id: &str, process: Value, stdin: StdinMode, output: ExecOutput) -> Call {
    let process = serde_json::from_value(process).unwrap();
    Call::Exec {
        exec_id: id.to_owned(),
        process: Box::new(process),
        stdin,
        output,
    }
}

fn shell(command: &str) -> Value {
    process(&["/bin/sh", "-c", command])
}

fn target(id: &str) -> Target {
    Target::Exec(id.to_owned())
}

#[test]
fn an_exec_has_its_own_status_and_its_output_waits_for_the_client() {
    require_root!();
    let mut sandbox = idle();
    sandbox.host.call(Call::Subscribe).unwrap();
    let call = exec(
        "one",
        shell("echo out; echo err >&2; exit 9"),
        StdinMode::Null,
        ExecOutput::Attach,
    );
    assert!(matches!(sandbox.host.call(call), Ok(Reply::ExecStarted(_))));
    // It is over long before anybody attaches.
    match sandbox.host.event() {
        Event::Exited { target: of, status } => {
            assert_eq!((of, status.code), (target("one"), 9));
        }
        other => panic!("{other:?}"),
    }
    let received = sandbox.attach(everything(target("one"))).read_all();
    assert_eq!(
        (&received.stdout[..], &received.stderr[..]),
        (&b"out\n"[..], &b"err\n"[..])
    );
    assert_eq!(sandbox.host.wait(target("one")).code, 9);
}

#[test]
fn of_many_execs_none_is_taken_for_another_process() {
    require_root!();
    let mut sandbox = idle();
    for round in 0..200 {
        let id = format!("exec-{round}");
        let call = exec(&id, shell("exit 7"), StdinMode::Null, ExecOutput::Discard);
        sandbox.host.call(call).unwrap();
        assert_eq!(sandbox.host.wait(target(&id)).code, 7, "in round {round}");
    }
}

#[test]
fn an_exec_reads_its_client_s_input() {
    require_root!();
    let mut sandbox = idle();
    let call = exec(
        "cat",
        process(&["/bin/cat"]),
        StdinMode::Once,
        ExecOutput::Attach,
    );
    sandbox.host.call(call).unwrap();
    let mut client = sandbox.attach(everything(target("cat")));
    client.write(b"meow");
    client.end_input();
    assert_eq!(client.read_all().stdout, b"meow");
    assert_eq!(sandbox.host.wait(target("cat")).code, 0);
}

#[test]
fn a_process_that_an_exec_leaves_behind_does_not_hold_its_end_for_ever() {
    require_root!();
    let mut sandbox = idle();
    let call = exec(
        "daemon",
        shell("sleep 1000 & echo up"),
        StdinMode::Null,
        ExecOutput::Attach,
    );
    sandbox.host.call(call).unwrap();
    assert_eq!(
        sandbox
            .attach(everything(target("daemon")))
            .read_all()
            .stdout,
        b"up\n"
    );
    assert_eq!(sandbox.host.wait(target("daemon")).code, 0);
}

#[test]
fn an_exec_can_be_killed_alone() {
    require_root!();
    let mut sandbox = idle();
    let call = exec(
        "slow",
        process(&["/bin/sleep", "1000"]),
        StdinMode::Null,
        ExecOutput::Discard,
    );
    sandbox.host.call(call).unwrap();
    let kill = Call::Kill {
        target: target("slow"),
        signal: 15,
        all: false,
    };
    sandbox.host.call(kill).unwrap();
    let status = sandbox.host.wait(target("slow"));
    assert_eq!((status.code, status.signal), (143, Some(15)));
    assert!(
        matches!(sandbox.host.call(Call::State), Ok(Reply::State(state)) if state.exit.is_none())
    );
}

#[test]
fn an_exec_of_nothing_is_refused_and_its_id_stays_free() {
    require_root!();
    let mut sandbox = idle();
    let call = exec(
        "x",
        process(&["nosuch"]),
        StdinMode::Null,
        ExecOutput::Discard,
    );
    assert_eq!(
        sandbox.host.call(call).unwrap_err().code,
        FailureCode::CommandNotFound
    );
    let call = exec(
        "x",
        process(&["/bin/true"]),
        StdinMode::Null,
        ExecOutput::Discard,
    );
    sandbox.host.call(call.clone()).unwrap();
    assert_eq!(
        sandbox.host.call(call).unwrap_err().code,
        FailureCode::ExecExists
    );
    sandbox.host.wait(target("x"));
    sandbox
        .host
        .call(Call::Forget {
            exec_id: "x".to_owned(),
        })
        .unwrap();
    let wait = Call::Wait {
        target: target("x"),
    };
    assert_eq!(
        sandbox.host.call(wait).unwrap_err().code,
        FailureCode::NoSuchTarget
    );
}

#[test]
fn output_that_nobody_comes_for_does_not_block_an_exec_for_ever() {
    require_root!();
    let mut sandbox = idle();
    let mut asker = sandbox.second_host();
    let call = exec(
        "loud",
        shell("seq 1 200000"),
        StdinMode::Null,
        ExecOutput::Attach,
    );
    asker.call(call).unwrap();
    drop(asker);
    assert_eq!(sandbox.host.wait(target("loud")).code, 0);
}

#[test]
fn execs_end_before_the_init_that_takes_them_along() {
    require_root!();
    let mut sandbox = idle();
    sandbox.host.call(Call::Subscribe).unwrap();
    let call = exec(
        "last",
        process(&["/bin/sleep", "1000"]),
        StdinMode::Null,
        ExecOutput::Discard,
    );
    sandbox.host.call(call).unwrap();
    sandbox
        .host
        .call(Call::Kill {
            target: Target::Init,
            signal: 9,
            all: false,
        })
        .unwrap();
    for expect in [target("last"), Target::Init] {
        match sandbox.host.event() {
            Event::Exited { target, status } => assert_eq!((target, status.code), (expect, 137)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_death_by_a_real_time_signal_is_not_lost() {
    require_root!();
    // Of an exec: a signal that init does not handle cannot kill it.
    let mut sandbox = idle();
    let call = exec(
        "rt",
        process(&["/bin/sleep", "1000"]),
        StdinMode::Null,
        ExecOutput::Discard,
    );
    sandbox.host.call(call).unwrap();
    let kill = Call::Kill {
        target: target("rt"),
        signal: 40,
        all: false,
    };
    sandbox.host.call(kill).unwrap();
    let status = sandbox.host.wait(target("rt"));
    assert_eq!((status.code, status.signal), (168, Some(40)));
}

#[test]
fn a_program_starts_with_no_signal_blocked_or_ignored_and_no_foreign_descriptor() {
    require_root!();
    let mut sandbox = script("grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd").create();
    let mut client = sandbox.attach(everything(Target::Init));
    sandbox.start();
    let seen = String::from_utf8(client.read_all().stdout).unwrap();
    // 32 and 33 are libc's own, which it lets nobody touch: they are as the test inherited them.
    let seen = seen.replace("SigIgn:\t0000000180000000", "SigIgn:\t0000000000000000");
    let expect = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0\n1\n2\n3\n";
    assert_eq!(seen, expect, "3 is the folder that ls reads");
}
