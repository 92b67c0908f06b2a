//! `process.terminal`, and who gets the other end.

use std::{
    fs,
    io::IoSliceMut,
    os::{fd::AsRawFd as _, unix::net::UnixListener},
};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use serde_json::{Value, json};
use terrarium_tests::Bundle;

use crate::case::{Case, bundle, check, contains, expect};

/// Accepts the master of a terminal: what was said beside it, and how many descriptors came. They
/// stay open as long as this process, so that the terminal is not hung up.
fn accept(listener: &UnixListener) -> (String, usize) {
    let (stream, _) = listener.accept().unwrap();
    let mut name = [0; 64];
    let mut space = nix::cmsg_space!([std::os::fd::RawFd; 4]);
    let mut parts = [IoSliceMut::new(&mut name)];
    let message = recvmsg::<()>(
        stream.as_raw_fd(),
        &mut parts,
        Some(&mut space),
        MsgFlags::empty(),
    );
    let message = message.unwrap();
    let count = message
        .cmsgs()
        .unwrap()
        .map(|part| match part {
            ControlMessageOwned::ScmRights(descriptors) => descriptors.len(),
            _ => 0,
        })
        .sum();
    let length = message.bytes;
    (String::from_utf8_lossy(&name[..length]).into_owned(), count)
}

fn read_when_there(bundle: &Bundle, name: &str) -> Value {
    loop {
        let text = fs::read_to_string(bundle.rootfs(name)).unwrap_or_default();
        if let Ok(found) = serde_json::from_str(&text) {
            return found;
        }
        assert_eq!(bundle.state().unwrap()["status"], "running");
    }
}

#[test]
fn a_detached_terminal_goes_to_the_console_socket() {
    let Some(bundle) = bundle() else { return };
    let script =
        "probe facts > /tmp/facts; probe files /dev/console /dev/ptmx > /tmp/files; sleep 100";
    let mut config = bundle.config(&["sh", "-c", script]);
    config["process"]["terminal"] = true.into();
    bundle.write(&config).unwrap();
    let listener = UnixListener::bind(bundle.path("console")).unwrap();
    let socket = bundle.path("console").display().to_string();
    bundle
        .runtime(&["create", "--console-socket", &socket, bundle.id()])
        .unwrap()
        .ok();
    let (_, descriptors) = accept(&listener);
    assert_eq!(descriptors, 1);
    bundle.runtime(&["start", bundle.id()]).unwrap().ok();
    let facts = read_when_there(&bundle, "tmp/facts");
    assert_eq!(
        facts["terminals"],
        json!([true, false, true]),
        "output is a file"
    );
    assert_eq!(facts["session"], 1);
    for number in ["0", "2"] {
        let link = facts["descriptors"][number].as_str().unwrap();
        assert!(link.starts_with("/dev/pts/"), "{link}");
    }
    let files = read_when_there(&bundle, "tmp/files");
    expect(
        "console-device",
        contains(
            &files,
            &json!({"/dev/console": {"kind": "character device"}}),
            "",
        ),
    );
    expect(
        "console-is-the-terminal",
        (files["/dev/console"]["device"]
            .as_str()
            .is_some_and(|device| device.starts_with("136:")))
        .then_some(())
        .ok_or(files.to_string()),
    );
}

#[test]
fn a_process_can_have_a_terminal_of_its_own() {
    let Some(bundle) = bundle() else { return };
    bundle
        .start(&bundle.config(&["/bin/probe", "sleep"]))
        .unwrap();
    let listener = UnixListener::bind(bundle.path("console")).unwrap();
    let socket = bundle.path("console").display().to_string();
    let script = "probe facts > /tmp/exec-facts; sleep 100";
    bundle
        .runtime(&[
            "exec",
            "--tty",
            "--detach",
            "--console-socket",
            &socket,
            bundle.id(),
            "sh",
            "-c",
            script,
        ])
        .unwrap()
        .ok();
    assert_eq!(accept(&listener).1, 1);
    let facts = read_when_there(&bundle, "tmp/exec-facts");
    assert_eq!(facts["terminals"], json!([true, false, true]));
}

#[test]
fn a_terminal_that_nobody_takes_is_refused_and_no_terminal_is_the_default() {
    let Some(bundle) = bundle() else { return };
    let mut config = bundle.config(&["/bin/probe", "sleep"]);
    config["process"]["terminal"] = true.into();
    bundle.write(&config).unwrap();
    let ran = bundle.runtime(&["create", bundle.id()]).unwrap();
    assert_ne!(ran.code, Some(0));
    bundle.delete().unwrap();
    let ran = bundle
        .runtime(&["create", "--console-socket", "/no/such/socket", bundle.id()])
        .unwrap();
    assert_ne!(ran.code, Some(0));
    bundle.delete().unwrap();
    assert_eq!(bundle.left(), Vec::<String>::new());
    check([Case::new("no-terminal", json!({}), &["facts"])
        .finds(json!({"terminals": [false, false, false]}))]);
}
