//! What will be done to the kernel, decided without touching it.
//!
//! [`Plan::new`] is a pure function of the spec and of facts about the host; the golden tests compare
//! its output. `init` carries it out.

mod devices;
#[cfg(test)]
mod fuzz;
mod mounts;
mod namespaces;
mod netdevices;
mod process;
mod resources;
mod scheduling;
#[cfg(test)]
pub(crate) mod tests;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::mount::MsFlags;
use oci_spec::runtime::{Hooks, Linux, Spec};

pub(crate) use devices::{DeviceKind, DevicePlan};
pub(crate) use mounts::{IdShift, MountKind, MountPlan};
pub(crate) use namespaces::{
    IdMap, IdMaps, Join, NEW_CGROUP, NEW_NET, NEW_PID, NEW_TIME, NEW_USER, Namespaces, flag,
    names as namespace_names,
};
pub(crate) use netdevices::NetDevice;
pub(crate) use process::{Capabilities, ProcessPlan, capability_names};
pub(crate) use resources::check as check_resources;

use crate::error::{Error, Result};
use crate::request::{CgroupManager, Rootfs};
use crate::systemd::ScopePlan;

/// What planning needs to know about the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// Effective user of the caller.
    pub(crate) uid: u32,
    /// Effective group of the caller.
    pub(crate) gid: u32,
    /// Whether these are ids of the machine itself, and not of a user namespace that somebody made.
    pub(crate) is_initial: bool,
}

/// The inode of the user namespace that the machine began with (`USER_NS_INIT_INO`, linux/nsfs.h).
const INITIAL_USER_NAMESPACE: u64 = 0xefff_fffd;

impl Host {
    /// Asks the kernel.
    pub(crate) fn current() -> Self {
        Self {
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
            is_initial: std::fs::metadata("/proc/self/ns/user")
                .is_ok_and(|namespace| namespace.ino() == INITIAL_USER_NAMESPACE),
        }
    }

    /// Tells whether the caller may make namespaces without a user namespace.
    pub(crate) fn is_root(self) -> bool {
        self.uid == 0
    }

    /// Tells whether the caller is root of the machine: root of a user namespace, as podman makes one for
    /// a user, may neither make devices nor write where the machine's root keeps things.
    pub(crate) fn is_machine_root(self) -> bool {
        self.is_root() && self.is_initial
    }
}

/// Where the root file system comes from, with absolute paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RootSource {
    Directory(PathBuf),
    Overlay {
        lowerdirs: Vec<PathBuf>,
        upperdir: PathBuf,
        workdir: PathBuf,
        userxattr: bool,
    },
}

/// Everything that `init` does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) namespaces: Namespaces,
    pub(crate) root: RootSource,
    pub(crate) root_readonly: bool,
    /// Propagation of the old root before the pivot: slave, so that nothing flows back to the host.
    pub(crate) root_propagation: MsFlags,
    /// Propagation of the container's root, set after the pivot; empty leaves it.
    pub(crate) final_propagation: MsFlags,
    pub(crate) mounts: Vec<MountPlan>,
    pub(crate) devices: Vec<DevicePlan>,
    /// False when the spec binds the host's `/dev`: then nothing is made in it.
    pub(crate) owns_dev: bool,
    pub(crate) masked_paths: Vec<PathBuf>,
    pub(crate) readonly_paths: Vec<PathBuf>,
    /// Sorted; dots of the key already are slashes.
    pub(crate) sysctls: Vec<(String, String)>,
    pub(crate) hostname: Option<String>,
    pub(crate) domainname: Option<String>,
    /// SELinux context of the file systems that are made for the container.
    pub(crate) mount_label: Option<String>,
    pub(crate) process: ProcessPlan,
    /// Relative to every cgroup root when absolute, to the caller's cgroup otherwise.
    pub(crate) cgroup_path: PathBuf,
    /// Where systemd makes the cgroup instead; the path says nothing then.
    pub(crate) scope: Option<ScopePlan>,
    pub(crate) hooks: Hooks,
    /// Interfaces of the host that become the container's.
    pub(crate) net_devices: Vec<NetDevice>,
    /// Weakened already while planning: subject and sentence.
    pub(crate) notes: Vec<(String, String)>,
}

/// The parts of a request that planning reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) id: &'a str,
    pub(crate) bundle: &'a Path,
    pub(crate) spec: &'a Spec,
    pub(crate) rootfs: &'a Rootfs,
    pub(crate) cgroup_parent: Option<&'a Path>,
    pub(crate) cgroup_manager: CgroupManager,
}

