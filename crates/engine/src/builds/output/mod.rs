//! What becomes of a result: an image of this engine, files, or an archive, here or at a client.

mod folder;
mod place;

use std::{fmt, io::Write, path::PathBuf, sync::Arc};

use futures_util::future::BoxFuture;
use terrarium_api::{Error, ErrorCode, ImageSummary, PushImage};
use terrarium_builder::{Files, Outcome};
use terrarium_oci::{ChainId, Descriptor, Digest, Reference};
use tokio::sync::watch;

use super::{BuildEvent, CacheExport, executor::Worker, look};
use crate::{
    Result,
    blocking::blocking,
    images::{Image, made, write_image},
};

/// Takes something to where it belongs, and says how that went.
pub type Deliver<T> = Box<dyn FnOnce(T) -> BoxFuture<'static, Result<()>> + Send + Sync>;
/// Writes all that is to be delivered; blocks.
pub type Writing = Box<dyn FnOnce(&mut dyn Write) -> Result<()> + Send>;

/// What becomes of a result.
pub enum Destination {
    /// Nothing; only the cache knows it.
    Nowhere,
    /// An image of this engine by the names of the build, which are pushed as well where that is asked for.
    Image {
        /// Whether its names are pushed.
        push: bool,
    },
    /// The files in a folder of this machine. What is there stays, unless the result has something in its place.
    Folder(PathBuf),
    /// One file of this machine.
    File(Form, PathBuf),
    /// The files, one by one.
    Files(Deliver<Arc<Files>>),
    /// What a file of this machine would have in it.
    Stream(Form, Deliver<Writing>),
}

/// What a single file has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The files as a tar.
    Tar,
    /// The image, as an OCI layout that is Docker's archive as well.
    Archive,
}

/// What is delivered, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Files, one by one.
    Files,
    /// A single file.
    File(Form),
    /// An image goes to its registry, by this name.
    Push(String),
    /// The steps go to a registry, by this name.
    Cache(String),
}

/// What a build gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// The digest of its config.
    pub id: String,
    /// The digest of its manifest.
    pub digest: String,
    /// Bytes of its files.
    pub size_bytes: u64,
    /// The image, where it is kept.
    pub image: Option<ImageSummary>,
}

impl fmt::Debug for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => formatter.write_str("Nowhere"),
            Self::Image { push } => formatter.debug_struct("Image").field("push", push).finish(),
            Self::Folder(path) => formatter.debug_tuple("Folder").field(path).finish(),
            Self::File(form, path) => write!(formatter, "File({form:?}, {})", path.display()),
            Self::Files(_) => formatter.write_str("Files"),
            Self::Stream(form, _) => formatter.debug_tuple("Stream").field(form).finish(),
        }
    }
}

impl Destination {
    fn delivery(&self) -> Option<Delivery> {
        match self {
            Self::Nowhere | Self::Image { .. } => None,
            Self::Folder(_) | Self::Files(_) => Some(Delivery::Files),
            Self::File(form, _) | Self::Stream(form, _) => Some(Delivery::File(*form)),
        }
    }
}

/// A result on its way.
pub(super) struct Delivering<'a> {
    pub(super) worker: &'a Worker,
    pub(super) outcome: Outcome,
    pub(super) tags: Vec<Reference>,
    pub(super) caches: Vec<CacheExport>,
}

