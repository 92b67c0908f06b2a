//! `config.json` to [`Plan`], for any bytes: an answer or a clear error, never a panic.
//!
//! A mutator of our own, as the stable compiler has no coverage to guide another: it starts from specs
//! that use every field, and changes values by type, so that most reach the planner.

use serde_json::{Value, json};

use super::tests::{ROOT, ROOT_OF_A_NAMESPACE, USER};
use super::*;

/// A generator that gives the same numbers for the same seed (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const WORDS: &[&str] = &[
    "",
    "/",
    "..",
    "../..",
    "/proc/self/fd/3",
    "a\0b",
    "\u{1f331}",
    "0-3,7",
    "65535-",
    "SCMP_ACT_NOTIFY",
    "SCMP_CMP_MASKED_EQ",
    "machine.slice:libpod:one",
    "idmap",
    "ridmap",
    "rro",
    "bind",
    "rbind",
    "tmpcopyup",
    "rshared",
    "mount",
    "user",
    "time",
    "CAP_SYS_ADMIN",
    "RLIMIT_NOFILE",
    "MPOL_BIND",
    "SCHED_DEADLINE",
    "IOPRIO_CLASS_RT",
    "net.core.somaxconn",
    "net/../kernel/panic",
    "9999999999999999999999",
    "sendmsg",
    "mkdir",
    "b",
    "c",
];

/// Whatever a field may meet.
fn value(numbers: &mut Numbers) -> Value {
    match numbers.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!([]),
        3 => json!({}),
        4 => json!(numbers.next()),
        5 => json!(-(numbers.next() as i64 & i64::MAX)),
        6 => json!(*numbers.pick(&[0_i64, 1, -1, 7, 255, 4096, i64::MAX, i64::MIN, 1 << 32])),
        7 => json!(1.5),
        8 => json!("x".repeat(numbers.below(5000))),
        9 => json!([{"type": "mount"}, {"containerID": 0, "hostID": 4_294_967_295_u32, "size": 2}]),
        _ => json!(*numbers.pick(WORDS)),
    }
}

/// Changes one place somewhere below.
fn mutate(at: &mut Value, numbers: &mut Numbers) {
    let stops = numbers.below(6) == 0;
    match at {
        Value::Object(fields) if !stops && !fields.is_empty() => {
            let index = numbers.below(fields.len());
            let key = fields.keys().nth(index).cloned().unwrap_or_default();
            match numbers.below(12) {
                0 => drop(fields.remove(&key)),
                1 => drop(fields.insert((*numbers.pick(WORDS)).to_owned(), value(numbers))),
                _ => mutate(&mut fields[&key], numbers),
            }
        }
        Value::Array(items) if !stops && !items.is_empty() => {
            let index = numbers.below(items.len());
            match numbers.below(10) {
                0 => drop(items.remove(index)),
                1 => items.push(items[index].clone()),
                _ => mutate(&mut items[index], numbers),
            }
        }
        other => *other = value(numbers),
    }
}

