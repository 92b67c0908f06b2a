//! What a peer (runc 1.1.5, crun 1.8.1) is known to do otherwise. Each line is checked: when the peer has learned it, the
//! suite says so. There is none of ours.

use terrarium_tests::runtime_name;

/// Runtime, case, reason.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    ("runc", "hook-status-poststart", "tells `created`"),
    (
        "runc",
        "hook-after-a-failed-one",
        "the first failed hook ends the list",
    ),
    (
        "runc",
        "device-replaces-default",
        "opens the device that its own rules forbid",
    ),
    ("runc", "exec-process", "exec ignores `oomScoreAdj`"),
    (
        "runc",
        "exec-user-nonsense",
        "an id of more than 32 bits is cut",
    ),
    (
        "crun",
        "exec-user-nonsense",
        "what is no number is 0: CVE-2026-30892",
    ),
    ("crun", "exec-groups", "has no such option"),
    ("crun", "hook-bundle", "it is empty at one point"),
    ("crun", "hook-status-prestart", "tells `created`"),
    ("crun", "hook-status-create-runtime", "tells `created`"),
    ("crun", "hook-status-create-container", "tells `created`"),
    ("crun", "hook-status-start-container", "tells `starting`"),
    ("runc", "exec-in-created", "it is allowed"),
    ("runc", "idmap", "came with a later version"),
    ("runc", "rootfs-shared", "the root itself stays private"),
    (
        "runc",
        "rootfs-unbindable",
        "binds the root after it has become unbindable",
    ),
    ("runc", "time-offsets", "came with a later version"),
    ("runc", "domainname", "came with a later version"),
    ("runc", "personality-linux32", "came with a later version"),
    ("runc", "scheduler-batch", "came with a later version"),
    ("runc", "scheduler-other", "came with a later version"),
    ("runc", "scheduler-idle", "came with a later version"),
    ("runc", "scheduler-unknown", "came with a later version"),
    ("runc", "ioprio-idle", "came with a later version"),
    ("runc", "ioprio-best-effort", "came with a later version"),
    (
        "runc",
        "version-of-the-future",
        "the version is not looked at",
    ),
    ("runc", "version-nonsense", "the version is not looked at"),
    ("runc", "seccomp-flag-log", "flags are refused"),
    ("runc", "seccomp-flag-spec-allow", "flags are refused"),
    ("crun", "resume-twice", "it is allowed"),
    ("crun", "pids-unlimited", "writes -1 to pids.max"),
    ("crun", "uid-as-text", "text is read as 0"),
    ("crun", "device-unknown-type", "ignored"),
    ("crun", "exec-process", "exec ignores `oomScoreAdj`"),
    ("crun", "exec-defaults", "exec starts in `/`"),
    ("crun", "bad-id", "only `/` is refused"),
    ("crun", "unknown-signal", "taken for 0"),
    ("crun", "exec-in-created", "it is allowed"),
    ("crun", "rnoatime", "asks mount_setattr for an invalid pair"),
    ("crun", "idmap", "only with a user namespace"),
    ("crun", "suid", "the later option does not undo the earlier"),
    ("crun", "dev", "the later option does not undo the earlier"),
    ("crun", "exec", "the later option does not undo the earlier"),
    (
        "crun",
        "last-one-wins",
        "the later option does not undo the earlier",
    ),
    ("crun", "nosymfollow", "came with a later version"),
    (
        "crun",
        "shared",
        "the propagation of a new mount is not set",
    ),
    (
        "crun",
        "rshared",
        "the propagation of a new mount is not set",
    ),
    (
        "crun",
        "unbindable",
        "the propagation of a new mount is not set",
    ),
    (
        "crun",
        "runbindable",
        "the propagation of a new mount is not set",
    ),
    ("crun", "rootfs-nonsense", "ignored"),
    ("crun", "time-offsets", "came with a later version"),
    ("crun", "userns-without-maps", "a map is made up"),
    ("crun", "cwd-relative", "taken from the root"),
    ("crun", "scheduler-batch", "came with a later version"),
    ("crun", "scheduler-other", "came with a later version"),
    ("crun", "scheduler-idle", "came with a later version"),
    ("crun", "scheduler-unknown", "came with a later version"),
    ("crun", "ioprio-idle", "came with a later version"),
    ("crun", "ioprio-best-effort", "came with a later version"),
    ("crun", "intel-rdt", "ignored"),
];

/// What the specification got after both peers were written: they ignore it.
const LATER: &[&str] = &[
    "exec-affinity-final",
    "exec-affinity-initial",
    "features",
    "features-lists",
    "idmap-one",
    "memory-policy-bind",
    "memory-policy-flag-unknown",
    "memory-policy-flags",
    "memory-policy-mode-unknown",
    "memory-policy-nodes-nonsense",
    "net-device",
    "net-device-missing",
    "net-device-name-nonsense",
    "ridmap",
];

/// Why the runtime under test is not expected to pass.
pub(crate) fn deviation(case: &str) -> Option<&'static str> {
    let runtime = runtime_name();
    if ["runc", "crun"].contains(&runtime.as_str()) && LATER.contains(&case) {
        return Some("came with a later version");
    }
    DEVIATIONS
        .iter()
        .find(|(name, known, _)| *name == runtime && *known == case)
        .map(|(_, _, reason)| *reason)
}
