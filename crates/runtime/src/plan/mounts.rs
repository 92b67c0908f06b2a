//! Mounts of the spec: options to attributes (OCI runtime spec, "Linux mount options").

use std::path::{Path, PathBuf};

use nix::mount::MsFlags;
use oci_spec::runtime::Mount;
use terrarium_sys::mount::{AttrChange, Depth, attr};

use super::namespaces::{IdMap, NEW_USER, Namespaces, id_maps};
use crate::error::{Error, Result};

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MountKind {
    /// A file or directory of the host.
    Bind {
        source: PathBuf,
        depth: Depth,
        /// Fill it with what it covers if it is an empty directory, as a new volume is.
        copy_up: bool,
    },
    /// A new file system.
    FileSystem {
        fstype: String,
        source: Option<String>,
        /// Options of the file system, in order.
        options: Vec<String>,
        /// Fill a tmpfs with what it covers.
        copy_up: bool,
    },
    /// The container's own cgroups, laid out as on the host.
    Cgroup,
}

/// An idmapped mount (mount_setattr(2)): maps as of a user namespace, ids on disk to ids of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdShift {
    pub(crate) uids: Vec<IdMap>,
    pub(crate) gids: Vec<IdMap>,
    pub(crate) depth: Depth,
}

/// One mount, in the order of the spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MountPlan {
    pub(crate) destination: PathBuf,
    pub(crate) kind: MountKind,
    /// For this mount alone.
    pub(crate) change: AttrChange,
    /// For it and all below (`rro`, `rnosuid`, …).
    pub(crate) recursive: AttrChange,
    /// Owners are shown through these maps.
    pub(crate) shift: Option<IdShift>,
    /// `MS_SHARED` and the like, in order, each for one mount or all below.
    pub(crate) propagation: Vec<(u64, Depth)>,
}

impl MountPlan {
    pub(super) fn plan(
        mount: &Mount,
        bundle: &Path,
        namespaces: &Namespaces,
        notes: &mut Vec<(String, String)>,
    ) -> Result<Self> {
        let destination = Path::new("/").join(mount.destination());
        let mut parsed = Options::default();
        for option in mount.options().iter().flatten() {
            parsed.take(option);
        }
        let fstype = mount.typ().as_deref().unwrap_or("none");
        let kind = match (parsed.bind, fstype) {
            (Some(depth), _) => bind(mount, bundle, depth, parsed.copy_up)?,
            (None, "bind") => bind(mount, bundle, Depth::One, parsed.copy_up)?,
            (None, "cgroup" | "cgroup2") => MountKind::Cgroup,
            (None, _) => MountKind::FileSystem {
                fstype: fstype.to_owned(),
                source: mount
                    .source()
                    .as_ref()
                    .map(|s| s.to_string_lossy().into_owned()),
                options: usable_options(fstype, parsed.data, namespaces, notes),
                copy_up: parsed.copy_up,
            },
        };
        let shift = id_shift(mount, parsed.shift, namespaces)?;
        if shift.is_some() && !matches!(kind, MountKind::Bind { .. }) {
            let text = format!("idmapped mount on {destination:?} that is no bind");
            return Err(Error::Unsupported(text));
        }
        let Options {
            change,
            recursive,
            propagation,
            ..
        } = parsed;
        Ok(Self {
            destination,
            kind,
            change,
            recursive,
            shift,
            propagation,
        })
    }

    pub(crate) fn is_bind(&self) -> bool {
        matches!(self.kind, MountKind::Bind { .. })
    }
}

fn bind(mount: &Mount, bundle: &Path, depth: Depth, copy_up: bool) -> Result<MountKind> {
    let source = mount
        .source()
        .as_ref()
        .filter(|source| !source.as_os_str().is_empty());
    let missing = || Error::InvalidSpec(format!("bind {:?} has no source", mount.destination()));
    Ok(MountKind::Bind {
        source: bundle.join(source.ok_or_else(missing)?),
        depth,
        copy_up,
    })
}

/// The maps of the mount itself, else those of the container.
fn id_shift(
    mount: &Mount,
    option: Option<Depth>,
    namespaces: &Namespaces,
) -> Result<Option<IdShift>> {
    let [mut uids, mut gids] =
        [mount.uid_mappings(), mount.gid_mappings()].map(|maps| id_maps(maps.as_deref()));
    if uids.is_empty() && gids.is_empty() {
        if option.is_none() {
            return Ok(None);
        }
        if let Some(maps) = &namespaces.maps {
            (uids, gids) = (maps.uids.clone(), maps.gids.clone());
        }
    }
    if uids.is_empty() || gids.is_empty() {
        let text = format!(
            "idmapped mount on {:?} needs `uidMappings` and `gidMappings`, its own or of a new user \
             namespace",
            mount.destination()
        );
        return Err(Error::InvalidSpec(text));
    }
    let depth = option.unwrap_or(Depth::One);
    Ok(Some(IdShift { uids, gids, depth }))
}

