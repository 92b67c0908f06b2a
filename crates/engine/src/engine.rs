//! The engine as a value: opened once by a host, cloned freely.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Instant,
};

use terrarium_api::Privilege;
use terrarium_network::Network;
use terrarium_store::{Ids, Store};

use crate::{
    Activities, Config, Hub, Result,
    blocking::blocking,
    builds::{FailedSteps, Locks, RunningBuilds},
    config,
    containers::{Execs, Records, Table, network_failed},
    db::{Database, Opened},
    error::Context as _,
    images::{Images, ids, store_failed},
    layers::Explored,
    lock::RootLock,
    logs::LogIndexes,
    networks,
    projects::Scans,
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
    pub(crate) explored: Explored,
    pub(crate) network: Arc<Network>,
    pub(crate) records: Records,
    pub(crate) networks: networks::Records,
    pub(crate) containers: Table,
    pub(crate) execs: Execs,
    pub(crate) log_indexes: LogIndexes,
    pub(crate) build_locks: Locks,
    pub(crate) running_builds: RunningBuilds,
    pub(crate) failed_steps: FailedSteps,
    pub(crate) scans: Scans,
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
        let privilege = config::privilege();
        let files = blocking({
            let config = config.clone();
            move || Files::open(&config, privilege)
        })
        .await?;
        let Opened {
            database,
            set_aside,
        } = Database::open(&config.data_root).await?;
        let images = Images::open(&config, privilege).await?;
        let hub = Arc::new(Hub::default());
        database.follow(&hub);
        let inner = Inner {
            privilege,
            images,
            explored: Explored::default(),
            activities: Arc::new(Activities::new(Arc::clone(&hub))),
            hub,
            sampler: Sampler::start(database.clone()),
            database,
            warnings: set_aside.iter().map(|path| rebuilt(path)).collect(),
            config,
            terminals: Terminals::default(),
            ready_usec: OnceLock::new(),
            network: Arc::new(files.network),
            records: files.records,
            networks: files.networks,
            containers: Table::default(),
            execs: Execs::default(),
            log_indexes: LogIndexes::default(),
            build_locks: Locks::default(),
            running_builds: RunningBuilds::default(),
            failed_steps: FailedSteps::default(),
            scans: Scans::default(),
            _lock: files.lock,
        };
        let engine = Self {
            inner: Arc::new(inner),
        };
        engine.sweep_volumes().await?;
        engine.open_containers().await?;
        engine.follow_containers();
        engine.sweep_trash();
        engine.sweep_builds();
        let ready_usec = u64::try_from(opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        let _ = engine.inner.ready_usec.set(ready_usec);
        Ok(engine)
    }

    /// Ends what only serves this host. Containers go on, and with them their networks.
    ///
    /// # Errors
    /// What could not be taken down; the next host takes it over.
    pub async fn close(&self) -> Result<()> {
        let network = self.network();
        let closed = blocking(move || network.close().map_err(network_failed)).await;
        self.inner.database.close().await;
        closed
    }

    /// Changes and lifecycle events.
    pub fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// Running and finished work.
    pub fn activities(&self) -> &Arc<Activities> {
        &self.inner.activities
    }

    /// Blobs, layers and writable layers. Blocks.
    pub(crate) fn store(&self) -> &Store {
        &self.inner.images.store
    }

    /// Bridges and ports. Blocks.
    pub(crate) fn network(&self) -> Arc<Network> {
        Arc::clone(&self.inner.network)
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

/// What a host opens on disk beside images and index; the lock comes before anything that writes.
struct Files {
    lock: RootLock,
    network: Network,
    records: Records,
    networks: networks::Records,
}

impl Files {
    fn open(config: &Config, privilege: Privilege) -> Result<Self> {
        make_root(&config.data_root)?;
        make_root(&config.run_root)?;
        Ok(Self {
            lock: RootLock::take(&config.data_root)?,
            network: match privilege {
                Privilege::Rootful => Network::open(&config.run_root)
                    .map(|network| network.with_program(config.runtime.clone())),
                Privilege::Rootless => {
                    Network::open_rootless(&config.run_root, config.runtime.clone(), id_maps())
                }
            }
            .map_err(network_failed)?,
            records: Records::open(&config.data_root)?,
            networks: networks::Records::open(&config.data_root)?,
        })
    }
}

/// The maps of the user namespace that the containers of an ordinary user share, in the form that the
/// runtime reads.
fn id_maps() -> String {
    match ids(Privilege::Rootless) {
        Ids::Mapped(maps) => serde_json::to_string(&maps).expect("maps are plain numbers"),
        Ids::Host => String::new(),
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
