//! `process`: what the program is given.

use serde_json::json;

use crate::case::{Case, check};

fn facts(name: &'static str, process: serde_json::Value) -> Case {
    Case::new(name, json!({"process": process}), &["facts"])
}

#[test]
fn arguments_environment_and_working_directory_are_those_of_the_spec() {
    check([
        Case::new("arguments", json!({}), &["facts", "a b", "", "$HOME", "*"])
            .finds(json!({"arguments": ["a b", "", "$HOME", "*"], "pid": 1})),
        facts("env", json!({"env": ["PATH=/bin", "A=1", "B=x=y", "C="]})).finds(
            json!({"env": {"PATH": "/bin", "A": "1", "B": "x=y", "C": "", "LISTEN_FDS": null}}),
        ),
        facts("env-home", json!({"env": ["HOME=/elsewhere"]}))
            .finds(json!({"env": {"HOME": "/elsewhere"}})),
        facts("cwd", json!({"cwd": "/tmp"})).finds(json!({"cwd": "/tmp"})),
        facts("cwd-made", json!({"cwd": "/made/for/it"})).finds(json!({"cwd": "/made/for/it"})),
        facts("cwd-relative", json!({"cwd": "tmp"})).refused(),
        facts("cwd-file", json!({"cwd": "/etc/passwd"})).refused(),
        facts("cwd-missing", json!({"cwd": null})).refused(),
        facts(
            "args-relative-to-path",
            json!({"args": ["probe", "facts"], "env": ["PATH=/nowhere:/bin"]}),
        )
        .finds(json!({"pid": 1})),
        facts(
            "args-relative-to-cwd",
            json!({"args": ["./probe", "facts"], "cwd": "/bin"}),
        )
        .finds(json!({"pid": 1, "cwd": "/bin"})),
        facts("args-empty", json!({"args": []})).refused(),
        facts("args-missing", json!({"args": null})).refused(),
        facts("session-of-its-own", json!({})).finds(json!({"session": 1})),
        facts("no-descriptor-but-three", json!({}))
            .finds(json!({"descriptors": {"4": null, "5": null, "6": null, "7": null, "8": null}})),
    ]);
}

#[test]
fn the_exit_code_is_that_of_the_program() {
    let script = |name, script: &str, code| {
        let edit = json!({"process": {"args": ["sh", "-c", script]}});
        Case::new(name, edit, &[]).exits(code)
    };
    check([
        Case::new("exit-0", json!({}), &["exit", "0"]).exits(0),
        Case::new("exit-1", json!({}), &["exit", "1"]).exits(1),
        Case::new("exit-255", json!({}), &["exit", "255"]).exits(255),
        script("exit-by-signal", "sh -c 'kill -9 $$'; exit $?", 137),
    ]);
}

#[test]
fn programs_that_cannot_be_executed_are_refused() {
    let Some(bundle) = crate::case::bundle() else {
        return;
    };
    let write = |name: &str, bytes: &[u8], mode| {
        let path = bundle.rootfs(name);
        std::fs::write(&path, bytes).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(path, mode).unwrap();
    };
    write("text", b"no program", 0o644);
    write("bad-interpreter", b"#!/no/such\n", 0o755);
    // An ELF header for a machine that this is not (EM_S390).
    let mut foreign = b"\x7fELF\x02\x02\x01".to_vec();
    foreign.resize(64, 0);
    foreign[18..20].copy_from_slice(&[0, 22]);
    write("foreign", &foreign, 0o755);
    let program =
        |name, path: &str| Case::new(name, json!({"process": {"args": [path]}}), &[]).refused();
    crate::case::check_in(
        &bundle,
        [
            program("program-missing", "/no/such"),
            program("program-not-in-path", "nosuch"),
            program("program-is-a-folder", "/etc"),
            program("program-not-executable", "/text"),
            program("program-without-interpreter", "/bad-interpreter"),
            program("program-of-another-machine", "/foreign"),
        ],
    );
}

