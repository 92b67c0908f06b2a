//! The verbs `create start state kill delete`, their order, and the files beside them.

use std::fs;

use serde_json::{Value, json};
use terrarium_tests::Bundle;

use crate::case::{bundle, expect, merge};

fn sleeping(bundle: &Bundle) -> Value {
    bundle.config(&["/bin/probe", "sleep"])
}

#[test]
fn a_container_goes_from_created_to_running_to_stopped() {
    let Some(bundle) = bundle() else { return };
    let mut config = sleeping(&bundle);
    config["annotations"] = json!({"org.example.key": "value"});
    bundle.write(&config).unwrap();
    bundle
        .runtime(&["create", "--pid-file", "pid", bundle.id()])
        .unwrap()
        .ok();
    let state = bundle.state().unwrap();
    assert_eq!(state["status"], "created");
    assert_eq!(state["id"], bundle.id());
    assert_eq!(state["annotations"]["org.example.key"], "value");
    assert!(
        state["ociVersion"].as_str().unwrap().starts_with("1."),
        "{state}"
    );
    assert!(
        state["bundle"].as_str().unwrap().starts_with('/'),
        "{state}"
    );
    let pid = state["pid"].as_i64().unwrap();
    assert_eq!(
        fs::read_to_string(bundle.path("pid")).unwrap().trim(),
        pid.to_string()
    );
    bundle.runtime(&["start", bundle.id()]).unwrap().ok();
    let state = bundle.state().unwrap();
    assert_eq!(
        (&state["status"], &state["pid"]),
        (&json!("running"), &json!(pid))
    );
    bundle.runtime(&["kill", bundle.id(), "KILL"]).unwrap().ok();
    bundle.wait_for("stopped").unwrap();
    bundle.runtime(&["delete", bundle.id()]).unwrap().ok();
    assert_ne!(
        bundle.runtime(&["state", bundle.id()]).unwrap().code,
        Some(0)
    );
    assert_eq!(bundle.left(), Vec::<String>::new());
}

#[test]
fn the_program_does_not_run_before_start() {
    let Some(bundle) = bundle() else { return };
    bundle
        .write(&bundle.config(&["sh", "-c", "echo ran > /tmp/ran; exec sleep 100"]))
        .unwrap();
    bundle.runtime(&["create", bundle.id()]).unwrap().ok();
    assert!(!bundle.rootfs("tmp/ran").exists());
    // What the configuration becomes after `create` has no effect.
    bundle.write(&bundle.config(&["false"])).unwrap();
    bundle.runtime(&["start", bundle.id()]).unwrap().ok();
    while !bundle.rootfs("tmp/ran").exists() {
        assert_eq!(bundle.state().unwrap()["status"], "running");
    }
}

#[test]
fn verbs_out_of_order_are_errors_that_change_nothing() {
    let Some(bundle) = bundle() else { return };
    let fails = |name: &'static str, args: &[&str]| {
        let ran = bundle.runtime(args).unwrap();
        let verdict = if ran.code == Some(0) {
            Err("it succeeded".to_owned())
        } else if ran.stderr.trim().is_empty() {
            Err("it gave no reason".to_owned())
        } else {
            Ok(())
        };
        expect(name, verdict);
    };
    let id = bundle.id();
    for verb in ["start", "state", "delete", "pause", "resume"] {
        fails("unknown-container", &[verb, "no-such"]);
    }
    fails("kill-unknown", &["kill", "no-such", "TERM"]);
    fails("exec-unknown", &["exec", "no-such", "true"]);
    bundle.write(&sleeping(&bundle)).unwrap();
    bundle.runtime(&["create", id]).unwrap().ok();
    fails("create-twice", &["create", id]);
    fails("exec-in-created", &["exec", id, "/bin/true"]);
    bundle.runtime(&["start", id]).unwrap().ok();
    fails("start-twice", &["start", id]);
    fails("delete-running", &["delete", id]);
    assert_eq!(bundle.state().unwrap()["status"], "running");
    bundle.runtime(&["kill", id, "KILL"]).unwrap().ok();
    bundle.wait_for("stopped").unwrap();
    fails("kill-stopped", &["kill", id, "TERM"]);
    fails("start-stopped", &["start", id]);
    fails("exec-in-stopped", &["exec", id, "/bin/true"]);
    fails("pause-stopped", &["pause", id]);
    bundle.runtime(&["delete", id]).unwrap().ok();
    fails("delete-twice", &["delete", id]);
}

