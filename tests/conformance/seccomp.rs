//! `linux.seccomp`: every action, condition and flag.

use serde_json::{Value, json};

use crate::case::{Case, check};

/// Code of a process that the kernel ended with SIGSYS.
const BAD_SYSCALL: i32 = 128 + 31;

fn profile(default: &str, rules: Value) -> Value {
    json!({"linux": {"seccomp": {
        "defaultAction": default,
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": rules,
    }}})
}

fn rule(name: &'static str, rule: Value, act: &str) -> Case {
    Case::new(
        name,
        profile("SCMP_ACT_ALLOW", json!([rule])),
        &["act", act],
    )
}

#[test]
fn every_action_does_what_it_says() {
    let mkdir = |action: &str| json!({"names": ["mkdir", "mkdirat"], "action": action});
    let with_errno = |errno: u32| json!({"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno});
    let answer = |answer: &str| json!({"mkdir /tmp/x": answer});
    check([
        Case::new("seccomp-none", json!({}), &["facts"]).finds(json!({"status": {"Seccomp": "0"}})),
        Case::new(
            "seccomp-is-a-filter",
            profile("SCMP_ACT_ALLOW", json!([mkdir("SCMP_ACT_ERRNO")])),
            &["facts"],
        )
        .finds(json!({"status": {"Seccomp": "2", "Seccomp_filters": "1"}})),
        rule(
            "seccomp-errno-default",
            mkdir("SCMP_ACT_ERRNO"),
            "mkdir /tmp/x",
        )
        .finds(answer("EPERM")),
        rule("seccomp-errno-of-the-rule", with_errno(28), "mkdir /tmp/x").finds(answer("ENOSPC")),
        rule("seccomp-log", mkdir("SCMP_ACT_LOG"), "mkdir /tmp/x").finds(answer("ok")),
        // Nobody traces it: the call is as if the kernel did not have it; seccomp(2).
        rule("seccomp-trace", mkdir("SCMP_ACT_TRACE"), "mkdir /tmp/y")
            .finds(json!({"mkdir /tmp/y": "ENOSYS"})),
        rule("seccomp-kill", mkdir("SCMP_ACT_KILL"), "mkdir /tmp/x").exits(BAD_SYSCALL),
        rule(
            "seccomp-kill-thread",
            mkdir("SCMP_ACT_KILL_THREAD"),
            "mkdir /tmp/x",
        )
        .exits(BAD_SYSCALL),
        rule(
            "seccomp-kill-process",
            mkdir("SCMP_ACT_KILL_PROCESS"),
            "mkdir /tmp/x",
        )
        .exits(BAD_SYSCALL),
        rule("seccomp-trap", mkdir("SCMP_ACT_TRAP"), "mkdir /tmp/x").exits(BAD_SYSCALL),
        rule(
            "seccomp-others-are-allowed",
            mkdir("SCMP_ACT_KILL"),
            "create /tmp/f",
        )
        .finds(json!({"create /tmp/f": "ok"})),
        rule(
            "seccomp-unknown-action",
            mkdir("SCMP_ACT_NONSENSE"),
            "create /tmp/f",
        )
        .refused(),
    ]);
}

#[test]
fn what_no_rule_names_gets_the_default() {
    let allowed: Vec<&str> = vec![
        "access",
        "arch_prctl",
        "brk",
        "capget",
        "capset",
        "chdir",
        "clone",
        "close",
        "close_range",
        "dup",
        "dup2",
        "dup3",
        "execve",
        "exit",
        "exit_group",
        "fchdir",
        "fcntl",
        "fstat",
        "fstatfs",
        "futex",
        "getcwd",
        "getdents64",
        "getpid",
        "getppid",
        "getrandom",
        "gettid",
        "ioctl",
        "lseek",
        "lstat",
        "mmap",
        "mprotect",
        "munmap",
        "newfstatat",
        "open",
        "openat",
        "poll",
        "ppoll",
        "prctl",
        "pread64",
        "prlimit64",
        "read",
        "readlink",
        "readlinkat",
        "rseq",
        "rt_sigaction",
        "rt_sigprocmask",
        "rt_sigreturn",
        "sched_getaffinity",
        "sched_yield",
        "set_robust_list",
        "set_tid_address",
        "setgid",
        "setgroups",
        "setresgid",
        "setresuid",
        "setuid",
        "sigaltstack",
        "stat",
        "statx",
        "tgkill",
        "uname",
        "unlink",
        "write",
        "writev",
        "mremap",
        "madvise",
        "epoll_wait",
        "epoll_pwait",
        "epoll_ctl",
        "nanosleep",
        "statfs",
        "faccessat2",
        "sendto",
        "recvfrom",
        "sendmsg",
        "recvmsg",
        "connect",
        "socket",
        "epoll_create1",
        "eventfd2",
        "pidfd_open",
        "tkill",
        "kill",
        "wait4",
        "umask",
        "getuid",
        "geteuid",
        "getgid",
        "getegid",
        "getpgrp",
        "getgroups",
        "keyctl",
    ];
    let rules = json!([{"names": allowed, "action": "SCMP_ACT_ALLOW"}]);
    let mut with_errno = profile("SCMP_ACT_ERRNO", rules.clone());
    with_errno["linux"]["seccomp"]["defaultErrnoRet"] = json!(38);
    check([
        Case::new(
            "seccomp-default-errno",
            profile("SCMP_ACT_ERRNO", rules),
            &["act", "mkdir /tmp/d"],
        )
        .finds(json!({"mkdir /tmp/d": "EPERM"})),
        Case::new(
            "seccomp-default-errno-of-the-profile",
            with_errno,
            &["act", "mkdir /tmp/d"],
        )
        .finds(json!({"mkdir /tmp/d": "ENOSYS"})),
        Case::new(
            "seccomp-empty-profile",
            profile("SCMP_ACT_ALLOW", json!([])),
            &["act", "mkdir /tmp/d"],
        )
        .finds(json!({"mkdir /tmp/d": "ok"})),
    ]);
}

/// The mode is the second argument of chmod(2), and a number that a test can choose.
fn condition(
    name: &'static str,
    op: &str,
    (value, second): (u64, u64),
    mode: &str,
    is_denied: bool,
) -> Case {
    let args = json!([{"index": 1, "op": op, "value": value, "valueTwo": second}]);
    let deny = json!({"names": ["chmod", "fchmodat", "fchmodat2"], "action": "SCMP_ACT_ERRNO", "errnoRet": 16, "args": args});
    // fchmodat(2) has it as its third: only chmod is used by the probe.
    let act = format!("chmod /tmp {mode}");
    let answer = if is_denied { "EBUSY" } else { "ok" };
    let expected = json!({act.as_str(): answer});
    rule(name, deny, &act).finds(expected)
}

#[test]
fn conditions_on_arguments_hold() {
    check([
        condition("seccomp-eq", "SCMP_CMP_EQ", (0o700, 0), "700", true),
        condition("seccomp-eq-not", "SCMP_CMP_EQ", (0o700, 0), "701", false),
        condition("seccomp-ne", "SCMP_CMP_NE", (0o700, 0), "701", true),
        condition("seccomp-ne-not", "SCMP_CMP_NE", (0o700, 0), "700", false),
        condition("seccomp-lt", "SCMP_CMP_LT", (0o700, 0), "677", true),
        condition("seccomp-lt-not", "SCMP_CMP_LT", (0o700, 0), "700", false),
        condition("seccomp-le", "SCMP_CMP_LE", (0o700, 0), "700", true),
        condition("seccomp-le-not", "SCMP_CMP_LE", (0o700, 0), "701", false),
        condition("seccomp-gt", "SCMP_CMP_GT", (0o700, 0), "701", true),
        condition("seccomp-gt-not", "SCMP_CMP_GT", (0o700, 0), "700", false),
        condition("seccomp-ge", "SCMP_CMP_GE", (0o700, 0), "700", true),
        condition("seccomp-ge-not", "SCMP_CMP_GE", (0o700, 0), "677", false),
        condition("seccomp-masked", "SCMP_CMP_MASKED_EQ", (0o070, 0o050), "752", true),
        condition("seccomp-masked-not", "SCMP_CMP_MASKED_EQ", (0o070, 0o050), "742", false),
        rule("seccomp-unknown-operator", json!({"names": ["chmod"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "op": "SCMP_CMP_NONSENSE", "value": 1}]}), "create /tmp/f").refused(),
        rule("seccomp-index-too-large", json!({"names": ["chmod"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 6, "op": "SCMP_CMP_EQ", "value": 1}]}), "create /tmp/f").refused(),
    ]);
}