#[test]
fn limits_are_set() {
    let limit =
        |kind: &str, soft: u64, hard: u64| json!([{"type": kind, "soft": soft, "hard": hard}]);
    let case = |name, limits| facts(name, json!({"rlimits": limits}));
    check([
        case("rlimit-nofile", limit("RLIMIT_NOFILE", 100, 200))
            .finds(json!({"limits": {"Max open files": "100 200"}})),
        case("rlimit-core", limit("RLIMIT_CORE", 0, 0))
            .finds(json!({"limits": {"Max core file size": "0 0"}})),
        case("rlimit-cpu", limit("RLIMIT_CPU", 50, 60))
            .finds(json!({"limits": {"Max cpu time": "50 60"}})),
        case("rlimit-data", limit("RLIMIT_DATA", 1 << 30, 1 << 31))
            .finds(json!({"limits": {"Max data size": "1073741824 2147483648"}})),
        case("rlimit-fsize", limit("RLIMIT_FSIZE", 1 << 20, 1 << 21))
            .finds(json!({"limits": {"Max file size": "1048576 2097152"}})),
        case("rlimit-locks", limit("RLIMIT_LOCKS", 5, 6))
            .finds(json!({"limits": {"Max file locks": "5 6"}})),
        case("rlimit-memlock", limit("RLIMIT_MEMLOCK", 4096, 8192))
            .finds(json!({"limits": {"Max locked memory": "4096 8192"}})),
        case("rlimit-msgqueue", limit("RLIMIT_MSGQUEUE", 1000, 2000))
            .finds(json!({"limits": {"Max msgqueue size": "1000 2000"}})),
        case("rlimit-nice", limit("RLIMIT_NICE", 0, 0))
            .finds(json!({"limits": {"Max nice priority": "0 0"}})),
        case("rlimit-nproc", limit("RLIMIT_NPROC", 500, 600))
            .finds(json!({"limits": {"Max processes": "500 600"}})),
        case("rlimit-rss", limit("RLIMIT_RSS", 1 << 20, 1 << 21))
            .finds(json!({"limits": {"Max resident set": "1048576 2097152"}})),
        case("rlimit-rtprio", limit("RLIMIT_RTPRIO", 0, 0))
            .finds(json!({"limits": {"Max realtime priority": "0 0"}})),
        case("rlimit-rttime", limit("RLIMIT_RTTIME", 1000, 2000))
            .finds(json!({"limits": {"Max realtime timeout": "1000 2000"}})),
        case("rlimit-sigpending", limit("RLIMIT_SIGPENDING", 10, 20))
            .finds(json!({"limits": {"Max pending signals": "10 20"}})),
        case("rlimit-stack", limit("RLIMIT_STACK", 1 << 20, 1 << 23))
            .finds(json!({"limits": {"Max stack size": "1048576 8388608"}})),
        case("rlimit-soft-above-hard", limit("RLIMIT_NOFILE", 200, 100)).refused(),
        case("rlimit-unknown", limit("RLIMIT_NONSENSE", 1, 1)).refused(),
        case(
            "rlimit-twice",
            json!([{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}, {"type": "RLIMIT_CORE", "soft": 1, "hard": 1}]),
        )
        .refused(),
    ]);
}

#[test]
fn scheduling_memory_and_personality_are_set() {
    let prints = |name, process, linux, program: &[&str], expected: &str| {
        let mut act = vec!["act".to_owned()];
        act.push(format!("execute {}", program.join(" ")));
        let words: Vec<&str> = act.iter().map(String::as_str).collect();
        let edit = json!({"process": process, "linux": linux});
        let answer = json!({format!("execute {}", program.join(" ")): expected});
        Case::new(name, edit, &words).finds(answer)
    };
    check([
        facts("oom-score-adj", json!({"oomScoreAdj": 500})).finds(json!({"oom_score_adj": "500"})),
        Case::new(
            "personality-linux32",
            json!({"linux": {"personality": {"domain": "LINUX32"}}}),
            &["facts"],
        )
        .finds(json!({"personality": "00000008"})),
        Case::new(
            "personality-linux",
            json!({"linux": {"personality": {"domain": "LINUX"}}}),
            &["facts"],
        )
        .finds(json!({"personality": "00000000"})),
        facts(
            "scheduler-batch",
            json!({"scheduler": {"policy": "SCHED_BATCH", "nice": 5}}),
        )
        .finds(json!({"scheduling": {"policy": 3, "nice": 5}})),
        facts(
            "scheduler-other",
            json!({"scheduler": {"policy": "SCHED_OTHER", "nice": 7}}),
        )
        .finds(json!({"scheduling": {"policy": 0, "nice": 7}})),
        facts(
            "scheduler-idle",
            json!({"scheduler": {"policy": "SCHED_IDLE"}}),
        )
        .finds(json!({"scheduling": {"policy": 5}})),
        facts(
            "scheduler-unknown",
            json!({"scheduler": {"policy": "SCHED_NONSENSE"}}),
        )
        .refused(),
        prints(
            "ioprio-idle",
            json!({"ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 0}}),
            json!({}),
            &["/bin/ionice"],
            "idle",
        ),
        prints(
            "ioprio-best-effort",
            json!({"ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6}}),
            json!({}),
            &["/bin/ionice"],
            "best-effort: prio 6",
        ),
    ]);
}
