//! What a command of a build sees besides its file system.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use nix::unistd::Uid;
use terrarium_api::{Error, ErrorCode, Mount, MountKind};
use terrarium_builder::ProcessMount;
use terrarium_oci::{Algorithm, ChainId, Digest, Hasher};
use terrarium_store::Name;
use tokio::sync::OwnedMutexGuard;

use super::{executor::Worker, layers};
use crate::{Result, blocking::blocking, files::random_hex};

/// The mounts of a command, and what has to live as long as it runs.
#[derive(Default)]
pub(super) struct Mounted {
    pub(super) mounts: Vec<Mount>,
    /// Caches that nobody else may use meanwhile.
    _locks: Vec<OwnedMutexGuard<()>>,
    /// The folder of files that are only made for this command.
    scratch: Option<PathBuf>,
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Some(folder) = &self.scratch {
            // It lies in the run root and is gone after a reboot at the latest.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

impl Worker {
    pub(super) async fn mount(&self, wanted: Vec<ProcessMount>) -> Result<Mounted> {
        let mut mounted = Mounted::default();
        for mount in wanted {
            match mount {
                ProcessMount::Memory { target, size_bytes } => {
                    mounted.mounts.push(Mount {
                        size_bytes,
                        ..Mount::new(MountKind::Tmpfs, "", &target)
                    });
                }
                ProcessMount::Cache {
                    id,
                    target,
                    read_only,
                    locked,
                    mode,
                    uid,
                    gid,
                } => {
                    if locked {
                        let lock = self
                            .engine
                            .inner
                            .build_locks
                            .enter(&format!("cache {id}"))
                            .await;
                        mounted._locks.push(lock);
                    }
                    let folder = self.cache_folder(&id, mode, (uid, gid))?;
                    mounted.mounts.push(bind(&folder, &target, read_only));
                }
                ProcessMount::Bytes {
                    bytes,
                    target,
                    mode,
                    uid,
                    gid,
                } => {
                    let file = self.scratch_file(&mut mounted, &bytes, mode, (uid, gid))?;
                    mounted.mounts.push(bind(&file, &target, true));
                }
                ProcessMount::Files {
                    files,
                    source,
                    target,
                } => {
                    let path = self.snapshot_of(files, source).await?;
                    mounted.mounts.push(bind(&path, &target, true));
                }
            }
        }
        Ok(mounted)
    }

    /// The folder of a cache, which lasts. Its name says nothing of the id, which may hold anything.
    fn cache_folder(&self, id: &str, mode: u32, owner: (u32, u32)) -> Result<PathBuf> {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(id.as_bytes());
        let folder = self
            .engine
            .config()
            .data_root
            .join("builds/mounts")
            .join(hasher.finish().hex());
        let failed = |error: std::io::Error| failed(&folder, &error);
        if !folder.exists() {
            fs::create_dir_all(&folder).map_err(failed)?;
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).map_err(failed)?;
            own(&folder, owner).map_err(failed)?;
        }
        Ok(folder)
    }

    fn scratch_file(
        &self,
        mounted: &mut Mounted,
        bytes: &[u8],
        mode: u32,
        owner: (u32, u32),
    ) -> Result<PathBuf> {
        let root = self.engine.config().run_root.join("builds");
        let folder = mounted
            .scratch
            .get_or_insert_with(|| root.join(random_hex(8)))
            .clone();
        let file = folder.join(mounted.mounts.len().to_string());
        let failed = |error: std::io::Error| failed(&file, &error);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&folder)
            .map_err(failed)?;
        fs::write(&file, bytes).map_err(failed)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).map_err(failed)?;
        own(&file, owner).map_err(failed)?;
        Ok(file)
    }

    /// Files as a snapshot that lies on nothing.
    async fn snapshot_of(
        &self,
        files: std::sync::Arc<terrarium_builder::Files>,
        source: String,
    ) -> Result<PathBuf> {
        let (store, lease) = (self.engine.store().clone(), self.lease.clone());
        blocking(move || {
            let failed = |error: std::io::Error| {
                Error::new(ErrorCode::Internal, "gather the files of a mount").because(&error)
            };
            let tar = files.tar_of(&source).map_err(failed)?;
            let mut hasher = Hasher::new(Algorithm::Sha256);
            std::io::copy(&mut layers::At { file: &tar, at: 0 }, &mut hasher).map_err(failed)?;
            let digest: Digest = hasher.finish();
            let chain = ChainId::on(None, &terrarium_oci::DiffId(digest));
            layers::unpack(
                &store,
                &chain,
                None,
                &mut layers::At { file: &tar, at: 0 },
                &lease,
            )?;
            let info = store.snapshots().info(&Name::from(&chain));
            let info = info
                .ok_or_else(|| Error::new(ErrorCode::Internal, "the files of a mount are gone"))?;
            if files.is_folder(&source) {
                return Ok(info.fs);
            }
            Ok(info.fs.join(source.rsplit('/').next().unwrap_or(&source)))
        })
        .await
    }
}

/// In the user namespace of an ordinary user, its own id is root; other ids are not its to give.
fn own(path: &Path, (uid, gid): (u32, u32)) -> std::io::Result<()> {
    if Uid::effective().is_root() {
        return chown(path, Some(uid), Some(gid));
    }
    Ok(())
}

fn bind(source: &Path, target: &str, read_only: bool) -> Mount {
    Mount {
        read_only,
        ..Mount::new(MountKind::Bind, &source.display().to_string(), target)
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(
        ErrorCode::Internal,
        format!("make {} for a build", path.display()),
    )
    .because(error)
}
