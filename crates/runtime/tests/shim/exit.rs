//! Exit statuses: right, durable before they are told, never lost.

use terrarium_runtime::shim::protocol::{
    Call, Event, ExitStatus, FailureCode, Reply, Status, Target,
};

use crate::require_root;
use crate::sandbox::{Recipe, Sandbox, script};

fn run(mut sandbox: Sandbox) -> ExitStatus {
    sandbox.start();
    let status = sandbox.wait();
    assert_eq!(sandbox.exit_file(), status);
    assert_eq!(sandbox.state_file().status, Status::Stopped);
    status
}

fn check(command: &str, code: i32, signal: Option<i32>) {
    let status = run(script(command).create());
    assert_eq!((status.code, status.signal), (code, signal), "of {command}");
    assert!(status.started_at.unwrap() <= status.exited_at);
}

#[test]
fn the_exit_code_is_the_program_s() {
    require_root!();
    check("exit 0", 0, None);
    check("exit 7", 7, None);
    check("exit 255", 255, None);
}

#[test]
fn a_killed_init_exits_with_128_and_the_signal() {
    require_root!();
    let mut sandbox = script("while :; do sleep 1; done").create();
    sandbox.start();
    let kill = Call::Kill {
        target: Target::Init,
        signal: 9,
        all: false,
    };
    assert!(matches!(sandbox.host.call(kill), Ok(Reply::Done)));
    let status = sandbox.wait();
    assert_eq!((status.code, status.signal), (137, Some(9)));
    let again = Call::Kill {
        target: Target::Init,
        signal: 9,
        all: false,
    };
    assert_eq!(
        sandbox.host.call(again).unwrap_err().code,
        FailureCode::Exited
    );
}

#[test]
fn an_exit_in_the_first_microsecond_is_never_lost() {
    require_root!();
    for round in 0..200 {
        let mut sandbox = Recipe::new(&["/bin/true"]).create();
        sandbox.host.call(Call::Subscribe).unwrap();
        sandbox.start();
        match sandbox.host.event() {
            Event::Exited {
                target: Target::Init,
                status,
            } => {
                assert_eq!(status.code, 0, "in round {round}");
                assert_eq!(sandbox.exit_file(), status);
            }
            other => panic!("in round {round}: {other:?}"),
        }
    }
}

#[test]
fn a_wait_is_answered_whether_it_comes_before_or_after_the_exit() {
    require_root!();
    let mut sandbox = script("exit 3").create();
    let mut other = sandbox.second_host();
    let early = other.send(Call::Wait {
        target: Target::Init,
    });
    sandbox.start();
    match other.answer_to(early) {
        Ok(Reply::Exited(status)) => assert_eq!(status, sandbox.wait()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_program_is_127_and_an_unusable_one_126() {
    require_root!();
    for (program, code, kind) in [
        ("nosuch", 127, FailureCode::CommandNotFound),
        ("/etc", 126, FailureCode::CommandNotExecutable),
    ] {
        let mut sandbox = Recipe::new(&[program]).create();
        let failure = sandbox.host.call(Call::Start).unwrap_err();
        assert_eq!(failure.code, kind, "{failure:?}");
        let status = sandbox.wait();
        assert_eq!(
            (status.code, status.signal, status.started_at),
            (code, None, None)
        );
        assert_eq!(status.error, Some(failure));
        assert_eq!(sandbox.exit_file(), status);
    }
}

#[test]
fn calls_that_do_not_fit_the_status_are_refused_and_change_nothing() {
    require_root!();
    let mut sandbox = script("exit 0").create();
    for call in [Call::Pause, Call::Resume, Call::Delete] {
        assert_eq!(
            sandbox.host.call(call).unwrap_err().code,
            FailureCode::WrongStatus
        );
    }
    sandbox.start();
    sandbox.wait();
    assert_eq!(
        sandbox.host.call(Call::Start).unwrap_err().code,
        FailureCode::WrongStatus
    );
    sandbox.delete();
    assert_eq!(sandbox.state_file().status, Status::Stopped);
}

#[test]
fn a_container_that_was_never_started_can_be_shut_down() {
    require_root!();
    let mut sandbox = script("exit 0").create();
    sandbox.shut_down();
    assert_eq!(sandbox.exit_file().started_at, None);
}

#[test]
fn a_creation_that_fails_says_why_and_leaves_no_shim() {
    require_root!();
    let mut recipe = script("exit 0");
    recipe.spec["root"]["path"] = "no/such/folder".into();
    let failure = recipe.try_create().err().expect("there is no root");
    assert!(!failure.message.is_empty());
}
