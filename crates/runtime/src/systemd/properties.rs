//! Limits in the words of systemd, which writes again what it knows of whenever it is reloaded.

use std::collections::HashMap;

use super::message::Value;
use crate::error::{Error, Result};

/// A property of a unit, and what it is set to.
pub(super) type Property = (String, Value);

/// What a file of v2 is called there; files without such a name are ours alone.
pub(super) fn of_file(file: &str, value: &str) -> Vec<Property> {
    let named = |name: &str, value: Option<Value>| {
        let property = value.map(|value| (name.to_owned(), value));
        property.into_iter().collect::<Vec<_>>()
    };
    match file {
        "memory.max" => named("MemoryMax", amount(value)),
        "memory.high" => named("MemoryHigh", amount(value)),
        "memory.low" => named("MemoryLow", amount(value)),
        "memory.min" => named("MemoryMin", amount(value)),
        "memory.swap.max" => named("MemorySwapMax", amount(value)),
        "pids.max" => named("TasksMax", amount(value)),
        "cpu.weight" => named("CPUWeight", amount(value)),
        "io.weight" => named("IOWeight", amount(value)),
        "cpuset.cpus" => named("AllowedCPUs", mask(value)),
        "cpuset.mems" => named("AllowedMemoryNodes", mask(value)),
        "cpu.max" => quota(value),
        _ => Vec::new(),
    }
}

fn amount(value: &str) -> Option<Value> {
    if value == "max" {
        return Some(Value::Long(u64::MAX));
    }
    value.parse().ok().map(Value::Long)
}

/// systemd counts the quota of a second, and rounds it to hundredths.
fn quota(value: &str) -> Vec<Property> {
    let Some((quota, period)) = value.split_once(' ') else {
        return Vec::new();
    };
    let Some(period) = period.parse::<u64>().ok().filter(|period| *period > 0) else {
        return Vec::new();
    };
    let of_a_second = match quota.parse::<u64>() {
        Ok(quota) => {
            let exact = u128::from(quota) * 1_000_000 / u128::from(period);
            u64::try_from(exact.next_multiple_of(10_000)).unwrap_or(u64::MAX)
        }
        Err(_) => u64::MAX,
    };
    vec![
        ("CPUQuotaPerSecUSec".to_owned(), Value::Long(of_a_second)),
        ("CPUQuotaPeriodUSec".to_owned(), Value::Long(period)),
    ]
}

/// More processors than any kernel is built for.
const MOST: u32 = 1 << 16;

/// A bit for each number of a list as `0-3,7`, the lowest in the first byte.
fn mask(list: &str) -> Option<Value> {
    let mut bytes = Vec::new();
    for part in list.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let range = first.trim().parse::<u32>().ok()?..=last.trim().parse::<u32>().ok()?;
        if *range.end() >= MOST {
            return None;
        }
        for number in range {
            let (byte, bit) = (number as usize / 8, number % 8);
            if bytes.len() <= byte {
                bytes.resize(byte + 1, 0_u8);
            }
            bytes[byte] |= 1 << bit;
        }
    }
    Some(Value::Bytes(bytes))
}

const PREFIX: &str = "org.systemd.property.";

/// Properties that a caller sets by annotations, in the text form of GVariant: `true`, `'text'`,
/// `uint64 5`, `5`.
pub(super) fn of_annotations(
    annotations: Option<&HashMap<String, String>>,
) -> Result<Vec<Property>> {
    let mut properties = Vec::new();
    for (name, text) in annotations.into_iter().flatten() {
        let Some(property) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let refuse = |why: &str| Error::InvalidSpec(format!("annotation `{name}`: {text:?} {why}"));
        if property.len() < 3 || !property.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(refuse("is set for what is no name of a property"));
        }
        let value =
            value(text).ok_or_else(|| refuse("is no value, as true, 'text' or uint64 5"))?;
        properties.push(in_microseconds(property, value));
    }
    properties.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(properties)
}

