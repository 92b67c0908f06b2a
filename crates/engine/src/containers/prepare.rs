//! Gathers what a spec depends on, and writes the bundle.

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use nix::sys::stat::{major, minor};
use terrarium_api::{Error, ErrorCode, MountKind};
use terrarium_oci::runtime::LinuxDeviceType;
use terrarium_store::{Ids, Overlay};

use super::{
    bundle::{self, Bundle},
    layered::Layers,
    network,
    record::Record,
    spec::{self, Facts, HostDevice, Joined, Source, WantedDevice, parse_device},
    user::Databases,
};
use crate::{
    Engine, Result,
    blocking::blocking,
    error::{Context as _, quoted},
    images::ids,
};

/// A longer `/etc/passwd` is not one.
const DATABASE_BYTES: u64 = 4 << 20;

impl Engine {
    /// Writes the bundle of a run.
    pub(super) async fn prepare_bundle(&self, record: &Record, bundle: &Bundle) -> Result<()> {
        let joined = self.joined(record)?;
        let (engine, record, bundle) = (self.clone(), record.clone(), bundle.clone());
        blocking(move || engine.write_bundle(&record, &bundle, joined)).await
    }

    fn write_bundle(&self, record: &Record, bundle: &Bundle, joined: Joined) -> Result<()> {
        let overlay = self.overlay(record)?;
        let user = &record.request.user;
        let user = user.as_deref().filter(|user| !user.is_empty());
        let wish = user.unwrap_or(&record.image.config.user);
        let account = databases(&overlay)?.account(wish, &record.request.groups)?;
        let ids = ids(self.inner.privilege);
        let facts = Facts {
            account: &account,
            ids: match &ids {
                Ids::Host => None,
                Ids::Mapped(maps) => Some(maps),
            },
            users: match &ids {
                Ids::Host => None,
                Ids::Mapped(_) => self.users(record, joined)?,
            },
            files: bundle.folder(),
            mounts: self.sources(record)?,
            joined,
            devices: host_devices(record)?,
        };
        let spec = spec::spec(record, &facts)?;
        bundle.create(record)?;
        let log = self.inner.records.log(&record.id);
        let config = bundle::shim_config(record, overlay, log).ok_or_else(|| {
            Error::new(
                ErrorCode::Internal,
                "the container's snapshot is not writable",
            )
        })?;
        bundle.write_configs(&spec, &config)?;
        Ok(())
    }

    /// The user namespace that a rootless container shares: that of whose namespaces it joins, or that of
    /// the networks it is on. What belongs to another one it could not enter.
    fn users(&self, record: &Record, joined: Joined) -> Result<Option<PathBuf>> {
        let others = [joined.network, joined.pid, joined.ipc];
        if let Some(pid) = others.into_iter().flatten().next() {
            return Ok(Some(format!("/proc/{pid}/ns/user").into()));
        }
        if !record.has_network() {
            return Ok(None);
        }
        let network = self.network();
        network.user_namespace().map_err(network::failed)
    }

    /// As whom a process of the container runs.
    pub(super) fn account(&self, record: &Record, wish: &str) -> Result<super::user::Account> {
        databases(&self.overlay(record)?)?.account(wish, &record.request.groups)
    }

