//! An image of what a container is now.

use std::{sync::Arc, time::SystemTime};

use terrarium_api::{CommitContainer, Error, ErrorCode, ImageSummary, Traced};
use terrarium_oci::{
    ChainId, Descriptor, DiffId, Digest, ExecConfig, HistoryEntry, ImageConfig, MediaType,
    Platform, RootFs,
};
use terrarium_store::{Lease, Name, Store};

use super::{Catalog, Image, catalog, keep, made, names::parse, pull::lease, store_failed};
use crate::{
    Engine, Result, Tracer,
    blocking::blocking,
    builds::{tempfile, without_stubs},
    containers::Committed,
    engine::Inner,
    error::{Context as _, quoted},
};

/// The end of every tar, and nothing before it.
const EMPTY_TAR_BYTES: u64 = 1024;

impl Engine {
    /// Makes an image of a container: its image's layers, and one of what it has changed. A running
    /// container is paused meanwhile, unless the request says otherwise.
    ///
    /// # Errors
    /// `NoSuchContainer`, `InvalidReference`; `InvalidArgument` for a change that cannot be made.
    pub async fn commit_container(&self, request: CommitContainer) -> Result<Traced<ImageSummary>> {
        self.commit_with(request, Ok).await
    }

    /// The same, with settings that are changed before the request's own changes.
    ///
    /// # Errors
    /// As [`Engine::commit_container`].
    pub async fn commit_with(
        &self,
        request: CommitContainer,
        settings: impl FnOnce(ExecConfig) -> Result<ExecConfig>,
    ) -> Result<Traced<ImageSummary>> {
        let names = names(request.reference.as_deref())?;
        let mut container = self.committed(&request.container)?;
        container.config = changed(settings(container.config)?, &request.changes)?;
        let command = format!("docker commit {}", container.name);
        let mut tracer = Tracer::new("container.commit", &container.name, command);
        let pauses = !request.keep_running && container.is_running;
        let paused = pauses && self.pause_for(&container.id, &mut tracer).await?;
        let lease = Arc::new(lease(self.store()).await?);
        let (inner, held, snapshot) = (
            Arc::clone(&self.inner),
            Arc::clone(&lease),
            container.writable.clone(),
        );
        let making = blocking(move || write_layer(&inner.images.store, &snapshot, &held));
        let layer = tracer.step("write layer", "changes", making).await;
        if paused {
            // Whatever became of the layer, the container goes on.
            let going_on = self.resume_container(&container.id);
            tracer.step("freezer", "thawed", going_on).await?;
        }
        let (layer, inner) = (layer?, Arc::clone(&self.inner));
        let id = container.id.clone();
        let work =
            blocking(move || build(&inner, container, layer, (&request, &names[..]), &lease));
        let image = tracer.step("write image", "documents", work).await?;
        self.tell_container(&id, "commit");
        let summary = self.published_image(image.as_str()).await?;
        Ok(tracer.finish(summary))
    }
}

