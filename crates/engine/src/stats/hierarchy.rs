//! Where the cgroup of a process lies: version 2, version 1, or both (hybrid).

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The mounted cgroup hierarchies of this machine.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Hierarchies {
    /// Mount point of the unified hierarchy.
    unified: Option<PathBuf>,
    /// Mount points of version 1, by controller.
    controllers: HashMap<String, PathBuf>,
}

/// The folders of one process's cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cgroup {
    /// One folder has all files.
    V2(PathBuf),
    /// One folder for each controller.
    V1(HashMap<String, PathBuf>),
}

impl Hierarchies {
    /// Reads `/proc/self/mountinfo`, see proc_pid_mountinfo(5).
    pub(crate) fn of_this_machine() -> io::Result<Self> {
        fs::read_to_string("/proc/self/mountinfo").map(|text| Self::parse(&text))
    }

    fn parse(mountinfo: &str) -> Self {
        let mut found = Self::default();
        for line in mountinfo.lines() {
            let Some((mount, filesystem)) = line.split_once(" - ") else {
                continue;
            };
            let Some(point) = mount.split(' ').nth(4).map(PathBuf::from) else {
                continue;
            };
            let mut fields = filesystem.split(' ');
            match fields.next() {
                Some("cgroup2") => found.unified = Some(point),
                Some("cgroup") => {
                    for option in fields.nth(1).unwrap_or_default().split(',') {
                        found.controllers.insert(option.to_owned(), point.clone());
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// `v2`, `v1` or `hybrid`.
    pub(crate) fn name(&self) -> &'static str {
        match (&self.unified, self.controllers.contains_key("memory")) {
            (Some(_), false) => "v2",
            (Some(_), true) => "hybrid",
            (None, _) => "v1",
        }
    }

    /// The cgroup of a process, if it has one that is not also this host's own.
    pub(crate) fn of_process(&self, pid: u32) -> io::Result<Option<Cgroup>> {
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        Ok(self.locate(&text, &own))
    }

    /// `text` and `own` are the contents of `/proc/PID/cgroup`, see cgroups(7).
    fn locate(&self, text: &str, own: &str) -> Option<Cgroup> {
        let own_paths: HashMap<&str, &str> = own.lines().filter_map(split_line).collect();
        let mut v1 = HashMap::new();
        let mut v2 = None;
        for (controllers, path) in text.lines().filter_map(split_line) {
            if path == "/" || own_paths.get(controllers) == Some(&path) {
                continue;
            }
            if controllers.is_empty() {
                v2 = self.unified.as_deref().map(|mount| below(mount, path));
            }
            for controller in controllers.split(',') {
                if let Some(mount) = self.controllers.get(controller) {
                    v1.insert(controller.to_owned(), below(mount, path));
                }
            }
        }
        // In hybrid mode the unified hierarchy has no controller that counts.
        if v1.contains_key("memory") || v1.contains_key("cpuacct") {
            return Some(Cgroup::V1(v1));
        }
        (self.name() == "v2")
            .then_some(v2)
            .flatten()
            .map(Cgroup::V2)
    }
}

/// `hierarchy-ID:controller-list:cgroup-path`
fn split_line(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once(':')?;
    rest.split_once(':')
}

fn below(mount: &Path, path: &str) -> PathBuf {
    mount.join(path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
30 20 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 20 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
32 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
    const UNIFIED: &str = "32 20 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";

    #[test]
    fn the_mode_is_told_from_what_is_mounted() {
        assert_eq!(Hierarchies::parse(HYBRID).name(), "hybrid");
        assert_eq!(Hierarchies::parse(UNIFIED).name(), "v2");
        assert_eq!(Hierarchies::parse("").name(), "v1");
    }

    #[test]
    fn version_1_has_a_folder_for_each_controller() {
        let text = "9:memory:/terrarium/a\n8:cpu,cpuacct:/terrarium/a\n0::/terrarium/a";
        let found = Hierarchies::parse(HYBRID).locate(text, "9:memory:/\n8:cpu,cpuacct:/\n0::/");
        let Some(Cgroup::V1(folders)) = found else {
            panic!("{found:?}")
        };
        assert_eq!(
            folders["memory"],
            Path::new("/sys/fs/cgroup/memory/terrarium/a")
        );
        assert_eq!(
            folders["cpuacct"],
            Path::new("/sys/fs/cgroup/cpu,cpuacct/terrarium/a")
        );
    }

    #[test]
    fn version_2_has_one_folder() {
        let found = Hierarchies::parse(UNIFIED).locate("0::/terrarium/a", "0::/user.slice");
        assert_eq!(found, Some(Cgroup::V2("/sys/fs/cgroup/terrarium/a".into())));
    }

    #[test]
    fn a_process_in_the_host_s_own_cgroup_has_none() {
        let same = "0::/user.slice";
        assert_eq!(Hierarchies::parse(UNIFIED).locate(same, same), None);
    }
}
