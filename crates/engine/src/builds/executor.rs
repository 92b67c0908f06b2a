//! What a build asks of the machine.

use std::{
    fs::File,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use terrarium_api::{Credentials, ErrorCode, PullImage};
use terrarium_builder::{Base, BoxError, Executor, Fetched, Files, Found, Key, Layer, Process};
use terrarium_dockerfile::Address;
use terrarium_oci::{ChainId, Reference};
use terrarium_store::{Lease, Name};
use tokio::sync::{OwnedMutexGuard, watch};

use super::{
    Events, Options, cache, layers, look,
    remote::{Import, Taken},
};
use crate::{
    Engine, Result,
    blocking::blocking,
    files::random_hex,
    images::{Image, store_failed},
};

/// How long a build may take before the garbage collector may touch what it made.
const LEASE: Duration = Duration::from_secs(24 * 3600);

/// What the builder understands.
type Done<T> = std::result::Result<T, BoxError>;

/// One build on this engine.
pub(super) struct Worker {
    pub(super) engine: Engine,
    pub(super) options: Options,
    pub(super) events: Events,
    pub(super) lease: Arc<Lease>,
    /// Caches elsewhere that may know a step.
    pub(super) imports: Vec<Import>,
    /// The steps so far.
    pub(super) taken: Taken,
    /// Where it is told what happens.
    pub(super) recorder: Option<Arc<super::record::Recorder>>,
}

impl Worker {
    pub(super) async fn new(engine: Engine, options: Options, events: Events) -> Result<Self> {
        let store = engine.store().clone();
        let lease = blocking(move || {
            let id = Name::new(format!("build-{}", random_hex(8)));
            let lease = id.and_then(|id| store.leases().create(id, SystemTime::now(), LEASE));
            lease.map_err(|error| store_failed("begin a lease", &error))
        });
        Ok(Self {
            lease: Arc::new(lease.await?),
            engine,
            options,
            events,
            imports: Vec::new(),
            taken: Taken::default(),
            recorder: None,
        })
    }

    fn data_root(&self) -> PathBuf {
        self.engine.config().data_root.clone()
    }

    /// The sign-in that the client sent for the registry of an image.
    pub(super) fn credentials(&self, name: &str) -> Option<Credentials> {
        let reference = Reference::dissect(name).ok()?.reference;
        let registry = reference.registry();
        let hub = [
            "https://index.docker.io/v1/",
            "index.docker.io",
            "registry-1.docker.io",
        ];
        self.options
            .credentials
            .iter()
            .find_map(|(host, credentials)| {
                let plain = host
                    .split_once("://")
                    .map_or(host.as_str(), |(_, rest)| rest);
                let plain = plain.split('/').next().unwrap_or(plain);
                let fits =
                    plain == registry || (registry == "docker.io" && hub.contains(&host.as_str()));
                fits.then(|| credentials.clone())
            })
    }

    async fn image(&self, name: &str, platform: Option<&str>) -> Result<Image> {
        if !self.options.pull {
            match self.engine.resolve_image(name).await {
                Ok(image) => return Ok(image),
                Err(error) if error.code == ErrorCode::NoSuchImage => {}
                Err(error) => return Err(error),
            }
        }
        let request = PullImage {
            reference: name.to_owned(),
            platform: platform.map(str::to_owned),
            credentials: self.credentials(name),
        };
        let (progress, _) = watch::channel(None);
        self.engine.pull_image(request, progress).await?;
        self.engine.resolve_image(name).await
    }
}

impl Executor for Worker {
    type Guard = OwnedMutexGuard<()>;

    async fn base(&self, name: &str, platform: Option<&str>) -> Done<Base> {
        let image = self.image(name, platform).await?;
        let lease = Arc::clone(&self.lease);
        let base = blocking(move || {
            let held = lease.hold_blobs_here(image.layers.iter().map(|layer| &layer.digest));
            let held = held.and_then(|()| {
                image
                    .chain
                    .iter()
                    .try_for_each(|chain| lease.hold_snapshot(&Name::from(chain)))
            });
            held.map_err(|error| store_failed("hold a base image", &error))?;
            Ok(Base {
                layers: look::layers_of(&image),
                config: image.config.clone(),
            })
        });
        Ok(base.await?)
    }

    async fn find(&self, on: Option<&ChainId>, path: &str) -> Done<Found> {
        Ok(look::find(&self.engine, on, path).await?)
    }

    async fn owner(&self, on: Option<&ChainId>, user: &str) -> Done<(u32, u32)> {
        Ok(look::owner(&self.engine, on, user).await?)
    }

    async fn files(&self, all: &[Layer]) -> Done<Arc<Files>> {
        Ok(look::files(&self.engine, all).await?)
    }

    async fn fetch(&self, address: &Address) -> Done<Option<Fetched>> {
        let fetched = match address {
            Address::Web(url) => self.fetch_file(url).await?,
            Address::Git(repository) => self.fetch_repository(repository).await?,
        };
        Ok(Some(fetched))
    }

    async fn run(&self, on: &[Layer], process: Process) -> Done<File> {
        Ok(self.run_process(on, process).await?)
    }

    async fn keep(&self, on: Option<&ChainId>, tar: File) -> Done<Layer> {
        let (store, lease, on) = (
            self.engine.store().clone(),
            Arc::clone(&self.lease),
            on.cloned(),
        );
        Ok(blocking(move || layers::keep(&store, on.as_ref(), tar, &lease)).await?)
    }

    async fn enter(&self, key: &Key) -> Self::Guard {
        self.engine.inner.build_locks.enter(key.as_str()).await
    }

    async fn recall(&self, key: &Key, on: Option<&ChainId>) -> Option<Layer> {
        let (store, lease, on) = (
            self.engine.store().clone(),
            Arc::clone(&self.lease),
            on.cloned(),
        );
        let (root, own) = (self.data_root(), key.clone());
        let known = blocking(move || Ok(cache::read(&root, &own)))
            .await
            .ok()
            .flatten();
        let known = match known {
            Some(record) => Some((record, false)),
            None => self.found_elsewhere(key).await.map(|record| (record, true)),
        };
        let (record, is_new) = known?;
        let recalled = blocking(move || {
            let gone = |error| store_failed("find a layer of before", &error);
            lease.hold_blobs_here([&record.blob.digest]).map_err(gone)?;
            let chain = ChainId::on(on.as_ref(), &record.diff_id);
            let mut blob = store.content().blob(&record.blob.digest).map_err(gone)?;
            layers::unpack(&store, &chain, on.as_ref(), &mut blob.file, &lease)?;
            Ok(Layer {
                diff_id: record.diff_id,
                chain,
                blob: record.blob,
                created: record.created,
            })
        });
        // A layer that is lost is made again.
        let layer = recalled.await.ok()?;
        if is_new {
            self.remember(key, &layer).await;
        } else {
            self.taken.note(key, &layer);
        }
        Some(layer)
    }

    async fn remember(&self, key: &Key, layer: &Layer) {
        self.taken.note(key, layer);
        let record = cache::Record::of(layer);
        let (root, key) = (self.data_root(), key.clone());
        let written = blocking(move || {
            if let Err(error) = cache::write(&root, &key, &record) {
                tracing::warn!(%error, "a build step is not remembered");
            }
            super::history::note_recipe(&root, &key);
            Ok(())
        });
        let _ = written.await;
    }
}
