//! Mounts as Docker shows them: as mount points, and as what was asked for.

use std::collections::BTreeMap;

use serde::Serialize;
use terrarium_api::{Mount, MountKind};

/// One entry of `Mounts` in lists and in inspect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MountPoint {
    r#type: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    source: String,
    destination: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    driver: Option<&'static str>,
    mode: &'static str,
    #[serde(rename = "RW")]
    rw: bool,
    propagation: String,
}

/// Shows mounts; `volume_path` says where a volume's data lies.
pub(super) fn show(mounts: &[Mount], volume_path: impl Fn(&str) -> String) -> Vec<MountPoint> {
    let shown = mounts.iter().map(|mount| {
        let (kind, name, source, driver, propagation) = match mount.kind {
            MountKind::Bind => (
                "bind",
                String::new(),
                mount.source.clone(),
                None,
                "rprivate",
            ),
            MountKind::Volume => (
                "volume",
                mount.source.clone(),
                volume_path(&mount.source),
                Some("local"),
                "",
            ),
            MountKind::Tmpfs => ("tmpfs", String::new(), String::new(), None, ""),
        };
        MountPoint {
            r#type: kind,
            name,
            source,
            destination: mount.target.clone(),
            driver,
            mode: if mount.read_only { "ro" } else { "" },
            rw: !mount.read_only,
            propagation: mount
                .propagation
                .clone()
                .unwrap_or_else(|| propagation.to_owned()),
        }
    });
    shown.collect()
}

/// Shows mounts as `Binds` and `Tmpfs` of `HostConfig`.
pub(super) fn show_requests(mounts: &[Mount]) -> (Vec<String>, BTreeMap<String, String>) {
    let mut binds = Vec::new();
    let mut tmpfs = BTreeMap::new();
    for mount in mounts {
        let mut options: Vec<String> = Vec::new();
        if mount.read_only {
            options.push("ro".into());
        }
        if mount.kind == MountKind::Tmpfs {
            options.extend(mount.size_bytes.map(|size| format!("size={size}")));
            options.extend(mount.mode.map(|mode| format!("mode={mode:o}")));
            tmpfs.insert(mount.target.clone(), options.join(","));
            continue;
        }
        if mount.source.is_empty() {
            continue;
        }
        options.extend(mount.propagation.clone());
        let end = if options.is_empty() {
            String::new()
        } else {
            format!(":{}", options.join(","))
        };
        binds.push(format!("{}:{}{end}", mount.source, mount.target));
    }
    (binds, tmpfs)
}