    fn sources<'a>(&self, record: &'a Record) -> Result<Vec<Source<'a>>> {
        let source = |mount: &'a terrarium_api::Mount| {
            let path = match mount.kind {
                MountKind::Tmpfs => None,
                MountKind::Volume => Some(self.volume_data(&mount.source)),
                MountKind::Bind => Some(bind_source(&mount.source)?),
            };
            Ok(Source { mount, path })
        };
        record.mounts.iter().map(source).collect()
    }

    /// The processes whose namespaces the container joins.
    fn joined(&self, record: &Record) -> Result<Joined> {
        let of = |mode: Option<&str>| -> Result<Option<u32>> {
            match mode.and_then(|mode| mode.strip_prefix("container:")) {
                Some(name) => self.pid_of(name).map(Some),
                None => Ok(None),
            }
        };
        let network = match &record.request.network {
            terrarium_api::NetworkMode::Container { id } => Some(self.pid_of(id)?),
            _ => None,
        };
        Ok(Joined {
            pid: of(record.request.pid_mode.as_deref())?,
            ipc: of(record.request.ipc_mode.as_deref())?,
            network,
        })
    }

    fn pid_of(&self, name: &str) -> Result<u32> {
        let other = self.inner.containers.find(name)?;
        let state = other.state();
        let run = state.record.run.as_ref().filter(|_| state.live.is_some());
        run.and_then(|run| run.pid).ok_or_else(|| {
            super::not_running(&state.record.name)
                .hint("a container whose namespace is joined must run")
        })
    }
}

/// The container's own user and group files.
pub(crate) fn databases(overlay: &Overlay) -> Result<Databases> {
    let what = || "read the users of the container".to_owned();
    let upper = overlay.upper.iter().map(|upper| upper.upperdir.as_path());
    let lower = overlay.lowerdirs.iter().map(PathBuf::as_path);
    let layers = Layers::open(upper.chain(lower)).context(what)?;
    let read = |path: &str| -> Result<String> {
        let content = layers.read(Path::new(path), DATABASE_BYTES).context(what)?;
        Ok(String::from_utf8_lossy(&content.unwrap_or_default()).into_owned())
    };
    Ok(Databases {
        passwd: read("/etc/passwd")?,
        group: read("/etc/group")?,
    })
}

fn bind_source(path: &str) -> Result<PathBuf> {
    let path = PathBuf::from(path);
    if path.exists() {
        return Ok(path);
    }
    let shown = quoted(&path.display().to_string());
    let message = format!("bind source path does not exist: {shown}");
    Err(Error::new(ErrorCode::InvalidArgument, message)
        .hint("create it on the host, or use a volume"))
}

/// The devices that were asked for; all of `/dev` for a privileged container.
fn host_devices(record: &Record) -> Result<Vec<HostDevice>> {
    let mut devices = Vec::new();
    if record.request.privileged {
        walk(Path::new("/dev"), &mut devices);
    }
    for text in &record.request.devices {
        let wanted = parse_device(text)?;
        let shown = quoted(&wanted.host.display().to_string());
        let metadata = fs::metadata(&wanted.host).context(|| format!("look at device {shown}"))?;
        let device = device(&metadata, &wanted).ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidArgument,
                format!("{shown} is not a device"),
            )
        })?;
        devices.retain(|known: &HostDevice| known.inside != device.inside);
        devices.push(device);
    }
    Ok(devices)
}

/// Gathers the nodes of a folder, without what a container has of its own.
fn walk(folder: &Path, devices: &mut Vec<HostDevice>) {
    const OWN: [&str; 4] = ["pts", "shm", "mqueue", "console"];
    // What cannot be looked at, or is gone by now, is no device to give.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if folder == Path::new("/dev") && OWN.iter().any(|own| name == *own) {
            continue;
        }
        if metadata.is_dir() {
            walk(&path, devices);
            continue;
        }
        let wanted = WantedDevice {
            host: path.clone(),
            inside: path,
            access: "rwm".into(),
        };
        devices.extend(device(&metadata, &wanted));
    }
}

fn device(metadata: &fs::Metadata, wanted: &WantedDevice) -> Option<HostDevice> {
    let kind = match metadata.file_type() {
        kind if kind.is_char_device() => LinuxDeviceType::C,
        kind if kind.is_block_device() => LinuxDeviceType::B,
        _ => return None,
    };
    Some(HostDevice {
        inside: wanted.inside.clone(),
        kind,
        major: i64::try_from(major(metadata.rdev())).ok()?,
        minor: i64::try_from(minor(metadata.rdev())).ok()?,
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        access: wanted.access.clone(),
    })
}
