//! Record in, OCI spec out: what Docker would run, decided without touching the machine.

mod capabilities;
mod devices;
mod mounts;
mod process;
mod resources;
mod seccomp;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use terrarium_api::{CreateContainer, Error, ErrorCode, Mount as WantedMount, NetworkMode};
use terrarium_oci::runtime::{
    Linux, LinuxIdMapping, LinuxIdMappingBuilder, LinuxNamespace, LinuxNamespaceType, Root, Spec,
    get_default_maskedpaths, get_default_readonly_paths,
};
use terrarium_store::{IdMaps, IdRange};

pub(crate) use devices::{
    HostDevice, Wanted as WantedDevice, parse as parse_device, parse_rule as parse_device_rule,
};
pub(crate) use process::{environment, exec as exec_process};
pub(crate) use resources::changed as changed_resources;

use super::{record::Record, user::Account};
use crate::{Result, error::quoted};

/// The version of the specification that the specs follow.
const OCI_VERSION: &str = "1.2.0";

/// What a spec depends on beside the record; gathered by the caller, so that the rest is pure.
#[derive(Debug, Clone)]
pub(crate) struct Facts<'a> {
    /// As whom the process runs.
    pub(crate) account: &'a Account,
    /// The id maps of rootless containers.
    pub(crate) ids: Option<&'a IdMaps>,
    /// The user namespace that a rootless container joins, in place of one of its own.
    pub(crate) users: Option<PathBuf>,
    /// The folder with the generated `hosts`, `hostname` and `resolv.conf`.
    pub(crate) files: &'a Path,
    /// The record's mounts and where each comes from on the host.
    pub(crate) mounts: Vec<Source<'a>>,
    /// Namespaces of other containers to join, as paths under `/proc`.
    pub(crate) joined: Joined,
    /// Host devices that were asked for; all of them for a privileged container.
    pub(crate) devices: Vec<HostDevice>,
}

/// A mount and its place on the host.
#[derive(Debug, Clone)]
pub(crate) struct Source<'a> {
    /// What was asked for.
    pub(crate) mount: &'a WantedMount,
    /// The host path; none for a tmpfs.
    pub(crate) path: Option<PathBuf>,
}

/// Processes whose namespaces are joined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Joined {
    /// For `--pid container:…`.
    pub(crate) pid: Option<u32>,
    /// For `--ipc container:…`.
    pub(crate) ipc: Option<u32>,
    /// For `--network container:…`.
    pub(crate) network: Option<u32>,
}

/// Makes the spec of a container's next run.
///
/// # Errors
/// `InvalidArgument` for what only now turns out not to fit, such as an empty command.
pub(crate) fn spec(record: &Record, facts: &Facts<'_>) -> Result<Spec> {
    let mut root = Root::default();
    // The runtime mounts the overlay there; the path itself is never used.
    root.set_path(PathBuf::from("rootfs"));
    root.set_readonly(Some(record.request.read_only));
    let mut spec = Spec::default();
    spec.set_version(OCI_VERSION.to_owned());
    spec.set_root(Some(root));
    spec.set_process(Some(process::init(record, facts)?));
    spec.set_mounts(Some(mounts::all(record, facts)));
    spec.set_linux(Some(linux(record, facts)?));
    let named = record.request.uts_mode.as_deref() != Some("host");
    spec.set_hostname(named.then(|| record.hostname().to_owned()));
    spec.set_domainname(record.request.domainname.clone().filter(|_| named));
    Ok(spec)
}

/// Checks what a spec would be made of, without making one.
///
/// # Errors
/// `InvalidArgument` for capabilities, devices, limits and options that do not exist.
pub(crate) fn check(request: &CreateContainer) -> Result<()> {
    capabilities::allowed(request)?;
    seccomp::filter(request)?;
    process::rlimits(&request.ulimits)?;
    request
        .devices
        .iter()
        .try_for_each(|text| parse_device(text).map(drop))?;
    request
        .device_rules
        .iter()
        .try_for_each(|text| parse_device_rule(text).map(drop))?;
    request
        .security_options
        .iter()
        .try_for_each(|option| known_option(option))
}

fn known_option(option: &str) -> Result<()> {
    let name = option.split(['=', ':']).next().unwrap_or_default();
    // Labels of SELinux and AppArmor ask for nothing where neither is used.
    let known = [
        "seccomp",
        "no-new-privileges",
        "systempaths",
        "label",
        "apparmor",
    ];
    if known.contains(&name) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::InvalidArgument,
        format!("invalid security option {}", quoted(option)),
    ))
}

