//! The engine as a value: opened once by a host, cloned freely.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Instant,
};

use terrarium_api::Privilege;

use crate::{
    Activities, Config, Hub, Result,
    blocking::blocking,
    config,
    db::{Database, Opened},
    error::Context as _,
    images::{Images, store_failed},
    lock::RootLock,
    stats::Sampler,
    terminal::Terminals,
};

/// A handle to the engine of this host.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

/// What all handles share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) privilege: Privilege,
    pub(crate) hub: Arc<Hub>,
    pub(crate) activities: Arc<Activities>,
    pub(crate) sampler: Arc<Sampler>,
    pub(crate) database: Database,
    pub(crate) images: Images,
    /// What the user should know about this start.
    pub(crate) warnings: Vec<String>,
    pub(crate) terminals: Terminals,
    ready_usec: OnceLock<u64>,
    _lock: RootLock,
}

impl Engine {
    /// Opens the data root: takes its lock, mends what a crash left, finds running containers.
    ///
    /// # Errors
    /// `DataRootLocked` when another host has it; otherwise what could not be read or written.
    pub async fn open(config: Config) -> Result<Self> {
        let opened = Instant::now();
        let roots = [config.data_root.clone(), config.run_root.clone()];
        let lock = blocking(move || {
            roots.iter().try_for_each(|root| make_root(root))?;
            RootLock::take(&roots[0])
        })
        .await?;
        let Opened {
            database,
            set_aside,
        } = Database::open(&config.data_root).await?;
        let privilege = config::privilege();
        let images = Images::open(&config, privilege).await?;
        let hub = Arc::new(Hub::default());
        database.follow(&hub);
        let inner = Inner {
            privilege,
            images,
            activities: Arc::new(Activities::new(Arc::clone(&hub))),
            hub,
            sampler: Sampler::start(database.clone()),
            database,
            warnings: set_aside.iter().map(|path| rebuilt(path)).collect(),
            config,
            terminals: Terminals::default(),
            ready_usec: OnceLock::new(),
            _lock: lock,
        };
        let engine = Self {
            inner: Arc::new(inner),
        };
        engine.sweep_volumes().await?;
        let ready_usec = u64::try_from(opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        let _ = engine.inner.ready_usec.set(ready_usec);
        Ok(engine)
    }

    /// Changes and lifecycle events.
    pub fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// Running and finished work.
    pub fn activities(&self) -> &Arc<Activities> {
        &self.inner.activities
    }

    /// Removes a folder whose files may belong to subordinate ids.
    pub(crate) async fn remove_tree(&self, path: PathBuf) -> Result<()> {
        let store = self.inner.images.store.clone();
        let removed = move || {
            let what = format!("remove {}", path.display());
            store
                .remove_tree(&path)
                .map_err(|error| store_failed(what, &error))
        };
        blocking(removed).await
    }

    /// What this host was started with.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }
}

impl Inner {
    /// From the start of this host until it was usable; 0 before.
    pub(crate) fn ready_usec(&self) -> u64 {
        self.ready_usec.get().copied().unwrap_or_default()
    }
}

fn rebuilt(aside: &Path) -> String {
    format!(
        "the index was damaged and has been rebuilt; the old file is {}",
        aside.display()
    )
}

fn make_root(root: &Path) -> Result<()> {
    // Others must not reach the set-user-id files that images bring.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(root)
        .context(|| format!("create {}", root.display()))
}
