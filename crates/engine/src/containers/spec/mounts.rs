use std::path::{Path, PathBuf};

use terrarium_api::{MountKind, NetworkMode};
use terrarium_oci::runtime::Mount;

use super::{Facts, Source};
use crate::containers::record::Record;

/// Docker's size of `/dev/shm`.
const SHM_BYTES: u64 = 64 << 20;

/// All mounts, parents before children.
pub(super) fn all(record: &Record, facts: &Facts<'_>) -> Vec<Mount> {
    let taken = |path: &Path| facts.mounts.iter().any(|own| target(own) == path);
    let mut mounts = kernel(record, facts);
    mounts.extend(generated(facts.files));
    mounts.retain(|mount| !taken(mount.destination()));
    let mut asked: Vec<Mount> = facts.mounts.iter().map(of_user).collect();
    // Stable: mounts of the same depth stay in the order of the request.
    asked.sort_by_key(|mount| mount.destination().components().count());
    mounts.extend(asked);
    mounts
}

fn kernel(record: &Record, facts: &Facts<'_>) -> Vec<Mount> {
    let request = &record.request;
    let shm = format!("size={}", request.shm_bytes.unwrap_or(SHM_BYTES));
    let devpts = "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5";
    let write = if request.privileged { "rw" } else { "ro" };
    let mut mounts = vec![
        special("/proc", "proc", "nosuid noexec nodev"),
        special("/dev", "tmpfs", "nosuid strictatime mode=755 size=65536k"),
        special("/dev/pts", "devpts", devpts),
        sysfs(record, facts, write),
        special(
            "/sys/fs/cgroup",
            "cgroup",
            &format!("{write} nosuid noexec nodev"),
        ),
    ];
    if request.ipc_mode.as_deref() == Some("host") {
        mounts.push(bind(Path::new("/dev/shm"), "/dev/shm", &[]));
        mounts.push(bind(Path::new("/dev/mqueue"), "/dev/mqueue", &[]));
    } else {
        let options = format!("nosuid noexec nodev mode=1777 {shm}");
        mounts.push(special("/dev/mqueue", "mqueue", "nosuid noexec nodev"));
        mounts.push(special("/dev/shm", "tmpfs", &options));
    }
    mounts
}

/// A user namespace may mount sysfs only together with a network namespace of its own
/// (`mount_namespaces(7)`); else it sees the host's.
fn sysfs(record: &Record, facts: &Facts<'_>, write: &str) -> Mount {
    let own_network = matches!(
        record.request.network,
        NetworkMode::Bridge | NetworkMode::None | NetworkMode::Named { .. }
    );
    if facts.ids.is_some() && !own_network {
        bind(
            Path::new("/sys"),
            "/sys",
            &["nosuid", "noexec", "nodev", "ro"],
        )
    } else {
        special("/sys", "sysfs", &format!("nosuid noexec nodev {write}"))
    }
}

fn generated(folder: &Path) -> [Mount; 3] {
    ["resolv.conf", "hostname", "hosts"]
        .map(|name| bind(&folder.join(name), &format!("/etc/{name}"), &[]))
}

fn of_user(source: &Source<'_>) -> Mount {
    let wanted = source.mount;
    let Some(path) = &source.path else {
        return tmpfs(source);
    };
    let propagation = wanted.propagation.as_deref().unwrap_or("rprivate");
    let mut options = vec![propagation];
    if wanted.read_only {
        // `ro` alone would leave mounts below writable.
        options.extend(["ro", "rro"]);
    }
    if wanted.kind == MountKind::Volume && !wanted.no_copy {
        options.push("copyup");
    }
    bind(path, &wanted.target, &options)
}

fn tmpfs(source: &Source<'_>) -> Mount {
    let wanted = source.mount;
    debug_assert_eq!(wanted.kind, MountKind::Tmpfs);
    let mut options = "nosuid nodev noexec".to_owned();
    if wanted.read_only {
        options.push_str(" ro");
    }
    if let Some(size) = wanted.size_bytes {
        options.push_str(&format!(" size={size}"));
    }
    options.push_str(&format!(" mode={:o}", wanted.mode.unwrap_or(0o1777)));
    special(&wanted.target, "tmpfs", &options)
}

fn target<'a>(source: &'a Source<'_>) -> &'a Path {
    Path::new(&source.mount.target)
}

fn special(target: &str, kind: &str, options: &str) -> Mount {
    let mut mount = Mount::default();
    mount.set_destination(PathBuf::from(target));
    mount.set_typ(Some(kind.to_owned()));
    mount.set_source(Some(PathBuf::from(kind)));
    mount.set_options(Some(options.split(' ').map(str::to_owned).collect()));
    mount
}

fn bind(source: &Path, target: &str, options: &[&str]) -> Mount {
    let mut mount = Mount::default();
    mount.set_destination(PathBuf::from(target));
    mount.set_typ(Some("bind".to_owned()));
    mount.set_source(Some(source.to_owned()));
    let options = ["rbind"].iter().chain(options);
    mount.set_options(Some(options.map(|&option| option.to_owned()).collect()));
    mount
}
