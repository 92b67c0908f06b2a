//! What the store is told when it is opened.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where the store lives and as whom it acts.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that holds `content`, `snapshots`, `leases` and `refs`.
    pub data_root: PathBuf,
    /// The `terrarium-runtime` binary, whose `worker` touches untrusted files.
    pub worker: PathBuf,
    /// How the ids in a layer become ids on disk.
    pub ids: Ids,
}

/// How the user and group ids in a layer become ids on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ids {
    /// As they are: the process is root. Whiteouts are marked with `trusted.overlay.*`.
    Host,
    /// Through the user's subordinate ids, inside a user namespace. Whiteouts are marked with
    /// `user.overlay.*`, and overlay is mounted with `userxattr`.
    Mapped(IdMaps),
}

/// The id maps of a user namespace (`user_namespaces(7)`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdMaps {
    /// User ids.
    pub uids: Vec<IdRange>,
    /// Group ids.
    pub gids: Vec<IdRange>,
}

/// Consecutive ids: one line of `/proc/PID/uid_map`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRange {
    /// The first id as seen inside the namespace.
    pub inside: u32,
    /// The first id on the host.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

impl Ids {
    /// Whether overlay needs `userxattr`, which the marks in the layers then are.
    pub fn userxattr(&self) -> bool {
        matches!(self, Self::Mapped(_))
    }
}

impl IdMaps {
    /// Only the user itself, as root: the map that needs no subordinate ids.
    pub fn single(uid: u32, gid: u32) -> Self {
        let one = |outside| {
            vec![IdRange {
                inside: 0,
                outside,
                count: 1,
            }]
        };
        Self {
            uids: one(uid),
            gids: one(gid),
        }
    }

    /// The user as root and the subordinate ranges of `/etc/subuid` and `/etc/subgid`, given as
    /// their text, from 1 upwards. Without ranges in both files, [`IdMaps::single`].
    pub fn subordinate(user: &str, uid: u32, gid: u32, subuid: &str, subgid: &str) -> Self {
        let uids = ranges_of(subuid, user, uid);
        let gids = ranges_of(subgid, user, uid);
        let mut maps = Self::single(uid, gid);
        if uids.is_empty() || gids.is_empty() {
            return maps;
        }
        append(&mut maps.uids, uids);
        append(&mut maps.gids, gids);
        maps
    }

    /// Whether only one user exists inside, so that files of others cannot be represented.
    pub fn is_single(&self) -> bool {
        self.uids
            .iter()
            .map(|range| u64::from(range.count))
            .sum::<u64>()
            < 2
    }
}

/// Lines of `subuid(5)`: `user-or-uid:first:count`. Lines that do not parse are skipped, as
/// `newuidmap` skips them.
fn ranges_of(text: &str, user: &str, uid: u32) -> Vec<(u32, u32)> {
    let uid = uid.to_string();
    let of_user = |line: &str| -> Option<(u32, u32)> {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let range = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        (owner == user || owner == uid)
            .then_some(range)
            .filter(|(_, count)| *count > 0)
    };
    text.lines().filter_map(of_user).collect()
}

fn append(map: &mut Vec<IdRange>, ranges: Vec<(u32, u32)>) {
    let mut inside = 1_u32;
    for (outside, count) in ranges {
        map.push(IdRange {
            inside,
            outside,
            count,
        });
        inside = inside.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use super::{IdMaps, IdRange};

    #[test]
    fn subordinate_ranges_follow_the_user() {
        let text = "other:1:2\nada:100000:65536\n1000:300000:10\nbroken\n";
        let maps = IdMaps::subordinate("ada", 1000, 1000, text, text);
        let range = |inside, outside, count| IdRange {
            inside,
            outside,
            count,
        };
        let expect = [
            range(0, 1000, 1),
            range(1, 100_000, 65_536),
            range(65_537, 300_000, 10),
        ];
        assert_eq!(maps.uids, expect);
        assert!(!maps.is_single());
    }

    #[test]
    fn a_user_without_ranges_is_alone() {
        assert!(IdMaps::subordinate("ada", 1000, 1000, "", "ada:1:2").is_single());
    }
}