#[test]
fn conditions_of_one_rule_must_all_hold_and_of_several_any() {
    let on = |index: u32, op: &str, value: u64| json!({"index": index, "op": op, "value": value});
    let deny = |args: Value| json!({"names": ["chmod"], "action": "SCMP_ACT_ERRNO", "errnoRet": 16, "args": args});
    let both = || {
        deny(json!([
            on(1, "SCMP_CMP_GE", 0o700),
            on(2, "SCMP_CMP_EQ", u64::MAX)
        ]))
    };
    let either = profile(
        "SCMP_ACT_ALLOW",
        json!([
            deny(json!([on(1, "SCMP_CMP_EQ", 0o700)])),
            deny(json!([on(1, "SCMP_CMP_EQ", 0o711)])),
        ]),
    );
    let acts = ["act", "chmod /tmp 700", "chmod /tmp 711", "chmod /tmp 755"];
    check([
        rule("seccomp-all-conditions", both(), "chmod /tmp 755")
            .finds(json!({"chmod /tmp 755": "ok"})),
        Case::new("seccomp-any-rule", either, &acts).finds(
            json!({"chmod /tmp 700": "EBUSY", "chmod /tmp 711": "EBUSY", "chmod /tmp 755": "ok"}),
        ),
    ]);
}

#[test]
fn odd_profiles_are_taken_or_refused_but_never_dropped() {
    let errno = |names: Value| json!([{"names": names, "action": "SCMP_ACT_ERRNO"}]);
    let with = |key: &str, value: Value| {
        let mut edit = profile("SCMP_ACT_ALLOW", errno(json!(["mkdir"])));
        edit["linux"]["seccomp"][key] = value;
        edit
    };
    let holds = |name, edit| {
        Case::new(name, edit, &["act", "mkdir /tmp/x"]).finds(json!({"mkdir /tmp/x": "EPERM"}))
    };
    let privileged = |mut edit: Value| {
        let caps = json!(["CAP_SYS_ADMIN"]);
        edit["process"] = json!({"noNewPrivileges": false, "capabilities": {"bounding": caps, "effective": caps, "permitted": caps}});
        edit
    };
    check([
        // Profiles are written for many kernels; seccomp of the spec says nothing of unknown names.
        holds(
            "seccomp-unknown-name",
            profile("SCMP_ACT_ALLOW", errno(json!(["mkdir", "no_such_call"]))),
        ),
        holds(
            "seccomp-flag-log",
            with("flags", json!(["SECCOMP_FILTER_FLAG_LOG"])),
        ),
        holds(
            "seccomp-flag-spec-allow",
            with("flags", json!(["SECCOMP_FILTER_FLAG_SPEC_ALLOW"])),
        ),
        Case::new(
            "seccomp-flag-unknown",
            with("flags", json!(["SECCOMP_FILTER_FLAG_NONSENSE"])),
            &["facts"],
        )
        .refused(),
        holds(
            "seccomp-other-architectures",
            with(
                "architectures",
                json!(["SCMP_ARCH_AARCH64", "SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]),
            ),
        ),
        Case::new(
            "seccomp-unknown-architecture",
            with("architectures", json!(["SCMP_ARCH_NONSENSE"])),
            &["facts"],
        )
        .refused(),
        holds(
            "seccomp-without-no-new-privileges",
            privileged(profile("SCMP_ACT_ALLOW", errno(json!(["mkdir"])))),
        ),
        holds(
            "seccomp-without-architectures",
            with("architectures", json!([])),
        ),
    ]);
}