/// `…Sec` is how unit files say `…USec`, which takes a whole number of microseconds.
fn in_microseconds(name: &str, value: Value) -> Property {
    let seconds = match value {
        Value::Signed(seconds) => u64::try_from(seconds).ok(),
        Value::Long(seconds) => Some(seconds),
        Value::Unsigned(seconds) => Some(seconds.into()),
        _ => None,
    };
    match (name.strip_suffix("Sec"), seconds) {
        (Some(stem), Some(seconds)) if !stem.ends_with('U') => {
            let micros = seconds.saturating_mul(1_000_000);
            (format!("{stem}USec"), Value::Long(micros))
        }
        _ => (name.to_owned(), value),
    }
}

fn value(text: &str) -> Option<Value> {
    let text = text.trim();
    match text {
        "true" => return Some(Value::Bool(true)),
        "false" => return Some(Value::Bool(false)),
        _ => {}
    }
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote) {
            let inner = inner.strip_suffix(quote)?;
            let is_plain = !inner.contains([quote, '\\', '\0']);
            return is_plain.then(|| Value::Text(inner.to_owned()));
        }
    }
    match text.split_once(' ') {
        Some(("int32", number)) => number.parse().ok().map(Value::Signed),
        Some(("uint32", number)) => number.parse().ok().map(Value::Unsigned),
        Some(("uint64", number)) => number.parse().ok().map(Value::Long),
        Some(_) => None,
        None => text.parse().ok().map(Value::Signed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(name: &str, value: Value) -> Property {
        (name.to_owned(), value)
    }

    #[test]
    fn files_have_names_in_systemd() {
        let long = |name: &str, number: u64| vec![property(name, Value::Long(number))];
        for (file, value, expect) in [
            ("memory.max", "67108864", long("MemoryMax", 67_108_864)),
            ("memory.high", "max", long("MemoryHigh", u64::MAX)),
            ("pids.max", "20", long("TasksMax", 20)),
            ("memory.max", "nonsense", vec![]),
            ("cpu.idle", "1", vec![]),
            (
                "cpuset.cpus",
                "0-1,9",
                vec![property("AllowedCPUs", Value::Bytes(vec![3, 2]))],
            ),
            ("cpuset.cpus", "0-99999999", vec![]),
            (
                "cpuset.cpus",
                "3-1",
                vec![property("AllowedCPUs", Value::Bytes(vec![]))],
            ),
        ] {
            assert_eq!(of_file(file, value), expect, "{file} {value}");
        }
    }

    #[test]
    fn a_quota_is_that_of_a_second() {
        for (value, second) in [
            ("50000 100000", 500_000),
            ("1 1000000", 10_000),
            ("max 100000", u64::MAX),
            ("18446744073709551615 1", u64::MAX),
        ] {
            let found = of_file("cpu.max", value);
            assert_eq!(found[0].1, Value::Long(second), "{value}");
        }
        assert_eq!(of_file("cpu.max", "5 0"), []);
    }

    #[test]
    fn annotations_set_properties() {
        for (name, text, expect) in [
            (
                "KillSignal",
                "37",
                property("KillSignal", Value::Signed(37)),
            ),
            (
                "TimeoutStopUSec",
                "uint64 10000000",
                property("TimeoutStopUSec", Value::Long(10_000_000)),
            ),
            (
                "TimeoutStopSec",
                "2",
                property("TimeoutStopUSec", Value::Long(2_000_000)),
            ),
            (
                "SendSIGHUP",
                "true",
                property("SendSIGHUP", Value::Bool(true)),
            ),
            (
                "CollectMode",
                "'inactive'",
                property("CollectMode", Value::Text("inactive".to_owned())),
            ),
        ] {
            let map = HashMap::from([(format!("{PREFIX}{name}"), text.to_owned())]);
            assert_eq!(of_annotations(Some(&map)).unwrap(), [expect], "{text}");
        }
        for text in ["", "'open", "uint64 -1", "[1]", "byte 5"] {
            let map = HashMap::from([(format!("{PREFIX}KillSignal"), text.to_owned())]);
            assert!(of_annotations(Some(&map)).is_err(), "{text}");
        }
        let other = HashMap::from([("a.b".to_owned(), "[1]".to_owned())]);
        assert_eq!(of_annotations(Some(&other)).unwrap(), []);
    }
}
