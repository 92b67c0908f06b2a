//! Named and anonymous volumes: a folder each, with its record beside the data.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use terrarium_api::{
    ChangeKind, CreateVolume, Error, ErrorCode, LifecycleEvent, MountKind, ResourceKind, Traced,
    Volume,
};

use crate::{
    Engine, Result, Tracer,
    blocking::blocking,
    error::{Context as _, quoted},
    files,
    time::{now_ms, now_ns},
};

/// Folders of volumes that are being made or removed begin so, which no volume's name can.
const UNFINISHED: &str = ".";

/// `volumes/NAME/volume.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    created_at_ms: u64,
    labels: std::collections::BTreeMap<String, String>,
    anonymous: bool,
}

impl Engine {
    /// All volumes, by name.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn volumes(&self) -> Result<Vec<Volume>> {
        let folder = self.volumes_folder();
        let mut volumes = blocking(move || list(&folder)).await?;
        let containers = self.containers().await?;
        for volume in &mut volumes {
            let mounts = |container: &&terrarium_api::ContainerSummary| {
                let mut mounts = container.mounts.iter();
                mounts.any(|mount| mount.kind == MountKind::Volume && mount.source == volume.name)
            };
            volume.used_by = containers
                .iter()
                .filter(mounts)
                .map(|found| found.name.clone())
                .collect();
        }
        Ok(volumes)
    }

    /// One volume.
    ///
    /// # Errors
    /// `NoSuchVolume`.
    pub async fn inspect_volume(&self, name: &str) -> Result<Volume> {
        let volumes = self.volumes().await?;
        volumes
            .into_iter()
            .find(|volume| volume.name == name)
            .ok_or_else(|| no_such_volume(name))
    }

    /// Creates a volume; one that is there already is given back as it is.
    ///
    /// # Errors
    /// `InvalidArgument` for a name that is none, or what could not be written.
    pub async fn create_volume(&self, request: CreateVolume) -> Result<Traced<Volume>> {
        let anonymous = request.name.is_none();
        let name = request.name.unwrap_or_else(|| files::random_hex(32));
        check_name(&name)?;
        let mut tracer = Tracer::new(
            "volume.create",
            &name,
            format!("docker volume create {name}"),
        );
        let folder = self.volumes_folder();
        let record = Record {
            created_at_ms: now_ms(),
            labels: request.labels,
            anonymous,
        };
        let path = folder.join(&name);
        let detail = format!("mkdir {}", path.join("_data").display());
        let made = tracer
            .step(
                "mkdir",
                detail,
                blocking(move || make(&folder, &path, &record)),
            )
            .await?;
        let volume = self.inspect_volume(&name).await?;
        if made {
            self.hub().change(ChangeKind::Volume {
                value: Box::new(volume.clone()),
            });
            self.volume_event("create", &name);
        }
        Ok(tracer.finish(volume))
    }

    /// Removes a volume that no container uses.
    ///
    /// # Errors
    /// `NoSuchVolume`, `VolumeInUse`, or what could not be removed.
    pub async fn remove_volume(&self, name: &str) -> Result<Traced<()>> {
        let volume = self.inspect_volume(name).await?;
        if !volume.used_by.is_empty() {
            let users = volume.used_by.join(", ");
            return Err(Error::new(
                ErrorCode::VolumeInUse,
                format!("volume {name} is in use by {users}"),
            )
            .hint("remove these containers first"));
        }
        let mut tracer = Tracer::new("volume.remove", name, format!("docker volume rm {name}"));
        let folder = self.volumes_folder();
        let path = folder.join(name);
        let detail = path.display().to_string();
        let aside = tracer
            .step(
                "rename",
                detail.clone(),
                blocking(move || set_aside(&folder, &path)),
            )
            .await?;
        tracer
            .step("unlink", detail, self.remove_tree(aside))
            .await?;
        self.hub().change(ChangeKind::Removed {
            kind: ResourceKind::Volume,
            id: name.to_owned(),
        });
        self.volume_event("destroy", name);
        Ok(tracer.finish(()))
    }

    /// Removes what a killed host left half-made or half-removed.
    pub(crate) async fn sweep_volumes(&self) -> Result<()> {
        let folder = self.volumes_folder();
        let unfinished = blocking(move || {
            let entries = entries(&folder)?;
            Ok(entries
                .into_iter()
                .filter(|path| is_unfinished(path))
                .collect::<Vec<_>>())
        })
        .await?;
        for path in unfinished {
            self.remove_tree(path).await?;
        }
        Ok(())
    }

    /// The folder whose content a container sees.
    pub(crate) fn volume_data(&self, name: &str) -> PathBuf {
        self.volumes_folder().join(name).join("_data")
    }

    fn volumes_folder(&self) -> PathBuf {
        self.config().data_root.join("volumes")
    }

    fn volume_event(&self, action: &str, name: &str) {
        self.hub().event(LifecycleEvent {
            at_ns: now_ns(),
            kind: "volume".into(),
            action: action.into(),
            id: name.into(),
            attributes: [("driver".into(), "local".into())].into(),
        });
    }
}

