//! What a process can learn of itself, mostly from `/proc/self`; see proc(5).

use std::{collections::BTreeMap, env, fs, io::IsTerminal as _};

use serde_json::{Map, Value, json};

/// Everything, as one object. What cannot be read is null.
pub(crate) fn all(arguments: &[String]) -> Value {
    let variables: BTreeMap<String, String> = env::vars().collect();
    json!({
        "arguments": arguments,
        "env": variables,
        "cwd": env::current_dir().ok(),
        "pid": std::process::id(),
        "status": fields("/proc/self/status"),
        "groups": groups(),
        "limits": limits(),
        "namespaces": namespaces(),
        "uid_map": table("/proc/self/uid_map"),
        "gid_map": table("/proc/self/gid_map"),
        "setgroups": text("/proc/self/setgroups"),
        "oom_score_adj": text("/proc/self/oom_score_adj"),
        "personality": text("/proc/self/personality"),
        "cgroups": text("/proc/self/cgroup"),
        "hostname": text("/proc/sys/kernel/hostname"),
        "domainname": text("/proc/sys/kernel/domainname"),
        "timens": table("/proc/self/timens_offsets"),
        "mounts": mounts(),
        "descriptors": descriptors(),
        "interfaces": names("/sys/class/net"),
        "scheduling": scheduling(),
        "memory_policy": memory_policy(),
        "session": stat_field(6),
        "terminals": [
            std::io::stdin().is_terminal(),
            std::io::stdout().is_terminal(),
            std::io::stderr().is_terminal(),
        ],
    })
}

fn text(path: &str) -> Option<String> {
    fs::read_to_string(path)
        .ok()
        .map(|text| text.trim().to_owned())
}

/// Lines of `name: value`.
fn fields(path: &str) -> Map<String, Value> {
    let text = text(path).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs
        .map(|(name, value)| (name.to_owned(), Value::from(value.trim())))
        .collect()
}

/// Each line with single spaces.
fn table(path: &str) -> Vec<String> {
    let text = text(path).unwrap_or_default();
    let lines = text.lines();
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn groups() -> Vec<u32> {
    let status = fields("/proc/self/status");
    let list = status.get("Groups").and_then(Value::as_str);
    let mut groups: Vec<u32> = list
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|group| group.parse().ok())
        .collect();
    groups.sort_unstable();
    groups
}

/// `Max open files` → `soft hard`.
fn limits() -> Map<String, Value> {
    let text = text("/proc/self/limits").unwrap_or_default();
    let rows = text.lines().skip(1).filter_map(|line| {
        let (name, rest) = line.split_at_checked(26)?;
        let mut values = rest.split_whitespace();
        let value = format!("{} {}", values.next()?, values.next()?);
        Some((name.trim().to_owned(), Value::from(value)))
    });
    rows.collect()
}

fn namespaces() -> Map<String, Value> {
    let link = |kind: String| {
        let target = fs::read_link(format!("/proc/self/ns/{kind}")).ok()?;
        Some((kind, Value::from(target.to_string_lossy())))
    };
    names("/proc/self/ns")
        .unwrap_or_default()
        .into_iter()
        .filter_map(link)
        .collect()
}

fn names(path: &str) -> Option<Vec<String>> {
    let entries = fs::read_dir(path).ok()?.flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Some(names)
}

/// The topmost mount of each place, with options as an object so that a suite can name some.
fn mounts() -> Map<String, Value> {
    let text = text("/proc/self/mountinfo").unwrap_or_default();
    text.lines().filter_map(mount).collect()
}

fn mount(line: &str) -> Option<(String, Value)> {
    let (left, right) = line.split_once(" - ")?;
    let left: Vec<&str> = left.split(' ').collect();
    let mut right = right.split(' ');
    let set = |list: &str| {
        let options = list.split(',');
        options
            .map(|option| (option.to_owned(), Value::from(true)))
            .collect::<Map<_, _>>()
    };
    let propagation: Vec<&str> = left.get(6..)?.to_vec();
    let propagation: Map<_, _> = propagation
        .iter()
        .map(|tag| {
            let kind = tag.split(':').next().unwrap_or_default();
            (kind.to_owned(), Value::from(true))
        })
        .collect();
    let found = json!({
        "root": left.get(3)?,
        "options": set(left.get(5)?),
        "propagation": propagation,
        "type": right.next()?,
        "source": right.next()?,
        "super": set(right.next()?),
    });
    Some(((*left.get(4)?).to_owned(), found))
}

/// Open descriptors but that of the listing itself.
fn descriptors() -> Map<String, Value> {
    let link = |name: String| {
        let target = fs::read_link(format!("/proc/self/fd/{name}")).ok()?;
        Some((name, Value::from(target.to_string_lossy())))
    };
    names("/proc/self/fd")
        .unwrap_or_default()
        .into_iter()
        .filter_map(link)
        .collect()
}

fn scheduling() -> Value {
    json!({"nice": stat_field(19), "realtime": stat_field(40), "policy": stat_field(41)})
}

/// As numa_maps(5) words it, of the first mapping: none has a policy of its own.
fn memory_policy() -> Option<String> {
    let maps = text("/proc/self/numa_maps")?;
    maps.split_whitespace().nth(1).map(str::to_owned)
}

/// Fields are counted from 1, as in proc_pid_stat(5).
fn stat_field(number: usize) -> Option<i64> {
    let stat = text("/proc/self/stat")?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(number - 3)?.parse().ok()
}
