//! What a container sees mounted, see proc_pid_mountinfo(5).

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use terrarium_api::{MountFact, MountKind, MountOrigin};
use terrarium_oci::runtime::Spec;

use crate::containers::record::Record;

/// Files that the engine writes for every container.
const GENERATED: [&str; 3] = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];
/// File systems that are the kernel's own words.
const KERNEL: [&str; 8] = [
    "proc",
    "sysfs",
    "devpts",
    "mqueue",
    "cgroup",
    "cgroup2",
    "securityfs",
    "debugfs",
];

/// The mounts of a process.
#[derive(Debug, Default)]
pub(super) struct MountTable(Vec<Line>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// Which part of the file system is shown.
    root: String,
    target: String,
    options: String,
    filesystem: String,
    device: String,
    super_options: String,
}

impl MountTable {
    pub(super) fn of(pid: u32) -> Self {
        // As bytes: a file name of the container need not be text.
        let text = fs::read(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(line).collect())
    }

    fn has(&self, path: &Path) -> bool {
        self.0.iter().any(|line| Path::new(&line.target) == path)
    }

    /// Splits paths into those that a mount covers, and the others.
    pub(super) fn split<P: Into<PathBuf>>(
        &self,
        paths: impl IntoIterator<Item = P>,
    ) -> (Vec<String>, Vec<String>) {
        let (covered, open): (Vec<PathBuf>, Vec<PathBuf>) = paths
            .into_iter()
            .map(Into::into)
            .partition(|path| self.has(path));
        let text = |paths: Vec<PathBuf>| {
            paths
                .iter()
                .map(|path| path.display().to_string())
                .collect()
        };
        (text(covered), text(open))
    }

    /// What each mount is for: by the record what was asked for, by the spec what hides.
    pub(super) fn facts(&self, record: &Record, spec: Option<&Spec>) -> Vec<MountFact> {
        let asked: HashMap<&str, MountKind> = record
            .mounts
            .iter()
            .map(|mount| (mount.target.as_str(), mount.kind))
            .collect();
        let linux = spec.and_then(|spec| spec.linux().as_ref());
        let masked = linux.and_then(|linux| linux.masked_paths().clone());
        let readonly = linux.and_then(|linux| linux.readonly_paths().clone());
        let listed = |paths: &Option<Vec<String>>, target: &str| {
            paths.iter().flatten().any(|path| path.as_str() == target)
        };
        let origin = |line: &Line| match asked.get(line.target.as_str()) {
            Some(MountKind::Volume) => MountOrigin::Volume,
            Some(MountKind::Bind) => MountOrigin::Bind,
            Some(MountKind::Tmpfs) => MountOrigin::Memory,
            None if line.target == "/" => MountOrigin::Root,
            None if listed(&masked, &line.target) => MountOrigin::Mask,
            None if listed(&readonly, &line.target) => MountOrigin::ReadOnly,
            None => line.origin(),
        };
        self.0.iter().map(|line| line.fact(origin(line))).collect()
    }
}

impl Line {
    fn origin(&self) -> MountOrigin {
        if GENERATED.contains(&self.target.as_str()) {
            MountOrigin::Generated
        } else if KERNEL.contains(&self.filesystem.as_str()) {
            MountOrigin::Kernel
        } else if self.filesystem == "tmpfs" && self.root == "/" {
            // `/dev` and `/dev/shm`: memory that no user asked for.
            MountOrigin::Kernel
        } else if self.filesystem == "devtmpfs" || self.target.starts_with("/dev/") {
            MountOrigin::Device
        } else {
            MountOrigin::Other
        }
    }

