//! Hooks at their six points: where they run, what they are told, and what a failure does.

use std::fs;

use serde_json::{Value, json};
use terrarium_tests::Bundle;

use crate::case::{bundle, expect};

const POINTS: [&str; 6] = [
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
];

/// Each writes its point, its mount namespace and the state that it gets.
fn hooks(bundle: &Bundle) -> Value {
    let log = bundle.path("hooks").display().to_string();
    // The one that runs inside writes there; its line is read from the root file system.
    let script = |point: &str, log: &str| {
        let line = format!("echo \"{point} $(readlink /proc/self/ns/mnt) $(cat) $EXTRA\" >> {log}");
        json!([{"path": "/bin/sh", "args": ["sh", "-c", line], "env": ["PATH=/bin:/usr/bin", "EXTRA=given"]}])
    };
    let points = POINTS.map(|point| {
        let log = if point == "startContainer" {
            "/hooks"
        } else {
            log.as_str()
        };
        (point.to_owned(), script(point, log))
    });
    Value::Object(points.into_iter().collect())
}

/// Point, mount namespace, state.
fn lines(bundle: &Bundle) -> Vec<(String, String, Value)> {
    let mut text = fs::read_to_string(bundle.path("hooks")).unwrap_or_default();
    text += &fs::read_to_string(bundle.rootfs("hooks")).unwrap_or_default();
    let line = |line: &str| {
        let (point, rest) = line.split_once(' ')?;
        let (namespace, rest) = rest.split_once(' ')?;
        let state = rest.strip_suffix(" given")?;
        Some((
            point.to_owned(),
            namespace.to_owned(),
            serde_json::from_str(state).ok()?,
        ))
    };
    text.lines().filter_map(line).collect()
}

#[test]
fn every_point_is_reached_once_in_order_with_the_state() {
    let Some(bundle) = bundle() else { return };
    let mut config = bundle.config(&["/bin/probe", "sleep"]);
    config["hooks"] = hooks(&bundle);
    config["annotations"] = json!({"org.example.key": "value"});
    bundle.start(&config).unwrap();
    let pid = bundle.state().unwrap()["pid"].clone();
    let inside = fs::read_link(format!("/proc/{pid}/ns/mnt"))
        .unwrap()
        .display()
        .to_string();
    bundle.runtime(&["kill", bundle.id(), "KILL"]).unwrap().ok();
    bundle.wait_for("stopped").unwrap();
    bundle.runtime(&["delete", bundle.id()]).unwrap().ok();
    let lines = lines(&bundle);
    let mut points: Vec<&str> = lines.iter().map(|(point, ..)| point.as_str()).collect();
    // It wrote to a file of its own.
    points.retain(|point| *point != "startContainer");
    assert_eq!(
        points,
        [
            "prestart",
            "createRuntime",
            "createContainer",
            "poststart",
            "poststop"
        ]
    );
    assert_eq!(lines.len(), 6, "{lines:?}");
    for (point, namespace, state) in &lines {
        let is_inside = ["createContainer", "startContainer"].contains(&point.as_str());
        // After the end the number of its namespace may be another's.
        let is_right = point == "poststop" || (*namespace == inside) == is_inside;
        assert!(
            is_right,
            "{point} runs in {namespace}, the container in {inside}"
        );
        assert_eq!(state["id"], bundle.id(), "{point}");
        assert_eq!(state["annotations"]["org.example.key"], "value", "{point}");
        assert!(state["ociVersion"].is_string(), "{point}");
    }
    let folder = bundle.path("").display().to_string();
    let folder = folder.trim_end_matches('/');
    let names = |state: &Value| {
        state["bundle"]
            .as_str()
            .map(|name| name.trim_end_matches('/') == folder)
    };
    let wrong = lines.iter().find(|(.., state)| names(state) != Some(true));
    expect(
        "hook-bundle",
        wrong.map_or(Ok(()), |(point, ..)| Err(point.clone())),
    );
    let of = |point: &str| {
        lines
            .iter()
            .find(|(found, ..)| found == point)
            .unwrap()
            .2
            .clone()
    };
    for (name, point, status) in [
        ("hook-status-prestart", "prestart", "creating"),
        ("hook-status-create-runtime", "createRuntime", "creating"),
        (
            "hook-status-create-container",
            "createContainer",
            "creating",
        ),
        ("hook-status-start-container", "startContainer", "created"),
        ("hook-status-poststart", "poststart", "running"),
        ("hook-status-poststop", "poststop", "stopped"),
    ] {
        let found = &of(point)["status"];
        expect(
            name,
            (found == status)
                .then_some(())
                .ok_or(format!("{found}, not {status}")),
        );
    }
    assert_eq!(of("createRuntime")["pid"], pid);
    assert_eq!(of("poststart")["pid"], pid);
}

#[test]
fn a_hook_that_fails_before_the_start_ends_the_container_and_leaves_nothing() {
    for point in [
        "prestart",
        "createRuntime",
        "createContainer",
        "startContainer",
    ] {
        let Some(bundle) = bundle() else { return };
        let mut config = bundle.config(&["/bin/probe", "facts"]);
        config["hooks"] = json!({point: [{"path": "/bin/sh", "args": ["sh", "-c", "exit 3"]}]});
        let ran = bundle.run(&config).unwrap();
        assert_ne!(ran.code, Some(0), "{point}");
        assert_eq!(ran.stdout, "", "{point}: the program ran");
        bundle.delete().unwrap();
        assert_eq!(bundle.left(), Vec::<String>::new(), "{point}");
    }
}

#[test]
fn a_hook_that_fails_after_the_end_changes_nothing() {
    let Some(bundle) = bundle() else { return };
    let mut config = bundle.config(&["/bin/probe", "facts"]);
    config["hooks"] = json!({"poststop": [
        {"path": "/bin/sh", "args": ["sh", "-c", "exit 3"]},
        {"path": "/bin/sh", "args": ["sh", "-c", format!("echo second > {}", bundle.path("second").display())]},
    ]});
    let ran = bundle.run(&config).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    bundle.delete().unwrap();
    let second = bundle.path("second").exists();
    expect(
        "hook-after-a-failed-one",
        second.then_some(()).ok_or("it did not run".to_owned()),
    );
    assert_eq!(bundle.left(), Vec::<String>::new());
}

#[test]
fn a_hook_that_hangs_is_ended_after_its_timeout() {
    let Some(bundle) = bundle() else { return };
    let mut config = bundle.config(&["/bin/probe", "facts"]);
    config["hooks"] =
        json!({"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "100"], "timeout": 1}]});
    let ran = bundle.run(&config).unwrap();
    assert_ne!(ran.code, Some(0));
    assert_eq!(ran.stdout, "", "the program ran");
    bundle.delete().unwrap();
    assert_eq!(bundle.left(), Vec::<String>::new());
}

#[test]
fn a_hook_without_a_program_or_with_a_relative_one_is_refused() {
    let Some(bundle) = bundle() else { return };
    for path in ["/no/such/hook", "bin/sh", ""] {
        let mut config = bundle.config(&["/bin/probe", "facts"]);
        config["hooks"] = json!({"createRuntime": [{"path": path}]});
        let ran = bundle.run(&config).unwrap();
        assert_ne!(ran.code, Some(0), "{path:?}");
        bundle.delete().unwrap();
    }
    assert_eq!(bundle.left(), Vec::<String>::new());
}
