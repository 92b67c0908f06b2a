//! `exec`: another process in a running container.

use std::fs;

use serde_json::{Value, json};
use terrarium_tests::{Bundle, Ran};

use crate::case::{bundle, contains, expect, merge};

fn running(edit: Value) -> Option<Bundle> {
    let bundle = bundle()?;
    let mut config = bundle.config(&["/bin/probe", "sleep"]);
    merge(&mut config, &edit);
    bundle.start(&config).unwrap();
    Some(bundle)
}

fn exec(bundle: &Bundle, options: &[&str], command: &[&str]) -> Ran {
    let mut args = vec!["exec"];
    args.extend(options);
    args.push(bundle.id());
    args.extend(command);
    bundle.runtime(&args).unwrap()
}

fn facts(bundle: &Bundle, options: &[&str]) -> Value {
    serde_json::from_str(exec(bundle, options, &["/bin/probe", "facts"]).ok()).unwrap()
}

#[test]
fn it_joins_every_namespace_and_cgroup_of_the_container() {
    let Some(bundle) = running(json!({"linux": {"namespaces+": [{"type": "cgroup"}]}})) else {
        return;
    };
    let found = facts(&bundle, &[]);
    let pid = &bundle.state().unwrap()["pid"];
    for kind in ["pid", "net", "ipc", "uts", "mnt", "cgroup", "user"] {
        let of_init = fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
        assert_eq!(
            found["namespaces"][kind],
            of_init.display().to_string(),
            "{kind}"
        );
    }
    let cgroups = found["cgroups"].as_str().unwrap();
    let pids = cgroups
        .lines()
        .find(|line| line.contains("pids") || line.starts_with("0::"));
    assert!(pids.unwrap().ends_with(":/"), "{cgroups}");
    assert_ne!(found["pid"], 1);
}

#[test]
fn its_exit_code_is_its_own() {
    let Some(bundle) = running(json!({})) else {
        return;
    };
    for code in ["0", "7", "255"] {
        let ran = exec(&bundle, &[], &["/bin/probe", "exit", code]);
        assert_eq!(ran.code, code.parse().ok());
    }
    assert_ne!(exec(&bundle, &[], &["/no/such"]).code, Some(0));
    assert_eq!(bundle.state().unwrap()["status"], "running");
}

#[test]
fn options_change_what_the_containers_process_has() {
    let Some(bundle) = running(json!({"process": {"cwd": "/tmp", "env+": ["OF=init"]}})) else {
        return;
    };
    let cases: [(&'static str, &[&str], Value); 6] = [
        (
            "exec-defaults",
            &[],
            json!({"cwd": "/tmp", "env": {"OF": "init"}}),
        ),
        ("exec-cwd", &["--cwd", "/etc"], json!({"cwd": "/etc"})),
        (
            "exec-env",
            &["--env", "A=1", "--env", "OF=exec"],
            json!({"env": {"A": "1", "OF": "exec"}}),
        ),
        (
            "exec-user",
            &["--user", "5:6"],
            json!({"status": {"Uid": "5\t5\t5\t5", "Gid": "6\t6\t6\t6"}}),
        ),
        (
            "exec-groups",
            &["--user", "5:6", "--additional-gids", "8"],
            json!({"groups": [8]}),
        ),
        (
            "exec-capability",
            &["--cap", "CAP_CHOWN"],
            json!({"status": {"CapEff": "0000000000000001"}}),
        ),
    ];
    for (name, options, expected) in cases {
        let ran = exec(&bundle, options, &["/bin/probe", "facts"]);
        let found = serde_json::from_str(&ran.stdout).map_err(|_| ran.stderr);
        expect(
            name,
            found.and_then(|found| contains(&found, &expected, "")),
        );
    }
}

/// CVE-2026-30892: a user that is no number became root.
#[test]
fn a_user_that_is_no_number_is_refused() {
    let Some(bundle) = running(json!({})) else {
        return;
    };
    let mut taken = ["nobody", ":", "1:", "-1", "1:x", "4294967296", "0x1", "1 2"].to_vec();
    taken.retain(|user| {
        let ran = exec(&bundle, &["--user", user], &["/bin/probe", "facts"]);
        ran.code == Some(0) || !ran.stdout.is_empty()
    });
    let verdict = taken.is_empty().then_some(());
    expect(
        "exec-user-nonsense",
        verdict.ok_or(format!("taken: {taken:?}")),
    );
}

#[test]
fn a_process_of_a_file_is_taken_as_it_is() {
    let Some(bundle) = running(json!({})) else {
        return;
    };
    let caps = json!(["CAP_KILL"]);
    let process = json!({
        "user": {"uid": 11, "gid": 12, "additionalGids": [13]},
        "args": ["/bin/probe", "facts"],
        "env": ["PATH=/bin", "ONLY=this"],
        "cwd": "/etc",
        "capabilities": {"bounding": caps, "effective": caps, "permitted": caps, "inheritable": caps, "ambient": caps},
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}],
        "noNewPrivileges": true,
        "oomScoreAdj": 300,
    });
    fs::write(bundle.path("process.json"), process.to_string()).unwrap();
    let path = bundle.path("process.json").display().to_string();
    let ran = bundle
        .runtime(&["exec", "--process", &path, bundle.id()])
        .unwrap();
    let found: Value = serde_json::from_str(ran.ok()).unwrap();
    let wanted = json!({
        "status": {"Uid": "11\t11\t11\t11", "CapEff": "0000000000000020", "NoNewPrivs": "1"},
        "groups": [13], "cwd": "/etc", "env": {"ONLY": "this", "OF": null},
        "limits": {"Max open files": "77 88"}, "oom_score_adj": "300",
    });
    expect("exec-process", contains(&found, &wanted, ""));
}

#[test]
fn it_is_filtered_like_the_container() {
    let rules = json!([{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]);
    let edit =
        json!({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}}});
    let Some(bundle) = running(edit) else { return };
    let ran = exec(&bundle, &[], &["/bin/probe", "act", "mkdir /tmp/x"]);
    let found: Value = serde_json::from_str(ran.ok()).unwrap();
    assert_eq!(found, json!({"mkdir /tmp/x": "EPERM"}));
}

#[test]
fn detached_it_goes_on_and_leaves_its_pid() {
    let Some(bundle) = running(json!({})) else {
        return;
    };
    exec(
        &bundle,
        &["--detach", "--pid-file", "exec.pid"],
        &["/bin/probe", "sleep"],
    )
    .ok();
    let pid = fs::read_to_string(bundle.path("exec.pid")).unwrap();
    let line = || fs::read_to_string(format!("/proc/{}/cmdline", pid.trim())).unwrap();
    // The pid may be that of a process on its way to the program.
    while !line().contains("/bin/probe") {
        std::thread::yield_now();
    }
    bundle.runtime(&["kill", bundle.id(), "KILL"]).unwrap().ok();
    bundle.wait_for("stopped").unwrap();
}
