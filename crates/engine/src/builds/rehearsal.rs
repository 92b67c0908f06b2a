//! A machine that only thinks: it looks at what is here, and changes and fetches nothing.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use terrarium_api::ErrorCode;
use terrarium_builder::{Base, BoxError, Executor, Files, Found, Key, Layer, Process};
use terrarium_oci::{ChainId, Compression, Descriptor, DiffId, Digest, ImageConfig, MediaType};
use terrarium_store::Name;

use super::{cache, look};
use crate::{Engine, blocking::blocking};

/// The thought of one build.
pub(super) struct Rehearsal {
    engine: Engine,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Images that would have to be pulled.
    missing: BTreeSet<String>,
    /// Supposed file systems, and the nearest real one below each.
    supposed: HashMap<ChainId, Option<ChainId>>,
}

impl Rehearsal {
    pub(super) fn new(engine: Engine) -> Self {
        Self {
            engine,
            known: Mutex::default(),
        }
    }

    pub(super) fn missing(&self) -> Vec<String> {
        self.lock().missing.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A layer that there is not, recognized by a text.
    fn imagine(&self, text: &str, on: Option<&ChainId>) -> Layer {
        let diff_id = DiffId(Digest::sha256_of(text.as_bytes()));
        let chain = ChainId::on(on, &diff_id);
        let real = self.real(on);
        self.lock().supposed.insert(chain.clone(), real);
        Layer {
            blob: Descriptor::of(MediaType::OciLayer(Compression::Gzip), text.as_bytes()),
            diff_id,
            chain,
            created: String::new(),
        }
    }

    /// The nearest file system that is here.
    fn real(&self, on: Option<&ChainId>) -> Option<ChainId> {
        let on = on?;
        match self.lock().supposed.get(on) {
            Some(below) => below.clone(),
            None => Some(on.clone()),
        }
    }
}

impl Executor for Rehearsal {
    type Guard = ();

    async fn base(&self, name: &str, _: Option<&str>) -> Result<Base, BoxError> {
        match self.engine.resolve_image(name).await {
            Ok(image) => Ok(Base {
                layers: look::layers_of(&image),
                config: image.config.clone(),
            }),
            Err(error) if error.code == ErrorCode::NoSuchImage => {
                self.lock().missing.insert(name.to_owned());
                Ok(Base {
                    config: ImageConfig::default(),
                    layers: vec![self.imagine(name, None)],
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn find(&self, on: Option<&ChainId>, path: &str) -> Result<Found, BoxError> {
        let real = self.real(on);
        Ok(look::find(&self.engine, real.as_ref(), path).await?)
    }

    async fn owner(&self, on: Option<&ChainId>, user: &str) -> Result<(u32, u32), BoxError> {
        let real = self.real(on);
        match look::owner(&self.engine, real.as_ref(), user).await {
            Ok(owner) => Ok(owner),
            // A step that only would run may add the user.
            Err(_) if real.as_ref() != on => Ok((0, 0)),
            Err(error) => Err(error.into()),
        }
    }

    async fn files(&self, layers: &[Layer]) -> Result<Arc<Files>, BoxError> {
        Ok(look::files(&self.engine, layers).await?)
    }

    async fn run(&self, _: &[Layer], _: Process) -> Result<File, BoxError> {
        unreachable!("what is supposed is not run")
    }

    async fn keep(&self, _: Option<&ChainId>, _: File) -> Result<Layer, BoxError> {
        unreachable!("what is supposed is not kept")
    }

    async fn enter(&self, _: &Key) -> Self::Guard {}

    async fn recall(&self, key: &Key, on: Option<&ChainId>) -> Option<Layer> {
        let (engine, key, on) = (self.engine.clone(), key.clone(), on.cloned());
        let recalled = blocking(move || {
            let record = cache::read(&engine.config().data_root, &key);
            let store = engine.store();
            Ok(record.and_then(|record| {
                store.content().blob(&record.blob.digest).ok()?;
                let chain = ChainId::on(on.as_ref(), &record.diff_id);
                let unpacked = store.snapshots().mounts(&Name::from(&chain)).is_ok();
                let layer = Layer {
                    diff_id: record.diff_id,
                    blob: record.blob,
                    created: record.created,
                    chain,
                };
                Some((layer, unpacked, on))
            }))
        });
        let (layer, unpacked, on) = recalled.await.ok().flatten()?;
        if !unpacked {
            // It is here and would be unpacked; until then nobody can look into it.
            let real = self.real(on.as_ref());
            self.lock().supposed.insert(layer.chain.clone(), real);
        }
        Some(layer)
    }

    fn suppose(&self, key: &Key, on: Option<&ChainId>) -> Option<Layer> {
        Some(self.imagine(key.as_str(), on))
    }

    fn knows(&self, layers: &[Layer]) -> bool {
        let known = self.lock();
        let unknown = |layer: &Layer| known.supposed.contains_key(&layer.chain);
        !layers.iter().any(unknown)
    }

    async fn remember(&self, _: &Key, _: &Layer) {}
}