#[test]
fn delete_with_force_ends_what_runs_and_forgives_what_is_not_there() {
    let Some(bundle) = bundle() else { return };
    bundle
        .start(&bundle.config(&["sh", "-c", "trap '' TERM INT HUP; sleep 100"]))
        .unwrap();
    bundle
        .runtime(&["delete", "--force", bundle.id()])
        .unwrap()
        .ok();
    assert_eq!(bundle.left(), Vec::<String>::new());
    let again = bundle.runtime(&["delete", "--force", bundle.id()]).unwrap();
    expect(
        "delete-force-twice",
        (again.code == Some(0)).then_some(()).ok_or(again.stderr),
    );
}

#[test]
fn a_created_container_can_be_deleted() {
    let Some(bundle) = bundle() else { return };
    bundle.write(&sleeping(&bundle)).unwrap();
    bundle.runtime(&["create", bundle.id()]).unwrap().ok();
    bundle
        .runtime(&["delete", "--force", bundle.id()])
        .unwrap()
        .ok();
    assert_eq!(bundle.left(), Vec::<String>::new());
}

#[test]
fn signals_have_names_and_numbers_and_reach_the_program() {
    let Some(bundle) = bundle() else { return };
    for signal in ["TERM", "SIGTERM", "15"] {
        let script = "trap 'echo got it; exit 0' TERM; echo ready; while true; do sleep 0.05; done";
        bundle.start(&bundle.config(&["sh", "-c", script])).unwrap();
        // The shell says when it can be signaled.
        while !bundle.said().contains("ready") {
            std::thread::yield_now();
        }
        let mut kill = bundle.command(&["kill", bundle.id(), signal]);
        assert!(kill.status().unwrap().success(), "{signal}");
        let state = || {
            bundle
                .command(&["state", bundle.id()])
                .output()
                .unwrap()
                .stdout
        };
        while !String::from_utf8_lossy(&state()).contains("stopped") {}
        assert!(bundle.said().contains("got it"), "{signal}");
        bundle.delete().unwrap().ok();
    }
    bundle.start(&sleeping(&bundle)).unwrap();
    let ran = bundle.runtime(&["kill", bundle.id(), "NONSENSE"]).unwrap();
    expect(
        "unknown-signal",
        (ran.code != Some(0))
            .then_some(())
            .ok_or("it was taken".to_owned()),
    );
}

#[test]
fn every_process_can_be_signaled_at_once() {
    let Some(bundle) = bundle() else { return };
    bundle
        .start(&bundle.config(&["sh", "-c", "sleep 100 & sleep 100 & wait"]))
        .unwrap();
    bundle
        .runtime(&["kill", "--all", bundle.id(), "KILL"])
        .unwrap()
        .ok();
    bundle.wait_for("stopped").unwrap();
    bundle.runtime(&["delete", bundle.id()]).unwrap().ok();
    assert_eq!(bundle.left(), Vec::<String>::new());
}

#[test]
fn containers_are_listed_and_their_processes_as_well() {
    let Some(bundle) = bundle() else { return };
    bundle.start(&sleeping(&bundle)).unwrap();
    let listed = bundle.runtime(&["list", "--format", "json"]).unwrap();
    let listed: Value = serde_json::from_str(listed.ok()).unwrap();
    assert_eq!(listed[0]["id"], bundle.id());
    assert_eq!(listed[0]["status"], "running");
    assert_eq!(bundle.runtime(&["list", "-q"]).unwrap().ok(), bundle.id());
    let pid = &bundle.state().unwrap()["pid"];
    let processes = bundle
        .runtime(&["ps", "--format", "json", bundle.id()])
        .unwrap();
    let processes: Value = serde_json::from_str(processes.ok()).unwrap();
    assert_eq!(processes, json!([pid]));
}

