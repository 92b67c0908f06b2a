//! The formats of cgroup and proc files, see cgroups(7) and proc(5).

use terrarium_api::InterfaceCounters;

/// The value of `key` in lines of `key value`.
pub(super) fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        line.strip_prefix(key)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    })
}

/// A file with one number; `None` for `max`, and for what version 1 writes for "no limit".
pub(super) fn limit(text: &str) -> Option<u64> {
    // 2^63 rounded down to pages.
    const UNLIMITED_FROM: u64 = 1 << 60;
    number(text).filter(|value| *value < UNLIMITED_FROM)
}

/// A file with one number.
pub(super) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Bytes read and written in `io.stat` of version 2.
pub(super) fn io_stat(text: &str) -> (u64, u64) {
    let sum = |key: &str| {
        let values = text
            .split_ascii_whitespace()
            .filter_map(|word| word.strip_prefix(key));
        values.filter_map(|value| value.parse::<u64>().ok()).sum()
    };
    (sum("rbytes="), sum("wbytes="))
}

/// Bytes read and written in `blkio.throttle.io_service_bytes` of version 1.
pub(super) fn blkio(text: &str) -> (u64, u64) {
    let sum = |operation: &str| {
        let of_operation = |line: &str| {
            let mut words = line.split(' ');
            let (_, found, value) = (words.next()?, words.next()?, words.next()?);
            (found == operation).then(|| value.parse::<u64>().ok())?
        };
        text.lines().filter_map(of_operation).sum()
    };
    (sum("Read"), sum("Write"))
}

/// `/proc/PID/net/dev` without the loopback.
pub(super) fn net_dev(text: &str) -> Vec<InterfaceCounters> {
    let interface = |line: &str| {
        let (name, values) = line.split_once(':')?;
        let values: Vec<u64> = values
            .split_ascii_whitespace()
            .map_while(|word| word.parse().ok())
            .collect();
        let name = name.trim();
        (name != "lo" && values.len() >= 10).then(|| InterfaceCounters {
            name: name.to_owned(),
            rx_bytes: values[0],
            rx_packets: values[1],
            tx_bytes: values[8],
            tx_packets: values[9],
        })
    };
    text.lines().skip(2).filter_map(interface).collect()
}

/// CPU time of the whole machine in clock ticks, from the first line of `/proc/stat`.
///
/// Guest time is left out: it is part of user time already.
pub(super) fn host_ticks(text: &str) -> u64 {
    let first = text.lines().next().unwrap_or_default();
    first
        .split_ascii_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|word| word.parse::<u64>().ok())
        .sum()
}

/// User and system time in clock ticks, and resident pages, from `/proc/PID/stat`.
pub(super) fn process_stat(text: &str) -> Option<(u64, u64, u64)> {
    // The name may hold spaces and parentheses; what follows its last parenthesis cannot.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some((field(14)?, field(15)?, field(24)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_matched_whole() {
        let text = "file 10\nfile_mapped 20\n";
        assert_eq!(keyed(text, "file"), Some(10));
        assert_eq!(keyed(text, "mapped"), None);
    }

    #[test]
    fn no_limit_is_none_in_both_versions() {
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None);
        assert_eq!(limit("16777216\n"), Some(16_777_216));
    }

    #[test]
    fn block_bytes_add_up_over_devices() {
        let v2 = "8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=5 wbytes=1 rios=1\n";
        assert_eq!(io_stat(v2), (15, 21));
        let v1 = "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n8:16 Read 5\nTotal 35\n";
        assert_eq!(blkio(v1), (15, 20));
    }

    #[test]
    fn interfaces_come_without_the_loopback() {
        let text = "Inter-|   Receive\n face |bytes\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0: 100 2 0 0 0 0 0 0 300 4 0 0 0 0 0 0\n";
        let found = net_dev(text);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].name.as_str(), found[0].rx_bytes, found[0].tx_bytes),
            ("eth0", 100, 300)
        );
    }

    #[test]
    fn a_process_name_may_look_like_fields() {
        let text =
            "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 11 22 0 0 20 0 1 0 5 1000 33 18446744073709551615";
        assert_eq!(process_stat(text), Some((11, 22, 33)));
    }
}
