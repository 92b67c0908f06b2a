//! `linux.resources` and `linux.cgroupsPath`: what the kernel was told, read from the host.

use std::{fs, path::Path};

use serde_json::{Value, json};
use terrarium_tests::Bundle;

use crate::case::{bundle, expect, merge};

/// Starts a container with these resources and reads a file of its cgroup: the first of the names
/// that is there, of v1 or of v2.
fn reads(bundle: &Bundle, resources: &Value, names: &[&str]) -> Result<String, String> {
    let mut config = bundle.config(&["/bin/probe", "sleep"]);
    merge(&mut config, &json!({"linux": {"resources": resources}}));
    let found = bundle
        .start(&config)
        .map_err(|error| format!("{error:#}"))
        .and_then(|()| file(bundle, names));
    bundle.delete().map_err(|error| error.to_string())?;
    found
}

fn file(bundle: &Bundle, names: &[&str]) -> Result<String, String> {
    let files = bundle.cgroups().into_iter();
    let mut files = files.flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    let found = files.find_map(|path| fs::read_to_string(path).ok());
    found
        .map(|text| text.trim().to_owned())
        .ok_or_else(|| format!("no {names:?} in {:?}", bundle.cgroups()))
}

#[test]
fn limits_reach_the_kernel() {
    let Some(bundle) = bundle() else { return };
    let cases: &[(&str, Value, &[&str], &[&str])] = &[
        (
            "memory-limit",
            json!({"memory": {"limit": 33_554_432}}),
            &["memory.limit_in_bytes", "memory.max"],
            &["33554432"],
        ),
        (
            "memory-reservation",
            json!({"memory": {"reservation": 16_777_216}}),
            &["memory.soft_limit_in_bytes", "memory.low"],
            &["16777216"],
        ),
        (
            "memory-swap",
            json!({"memory": {"limit": 33_554_432, "swap": 67_108_864}}),
            &["memory.memsw.limit_in_bytes", "memory.swap.max"],
            &["67108864", "33554432"],
        ),
        (
            "pids-limit",
            json!({"pids": {"limit": 17}}),
            &["pids.max"],
            &["17"],
        ),
        (
            "pids-unlimited",
            json!({"pids": {"limit": -1}}),
            &["pids.max"],
            &["max"],
        ),
        (
            "cpu-shares",
            json!({"cpu": {"shares": 512}}),
            &["cpu.shares", "cpu.weight"],
            // Two scales of weights: that of today's runtimes, and that of older ones.
            &["512", "59", "20"],
        ),
        (
            "cpu-quota",
            json!({"cpu": {"quota": 50_000, "period": 100_000}}),
            &["cpu.cfs_quota_us", "cpu.max"],
            &["50000", "50000 100000"],
        ),
        (
            "cpu-period",
            json!({"cpu": {"quota": 25_000, "period": 50_000}}),
            &["cpu.cfs_period_us", "cpu.max"],
            &["50000", "25000 50000"],
        ),
        (
            "cpuset-cpus",
            json!({"cpu": {"cpus": "0"}}),
            &["cpuset.cpus"],
            &["0"],
        ),
        (
            "cpuset-mems",
            json!({"cpu": {"mems": "0"}}),
            &["cpuset.mems"],
            &["0"],
        ),
        (
            "hugepages",
            json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 2_097_152}]}),
            &["hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max"],
            &["2097152"],
        ),
        (
            "device-list",
            json!({"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}]}),
            &["devices.list"],
            &["c 10:229 rw"],
        ),
    ];
    // A hybrid machine may have hugetlb on its v2 tree only, and v2 has no list of devices.
    let has_v1 = Path::new("/sys/fs/cgroup/devices").exists();
    let lacks = |name: &str| match name {
        "hugepages" => has_v1 && !Path::new("/sys/fs/cgroup/hugetlb").exists(),
        "device-list" => !has_v1,
        _ => false,
    };
    for (name, resources, names, wanted) in cases {
        if lacks(name) {
            eprintln!("not on this machine: {name}");
            continue;
        }
        let verdict = reads(&bundle, resources, names).and_then(|found| {
            let holds = wanted
                .iter()
                .any(|wanted| found.lines().any(|line| line == *wanted));
            holds
                .then_some(())
                .ok_or_else(|| format!("{found:?}, not {wanted:?}"))
        });
        expect(name, verdict);
    }
    assert_eq!(bundle.left(), Vec::<String>::new());
}