#[test]
fn names_that_would_leave_the_state_root_are_refused() {
    let Some(bundle) = bundle() else { return };
    bundle.write(&bundle.config(&["true"])).unwrap();
    let mut taken = ["", ".", "..", "../x", "a/b", "a b", "é"].to_vec();
    taken.retain(|id| bundle.runtime(&["run", id]).unwrap().code == Some(0));
    let verdict = taken.is_empty().then_some(());
    expect("bad-id", verdict.ok_or(format!("taken: {taken:?}")));
    assert_eq!(bundle.left(), Vec::<String>::new());
}

#[test]
fn the_bundle_can_be_elsewhere() {
    let Some(bundle) = bundle() else { return };
    bundle
        .write(&bundle.config(&["/bin/probe", "facts"]))
        .unwrap();
    let path = bundle.path("").display().to_string();
    let mut command = bundle.command(&["run", "--bundle", &path, bundle.id()]);
    bundle.attend(command.current_dir("/")).unwrap().ok();
    let nowhere = bundle
        .runtime(&["run", "--bundle", "/no/such", bundle.id()])
        .unwrap();
    assert_ne!(nowhere.code, Some(0));
}

#[test]
fn descriptors_are_kept_only_when_asked() {
    let Some(bundle) = bundle() else { return };
    let path = bundle.path("").display().to_string();
    for (option, kept) in [(None, false), (Some("1"), true)] {
        let mut config = bundle.config(&["/bin/probe", "facts"]);
        merge(
            &mut config,
            &json!({"process": {"env+": ["LISTEN_FDS_NOT=1"]}}),
        );
        bundle.write(&config).unwrap();
        let mut words = vec!["run".to_owned()];
        words.extend(option.map(|count| format!("--preserve-fds={count}")));
        words.extend(["--bundle".to_owned(), path.clone(), bundle.id().to_owned()]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let runtime = bundle.command(&words);
        // The shell gives the runtime a third descriptor.
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", "exec \"$@\" 3< /etc/hostname", "sh"])
            .arg(runtime.get_program());
        shell.args(runtime.get_args()).current_dir(&path);
        let ran = bundle.attend(&mut shell).unwrap();
        let found: Value = serde_json::from_str(ran.ok()).unwrap();
        let is_there = found["descriptors"]["3"]
            .as_str()
            .is_some_and(|link| link.ends_with("hostname"));
        assert_eq!(is_there, kept, "{found}");
    }
}

#[test]
fn an_exit_in_the_first_microsecond_is_never_lost() {
    let Some(bundle) = bundle() else { return };
    for round in 0..50 {
        let ran = bundle.run(&bundle.config(&["/bin/false"])).unwrap();
        assert_eq!(ran.code, Some(1), "round {round}");
    }
    assert_eq!(bundle.left(), Vec::<String>::new());
}

#[test]
fn errors_go_to_the_log_as_lines_of_json() {
    let Some(bundle) = bundle() else { return };
    bundle.write(&bundle.config(&["/no/such"])).unwrap();
    let log = bundle.path("log").display().to_string();
    let mut command = bundle.command(&["--log", &log, "--log-format", "json", "run", bundle.id()]);
    let ran = bundle.attend(&mut command).unwrap();
    assert_ne!(ran.code, Some(0));
    let text = fs::read_to_string(&log).unwrap();
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let last = lines.next_back().unwrap();
    assert_eq!(last["level"], "error");
    assert!(
        last["msg"].is_string() && last["time"].is_string(),
        "{last}"
    );
}
