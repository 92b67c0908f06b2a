//! What a caller asks for and what it gets back.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Process, Spec};

use crate::cgroup::CgroupPaths;
use crate::trace::{Note, Step};

/// Where the root file system comes from.
#[derive(Clone, Debug)]
pub enum Rootfs {
    /// A directory; relative paths (as `spec.root.path` may be) start at the bundle.
    Path(PathBuf),
    /// An overlay that is mounted inside the container's mount namespace, so that it can never leak.
    Overlay {
        /// Read-only layers, the topmost first.
        lowerdirs: Vec<PathBuf>,
        /// Takes the changes. Its own content is hidden in the container's namespace.
        upperdir: PathBuf,
        /// Empty directory on the file system of `upperdir`.
        workdir: PathBuf,
        /// Mark with `user.overlay.*`, as a user namespace needs.
        userxattr: bool,
    },
}

/// Standard streams of the process.
#[derive(Debug)]
pub enum Stdio {
    /// Those of the caller.
    Inherit,
    /// These three.
    Fds {
        /// Descriptor 0.
        stdin: OwnedFd,
        /// Descriptor 1.
        stdout: OwnedFd,
        /// Descriptor 2.
        stderr: OwnedFd,
    },
    /// A new terminal of the container's own devpts; its master comes back as `console`.
    Terminal,
}

impl Stdio {
    /// The descriptors that were handed over, to keep them open.
    pub(crate) fn fds(&self) -> Vec<BorrowedFd<'_>> {
        match self {
            Self::Fds {
                stdin,
                stdout,
                stderr,
            } => [stdin, stdout, stderr].map(AsFd::as_fd).to_vec(),
            Self::Inherit | Self::Terminal => Vec::new(),
        }
    }
}

/// Who makes the container's cgroup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CgroupManager {
    /// This crate, through the file system; `cgroupsPath` is a path.
    #[default]
    Files,
    /// systemd, as a transient scope; `cgroupsPath` is `slice:prefix:name`.
    Systemd,
    /// The user's systemd, as a scope named after the container, whatever `cgroupsPath` says. Without it
    /// the container runs all the same, and a note says that limits do not apply.
    Session,
}

/// What is needed to set up a container.
#[derive(Debug)]
pub struct CreateRequest<'a> {
    /// Names the container in its cgroup and for hooks.
    pub id: &'a str,
    /// Directory of `config.json`; relative paths of the spec start here.
    pub bundle: &'a Path,
    /// The parsed `config.json`.
    pub spec: &'a Spec,
    /// Root file system.
    pub rootfs: Rootfs,
    /// Standard streams.
    pub stdio: Stdio,
    /// Parent in every cgroup hierarchy; used when the spec has no `cgroupsPath`. `None` is `/terrarium`.
    pub cgroup_parent: Option<PathBuf>,
    /// Who makes them.
    pub cgroup_manager: CgroupManager,
    /// How many descriptors from 3 on the process keeps.
    pub preserve_fds: u32,
    /// Runs the program as a child of a PID 1 of this crate's, which forwards signals and reaps orphans.
    pub init: bool,
    /// Listening socket on which init waits for `start`, so that another process can send it. With
    /// `None` only [`Created::start`] can.
    pub start_socket: Option<OwnedFd>,
}

impl<'a> CreateRequest<'a> {
    /// A request with the root of the spec, the caller's streams and no extras.
    #[must_use]
    pub fn new(id: &'a str, bundle: &'a Path, spec: &'a Spec) -> Self {
        let root = spec
            .root()
            .as_ref()
            .map_or_else(|| "rootfs".into(), |root| root.path().clone());
        Self {
            id,
            bundle,
            spec,
            rootfs: Rootfs::Path(root),
            stdio: Stdio::Inherit,
            cgroup_parent: None,
            cgroup_manager: CgroupManager::default(),
            preserve_fds: 0,
            init: false,
            start_socket: None,
        }
    }
}

/// A container whose init is set up and waits for `start`.
#[derive(Debug)]
pub struct Created {
    /// Init, as the caller's pid namespace sees it. It is a child of the caller, who must reap it.
    pub pid: i32,
    /// Refers to init; readable when it exits.
    pub pidfd: OwnedFd,
    /// Master of the terminal, for [`Stdio::Terminal`].
    pub console: Option<OwnedFd>,
    /// Where its resources are accounted.
    pub cgroup: CgroupPaths,
    /// What was done so far.
    pub steps: Vec<Step>,
    /// What was weakened and why.
    pub notes: Vec<Note>,
    pub(crate) channel: Option<OwnedFd>,
    pub(crate) trace: crate::trace::Trace,
}

/// A container that runs, as the target of `exec`.
#[derive(Debug)]
pub struct Target<'a> {
    /// Its name.
    pub id: &'a str,
    /// Its bundle.
    pub bundle: &'a Path,
    /// Its init.
    pub init_pid: i32,
    /// Refers to init.
    pub pidfd: &'a OwnedFd,
    /// Its cgroups.
    pub cgroup: &'a CgroupPaths,
    /// The spec that it was created from: seccomp, namespaces.
    pub spec: &'a Spec,
}

/// What `exec` shall run, and how.
#[derive(Debug)]
pub struct ExecRequest<'a> {
    /// The OCI process.
    pub process: &'a Process,
    /// Standard streams.
    pub stdio: Stdio,
    /// How many descriptors from 3 on the process keeps.
    pub preserve_fds: u32,
}

/// A process that was added to a container; execve has succeeded.
#[derive(Debug)]
pub struct Started {
    /// As the caller's pid namespace sees it. It is a child of the caller, who must reap it.
    pub pid: i32,
    /// Refers to the process.
    pub pidfd: OwnedFd,
    /// Master of the terminal, for [`Stdio::Terminal`].
    pub console: Option<OwnedFd>,
    /// What was done.
    pub steps: Vec<Step>,
    /// What was weakened and why.
    pub notes: Vec<Note>,
}
