//! Entering namespaces that exist already, and the first of two stages.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use terrarium_sys::clone::{CLONE_PARENT, CloneArgs, Forked, SingleThreaded, clone3, exit_now};
use terrarium_sys::namespace;

use crate::channel::{Channel, Report};
use crate::error::{Context, Failure, Result};
use crate::plan::{IdMaps, Join, NEW_USER, namespace_names};
use crate::trace::Trace;

/// Namespaces to enter, opened by the caller.
#[derive(Debug, Default)]
pub(crate) struct Joins(Vec<(Join, OwnedFd)>);

impl Joins {
    pub(crate) fn open(joins: &[Join]) -> Result<Self> {
        let open = |join: &Join| {
            let file =
                File::open(&join.path).doing(|| format!("open namespace {:?}", join.path))?;
            Ok((join.clone(), file.into()))
        };
        joins.iter().map(open).collect::<Result<_>>().map(Self)
    }

    /// The descriptors, to keep them open.
    pub(crate) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(|(_, fd)| fd.as_fd())
    }

    /// Enters all. What the caller may enter by its own right comes first; the rest may belong to the
    /// user namespace and is entered from inside it.
    pub(crate) fn enter_all(&self, single: SingleThreaded, trace: &mut Trace) -> Result<()> {
        let (users, others): (Vec<_>, Vec<_>) =
            self.0.iter().partition(|(join, _)| join.flag == NEW_USER);
        let mut later = Vec::new();
        for entry in others {
            let (join, fd) = entry;
            let start = trace.now();
            match namespace::setns(single, fd.as_fd(), join.flag) {
                Err(_) if !users.is_empty() => later.push(entry),
                other => other.doing(|| format!("join namespace {:?}", join.path))?,
            }
            trace.end("setns", start, namespace_names(join.flag));
        }
        let entered_user = !users.is_empty();
        for (join, fd) in users.into_iter().chain(later) {
            let start = trace.now();
            let joined = namespace::setns(single, fd.as_fd(), join.flag);
            joined.doing(|| format!("join namespace {:?}", join.path))?;
            trace.end("setns", start, namespace_names(join.flag));
        }
        if entered_user {
            become_root(None)
        } else {
            Ok(())
        }
    }
}

/// Becomes root of the user namespace, to own what is made next.
pub(crate) fn become_root(maps: Option<&IdMaps>) -> Result<()> {
    let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
    setresgid(gid, gid, gid).doing(|| "become group 0 of the user namespace")?;
    if maps.is_none_or(|maps| !maps.deny_setgroups) {
        // EPERM where the namespace forbids it; then the caller had none to drop through us.
        let _ = setgroups(&[]);
    }
    setresuid(uid, uid, uid).doing(|| "become user 0 of the user namespace")
}

/// First stage: enters namespaces, then makes the real process as a sibling and tells its pid.
///
/// Returns in the second process only.
pub(crate) fn join_container(
    single: SingleThreaded,
    channel: &Channel,
    create: u64,
    enter: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let born = enter().and_then(|()| {
        // A sibling, not a child: the caller reaps it, and this process can go.
        let args = CloneArgs {
            flags: create | CLONE_PARENT,
            into_cgroup: None,
        };
        clone3(single, &args).doing(|| "clone the process in the container")
    });
    match born {
        Ok(Forked::Child) => Ok(()),
        Ok(Forked::Parent { pid, .. }) => {
            let _ = channel.report(&Report::Born { pid }, None);
            exit_now(0)
        }
        Err(error) => {
            let _ = channel.report(&Report::Failed(Failure::from(&error)), None);
            exit_now(1)
        }
    }
}

/// Enters all namespaces of a running container at once through its init.
pub(crate) fn enter_by_pidfd(
    single: SingleThreaded,
    pidfd: BorrowedFd<'_>,
    flags: u64,
) -> Result<()> {
    namespace::setns(single, pidfd, flags).doing(|| {
        format!(
            "join the container's namespaces ({})",
            namespace_names(flags)
        )
    })
}
