//! Attached clients: every byte, in order, however they behave.

use std::fmt::Write as _;

use terrarium_runtime::shim::protocol::{
    Attach, Call, ExitStatus, FailureCode, Lag, Reply, StdinMode, Target,
};

use crate::host::everything;
use crate::require_root;
use crate::sandbox::{Recipe, Sandbox, script};

/// 10 MB that no two chunks of are alike.
const LAST: u32 = 1_500_000;

fn numbers() -> String {
    let mut text = String::new();
    for number in 1..=LAST {
        writeln!(text, "{number}").unwrap();
    }
    text
}

fn counting() -> Sandbox {
    Recipe::new(&["/bin/seq", "1", &LAST.to_string()])
        .log(|_| ())
        .create()
}

fn output_only(lag: Lag) -> Attach {
    Attach {
        stdin: false,
        lag,
        ..everything(Target::Init)
    }
}

#[test]
fn two_clients_and_the_log_get_every_byte_of_10_megabytes() {
    require_root!();
    let mut sandbox = counting();
    let clients = [(); 2].map(|()| {
        let mut client = sandbox.attach(output_only(Lag::Pace));
        std::thread::spawn(move || client.read_all())
    });
    sandbox.start();
    let expect = numbers();
    for client in clients {
        let received = client.join().unwrap();
        assert_eq!((received.stdout.len(), received.skipped), (expect.len(), 0));
        assert!(received.stdout == expect.as_bytes());
    }
    assert_eq!(sandbox.wait().code, 0);
    assert!(sandbox.logged("stdout") == expect);
}

#[test]
fn a_client_that_does_not_read_holds_no_container_if_it_skips() {
    require_root!();
    let mut sandbox = counting();
    let mut client = sandbox.attach(output_only(Lag::Skip));
    sandbox.start();
    assert_eq!(sandbox.wait().code, 0);
    let expect = numbers();
    assert!(sandbox.logged("stdout") == expect);
    let received = client.read_all();
    assert_ne!(received.skipped, 0);
    assert_eq!(
        received.stdout.len() as u64 + received.skipped,
        expect.len() as u64
    );
    assert!(
        received.stdout.ends_with(b"\n1499999\n1500000\n"),
        "the newest is kept"
    );
}

#[test]
fn a_client_that_dies_amid_output_is_not_missed() {
    require_root!();
    let mut sandbox = counting();
    let mut dying = sandbox.attach(everything(Target::Init));
    let mut staying = sandbox.attach(output_only(Lag::Pace));
    let staying = std::thread::spawn(move || staying.read_all());
    sandbox.start();
    dying.frame().unwrap();
    drop(dying);
    let expect = numbers();
    assert!(staying.join().unwrap().stdout == expect.as_bytes());
    assert_eq!(sandbox.wait().code, 0);
    assert!(sandbox.logged("stdout") == expect);
}

#[test]
fn output_and_errors_come_as_streams_of_their_own() {
    require_root!();
    let mut sandbox = script("echo out; echo err >&2; printf rest")
        .log(|_| ())
        .create();
    let mut both = sandbox.attach(everything(Target::Init));
    let mut errors = sandbox.attach(Attach {
        stdout: false,
        ..everything(Target::Init)
    });
    sandbox.start();
    let received = both.read_all();
    assert_eq!(
        (&received.stdout[..], &received.stderr[..]),
        (&b"out\nrest"[..], &b"err\n"[..])
    );
    let received = errors.read_all();
    assert_eq!(
        (&received.stdout[..], &received.stderr[..]),
        (&b""[..], &b"err\n"[..])
    );
    sandbox.wait();
    assert_eq!(sandbox.logged("stdout"), "out\nrest");
    assert_eq!(sandbox.logged("stderr"), "err\n");
}

fn cat(stdin: StdinMode) -> Sandbox {
    let mut sandbox = Recipe::new(&["/bin/cat"]).stdin(stdin).create();
    sandbox.start();
    sandbox
}

#[test]
fn the_end_of_a_client_s_input_is_the_end_of_input_once() {
    require_root!();
    let mut sandbox = cat(StdinMode::Once);
    let mut client = sandbox.attach(everything(Target::Init));
    client.write(b"through the cat");
    client.end_input();
    assert_eq!(client.read_all().stdout, b"through the cat");
    assert_eq!(sandbox.wait().code, 0);
}

#[test]
fn much_input_is_all_read_though_its_client_writes_before_it_reads() {
    require_root!();
    let mut sandbox = Recipe::new(&["/bin/sh", "-c", "cat | tail -c 9"])
        .stdin(StdinMode::Once)
        .create();
    sandbox.start();
    let mut client = sandbox.attach(everything(Target::Init));
    client.write(numbers().as_bytes());
    client.end_input();
    assert_eq!(client.read_all().stdout, b"\n1500000\n");
    assert_eq!(sandbox.wait().code, 0);
}

#[test]
fn input_that_stays_open_outlives_its_clients_until_it_is_closed() {
    require_root!();
    let mut sandbox = cat(StdinMode::Open);
    let mut first = sandbox.attach(everything(Target::Init));
    first.write(b"one ");
    first.end_input();
    first.read_until("one ");
    drop(first);
    let mut second = sandbox.attach(everything(Target::Init));
    second.write(b"two");
    second.read_until("two");
    let close = Call::CloseStdin {
        target: Target::Init,
    };
    assert!(matches!(sandbox.host.call(close), Ok(Reply::Done)));
    second.read_all();
    assert_eq!(sandbox.wait().code, 0);
}

#[test]
fn nobody_s_input_is_empty() {
    require_root!();
    let mut sandbox = cat(StdinMode::Null);
    let mut client = sandbox.attach(everything(Target::Init));
    assert_eq!(client.read_all().stdout, b"");
    assert_eq!(sandbox.wait().code, 0);
}

#[test]
fn an_attach_after_the_end_ends_at_once() {
    require_root!();
    let mut sandbox = script("echo gone").create();
    sandbox.start();
    let ExitStatus { code: 0, .. } = sandbox.wait() else {
        panic!("it failed")
    };
    assert_eq!(
        sandbox.attach(everything(Target::Init)).read_all().stdout,
        b""
    );
    let nobody = everything(Target::Exec("nobody".to_owned()));
    let refused = crate::host::Attached::new(sandbox.connect(), nobody)
        .err()
        .unwrap();
    assert_eq!(refused.code, FailureCode::NoSuchTarget);
}