impl Engine {
    /// Pauses a container; says whether it did. Where there is no freezer, as for some users without
    /// root, the layer is what the files are when each is read.
    async fn pause_for(&self, id: &str, tracer: &mut Tracer) -> Result<bool> {
        match tracer
            .step("freezer", "frozen", self.pause_container(id))
            .await
        {
            Ok(_) => Ok(true),
            Err(error) if error.code == ErrorCode::Unsupported => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The names for an image, in their full form.
pub(super) fn names(reference: Option<&str>) -> Result<Vec<String>> {
    let Some(text) = reference.filter(|text| !text.is_empty()) else {
        return Ok(Vec::new());
    };
    let reference = parse(text)?;
    if reference.digest().is_some() {
        let text = format!("name an image {}: a digest cannot be given", quoted(text));
        return Err(Error::new(ErrorCode::InvalidReference, text));
    }
    Ok(vec![reference.canonical()])
}

/// Settings after instructions of a Dockerfile.
pub(super) fn changed(config: ExecConfig, changes: &[String]) -> Result<ExecConfig> {
    terrarium_builder::change(config, changes).map_err(|error| {
        Error::new(
            ErrorCode::InvalidArgument,
            "change the settings of the image",
        )
        .because(&error)
    })
}

pub(super) fn now() -> String {
    jiff::Timestamp::try_from(SystemTime::now())
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_string()
}

/// Keeps what a container changed as a layer, without the empty files on which the engine mounts its own: in
/// Docker, too, they are none of the container's changes. None where nothing is left.
fn write_layer(
    store: &Store,
    snapshot: &Name,
    lease: &Lease,
) -> Result<Option<(Descriptor, DiffId)>> {
    let what = || "write what the container changed".to_owned();
    let failed =
        |error: terrarium_store::Error| store_failed("read what the container changed", &error);
    let mut tar = tempfile().context(what)?;
    store.snapshots().diff(snapshot, &mut tar).map_err(failed)?;
    let tar = without_stubs(tar, &[], None).context(what)?;
    if tar.metadata().context(what)?.len() <= EMPTY_TAR_BYTES {
        return Ok(None);
    }
    store.take_layer(tar, lease).map(Some).map_err(failed)
}

fn build(
    inner: &Inner,
    container: Committed,
    layer: Option<(Descriptor, DiffId)>,
    (request, names): (&CommitContainer, &[String]),
    lease: &Lease,
) -> Result<Digest> {
    let store = &inner.images.store;
    let base = base(store, &container)?;
    let (mut layers, chain, below) = match base {
        Some(base) => (base.layers, base.chain, base.config),
        None => (Vec::new(), Vec::new(), ImageConfig::default()),
    };
    let mut diff_ids = below.rootfs.diff_ids;
    let has_layer = layer.is_some();
    if let Some((layer, diff_id)) = layer {
        let parent = chain.last();
        let top = ChainId::on(parent, &diff_id);
        let failed = |error: terrarium_store::Error| store_failed("unpack the layer", &error);
        let blob = store.content().blob(&layer.digest).map_err(failed)?;
        keep::unpack(store, &top, parent, blob.file, lease).map_err(failed)?;
        layers.push(layer);
        diff_ids.push(diff_id);
    }
    let created = now();
    let mut history = below.history;
    history.push(HistoryEntry {
        created: Some(created.clone()),
        created_by: Some(container.command.join(" ")).filter(|command| !command.is_empty()),
        author: request.author.clone(),
        comment: request.comment.clone(),
        empty_layer: !has_layer,
    });
    let config = ImageConfig {
        created: Some(created),
        author: request.author.clone().or(below.author),
        platform: match below.platform == Platform::default() {
            true => Platform::made_here(),
            false => below.platform,
        },
        config: container.config,
        rootfs: RootFs::new(diff_ids),
        history,
    };
    let (id, manifest) = made::write(store, &config, layers, lease)?;
    made::name(&inner.images, names, &manifest)?;
    Ok(id)
}

/// The image that a container lies on; none for one without layers. One that has lost its names may
/// still be here.
fn base(store: &Store, container: &Committed) -> Result<Option<Image>> {
    let id: Option<Digest> = container.image_id.parse().ok();
    let named = id.and_then(|id| Catalog::read(store).images.remove(&id));
    if let Some(image) = named {
        return Ok(Some(image));
    }
    let manifest = container.manifest_digest.as_deref();
    let digest = manifest.and_then(|digest| digest.parse::<Digest>().ok());
    let loaded = digest.and_then(|digest| {
        let size_bytes = store.content().blob(&digest).ok()?.size_bytes;
        let manifest = Descriptor::new(MediaType::OciManifest, digest, size_bytes);
        let image = catalog::load(store, &manifest).ok().flatten()?;
        let mut blobs = image.layers.iter();
        blobs
            .all(|layer| store.content().has(&layer.digest))
            .then_some(image)
    });
    match loaded {
        Some(image) => Ok(Some(image)),
        None if container.image_id.is_empty() => Ok(None),
        None => {
            let text = format!(
                "the image of container {} is not here any more",
                container.name
            );
            Err(Error::new(ErrorCode::NoSuchImage, text).hint("pull it again"))
        }
    }
}
