//! `/proc/PID/status` and the id maps, see proc_pid_status(5) and user_namespaces(7).

use std::fs;

use terrarium_api::{CapabilitySets, IdMapping, SignalSets};
use terrarium_sys::caps::NAMES as CAPABILITIES;

/// The status file of one process.
pub(super) struct Status(String);

impl Status {
    /// Nothing when the process is gone.
    pub(super) fn of(pid: u32) -> Option<Self> {
        fs::read_to_string(format!("/proc/{pid}/status"))
            .ok()
            .map(Self)
    }

    fn line(&self, key: &str) -> Option<&str> {
        let line = self.0.lines().find_map(|line| line.strip_prefix(key));
        line.map(str::trim)
    }

    /// The first number of a line.
    pub(super) fn number(&self, key: &str) -> Option<u32> {
        let mut words = self.line(key)?.split_ascii_whitespace();
        words.next()?.parse().ok()
    }

    /// Its id in the innermost pid namespace.
    pub(super) fn inside_pid(&self) -> Option<u32> {
        let ids = self.line("NSpid:")?.split_ascii_whitespace();
        ids.last()?.parse().ok()
    }

    fn mask(&self, key: &str) -> Option<u64> {
        u64::from_str_radix(self.line(key)?, 16).ok()
    }

    pub(super) fn signals(&self) -> SignalSets {
        let set = |key: &str| signals_of(self.mask(key).unwrap_or(0));
        let waiting = self.mask("SigPnd:").unwrap_or(0) | self.mask("ShdPnd:").unwrap_or(0);
        SignalSets {
            caught: set("SigCgt:"),
            ignored: set("SigIgn:"),
            blocked: set("SigBlk:"),
            pending: signals_of(waiting),
        }
    }

    pub(super) fn capabilities(&self) -> Option<CapabilitySets> {
        let set = |key: &str| self.mask(key).map(names_of);
        Some(CapabilitySets {
            effective: set("CapEff:")?,
            permitted: set("CapPrm:")?,
            inheritable: set("CapInh:")?,
            bounding: set("CapBnd:")?,
            ambient: set("CapAmb:")?,
            known: names_of(known()),
        })
    }
}

/// Bit `n` is signal `n + 1`.
fn signals_of(mask: u64) -> Vec<u8> {
    (0..64)
        .filter(|bit| mask & (1 << bit) != 0)
        .map(|bit| bit + 1)
        .collect()
}

/// A capability that is newer than our list has its number for a name.
fn names_of(mask: u64) -> Vec<String> {
    let name = |bit: usize| match CAPABILITIES.get(bit) {
        Some(name) => (*name).to_owned(),
        None => format!("{bit}"),
    };
    (0..64)
        .filter(|bit| mask & (1 << bit) != 0)
        .map(name)
        .collect()
}

/// All that the kernel knows; our own list where it does not say.
fn known() -> u64 {
    let last = fs::read_to_string("/proc/sys/kernel/cap_last_cap").ok();
    let last = last.and_then(|text| text.trim().parse::<u32>().ok());
    let count = last.map_or(CAPABILITIES.len() as u32, |last| last + 1);
    u64::MAX >> (64 - count.clamp(1, 64))
}

/// `/proc/PID/uid_map` or `gid_map`.
pub(super) fn id_map(pid: u32, kind: &str) -> Vec<IdMapping> {
    let text = fs::read_to_string(format!("/proc/{pid}/{kind}_map"));
    text.unwrap_or_default().lines().filter_map(range).collect()
}

fn range(line: &str) -> Option<IdMapping> {
    let mut numbers = line.split_ascii_whitespace().map(str::parse);
    Some(IdMapping {
        inside: numbers.next()?.ok()?,
        outside: numbers.next()?.ok()?,
        count: numbers.next()?.ok()?,
    })
}

/// The id that the container has for a host's.
pub(super) fn inside(map: &[IdMapping], outside: u32) -> Option<u32> {
    map.iter().find_map(|range| {
        let offset = outside.checked_sub(range.outside)?;
        (offset < range.count).then(|| range.inside.wrapping_add(offset))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Name:\tsh\nUid:\t1000\t1000\t1000\t1000\nNSpid:\t4711\t1\n\
        SigPnd:\t0000000000000000\nShdPnd:\t0000000000000400\nSigBlk:\t0000000000010000\n\
        SigIgn:\t0000000000000004\nSigCgt:\t0000000000014002\nCapInh:\t0000000000000000\n\
        CapPrm:\t00000000a80425fb\nCapEff:\t0000000000000401\nCapBnd:\t8000000000000001\n\
        CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n";

    #[test]
    fn signals_are_numbers_from_one() {
        let signals = Status(TEXT.to_owned()).signals();
        assert_eq!(signals.caught, [2, 15, 17]);
        assert_eq!(signals.ignored, [3]);
        assert_eq!(signals.blocked, [17]);
        assert_eq!(signals.pending, [11]);
    }

    #[test]
    fn capabilities_have_names_and_new_ones_their_number() {
        let sets = Status(TEXT.to_owned()).capabilities().unwrap();
        assert_eq!(sets.effective, ["CHOWN", "NET_BIND_SERVICE"]);
        assert_eq!(sets.permitted.len(), 14);
        assert_eq!(sets.bounding, ["CHOWN", "63"]);
    }

    #[test]
    fn ids_are_found_in_the_map_or_have_no_name() {
        let map: Vec<IdMapping> = ["0 1000 1", "1 100000 65536"]
            .iter()
            .filter_map(|line| range(line))
            .collect();
        let check = |outside, expect| assert_eq!(inside(&map, outside), expect, "{outside}");
        check(1_000, Some(0));
        check(100_032, Some(33));
        check(165_536, None);
        check(0, None);
        assert_eq!(range("0 0 4294967295").unwrap().count, u32::MAX);
    }

    #[test]
    fn the_id_inside_is_the_last_one() {
        let status = Status(TEXT.to_owned());
        assert_eq!(status.inside_pid(), Some(1));
        assert_eq!(status.number("NoNewPrivs:"), Some(1));
        assert_eq!(status.number("Seccomp:"), None);
    }
}