impl Delivering<'_> {
    /// Writes the documents of the image, and takes the result where it belongs.
    pub(super) async fn deliver(self, to: Vec<Destination>) -> Result<Built> {
        let (id, manifest) = self.documents().await?;
        let mut built = Built {
            id: id.to_string(),
            digest: manifest.digest.to_string(),
            size_bytes: self.size_bytes().await?,
            image: None,
        };
        let to = match to.is_empty() {
            true => vec![Destination::Image { push: false }],
            false => to,
        };
        for destination in to {
            let told = destination.delivery();
            if let Some(delivery) = &told {
                self.tell(BuildEvent::Delivering(delivery.clone())).await;
            }
            if let Destination::Image { push } = destination {
                built.image = Some(self.keep(&id, &manifest, push).await?);
            } else {
                self.take(destination, &id, &manifest).await?;
            }
            if told.is_some() {
                self.tell(BuildEvent::Delivered).await;
            }
        }
        self.cache().await?;
        Ok(built)
    }

    /// Takes the result where it is no image of this engine.
    async fn take(&self, to: Destination, id: &Digest, manifest: &Descriptor) -> Result<()> {
        match to {
            Destination::Nowhere | Destination::Image { .. } => Ok(()),
            Destination::Folder(path) => self.folder(path).await,
            Destination::Files(deliver) => deliver(self.files().await?).await,
            Destination::Stream(form, deliver) => {
                deliver(self.writing(form, id, manifest).await?).await
            }
            Destination::File(form, path) => {
                let writing = self.writing(form, id, manifest).await?;
                blocking(move || place::write(&path, writing)).await
            }
        }
    }

    async fn cache(&self) -> Result<()> {
        for export in &self.caches {
            let delivery = Delivery::Cache(export.reference.clone());
            self.tell(BuildEvent::Delivering(delivery)).await;
            match self.worker.export_cache(export, &self.outcome).await {
                Err(error) if export.ignores_errors => {
                    tracing::warn!(%error, "a cache of builds is not written");
                }
                exported => exported?,
            }
            self.tell(BuildEvent::Delivered).await;
        }
        Ok(())
    }

    async fn tell(&self, event: BuildEvent) {
        let _ = self.worker.events.send(event).await;
    }

    async fn documents(&self) -> Result<(Digest, Descriptor)> {
        let store = self.worker.engine.store().clone();
        let lease = Arc::clone(&self.worker.lease);
        let config = self.outcome.config.clone();
        let layers = self.outcome.layers.iter().map(|layer| layer.blob.clone());
        let layers = layers.collect();
        blocking(move || made::write(&store, &config, layers, &lease)).await
    }

    async fn size_bytes(&self) -> Result<u64> {
        let store = self.worker.engine.store().clone();
        let chain = self.chain();
        let sizes = move || {
            let sizes = chain
                .iter()
                .map(|chain| crate::images::layer_size(&store, chain));
            Ok(sizes.map(|size| size.size_bytes).sum())
        };
        blocking(sizes).await
    }

    fn chain(&self) -> Vec<ChainId> {
        let layers = self.outcome.layers.iter();
        layers.map(|layer| layer.chain.clone()).collect()
    }

    async fn keep(&self, id: &Digest, manifest: &Descriptor, push: bool) -> Result<ImageSummary> {
        let engine = &self.worker.engine;
        let inner = Arc::clone(&engine.inner);
        let names: Vec<String> = self.tags.iter().map(Reference::canonical).collect();
        let manifest = manifest.clone();
        blocking(move || made::name(&inner.images, &names, &manifest)).await?;
        for tag in &self.tags {
            engine.image_event("tag", id.as_str(), &tag.familiar());
        }
        let image = engine.published_image(id.as_str()).await?;
        if push {
            self.push().await?;
        }
        Ok(image)
    }

    async fn push(&self) -> Result<()> {
        if self.tags.is_empty() {
            let text = "an image without a name cannot be pushed";
            return Err(Error::new(ErrorCode::InvalidArgument, text));
        }
        for tag in &self.tags {
            let reference = tag.familiar();
            self.tell(BuildEvent::Delivering(Delivery::Push(reference.clone())))
                .await;
            let request = PushImage {
                credentials: self.worker.credentials(&reference),
                reference,
            };
            let (progress, _) = watch::channel(None);
            self.worker.engine.push_image(request, progress).await?;
            self.tell(BuildEvent::Delivered).await;
        }
        Ok(())
    }

    async fn files(&self) -> Result<Arc<Files>> {
        look::files(&self.worker.engine, &self.outcome.layers).await
    }

    async fn folder(&self, path: PathBuf) -> Result<()> {
        let files = self.files().await?;
        blocking(move || folder::write(&path, &files)).await
    }

    async fn writing(&self, form: Form, id: &Digest, manifest: &Descriptor) -> Result<Writing> {
        Ok(match form {
            Form::Tar => {
                let files = self.files().await?;
                Box::new(move |sink| place::tar(&files, sink))
            }
            Form::Archive => {
                let store = self.worker.engine.store().clone();
                let image = self.image(id, manifest);
                // The documents and layers are held until all is written.
                let lease = Arc::clone(&self.worker.lease);
                Box::new(move |sink| {
                    let written = write_image(&store, image, sink);
                    drop(lease);
                    written
                })
            }
        })
    }

    fn image(&self, id: &Digest, manifest: &Descriptor) -> Image {
        let layers = self.outcome.layers.iter();
        Image {
            id: id.clone(),
            root: manifest.clone(),
            manifest: manifest.clone(),
            layers: layers.map(|layer| layer.blob.clone()).collect(),
            config: self.outcome.config.clone(),
            chain: self.chain(),
            tags: self.tags.iter().cloned().collect(),
            digests: Default::default(),
        }
    }
}