/// Docker's rule for volume names.
fn check_name(name: &str) -> Result<()> {
    let inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let valid = name.len() >= 2
        && name.len() <= 255
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(inner);
    if valid {
        return Ok(());
    }
    let message = format!("volume name {:?} is not valid", quoted(name));
    Err(Error::new(ErrorCode::InvalidArgument, message)
        .hint("use two or more of a-z, A-Z, 0-9, _ . - and begin with a letter or digit"))
}

fn no_such_volume(name: &str) -> Error {
    Error::new(
        ErrorCode::NoSuchVolume,
        format!("no such volume: {}", quoted(name)),
    )
}

fn list(folder: &Path) -> Result<Vec<Volume>> {
    let mut volumes = Vec::new();
    for path in entries(folder)? {
        let Some(name) = path
            .file_name()
            .and_then(|name| name.to_str())
            .map(str::to_owned)
        else {
            continue;
        };
        if is_unfinished(&path) {
            continue;
        }
        let record = read_record(&path);
        volumes.push(Volume {
            mountpoint: path.join("_data").display().to_string(),
            created_at_ms: record.created_at_ms,
            labels: record.labels,
            anonymous: record.anonymous,
            used_by: Vec::new(),
            name,
        });
    }
    volumes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(volumes)
}

/// A volume whose record is damaged still has its data, and stays on the list.
fn read_record(path: &Path) -> Record {
    let text = fs::read(path.join("volume.json")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_else(|error| {
        tracing::warn!(path = %path.display(), %error, "the record of a volume cannot be read");
        Record {
            created_at_ms: 0,
            labels: Default::default(),
            anonymous: false,
        }
    })
}

/// Makes the folder aside and renames it, so that a volume is there whole or not at all.
fn make(folder: &Path, path: &Path, record: &Record) -> Result<bool> {
    if path.exists() {
        return Ok(false);
    }
    let making = || format!("create volume {}", path.display());
    let aside = folder.join(format!("{UNFINISHED}{}", files::random_hex(16)));
    fs::create_dir_all(aside.join("_data")).context(making)?;
    let text = serde_json::to_vec(record).context(making)?;
    files::write_durably(&aside.join("volume.json"), &text).context(making)?;
    match fs::rename(&aside, path) {
        Ok(()) => files::sync_folder(folder).context(making).map(|()| true),
        Err(error) => {
            fs::remove_dir_all(&aside).context(making)?;
            // Another request made it at the same time.
            if path.exists() {
                Ok(false)
            } else {
                Err(error).context(making)
            }
        }
    }
}

/// Takes a volume off the list at once; its content can then be removed at leisure.
fn set_aside(folder: &Path, path: &Path) -> Result<PathBuf> {
    let aside = folder.join(format!("{UNFINISHED}{}", files::random_hex(16)));
    fs::rename(path, &aside).context(|| format!("remove volume {}", path.display()))?;
    files::sync_folder(folder).context(|| format!("sync {}", folder.display()))?;
    Ok(aside)
}

fn is_unfinished(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_none_or(|name| name.starts_with(UNFINISHED))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("list {}", folder.display());
    match fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()).context(reading))
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(folder)
            .context(reading)
            .map(|()| Vec::new()),
        Err(error) => Err(error).context(reading),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, valid: bool) {
        assert_eq!(check_name(name).is_ok(), valid, "{name}");
    }

    #[test]
    fn names_follow_docker_s_rule() {
        check("data", true);
        check("pg_data.1-x", true);
        check("a", false);
        check(".hidden", false);
        check("../etc", false);
        check("a/b", false);
        check("", false);
    }

    #[test]
    fn a_volume_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let record = Record {
            created_at_ms: 1,
            labels: Default::default(),
            anonymous: false,
        };
        let path = folder.path().join("data");
        assert!(make(folder.path(), &path, &record).unwrap());
        assert!(!make(folder.path(), &path, &record).unwrap());
        let names: Vec<String> = list(folder.path())
            .unwrap()
            .into_iter()
            .map(|volume| volume.name)
            .collect();
        assert_eq!(names, ["data"]);
    }

    #[test]
    fn a_half_made_volume_is_not_listed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".0123")).unwrap();
        assert!(list(folder.path()).unwrap().is_empty());
    }
}
