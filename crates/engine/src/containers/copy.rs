//! Files into a container and out of it, whether it runs or not.
//!
//! A running container's tree is seen from its own process, so its volumes and what it mounted itself are in
//! it. The layers and volumes of one that does not run are mounted for the worker alone.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use terrarium_api::{Copied, CopyIn, CopyOut, Error, ErrorCode, MountKind, Traced};
use terrarium_store::{
    At, Bind, Overlay, Sight, Store, View,
    layer::live::{Clash, Crossing, Owner, PathStat, PutOptions},
    worker::FailureKind,
};

use super::{container::Container, record::Record};
use crate::{Engine, Result, Tracer, blocking::blocking, error::quoted, images::store_failed};

/// Whose files become that are put into a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those whom the tar names.
    Tar,
    /// Those as whom the container runs, if it runs as somebody in particular.
    Container,
    /// Root of the container.
    Root,
}

/// How a tar is put into a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutFiles {
    /// Whose the files become.
    pub whose: Whose,
    /// Whether a folder may not take the place of something else, nor the other way round.
    pub keeps_kinds: bool,
}

/// A tree, and how to find out whether it still is the container's.
pub(super) struct Seen {
    view: View,
    container: Arc<Container>,
    pid: Option<u32>,
}

impl Seen {
    /// Whether the process that it is seen from still is the container's.
    fn confirm(&self) -> terrarium_store::Result<()> {
        let now = self.container.summary().pid;
        match self.pid.is_none() || self.pid == now {
            true => Ok(()),
            false => Err(terrarium_store::Error::Files(
                terrarium_store::worker::Failure {
                    kind: FailureKind::Refused,
                    message: "the container ended meanwhile".to_owned(),
                },
            )),
        }
    }
}

impl Engine {
    /// What a path in a container is; a link at its end is not followed unless the path ends in a slash.
    ///
    /// # Errors
    /// `NoSuchContainer`, `NoSuchFile`.
    pub async fn stat_path(&self, container: &str, path: &str) -> Result<PathStat> {
        let seen = self.seen(container)?;
        let (store, path) = (self.store().clone(), path.to_owned());
        blocking(move || {
            let looked = store.look(At::new(seen.view.clone(), &path), || seen.confirm());
            looked.map_err(|error| failed("look at", &path, &error))
        })
        .await
    }

    /// Writes a path of a container, and all below it, into `sink` as a tar in which it is called `base`.
    /// `found` is told what is at the path before the first byte; the tar is of that same thing.
    ///
    /// # Errors
    /// `NoSuchContainer`, `NoSuchFile`; what could not be read or written.
    pub async fn read_path(
        &self,
        container: &str,
        (path, base): (&str, &str),
        found: impl FnOnce(PathStat) + Send + 'static,
        sink: impl Write + Send + 'static,
    ) -> Result<()> {
        let seen = self.seen(container)?;
        self.container_event(&seen.container, "archive-path", &[]);
        let (store, path, base) = (self.store().clone(), path.to_owned(), base.to_owned());
        let mut found = Some(found);
        let watch = move |stat| {
            if let Some(found) = found.take() {
                found(stat);
            }
        };
        blocking(move || pack(&store, &seen, (&path, &base), watch, sink).map(drop)).await
    }

    /// Puts a tar, plain or compressed with gzip or zstd, into a folder of a container. What was written
    /// before an error stays.
    ///
    /// # Errors
    /// `NoSuchContainer`, `NoSuchFile`; `InvalidArgument` for a malformed tar or a clash of kinds;
    /// `WrongState` where nothing can be written.
    pub async fn write_path(
        &self,
        container: &str,
        path: &str,
        how: PutFiles,
        tar: impl Read + Send + 'static,
    ) -> Result<u64> {
        let found = self.inner.containers.find(container)?;
        // Nobody may start it while its layers are mounted here. One that runs can be stopped meanwhile:
        // a slow client must not keep it.
        let _resting = match found.shim() {
            None => {
                let operation = found.operation.lock().await;
                Some((operation, Arc::clone(&found.running).lock_owned().await))
            }
            Some(_) => None,
        };
        let seen = self.seen_for_writing(&found)?;
        let options = self.put_options(&found.record(), how).await?;
        self.container_event(&found, "extract-to-dir", &[]);
        let (store, path) = (self.store().clone(), path.to_owned());
        blocking(move || {
            let put = store.put(
                At::new(seen.view.clone(), &path),
                options,
                || seen.confirm(),
                tar,
            );
            put.map_err(|error| failed("write into", &path, &error))
        })
        .await
    }