impl Plan {
    /// Decides all; the error says what in the spec cannot be carried out.
    pub(crate) fn new(input: &Input<'_>, host: Host) -> Result<Self> {
        let spec = input.spec;
        check_version(spec.version())?;
        let none = Linux::default();
        let linux = spec.linux().as_ref().unwrap_or(&none);
        let namespaces = Namespaces::plan(linux, host)?;
        refuse_unknown(linux)?;
        linux.resources().as_ref().map_or(Ok(()), check_resources)?;
        let process = spec.process().as_ref();
        let process = process.ok_or_else(|| Error::InvalidSpec("no `process`".to_owned()))?;
        let mut notes = Vec::new();
        let mounts = spec.mounts().iter().flatten();
        let mounts = mounts
            .map(|mount| MountPlan::plan(mount, input.bundle, &namespaces, &mut notes))
            .collect::<Result<Vec<_>>>()?;
        let mount_label = linux
            .mount_label()
            .clone()
            .filter(|label| !label.is_empty());
        let is_dev = |mount: &&MountPlan| mount.destination == Path::new("/dev");
        let owns_dev = !mounts.iter().filter(is_dev).any(MountPlan::is_bind);
        let masked = linux
            .masked_paths()
            .iter()
            .flatten()
            .map(PathBuf::from)
            .collect();
        let readonly = linux
            .readonly_paths()
            .iter()
            .flatten()
            .map(PathBuf::from)
            .collect();
        Ok(Self {
            root: root_source(input)?,
            root_readonly: spec
                .root()
                .as_ref()
                .is_some_and(|r| r.readonly() == Some(true)),
            root_propagation: mounts::root_propagation(linux.rootfs_propagation().as_deref())?,
            final_propagation: mounts::final_propagation(linux.rootfs_propagation().as_deref()),
            devices: devices::plan(linux.devices().as_deref(), &namespaces, host)?,
            owns_dev,
            mounts,
            mount_label,
            masked_paths: masked,
            readonly_paths: readonly,
            sysctls: namespaces.check_sysctls(linux.sysctl().as_ref())?,
            hostname: namespaces.check_name("hostname", spec.hostname().as_deref())?,
            domainname: namespaces.check_name("domainname", spec.domainname().as_deref())?,
            process: ProcessPlan::plan(process, Some(linux))?,
            cgroup_path: cgroup_path(input.spec, input.id, input.cgroup_parent, host),
            scope: scope(input, host)?,
            hooks: spec.hooks().clone().unwrap_or_default(),
            net_devices: netdevices::plan(linux.net_devices().as_ref(), &namespaces)?,
            namespaces,
            notes,
        })
    }
}

impl Plan {
    /// Tells whether init must wait until the caller knows it and has done its part: identity maps,
    /// interfaces, a cgroup. One born of a first stage could otherwise report before its birth was reported.
    pub(crate) fn waits_for_release(&self) -> bool {
        let namespaces = &self.namespaces;
        namespaces.maps.is_some()
            || namespaces.needs_two_stages()
            || !self.net_devices.is_empty()
            || self.scope.is_some()
    }
}

/// A setting that would be ignored is one that somebody relies on in vain.
fn refuse_unknown(linux: &Linux) -> Result<()> {
    if linux.intel_rdt().is_some() {
        let text = "`linux.intelRdt`: this runtime makes no resctrl groups".to_owned();
        return Err(Error::Unsupported(text));
    }
    Ok(())
}

fn scope(input: &Input<'_>, host: Host) -> Result<Option<ScopePlan>> {
    match input.cgroup_manager {
        CgroupManager::Files => Ok(None),
        CgroupManager::Systemd => ScopePlan::new(input.spec, input.id, host).map(Some),
        CgroupManager::Session => ScopePlan::in_session(input.id).map(Some),
    }
}

fn root_source(input: &Input<'_>) -> Result<RootSource> {
    match input.rootfs {
        Rootfs::Path(_) if input.spec.root().is_none() => {
            Err(Error::InvalidSpec("no `root`".to_owned()))
        }
        Rootfs::Path(path) => Ok(RootSource::Directory(input.bundle.join(path))),
        Rootfs::Overlay {
            lowerdirs,
            upperdir,
            workdir,
            userxattr,
        } => Ok(RootSource::Overlay {
            lowerdirs: lowerdirs.clone(),
            upperdir: upperdir.clone(),
            workdir: workdir.clone(),
            userxattr: *userxattr,
        }),
    }
}

/// Any version 1: later ones only add (OCI runtime spec, "Specification version").
fn check_version(version: &str) -> Result<()> {
    let mut numbers = version.splitn(3, '.');
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if numbers.next() == Some("1") && is_number(numbers.next()) && numbers.next().is_some() {
        return Ok(());
    }
    let shown: String = version.chars().take(40).collect();
    let text = format!("`ociVersion` {shown:?} is no version 1 of the specification");
    Err(Error::InvalidSpec(text))
}

/// Where the container's cgroups are: the spec's path, or the ID below a parent.
pub(crate) fn cgroup_path(spec: &Spec, id: &str, parent: Option<&Path>, host: Host) -> PathBuf {
    let linux = spec.linux().as_ref();
    if let Some(path) = linux.and_then(|linux| linux.cgroups_path().clone()) {
        return path;
    }
    match parent {
        Some(parent) => parent.join(id),
        // Whoever is not root can at best write below the cgroup that was delegated to it.
        None if host.is_machine_root() => Path::new("/terrarium").join(id),
        None => Path::new("terrarium").join(id),
    }
}
