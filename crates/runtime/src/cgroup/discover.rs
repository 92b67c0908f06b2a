//! Which hierarchies this host has: `/proc/self/mountinfo` and `/proc/self/cgroup`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{Context, Error, Result};

/// One mounted cgroup file system and where the caller is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    /// Mount point.
    pub(crate) mount: PathBuf,
    /// The part of the hierarchy that is mounted there; `/` but in odd containers.
    pub(crate) mount_root: PathBuf,
    /// The caller's cgroup, from the root of the hierarchy.
    pub(crate) own: PathBuf,
}

impl Hierarchy {
    /// Directory of the cgroup at `path` (from the root of the hierarchy).
    pub(crate) fn directory(&self, path: &Path) -> PathBuf {
        let below = path.strip_prefix(&self.mount_root).unwrap_or(path);
        self.mount.join(below.strip_prefix("/").unwrap_or(below))
    }
}

/// All hierarchies of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hierarchies {
    /// By controller, as `/proc/self/cgroup` names it.
    pub(crate) v1: BTreeMap<String, Hierarchy>,
    /// The v2 tree.
    pub(crate) unified: Option<Hierarchy>,
}

impl Hierarchies {
    /// Reads them from `/proc`.
    pub(crate) fn discover() -> Result<Self> {
        let read = |path: &str| read_whole(path).doing(|| format!("read `{path}`"));
        Ok(Self::parse(
            &read("/proc/self/mountinfo")?,
            &read("/proc/self/cgroup")?,
        ))
    }

    /// Tells whether the controllers are on the unified tree.
    pub(crate) fn is_pure_v2(&self) -> bool {
        self.v1.is_empty() && self.unified.is_some()
    }

    fn parse(mountinfo: &str, own_cgroups: &str) -> Self {
        let mut found = Self::default();
        let mounts: Vec<_> = mountinfo.lines().filter_map(CgroupMount::parse).collect();
        for line in own_cgroups.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(own)) = (fields.next(), fields.next()) else {
                continue;
            };
            if controllers.is_empty() {
                let mount = mounts.iter().find(|mount| mount.is_v2);
                found.unified = mount.map(|mount| mount.hierarchy(own));
                continue;
            }
            for controller in controllers.split(',') {
                let mount = mounts.iter().find(|mount| mount.carries(controller));
                if let Some(mount) = mount {
                    found.v1.insert(controller.to_owned(), mount.hierarchy(own));
                }
            }
        }
        found
    }
}

/// Files of `/proc` say nothing of their size, and `std` would begin with 32 bytes.
fn read_whole(path: &str) -> io::Result<String> {
    let mut text = String::with_capacity(16 * 1024);
    File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// The directory in the unified tree of any process, by its number or as `self`, and its path from the root.
pub(crate) fn unified_of(process: &str) -> Result<(PathBuf, PathBuf)> {
    let path = format!("/proc/{process}/cgroup");
    let text = fs::read_to_string(&path).doing(|| format!("read `{path}`"))?;
    let own = text.lines().find_map(|line| line.strip_prefix("0::"));
    let tree = Hierarchies::discover()?.unified;
    let directory = own
        .zip(tree)
        .map(|(own, tree)| (tree.directory(Path::new(own)), own.into()));
    let missing = || Error::Unsupported(format!("process {process} has no cgroup in a v2 tree"));
    directory.ok_or_else(missing)
}

struct CgroupMount<'a> {
    root: &'a str,
    mount: &'a str,
    is_v2: bool,
    super_options: &'a str,
}

impl<'a> CgroupMount<'a> {
    /// `36 35 98:0 /root /mount rw,… shared:1 - cgroup source rw,memory` (proc_pid_mountinfo(5)).
    fn parse(line: &'a str) -> Option<Self> {
        let (head, tail) = line.split_once(" - ")?;
        let mut tail = tail.split(' ');
        let is_v2 = match tail.next()? {
            "cgroup" => false,
            "cgroup2" => true,
            _ => return None,
        };
        let super_options = tail.nth(1)?;
        let mut head = head.split(' ').skip(3);
        Some(Self {
            root: head.next()?,
            mount: head.next()?,
            is_v2,
            super_options,
        })
    }

    fn carries(&self, controller: &str) -> bool {
        !self.is_v2
            && self
                .super_options
                .split(',')
                .any(|option| option == controller)
    }

    fn hierarchy(&self, own: &str) -> Hierarchy {
        Hierarchy {
            mount: self.mount.into(),
            mount_root: self.root.into(),
            own: own.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_host_has_v1_controllers_and_a_unified_tree() {
        let found = Hierarchies::parse(
            "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
             35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
             36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw shared:4 - cgroup cgroup rw,cpu,cpuacct\n\
             41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
            "9:memory:/job/1\n2:cpu,cpuacct:/\n0::/\n",
        );
        assert!(!found.is_pure_v2());
        assert_eq!(
            found.v1.keys().collect::<Vec<_>>(),
            ["cpu", "cpuacct", "memory"]
        );
        assert_eq!(found.v1["memory"].own, Path::new("/job/1"));
        let directory = found.v1["cpuacct"].directory(Path::new("/terrarium/a"));
        assert_eq!(
            directory,
            Path::new("/sys/fs/cgroup/cpu,cpuacct/terrarium/a")
        );
        assert_eq!(
            found.unified.unwrap().mount,
            Path::new("/sys/fs/cgroup/unified")
        );
    }

    #[test]
    fn a_v2_host_has_only_the_unified_tree() {
        let found = Hierarchies::parse(
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
            "0::/user.slice/session-1.scope\n",
        );
        assert!(found.is_pure_v2());
        assert_eq!(
            found.unified.unwrap().own,
            Path::new("/user.slice/session-1.scope")
        );
    }
}