    /// Copies a file or folder out of a container into a folder of this machine.
    ///
    /// # Errors
    /// `NoSuchContainer`, `NoSuchFile`; `InvalidArgument` for a folder that is not there, or has
    /// something of that name.
    pub async fn copy_out(&self, request: CopyOut) -> Result<Traced<Copied>> {
        let name = base_name(&request.path)?.to_owned();
        let folder = PathBuf::from(&request.folder);
        let target = free_place(&folder, &name)?;
        let seen = self.seen(&request.container)?;
        let command = format!(
            "docker cp {}:{} {}",
            request.container, request.path, request.folder
        );
        let mut tracer = Tracer::new("container.copy_out", &request.path, command);
        let store = self.store().clone();
        let work = blocking(move || {
            let from = (request.path.as_str(), name.as_str());
            let into = (View::Folder(folder), "/");
            copy(
                &store,
                |sink| pack(&store, &seen, from, drop, sink),
                into,
                Owner::Writer,
            )
        });
        let entries = tracer.step("copy", "files", work).await?;
        Ok(tracer.finish(Copied {
            path: target.display().to_string(),
            entries,
        }))
    }

    /// Copies a file or folder of this machine into a folder of a container, as root's.
    ///
    /// # Errors
    /// `NoSuchContainer`, `NoSuchFile`; as [`Engine::write_path`].
    pub async fn copy_in(&self, request: CopyIn) -> Result<Traced<Copied>> {
        let source = PathBuf::from(&request.source);
        let name = base_name(&request.source)?.to_owned();
        let parent = source.parent().filter(|_| source.is_absolute());
        let parent = parent.ok_or_else(|| bad(&request.source, "give an absolute path"))?;
        let view = View::Folder(parent.to_owned());
        let command = format!(
            "docker cp {} {}:{}",
            request.source, request.container, request.folder
        );
        let mut tracer = Tracer::new("container.copy_in", &request.folder, command);
        let (reader, writer) = std::io::pipe()
            .map_err(|error| Error::new(ErrorCode::Internal, "make a pipe").because(&error))?;
        let (store, from) = (self.store().clone(), name.clone());
        let packing = blocking(move || {
            let packed = store.pack(
                At::new(view, &from),
                (&from, Crossing::Enter),
                |_| Ok(()),
                writer,
            );
            packed.map_err(|error| failed("read", &from, &error))
        });
        let how = PutFiles {
            whose: Whose::Root,
            keeps_kinds: true,
        };
        let putting = self.write_path(&request.container, &request.folder, how, reader);
        let work = async { tokio::join!(packing, putting) };
        let (packed, put) = tracer.step("copy", "files", work).await;
        let entries = both(packed, put)?;
        let path = format!("{}/{name}", request.folder.trim_end_matches('/'));
        Ok(tracer.finish(Copied { path, entries }))
    }

    fn seen(&self, name: &str) -> Result<Seen> {
        let container = self.inner.containers.find(name)?;
        self.see(&container, Access::Read)
    }

    fn seen_for_writing(&self, container: &Arc<Container>) -> Result<Seen> {
        self.see(container, Access::Write)
    }

    fn see(&self, container: &Arc<Container>, access: Access) -> Result<Seen> {
        let pid = container.summary().pid;
        let view = match pid {
            Some(pid) => View::Process(pid),
            None => {
                let record = container.record();
                if access == Access::Write && record.request.read_only {
                    let text = "container rootfs is marked read-only";
                    return Err(Error::new(ErrorCode::WrongState, text));
                }
                let overlay = self.overlay(&record)?;
                let overlay = match access {
                    Access::Read => for_reading(overlay),
                    Access::Write => overlay,
                };
                View::Mounted(overlay, self.binds(&record))
            }
        };
        Ok(Seen {
            view,
            container: Arc::clone(container),
            pid,
        })
    }

    /// What the container has mounted, outer mounts first.
    fn binds(&self, record: &Record) -> Vec<Bind> {
        let bind = |mount: &terrarium_api::Mount| {
            let source = match mount.kind {
                MountKind::Tmpfs => return None,
                MountKind::Volume => self.volume_data(&mount.source),
                MountKind::Bind => PathBuf::from(&mount.source),
            };
            Some(Bind {
                source,
                destination: PathBuf::from(&mount.target),
                read_only: mount.read_only,
            })
        };
        let mut binds: Vec<Bind> = record.mounts.iter().filter_map(bind).collect();
        binds.sort_by_key(|bind| bind.destination.components().count());
        binds
    }