    fn fact(&self, origin: MountOrigin) -> MountFact {
        let overlay = self.filesystem == "overlay";
        let option = |key: &str| {
            let found = self
                .super_options
                .split(',')
                .find_map(|option| option.strip_prefix(key));
            found.filter(|_| overlay).map(str::to_owned)
        };
        // One option with all of them, or, by the newer mount calls, one for each.
        let folders = self.super_options.split(',').filter_map(|option| {
            option
                .strip_prefix("lowerdir=")
                .or_else(|| option.strip_prefix("lowerdir+="))
        });
        let layers = folders
            .filter(|_| overlay)
            .flat_map(|folders| folders.split(':'))
            .map(str::to_owned)
            .collect();
        let own = |word: &str| self.options.split(',').any(|option| option == word);
        let whole = self.super_options.split(',').any(|option| option == "ro");
        MountFact {
            target: self.target.clone(),
            origin,
            filesystem: self.filesystem.clone(),
            source: match self.root.as_str() {
                "/" => self.device.clone(),
                part => part.to_owned(),
            },
            options: self.options.clone(),
            read_only: own("ro") || whole,
            layers,
            writable_layer: option("upperdir="),
        }
    }
}

/// `ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [OPTIONAL]... - TYPE SOURCE SUPER-OPTIONS`
fn line(text: &str) -> Option<Line> {
    let (mount, filesystem) = text.split_once(" - ")?;
    let mount: Vec<&str> = mount.split(' ').collect();
    let mut filesystem = filesystem.split(' ');
    Some(Line {
        root: unescape(mount.get(3)?),
        target: unescape(mount.get(4)?),
        options: (*mount.get(5)?).to_owned(),
        filesystem: filesystem.next()?.to_owned(),
        device: unescape(filesystem.next()?),
        super_options: unescape(filesystem.next().unwrap_or_default()),
    })
}

/// Blanks, tabs, line ends and backslashes stand as three octal digits.
fn unescape(text: &str) -> String {
    let codes = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    codes.iter().fold(text.to_owned(), |text, (code, plain)| {
        text.replace(code, plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::record::tests::record;
    use terrarium_api::Mount;

    const TEXT: &str = "\
640 639 0:52 / / rw,relatime - overlay overlay rw,lowerdir=/s/3/fs:/s/2/fs,upperdir=/s/9/fs,workdir=/s/9/work
641 640 0:53 / /proc rw,nosuid - proc proc rw
642 640 8:1 /volumes/data/_data /my\\040data rw,relatime - ext4 /dev/sda1 rw
643 641 0:5 /null /proc/kcore ro,nosuid - devtmpfs udev rw
644 640 8:1 /run/hosts /etc/hosts rw - ext4 /dev/sda1 rw";

    #[test]
    fn a_mount_is_told_by_what_was_asked_for_and_by_what_it_hides() {
        let mut record = record();
        let volume = Mount::new(MountKind::Volume, "data", "/my data");
        record.mounts = vec![volume];
        let spec: Spec = serde_json::from_str(
            r#"{"ociVersion":"1.2.0","linux":{"maskedPaths":["/proc/kcore"]}}"#,
        )
        .unwrap();
        let facts = MountTable::parse(TEXT).facts(&record, Some(&spec));
        let origins: Vec<_> = facts.iter().map(|fact| fact.origin).collect();
        assert_eq!(
            origins,
            [
                MountOrigin::Root,
                MountOrigin::Kernel,
                MountOrigin::Volume,
                MountOrigin::Mask,
                MountOrigin::Generated,
            ]
        );
        assert_eq!(facts[0].layers, ["/s/3/fs", "/s/2/fs"]);
        assert_eq!(facts[0].writable_layer.as_deref(), Some("/s/9/fs"));
        assert_eq!(facts[2].source, "/volumes/data/_data");
        assert!(facts[3].read_only && !facts[2].read_only);
    }

    #[test]
    fn layers_may_stand_in_one_option_or_in_many() {
        let root = "640 639 0:52 / / rw - overlay overlay rw,lowerdir+=/s/3/fs,lowerdir+=/s/2/fs,upperdir=/s/9/fs";
        let facts = MountTable::parse(root).facts(&record(), None);
        assert_eq!(facts[0].layers, ["/s/3/fs", "/s/2/fs"]);
        assert_eq!(facts[0].writable_layer.as_deref(), Some("/s/9/fs"));
    }

    #[test]
    fn a_path_without_a_mount_is_open() {
        let (covered, open) = MountTable::parse(TEXT).split(["/proc/kcore", "/proc/acpi"]);
        assert_eq!(
            (covered, open),
            (
                vec!["/proc/kcore".to_owned()],
                vec!["/proc/acpi".to_owned()]
            )
        );
    }
}
