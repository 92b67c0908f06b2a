//! What a command of a build sees besides its file system.

use std::{
    fs,
    ops::ControlFlow,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::unistd::Uid;
use terrarium_api::{Error, ErrorCode, Mount, MountKind};
use terrarium_builder::{Files, ProcessMount};
use terrarium_dockerfile::Sharing;
use terrarium_oci::{Algorithm, ChainId, DiffId, Digest, Hasher};
use terrarium_store::{LayerWork, Name, Store, WantedLayer};
use tokio::sync::OwnedMutexGuard;

use super::{
    executor::Worker,
    layers::{self, At},
};
use crate::{Result, blocking::blocking, files::random_hex, images::store_failed};

/// The mounts of a command, and what has to live as long as it runs.
#[derive(Default)]
pub(super) struct Mounted {
    pub(super) mounts: Vec<Mount>,
    /// Caches that nobody else may use meanwhile.
    _locks: Vec<OwnedMutexGuard<()>>,
    /// Files that the command may change, and that go with it.
    _copies: Vec<LayerWork>,
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
                ProcessMount::Memory { target, size_bytes } => mounted.mounts.push(Mount {
                    size_bytes,
                    ..Mount::new(MountKind::Tmpfs, "", &target)
                }),
                ProcessMount::Cache {
                    id,
                    target,
                    read_only,
                    sharing,
                    mode,
                    uid,
                    gid,
                } => {
                    let id = self.reserve(&mut mounted, id, sharing).await;
                    let folder = self.cache_folder(&id, mode, (uid, gid))?;
                    mounted.mounts.push(bind(&folder, &target, read_only));
                }
                agent @ ProcessMount::Agent { .. } => mounted.mounts.extend(self.agent(agent)?),
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
                    read_only,
                } => {
                    let path = if read_only {
                        self.snapshot_of(files, source).await?
                    } else {
                        let (copy, path) = self.copy_of(files, source).await?;
                        mounted._copies.push(copy);
                        path
                    };
                    mounted.mounts.push(bind(&path, &target, read_only));
                }
            }
        }
        Ok(mounted)
    }

    /// The cache that a command uses: one that somebody else is in is waited for, or another one taken, as is asked.
    async fn reserve(&self, mounted: &mut Mounted, id: String, sharing: Sharing) -> String {
        let locks = &self.engine.inner.build_locks;
        match sharing {
            Sharing::Shared => id,
            Sharing::Locked => {
                mounted
                    ._locks
                    .push(locks.enter(&format!("cache {id}")).await);
                id
            }
            Sharing::Private => {
                let mut free = (0..).filter_map(|number| {
                    // The first one is that of everybody.
                    let name = match number {
                        0 => id.clone(),
                        number => format!("{id}\0{number}"),
                    };
                    Some((locks.try_enter(&format!("cache {name}"))?, name))
                });
                let (lock, name) = free.next().expect("there are always more");
                mounted._locks.push(lock);
                name
            }
        }
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

    /// The socket of an agent, which commands may use that are who the build says.
    fn agent(&self, mount: ProcessMount) -> Result<Option<Mount>> {
        let ProcessMount::Agent {
            id,
            target,
            mode,
            uid,
            gid,
        } = mount
        else {
            return Ok(None);
        };
        let socket = self.options.agents.get(&id).cloned();
        let socket = socket
            .ok_or_else(|| Error::new(ErrorCode::Internal, format!("the agent {id:?} is gone")))?;
        let failed = |error: std::io::Error| failed(&socket, &error);
        own(&socket, (uid, gid)).map_err(failed)?;
        fs::set_permissions(&socket, fs::Permissions::from_mode(mode)).map_err(failed)?;
        Ok(Some(bind(&socket, &target, true)))
    }

    fn scratch_file(
        &self,
        mounted: &mut Mounted,
        bytes: &[u8],
        mode: u32,
        owner: (u32, u32),
    ) -> Result<PathBuf> {
        let root = self.engine.build_scratch();
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
    async fn snapshot_of(&self, files: Arc<Files>, source: String) -> Result<PathBuf> {
        let (store, lease) = (self.engine.store().clone(), self.lease.clone());
        blocking(move || {
            let tar = files.tar_of(&source).map_err(ungathered)?;
            let mut hasher = Hasher::new(Algorithm::Sha256);
            std::io::copy(&mut At { file: &tar, at: 0 }, &mut hasher).map_err(ungathered)?;
            let chain = ChainId::on(None, &DiffId(hasher.finish()));
            layers::unpack(&store, &chain, None, &mut At { file: &tar, at: 0 }, &lease)?;
            place(&store, &Name::from(&chain), &files, &source)
        })
        .await
    }

    /// Files that nobody else sees, to be changed. They go with what is returned beside their place.
    async fn copy_of(&self, files: Arc<Files>, source: String) -> Result<(LayerWork, PathBuf)> {
        let (store, lease) = (self.engine.store().clone(), self.lease.clone());
        blocking(move || {
            let tar = files.tar_of(&source).map_err(ungathered)?;
            // A name that no layer has: it is never committed.
            let alone = DiffId(Digest::sha256_of(random_hex(32).as_bytes()));
            let chain = ChainId::on(None, &alone);
            let failed = |error| store_failed("gather the files of a mount", &error);
            let wanted = store.snapshots().want_layer(&chain, None, &lease);
            let WantedLayer::Missing(work) = wanted.map_err(failed)? else {
                return Err(Error::new(ErrorCode::Internal, "two mounts have one name"));
            };
            let unpacked = work.unpack(At { file: &tar, at: 0 }, |_| ControlFlow::Continue(()));
            unpacked.map_err(failed)?;
            let path = place(&store, work.key(), &files, &source)?;
            Ok((work, path))
        })
        .await
    }
}

/// Where the files of a mount are in a snapshot.
fn place(store: &Store, snapshot: &Name, files: &Files, source: &str) -> Result<PathBuf> {
    let info = store.snapshots().info(snapshot);
    let info =
        info.ok_or_else(|| Error::new(ErrorCode::Internal, "the files of a mount are gone"))?;
    if files.is_folder(source) {
        return Ok(info.fs);
    }
    Ok(info.fs.join(source.rsplit('/').next().unwrap_or(source)))
}

fn ungathered(error: std::io::Error) -> Error {
    Error::new(ErrorCode::Internal, "gather the files of a mount").because(&error)
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