/// What the spec of the golden test lacks, by place.
const MORE: &str = r#"{
    "/process/scheduler": {"policy": "SCHED_FIFO", "priority": 3, "flags": []},
    "/process/ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 3},
    "/process/execCPUAffinity": {"initial": "0", "final": "1-2"},
    "/process/consoleSize": {"height": 9, "width": 9},
    "/linux/memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0", "flags": []},
    "/linux/netDevices": {"eth0": {"name": "x"}},
    "/linux/personality": {"domain": "LINUX32", "flags": []},
    "/linux/uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "/linux/gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "/linux/cgroupsPath": "/a/b",
    "/linux/rootfsPropagation": "rslave",
    "/linux/resources": {
        "memory": {"limit": 1}, "cpu": {"shares": 1, "cpus": "0"}, "pids": {"limit": 3},
        "unified": {"memory.high": "1"}, "rdma": {"m": {"hcaHandles": 1}},
        "hugepageLimits": [{"pageSize": "2MB", "limit": 1}],
        "blockIO": {
            "weight": 10, "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1}]
        },
        "devices": [{"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"}]
    },
    "/linux/seccomp": {
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "listenerPath": "/a",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [
            {"names": ["read", "mkdir"], "action": "SCMP_ACT_NOTIFY"},
            {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
             "args": [{"index": 0, "value": 7, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"}]}
        ]
    },
    "/hooks": {"poststop": [{"path": "/x", "args": ["x"], "env": ["A=b"], "timeout": 1}]}
}"#;

/// Specs that use every field that there is a plan for.
fn seeds() -> Vec<Value> {
    let mut full = super::tests::spec();
    let more: Value = serde_json::from_str(MORE).expect("it is JSON");
    for (pointer, value) in more.as_object().expect("it is an object") {
        let (parent, name) = pointer.rsplit_once('/').expect("it begins with one");
        full.pointer_mut(parent).expect("the test's spec has it")[name] = value.clone();
    }
    let mut mapped = full.clone();
    let linux = &mut mapped["linux"];
    let kinds = [
        "mount", "user", "time", "network", "pid", "uts", "ipc", "cgroup",
    ];
    linux["namespaces"] = kinds.iter().map(|kind| json!({"type": kind})).collect();
    linux["timeOffsets"] = json!({"monotonic": {"secs": 1, "nanosecs": 2}});
    let map = linux["uidMappings"].clone();
    mapped["mounts"][2]["uidMappings"] = map.clone();
    mapped["mounts"][2]["gidMappings"] = map;
    vec![full, mapped, super::tests::spec()]
}

/// One configuration from bytes to plan: Ok is a plan, the string is the text of the error.
fn plan(bytes: &[u8], host: Host) -> Result<(), String> {
    let spec: Spec = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let input = Input {
        id: "one",
        bundle: Path::new("/bundle"),
        spec: &spec,
        rootfs: &Rootfs::Path("rootfs".into()),
        cgroup_parent: None,
        cgroup_manager: CgroupManager::Files,
    };
    let by_systemd = Input {
        cgroup_manager: CgroupManager::Systemd,
        ..input
    };
    // A scope has a name and properties of the spec's, too; most paths are none of its own.
    let _ = Plan::new(&by_systemd, host);
    Plan::new(&input, host)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// (plans, errors) of so many configurations.
fn run(rounds: u64, seed: u64) -> (u64, u64) {
    let seeds = seeds();
    let hosts = [ROOT, USER, ROOT_OF_A_NAMESPACE];
    let mut numbers = Numbers(seed);
    let (mut planned, mut refused) = (0, 0);
    for _ in 0..rounds {
        let mut spec = numbers.pick(&seeds).clone();
        for _ in 0..=numbers.below(4) {
            mutate(&mut spec, &mut numbers);
        }
        let mut bytes = spec.to_string().into_bytes();
        if numbers.below(20) == 0 {
            let at = numbers.below(bytes.len());
            bytes[at] ^= 1 << numbers.below(8);
        }
        match plan(&bytes, *numbers.pick(&hosts)) {
            Ok(()) => planned += 1,
            Err(text) => {
                assert!(!text.is_empty() && text.len() < 20_000, "of {spec}: {text}");
                refused += 1;
            }
        }
    }
    (planned, refused)
}

#[test]
fn any_configuration_is_planned_or_refused() {
    for seed in seeds() {
        plan(seed.to_string().as_bytes(), ROOT).expect("a seed is a good spec");
    }
    let (planned, refused) = run(3_000, 7);
    assert!(
        planned > 100 && refused > 300,
        "{planned} planned, {refused} refused"
    );
}

/// `FUZZ_ROUNDS=10000000 cargo test --release -p terrarium-runtime --lib many_configurations -- --ignored`
#[test]
#[ignore = "takes as long as it is told to"]
fn many_configurations_are_planned_or_refused() {
    let number = |name: &str, default: u64| {
        let text = std::env::var(name).ok();
        text.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (planned, refused) = run(number("FUZZ_ROUNDS", 100_000), number("FUZZ_SEED", 1));
    eprintln!("{planned} planned, {refused} refused");
}