/// Where the cgroup of a container lies in every hierarchy.
pub(crate) fn cgroup(record: &Record) -> PathBuf {
    Path::new("/terrarium").join(record.id.as_str())
}

fn linux(record: &Record, facts: &Facts<'_>) -> Result<Linux> {
    let request = &record.request;
    let open = request.privileged
        || request
            .security_options
            .iter()
            .any(|option| option == "systempaths=unconfined");
    let hidden = |paths: Vec<String>| (!open).then_some(paths);
    let mut linux = Linux::default();
    linux.set_namespaces(Some(namespaces(record, facts)));
    linux.set_cgroups_path(Some(cgroup(record)));
    linux.set_resources(Some(resources::all(request, &facts.devices)));
    linux.set_devices(Some(
        facts.devices.iter().map(HostDevice::to_node).collect(),
    ));
    linux.set_seccomp(seccomp::filter(request)?);
    linux.set_masked_paths(hidden(get_default_maskedpaths()));
    linux.set_readonly_paths(hidden(get_default_readonly_paths()));
    linux.set_sysctl(Some(sysctls(record, facts)).filter(|sysctls| !sysctls.is_empty()));
    linux.set_rootfs_propagation(Some("rprivate".to_owned()));
    if let Some(ids) = facts.ids.filter(|_| facts.users.is_none()) {
        linux.set_uid_mappings(Some(mappings(&ids.uids)));
        linux.set_gid_mappings(Some(mappings(&ids.gids)));
    }
    Ok(linux)
}

fn mappings(ranges: &[IdRange]) -> Vec<LinuxIdMapping> {
    let mapping = |range: &IdRange| {
        LinuxIdMappingBuilder::default()
            .container_id(range.inside)
            .host_id(range.outside)
            .size(range.count)
            .build()
            .expect("every field has a value")
    };
    ranges.iter().map(mapping).collect()
}

fn namespaces(record: &Record, facts: &Facts<'_>) -> Vec<LinuxNamespace> {
    use LinuxNamespaceType::{Cgroup, Ipc, Mount, Network, Pid, User, Uts};
    let request = &record.request;
    let is_host = |mode: &Option<String>| mode.as_deref() == Some("host");
    let mut list = vec![own(Mount)];
    let mut add = |kind, host: bool, joined: Option<u32>| match joined {
        Some(pid) => list.push(joining(kind, pid)),
        None if host => {}
        None => list.push(own(kind)),
    };
    add(Pid, is_host(&request.pid_mode), facts.joined.pid);
    add(Ipc, is_host(&request.ipc_mode), facts.joined.ipc);
    add(Uts, is_host(&request.uts_mode), None);
    add(
        Network,
        request.network == NetworkMode::Host,
        facts.joined.network,
    );
    add(Cgroup, request.privileged, None);
    if facts.ids.is_some() {
        let mut users = own(User);
        users.set_path(facts.users.clone());
        list.push(users);
    }
    list
}

fn own(kind: LinuxNamespaceType) -> LinuxNamespace {
    let mut namespace = LinuxNamespace::default();
    namespace.set_typ(kind);
    namespace
}

fn joining(kind: LinuxNamespaceType, pid: u32) -> LinuxNamespace {
    let name = match kind {
        LinuxNamespaceType::Network => "net",
        LinuxNamespaceType::Ipc => "ipc",
        _ => "pid",
    };
    let mut namespace = own(kind);
    namespace.set_path(Some(PathBuf::from(format!("/proc/{pid}/ns/{name}"))));
    namespace
}

fn sysctls(record: &Record, facts: &Facts<'_>) -> HashMap<String, String> {
    let mut sysctls: HashMap<String, String> = HashMap::new();
    // Docker lets every user ping and bind to low ports, in a network namespace of the container's
    // own only: elsewhere the parameters are someone else's.
    let own = matches!(
        record.request.network,
        NetworkMode::Bridge | NetworkMode::Named { .. }
    );
    if own && !record.request.privileged {
        sysctls.insert("net.ipv4.ip_unprivileged_port_start".into(), "0".into());
        // A user namespace can only name the groups that it has.
        if facts.ids.is_none() {
            sysctls.insert("net.ipv4.ping_group_range".into(), "0 2147483647".into());
        }
    }
    sysctls.extend(record.request.sysctls.clone());
    sysctls
}

#[cfg(test)]
mod tests;