#[test]
fn limits_are_felt() {
    let Some(bundle) = bundle() else { return };
    let run = |resources: Value, act: &str| {
        let mut config = bundle.config(&["/bin/probe", "act", act]);
        merge(&mut config, &json!({"linux": {"resources": resources}}));
        let ran = bundle.run(&config).unwrap();
        let _ = bundle.delete();
        ran
    };
    let memory = json!({"memory": {"limit": 33_554_432, "swap": 33_554_432}});
    assert_eq!(run(memory.clone(), "allocate 8").code, Some(0));
    assert_eq!(
        run(memory, "allocate 128").code,
        Some(137),
        "killed for want of memory"
    );
    let ran = run(json!({"pids": {"limit": 6}}), "spawn 20");
    let found: Value = serde_json::from_str(ran.ok()).unwrap();
    let spawned: u32 = found["spawn 20"].as_str().unwrap().parse().unwrap();
    assert!((1..6).contains(&spawned), "{spawned} beside the first");
}

#[test]
fn limits_can_be_changed_while_it_runs() {
    let Some(bundle) = bundle() else { return };
    bundle
        .start(&bundle.config(&["/bin/probe", "sleep"]))
        .unwrap();
    let update = |args: &[&str]| {
        let mut all = vec!["update"];
        all.extend(args);
        all.push(bundle.id());
        bundle.runtime(&all).unwrap()
    };
    update(&["--pids-limit", "33"]).ok();
    assert_eq!(file(&bundle, &["pids.max"]).unwrap(), "33");
    update(&["--memory", "67108864"]).ok();
    assert_eq!(
        file(&bundle, &["memory.limit_in_bytes", "memory.max"]).unwrap(),
        "67108864"
    );
    fs::write(
        bundle.path("resources.json"),
        json!({"cpu": {"shares": 256}}).to_string(),
    )
    .unwrap();
    let path = bundle.path("resources.json").display().to_string();
    update(&["--resources", &path]).ok();
    let shares = file(&bundle, &["cpu.shares", "cpu.weight"]).unwrap();
    assert!(["256", "35", "10"].contains(&&*shares), "{shares}");
    assert_eq!(
        file(&bundle, &["pids.max"]).unwrap(),
        "33",
        "what was not named stays"
    );
}

#[test]
fn a_paused_container_stands_still_and_resumes() {
    let Some(bundle) = bundle() else { return };
    bundle
        .start(&bundle.config(&["/bin/probe", "sleep"]))
        .unwrap();
    bundle.runtime(&["pause", bundle.id()]).unwrap().ok();
    assert_eq!(bundle.state().unwrap()["status"], "paused");
    bundle.runtime(&["resume", bundle.id()]).unwrap().ok();
    assert_eq!(bundle.state().unwrap()["status"], "running");
    let again = bundle.runtime(&["resume", bundle.id()]).unwrap();
    expect(
        "resume-twice",
        (again.code != Some(0))
            .then_some(())
            .ok_or("it was taken".to_owned()),
    );
}

#[test]
fn the_path_of_the_spec_is_used_and_removed() {
    let Some(bundle) = bundle() else { return };
    bundle
        .start(&bundle.config(&["/bin/probe", "sleep"]))
        .unwrap();
    let pid = bundle.state().unwrap()["pid"].clone();
    let own = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let wanted = format!("/terrarium-suite/{}", bundle.id());
    let pids = own
        .lines()
        .find(|line| line.contains("pids") || line.starts_with("0::"));
    assert!(pids.is_some_and(|line| line.ends_with(&wanted)), "{own}");
    bundle.delete().unwrap().ok();
    assert_eq!(bundle.left(), Vec::<String>::new());
}
