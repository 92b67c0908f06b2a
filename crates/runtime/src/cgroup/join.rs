//! How a process enters the container's cgroups without waiting.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use super::CgroupPaths;
use crate::error::{Context, Result};

/// Open files through which a process enters the container's cgroups by itself.
///
/// Writing `0` to a v1 `tasks` file moves just the writing thread, and since Linux 5.18 that takes no
/// global lock: a write of a pid to `cgroup.procs` waits for an RCU grace period, 5 to 20 ms under load.
#[derive(Debug, Default)]
pub(crate) struct JoinFds {
    /// v1 `tasks` files, one for each hierarchy.
    pub(crate) tasks: Vec<(PathBuf, File)>,
    /// The v2 directory, for `CLONE_INTO_CGROUP`.
    pub(crate) unified: Option<OwnedFd>,
}

impl JoinFds {
    /// Opens them with the caller's rights, which count when the child writes.
    pub(crate) fn open(paths: &CgroupPaths) -> Result<Self> {
        let mut directories: Vec<_> = paths.v1.values().collect();
        directories.sort();
        directories.dedup();
        let mut tasks = Vec::with_capacity(directories.len());
        for directory in directories {
            let path = directory.join("tasks");
            let file = OpenOptions::new().write(true).open(&path);
            tasks.push((path.clone(), file.doing(|| format!("open {path:?}"))?));
        }
        let unified = match &paths.unified {
            Some(path) => Some(File::open(path).doing(|| format!("open {path:?}"))?.into()),
            None => None,
        };
        Ok(Self { tasks, unified })
    }

    /// The descriptors, to keep them open.
    pub(crate) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let tasks = self.tasks.iter().map(|(_, file)| file.as_fd());
        tasks.chain(self.unified.iter().map(AsFd::as_fd))
    }

    /// Moves the calling, single-threaded process into the v1 cgroups.
    pub(crate) fn enter_v1(&self) -> Result<()> {
        for (path, file) in &self.tasks {
            let mut file = file;
            file.write_all(b"0")
                .doing(|| format!("enter cgroup through {path:?}"))?;
        }
        Ok(())
    }
}