/// Drops what cannot work in this user namespace: a group without a mapping.
fn usable_options(
    fstype: &str,
    options: Vec<String>,
    namespaces: &Namespaces,
    notes: &mut Vec<(String, String)>,
) -> Vec<String> {
    let Some(maps) = namespaces
        .maps
        .as_ref()
        .filter(|_| namespaces.create & NEW_USER != 0)
    else {
        return options;
    };
    let is_mapped = |id: &str| {
        id.parse::<u32>().is_ok_and(|id| {
            maps.gids
                .iter()
                .any(|map| (map.inside..map.inside.saturating_add(map.count)).contains(&id))
        })
    };
    let (usable, dropped): (Vec<_>, Vec<_>) = options
        .into_iter()
        .partition(|option| option.strip_prefix("gid=").is_none_or(is_mapped));
    for option in dropped {
        let text = format!("`{option}` left out: this group is not mapped in the user namespace");
        notes.push((format!("mount {fstype}"), text));
    }
    usable
}

#[derive(Debug, Default)]
struct Options {
    bind: Option<Depth>,
    change: AttrChange,
    recursive: AttrChange,
    propagation: Vec<(u64, Depth)>,
    copy_up: bool,
    shift: Option<Depth>,
    data: Vec<String>,
}

impl Options {
    fn take(&mut self, option: &str) {
        match option {
            "bind" => self.bind = Some(Depth::One),
            "rbind" => self.bind = Some(Depth::Recursive),
            "defaults" | "async" | "nomand" | "noiversion" | "loud" | "remount" | "" => {}
            // The second is ours, for binds: Docker fills new volumes.
            "tmpcopyup" | "copyup" => self.copy_up = true,
            "idmap" => self.shift = Some(Depth::One),
            "ridmap" => self.shift = Some(Depth::Recursive),
            _ if self.take_attribute(option) || self.take_propagation(option) => {}
            // What is no generic option is the file system's own.
            _ => self.data.push(option.to_owned()),
        }
    }

    fn take_attribute(&mut self, option: &str) -> bool {
        if let Some((set, bits)) = attribute(option) {
            merge(&mut self.change, set, bits);
            return true;
        }
        // `rro`, `rnosuid`, …: the same word with an `r` in front is recursive.
        if let Some((set, bits)) = option.strip_prefix('r').and_then(attribute) {
            merge(&mut self.recursive, set, bits);
            return true;
        }
        false
    }

    fn take_propagation(&mut self, option: &str) -> bool {
        let (word, depth) = match option.strip_prefix('r') {
            Some(rest) if propagation(rest).is_some() => (rest, Depth::Recursive),
            _ => (option, Depth::One),
        };
        let Some(flag) = propagation(word) else {
            return false;
        };
        self.propagation.push((flag, depth));
        true
    }
}

fn merge(change: &mut AttrChange, set: bool, bits: u64) {
    if bits & attr::ATIME_FIELD != 0 || (set && bits == attr::RELATIME) {
        change.clear |= attr::ATIME_FIELD;
        change.set = change.set & !attr::ATIME_FIELD | if set { bits } else { 0 };
        return;
    }
    if set {
        change.set |= bits;
        change.clear &= !bits;
    } else {
        change.set &= !bits;
        change.clear |= bits;
    }
}

fn attribute(option: &str) -> Option<(bool, u64)> {
    Some(match option {
        "ro" => (true, attr::RDONLY),
        "rw" => (false, attr::RDONLY),
        "nosuid" => (true, attr::NOSUID),
        "suid" => (false, attr::NOSUID),
        "nodev" => (true, attr::NODEV),
        "dev" => (false, attr::NODEV),
        "noexec" => (true, attr::NOEXEC),
        "exec" => (false, attr::NOEXEC),
        "relatime" => (true, attr::RELATIME),
        "noatime" => (true, attr::NOATIME),
        "strictatime" => (true, attr::STRICTATIME),
        "atime" | "norelatime" | "nostrictatime" => (true, attr::RELATIME),
        "nodiratime" => (true, attr::NODIRATIME),
        "diratime" => (false, attr::NODIRATIME),
        "nosymfollow" => (true, attr::NOSYMFOLLOW),
        "symfollow" => (false, attr::NOSYMFOLLOW),
        _ => return None,
    })
}

fn propagation(word: &str) -> Option<u64> {
    let flag = match word {
        "shared" => MsFlags::MS_SHARED,
        "slave" => MsFlags::MS_SLAVE,
        "private" => MsFlags::MS_PRIVATE,
        "unbindable" => MsFlags::MS_UNBINDABLE,
        _ => return None,
    };
    Some(flag.bits())
}

/// Never shared while we build: a mount made in the container must not reach the host.
pub(super) fn root_propagation(asked: Option<&str>) -> Result<MsFlags> {
    Ok(match asked.unwrap_or("") {
        "" | "slave" | "rslave" | "shared" | "rshared" => MsFlags::MS_SLAVE | MsFlags::MS_REC,
        "private" | "rprivate" | "unbindable" | "runbindable" => {
            MsFlags::MS_PRIVATE | MsFlags::MS_REC
        }
        other => return Err(Error::InvalidSpec(format!("rootfsPropagation `{other}`"))),
    })
}

/// What the container's own root passes on once it is `/`.
pub(super) fn final_propagation(asked: Option<&str>) -> MsFlags {
    let Some(asked) = asked else {
        return MsFlags::empty();
    };
    let (word, depth) = match asked.strip_prefix('r') {
        Some(word) => (word, MsFlags::MS_REC),
        None => (asked, MsFlags::empty()),
    };
    match word {
        "shared" => MsFlags::MS_SHARED | depth,
        "slave" => MsFlags::MS_SLAVE | depth,
        "private" => MsFlags::MS_PRIVATE | depth,
        "unbindable" => MsFlags::MS_UNBINDABLE | depth,
        _ => MsFlags::empty(),
    }
}
