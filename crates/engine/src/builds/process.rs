//! `RUN`: a command in a container of this engine, which goes when the command has ended.

use std::{collections::BTreeMap, fs::File, io};

use terrarium_api::{
    CreateContainer, Error, ErrorCode, NetworkMode, RemoveContainer, WaitCondition, WaitContainer,
};
use terrarium_builder::{Layer, Process};
use terrarium_oci::{Descriptor, Digest, ImageConfig, MediaType, RootFs};
use terrarium_store::Name;
use tokio::io::AsyncReadExt as _;

use super::{
    BuildEvent,
    executor::Worker,
    stubs::{self, tempfile},
    sweep::Note,
};
use crate::{
    AttachContainer, Engine, Output, Result,
    blocking::blocking,
    files::random_hex,
    images::{Image, store_failed},
};

/// A frame of output is at most this long; what is longer comes in several.
const PIECE: usize = 1 << 16;

impl Worker {
    pub(super) async fn run_process(&self, on: &[Layer], process: Process) -> Result<File> {
        let command = process.arguments.clone();
        let kept = self.recorder.as_ref().map(|_| process.clone());
        let node = process.node;
        let newest = process.newest;
        let mounted = self.mount(process.mounts.clone()).await?;
        let targets: Vec<String> = mounted
            .mounts
            .iter()
            .map(|mount| mount.target.clone())
            .collect();
        let mut request = self.request(process);
        request.mounts = mounted.mounts.clone();
        let mut container = Temporary::named(&self.engine)?;
        request.name = Some(container.id.clone());
        let created = self.engine.create_of(request, image(on)).await?;
        let id = created.value.id;
        container.id.clone_from(&id);
        if let Err(error) = self.follow(&id, &command, node).await {
            if let Some(process) = kept {
                self.keep_failed(on, process);
            }
            return Err(error);
        }
        let (store, key) = (self.engine.store().clone(), id);
        let tar = blocking(move || {
            let failed = |error: io::Error| {
                Error::new(ErrorCode::Internal, "write a new layer").because(&error)
            };
            let mut tar = tempfile().map_err(failed)?;
            let written = Name::new(&key).and_then(|key| store.snapshots().diff(&key, &mut tar));
            written.map_err(|error| store_failed("read what a command changed", &error))?;
            stubs::remove(tar, &targets, newest).map_err(failed)
        });
        let tar = tar.await?;
        container.remove().await?;
        drop(mounted);
        Ok(tar)
    }

    pub(super) fn request(&self, process: Process) -> CreateContainer {
        CreateContainer {
            image: "build".to_owned(),
            command: Some(process.arguments),
            entrypoint: Some(Vec::new()),
            env: process.environment,
            working_dir: Some(process.working_dir),
            user: Some(process.user).filter(|user| !user.is_empty()),
            network: match process.network.as_str() {
                "none" => NetworkMode::None,
                "host" => NetworkMode::Host,
                _ => NetworkMode::Bridge,
            },
            extra_hosts: self.options.extra_hosts.clone(),
            shm_bytes: self.options.shm_bytes,
            limits: self.options.limits.clone(),
            ulimits: self.options.ulimits.clone(),
            labels: BTreeMap::from([("terrarium.build".to_owned(), "step".to_owned())]),
            ..CreateContainer::default()
        }
    }

    /// Starts the container, passes its output on, and waits for its end.
    async fn follow(&self, id: &str, command: &[String], node: usize) -> Result<()> {
        let attached = self.engine.attach_container(AttachContainer {
            container: id.to_owned(),
            stdin: false,
            stdout: true,
            stderr: true,
        });
        let mut output = attached.await?.output;
        let waiter = self.engine.wait_container(WaitContainer {
            container: id.to_owned(),
            condition: WaitCondition::NextExit,
        });
        let waiter = waiter.await?;
        self.engine.start_container(id).await?;
        while let Some(bytes) = frame(&mut output).await {
            if let Some(recorder) = &self.recorder {
                recorder.output(node, &bytes);
            }
            let number = node + 1;
            // A client that is gone ends the build by dropping it.
            let _ = self.events.send(BuildEvent::Output { number, bytes }).await;
        }
        let exit = waiter.done().await?;
        if let Some(recorder) = &self.recorder {
            recorder.exit(node, exit.code, command);
        }
        if exit.code == 0 {
            return Ok(());
        }
        let shown: String = command.join(" ").chars().take(300).collect();
        let text = format!("the command {shown:?} ended with code {}", exit.code);
        let error = Error::new(ErrorCode::InvalidArgument, text);
        Err(match (exit.oom_killed, exit.error) {
            (true, _) => error.hint("it used more memory than there is"),
            (false, Some(cause)) => error.hint(cause),
            (false, None) => error.hint("what it wrote last says why"),
        })
    }
}

/// The payload of the next frame of output.
async fn frame(output: &mut Output) -> Option<Vec<u8>> {
    let mut header = [0; 8];
    output.read_exact(&mut header).await.ok()?;
    let len = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
    let mut bytes = vec![0; len.min(PIECE)];
    output.read_exact(&mut bytes).await.ok()?;
    let mut left = len - bytes.len();
    while left > 0 {
        let start = bytes.len();
        bytes.resize(start + left.min(PIECE), 0);
        output.read_exact(&mut bytes[start..]).await.ok()?;
        left -= bytes.len() - start;
    }
    Some(bytes)
}

/// An image that only has layers: what a command is told stands in the request.
pub(super) fn image(layers: &[Layer]) -> Image {
    let config = ImageConfig {
        rootfs: RootFs::new(layers.iter().map(|layer| layer.diff_id.clone()).collect()),
        ..ImageConfig::default()
    };
    let manifest = Descriptor::of(MediaType::OciManifest, b"");
    Image {
        id: Digest::sha256_of(&config.to_bytes()),
        root: manifest.clone(),
        manifest,
        layers: layers.iter().map(|layer| layer.blob.clone()).collect(),
        chain: layers.iter().map(|layer| layer.chain.clone()).collect(),
        config,
        tags: Default::default(),
        digests: Default::default(),
    }
}

/// A container that goes whatever happens to the build.
pub(super) struct Temporary {
    engine: Engine,
    /// Its id, or its name until it exists.
    pub(super) id: String,
    note: Option<Note>,
}

impl Temporary {
    /// Noted before the container exists, and by its name: whatever is dropped or killed, it is found.
    pub(super) fn named(engine: &Engine) -> Result<Self> {
        let name = format!("build-{}", random_hex(6));
        Ok(Self {
            note: Some(Note::take(&engine.config().data_root, &name)?),
            engine: engine.clone(),
            id: name,
        })
    }

    async fn remove(mut self) -> Result<()> {
        let note = self.note.take();
        remove(&self.engine, self.id.clone(), note).await
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let Some(note) = self.note.take() else {
            return;
        };
        let (engine, id) = (self.engine.clone(), std::mem::take(&mut self.id));
        tokio::spawn(async move {
            if let Err(error) = remove(&engine, id, Some(note)).await {
                tracing::warn!(%error, "a container of a build remains");
            }
        });
    }
}

async fn remove(engine: &Engine, container: String, note: Option<Note>) -> Result<()> {
    let removed = engine.remove_container(RemoveContainer {
        container,
        force: true,
        volumes: true,
    });
    match removed.await {
        Ok(_) => {}
        // It was never made.
        Err(error) if error.code == ErrorCode::NoSuchContainer => {}
        Err(error) => return Err(error),
    }
    if let Some(note) = note {
        note.settle();
    }
    Ok(())
}