    async fn put_options(&self, record: &Record, how: PutFiles) -> Result<PutOptions> {
        let clash = match how.keeps_kinds {
            true => Clash::Refuse,
            false => Clash::Replace,
        };
        let wish = record
            .request
            .user
            .as_deref()
            .filter(|user| !user.is_empty());
        let wish = wish.unwrap_or(&record.image.config.user).to_owned();
        let owner = match how.whose {
            Whose::Root => Owner::These(0, 0),
            Whose::Container if !wish.is_empty() => {
                let (engine, record) = (self.clone(), record.clone());
                let account = blocking(move || engine.account(&record, &wish)).await?;
                Owner::These(account.uid, account.gid)
            }
            Whose::Container | Whose::Tar => Owner::Tar,
        };
        Ok(PutOptions { owner, clash })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// The same files in a mount that can only be read: the writable layer is the topmost of those below.
pub(super) fn for_reading(mut overlay: Overlay) -> Overlay {
    if let Some(upper) = overlay.upper.take() {
        overlay.lowerdirs.insert(0, upper.upperdir);
    }
    overlay
}

fn pack(
    store: &Store,
    seen: &Seen,
    (path, base): (&str, &str),
    mut found: impl FnMut(PathStat),
    sink: impl Write + Send,
) -> Result<u64> {
    let at = At::new(seen.view.clone(), path);
    let watch = |sight| match sight {
        Sight::Tree => seen.confirm(),
        Sight::Path(stat) => {
            found(stat);
            Ok(())
        }
    };
    let packed = store.pack(at, (base, Crossing::Enter), watch, sink);
    packed.map_err(|error| failed("read", path, &error))
}

/// Copies from one tree into another, in a pipe.
fn copy(
    store: &Store,
    pack: impl FnOnce(std::io::PipeWriter) -> Result<u64> + Send,
    (into, path): (View, &str),
    owner: Owner,
) -> Result<u64> {
    let piped = std::io::pipe();
    let (reader, writer) =
        piped.map_err(|error| Error::new(ErrorCode::Internal, "make a pipe").because(&error))?;
    let options = PutOptions {
        owner,
        clash: Clash::Refuse,
    };
    std::thread::scope(|scope| {
        let packing = scope.spawn(|| pack(writer));
        let put = store.put(At::new(into, path), options, || Ok(()), reader);
        let packed = packing.join().expect("packing does not panic");
        both(
            packed,
            put.map_err(|error| failed("write into", path, &error)),
        )
    })
}

/// What went wrong first: a source that is not there gives a broken tar, and a target that is not there
/// a broken pipe.
fn both(packed: Result<u64>, put: Result<u64>) -> Result<u64> {
    match (packed, put) {
        (Err(packed), Err(put)) if packed.code == ErrorCode::Internal => Err(put),
        (Err(packed), _) => Err(packed),
        (Ok(_), put) => put,
    }
}

/// The last name of a path.
fn base_name(path: &str) -> Result<&str> {
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| bad(path, "name a file or a folder"))
}

/// Where something of this name would be in a folder of this machine.
fn free_place(folder: &Path, name: &str) -> Result<PathBuf> {
    let shown = folder.display().to_string();
    if !folder.is_absolute() || !folder.is_dir() {
        return Err(bad(&shown, "give a folder that exists"));
    }
    let place = folder.join(name);
    match place.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(place),
        _ => Err(bad(
            &place.display().to_string(),
            "something is there already",
        )),
    }
}

fn bad(path: &str, hint: &str) -> Error {
    let text = format!("copy {}", quoted(path));
    Error::new(ErrorCode::InvalidArgument, text).hint(hint)
}

/// A tar from a client is not an image: what is wrong with it is the client's to mend.
fn failed(verb: &str, path: &str, error: &terrarium_store::Error) -> Error {
    let what = format!("{verb} {}", quoted(path));
    match error {
        terrarium_store::Error::Files(failure) => match failure.kind {
            FailureKind::Invalid | FailureKind::Limit | FailureKind::Stream => {
                Error::new(ErrorCode::InvalidArgument, what).because(error)
            }
            _ => store_failed(what, error),
        },
        _ => store_failed(what, error),
    }
}
