//! Configurations that are wrong: each is refused before the program runs, and nothing is left.

use serde_json::{Value, json};

use crate::case::{Case, bundle, check, expect};

/// Every field that a program cannot run without, or that protects, with something of another type.
const FIELDS: &[&str] = &[
    "/process",
    "/process/args",
    "/process/args/0",
    "/process/cwd",
    "/process/env",
    "/process/user",
    "/process/user/uid",
    "/process/user/gid",
    "/process/user/additionalGids",
    "/process/capabilities",
    "/process/capabilities/bounding",
    "/process/rlimits",
    "/process/noNewPrivileges",
    "/process/oomScoreAdj",
    "/process/terminal",
    "/root",
    "/root/path",
    "/root/readonly",
    "/hostname",
    "/mounts",
    "/mounts/0",
    "/mounts/0/destination",
    "/mounts/0/options",
    "/hooks",
    "/hooks/createRuntime",
    "/linux",
    "/linux/namespaces",
    "/linux/namespaces/0",
    "/linux/namespaces/0/type",
    "/linux/uidMappings",
    "/linux/devices",
    "/linux/cgroupsPath",
    "/linux/resources",
    "/linux/resources/memory",
    "/linux/resources/memory/limit",
    "/linux/resources/pids",
    "/linux/resources/devices",
    "/linux/seccomp",
    "/linux/seccomp/defaultAction",
    "/linux/seccomp/syscalls",
    "/linux/sysctl",
    "/linux/maskedPaths",
    "/linux/readonlyPaths",
    "/linux/rootfsPropagation",
    "/annotations",
];

/// What stands there instead.
fn wrongs() -> [Value; 5] {
    [
        json!(-12345.5),
        json!("\u{0}nonsense"),
        json!([[["deep"]]]),
        json!({"nonsense": {"deep": 1}}),
        json!("x".repeat(100_000)),
    ]
}

fn put(config: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    if config.pointer(parent).is_none() {
        put(config, parent, json!({}));
    }
    let parent = config.pointer_mut(parent).unwrap();
    match key.parse::<usize>() {
        Ok(index) => parent[index] = value,
        Err(_) => parent[key] = value,
    }
}

#[test]
fn a_field_of_another_type_is_an_error_and_never_a_crash() {
    let Some(bundle) = bundle() else { return };
    let mut wrong = Vec::new();
    for field in FIELDS {
        for value in wrongs() {
            let mut config = bundle.config(&["/bin/probe", "exit", "0"]);
            put(&mut config, field, value.clone());
            let ran = bundle.run(&config).unwrap();
            let shown: String = value.to_string().chars().take(30).collect();
            // Some may be taken: a text is a text. But nobody dies of it, and a refusal has a reason.
            if ran.code.is_none_or(|code| code >= 128) || ran.stderr.contains("panic") {
                wrong.push(format!("{field} = {shown}: {:?} {}", ran.code, ran.stderr));
            } else if ran.code != Some(0) && ran.stderr.trim().is_empty() {
                wrong.push(format!("{field} = {shown}: refused without a reason"));
            }
            let _ = bundle.delete();
        }
    }
    let left = bundle.left();
    wrong.extend(left.into_iter().map(|left| format!("left {left}")));
    let verdict = if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    };
    expect("wrong-types", verdict);
}

#[test]
fn texts_that_are_no_configuration_are_refused() {
    let Some(bundle) = bundle() else { return };
    let deep = "[".repeat(200_000);
    for text in [
        "",
        "{",
        "null",
        "[]",
        "\"x\"",
        "{}",
        "{\"ociVersion\": 1}",
        deep.as_str(),
    ] {
        std::fs::write(bundle.path("config.json"), text).unwrap();
        let ran = bundle.runtime(&["run", bundle.id()]).unwrap();
        let shown: String = text.chars().take(20).collect();
        assert!(
            ran.code.is_some_and(|code| (1..128).contains(&code)),
            "{shown:?}: {ran:?}"
        );
        assert!(!ran.stderr.is_empty(), "{shown:?}");
    }
    std::fs::remove_file(bundle.path("config.json")).unwrap();
    assert_ne!(bundle.runtime(&["run", bundle.id()]).unwrap().code, Some(0));
    let _ = bundle.delete();
    assert_eq!(bundle.left(), Vec::<String>::new());
}

#[test]
fn versions_that_are_not_of_this_specification_are_refused() {
    let version = |name, version: &str| Case::new(name, json!({"ociVersion": version}), &["facts"]);
    check([
        version("version-1.0.0", "1.0.0").finds(json!({"pid": 1})),
        version("version-1.0.2-dev", "1.0.2-dev").finds(json!({"pid": 1})),
        version("version-of-the-future", "2.0.0").refused(),
        version("version-nonsense", "nonsense").refused(),
        Case::new(
            "unknown-fields-are-ignored",
            json!({"org.example": {"a": 1}, "linux": {"nonsense": 1}}),
            &["facts"],
        )
        .finds(json!({"pid": 1})),
    ]);
}

#[test]
fn what_this_machine_cannot_do_is_refused_not_skipped() {
    check([
        Case::new(
            "apparmor-missing",
            json!({"process": {"apparmorProfile": "no-such-profile"}}),
            &["facts"],
        )
        .refused(),
        Case::new(
            "selinux-missing",
            json!({"process": {"selinuxLabel": "system_u:system_r:x_t:s0"}}),
            &["facts"],
        )
        .refused(),
        Case::new(
            "intel-rdt",
            json!({"linux": {"intelRdt": {"closID": "suite", "l3CacheSchema": "L3:0=f"}}}),
            &["facts"],
        )
        .refused(),
    ]);
}
