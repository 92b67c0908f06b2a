//! Against a peer that plays the bus and systemd.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

use serde_json::json;

use super::message::{ERROR_NAME, FAILURE, FIXED, Head, MEMBER, Message, REPLY, SIGNAL};
use super::*;
use crate::plan::tests::ROOT;

const JOB: &str = "/org/freedesktop/systemd1/job/7";

/// What the peer says to `StartTransientUnit`.
#[derive(Clone, Copy)]
enum Says {
    /// The job, which ends so; its end may overtake the answer.
    Job(&'static str, Order),
    /// Once that such a unit is there, then as before.
    Exists,
    Refuses,
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    AnswerFirst,
    EndFirst,
}

fn plan() -> ScopePlan {
    let spec: Spec = serde_json::from_value(json!({
        "ociVersion": "1.2.0",
        "annotations": {"org.systemd.property.KillSignal": "37"},
        "linux": {"cgroupsPath": "machine.slice:libpod:0f", "namespaces": []},
    }))
    .unwrap();
    ScopePlan::new(&spec, "0f", ROOT).unwrap()
}

fn resources() -> LinuxResources {
    serde_json::from_value(json!({"pids": {"limit": 20}, "cpu": {"quota": 50_000}})).unwrap()
}

fn reply(serial: u32, signature: &str, body: &Body) -> Vec<u8> {
    let head = Head {
        kind: REPLY,
        texts: &[],
        reply_to: Some(serial),
        signature,
    };
    head.message(1, body)
}

fn failure(serial: u32, name: &str) -> Vec<u8> {
    let head = Head {
        kind: FAILURE,
        texts: &[(ERROR_NAME, "s", name)],
        reply_to: Some(serial),
        signature: "s",
    };
    head.message(1, &texts(&["because"]))
}

fn texts(texts: &[&str]) -> Body {
    let mut body = Body::default();
    texts.iter().for_each(|text| body.text(text));
    body
}

fn end_of_job(result: &str) -> Vec<u8> {
    let mut body = Body::default();
    body.number(7);
    for text in [JOB, "libpod-0f.scope", result] {
        body.text(text);
    }
    let head = Head {
        kind: SIGNAL,
        texts: &[(MEMBER, "s", "JobRemoved")],
        reply_to: None,
        signature: "uoss",
    };
    head.message(1, &body)
}

/// Serves one connection; gives back the calls that it saw.
fn serve(stream: UnixStream, says: Says) -> JoinHandle<Vec<String>> {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        let mut lines = String::new();
        while !lines.ends_with("BEGIN\r\n") {
            reader.read_line(&mut lines).unwrap();
            if lines.ends_with("DATA\r\n") {
                stream.write_all(b"DATA\r\nOK 1234deadbeef\r\n").unwrap();
            }
        }
        assert!(lines.starts_with("\0AUTH EXTERNAL\r\n"), "{lines:?}");
        let mut seen = Vec::new();
        let mut fixed = [0; FIXED];
        while reader.read_exact(&mut fixed).is_ok() {
            let mut bytes = vec![0; Message::length(&fixed).unwrap()];
            bytes[..FIXED].copy_from_slice(&fixed);
            reader.read_exact(&mut bytes[FIXED..]).unwrap();
            let call = Message::parse(&bytes).unwrap();
            let serial = u32::from_ne_bytes(bytes[8..12].try_into().unwrap());
            let again = seen.contains(&call.member);
            seen.push(call.member.clone());
            for answer in answers(&call.member, serial, says, again) {
                stream.write_all(&answer).unwrap();
            }
        }
        seen
    })
}

fn answers(member: &str, serial: u32, says: Says, again: bool) -> Vec<Vec<u8>> {
    let (result, order) = match (member, says) {
        ("StartTransientUnit", Says::Refuses) => {
            return vec![failure(serial, "org.freedesktop.DBus.Error.AccessDenied")];
        }
        ("StartTransientUnit", Says::Exists) if !again => {
            return vec![failure(serial, "org.freedesktop.systemd1.UnitExists")];
        }
        ("StartTransientUnit", Says::Job(result, order)) => (result, order),
        ("StartTransientUnit", Says::Exists) => ("done", Order::AnswerFirst),
        _ => return vec![reply(serial, "", &Body::default())],
    };
    let mut both = vec![reply(serial, "o", &texts(&[JOB])), end_of_job(result)];
    if order == Order::EndFirst {
        both.reverse();
    }
    both
}

fn start_against(says: Says) -> (Result<()>, Vec<String>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let peer = serve(theirs, says);
    let mut bus = Bus::login(ours).unwrap();
    let result = start_on(&mut bus, &plan(), 1, Some(&resources()));
    drop(bus);
    (result, peer.join().unwrap())
}

#[test]
fn a_scope_is_started_with_limits_whichever_comes_first() {
    for order in [Order::AnswerFirst, Order::EndFirst] {
        let (result, calls) = start_against(Says::Job("done", order));
        result.unwrap();
        assert_eq!(
            calls,
            ["Hello", "AddMatch", "Subscribe", "StartTransientUnit"]
        );
    }
}

#[test]
fn a_failed_unit_of_that_name_is_forgotten_first() {
    let (result, calls) = start_against(Says::Exists);
    result.unwrap();
    assert_eq!(
        calls[3..],
        [
            "StartTransientUnit",
            "ResetFailedUnit",
            "StartTransientUnit"
        ]
    );
}

#[test]
fn what_systemd_refuses_is_told_in_its_words() {
    for (says, words) in [
        (Says::Refuses, "AccessDenied"),
        (Says::Job("failed", Order::AnswerFirst), "failed"),
    ] {
        let error = start_against(says).0.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_bus_that_hangs_up_or_talks_nonsense_is_an_error() {
    for said in [
        &b""[..],
        b"REJECTED\r\n",
        b"OK 1\r\nnonsense, and much of it",
        &[b'x'; 4096],
    ] {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(said).unwrap();
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        let greeted = Bus::login(ours).is_ok_and(|mut bus| bus.greet().is_ok());
        assert!(!greeted, "{said:?}");
    }
}

#[test]
fn a_scope_of_the_session_is_named_after_the_container_and_may_be_missing() {
    let plan = ScopePlan::in_session("0f").unwrap();
    let unit = "terrarium-0f.scope".to_owned();
    let manager = Manager::User;
    assert_eq!(plan.scope, Scope { unit, manager });
    assert!(!plan.is_required && self::plan().is_required);
    assert!(ScopePlan::in_session("0/f").is_err());
}

#[test]
fn the_scope_says_what_the_container_may_use() {
    let properties = plan().properties(5, Some(&resources()));
    for (name, value) in [
        ("Slice", Value::Text("machine.slice".to_owned())),
        ("PIDs", Value::Numbers(vec![5])),
        ("Delegate", Value::Bool(true)),
        ("TasksMax", Value::Long(20)),
        ("CPUQuotaPerSecUSec", Value::Long(500_000)),
        ("KillSignal", Value::Signed(37)),
    ] {
        assert!(properties.contains(&(name.to_owned(), value)), "{name}");
    }
}
