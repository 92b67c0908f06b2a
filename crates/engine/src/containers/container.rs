//! A container in memory: its record, what of it runs, and who waits for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use terrarium_api::{ContainerStatus, ContainerSummary, Exit, Health};
use tokio::sync::watch;

use super::{attach::Pending, id::ContainerId, record::Record, shim::Shim};

/// A container. Shared by all who work on it.
///
/// Two locks order what happens: who holds `operation` may change what the container is meant to do,
/// who holds `running` owns the files and processes of a run, from its start until it is cleaned up.
/// A start takes both, in this order. Lists take neither. Who holds `attached` changes the container's
/// place on the network; it may be given up after the run is over in all other respects.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) id: ContainerId,
    pub(crate) operation: tokio::sync::Mutex<()>,
    pub(crate) running: Arc<tokio::sync::Mutex<()>>,
    pub(crate) attached: Arc<tokio::sync::Mutex<()>>,
    pub(crate) saving: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    life: watch::Sender<Life>,
}

/// What changes about a container.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) record: Record,
    pub(crate) live: Option<Live>,
    /// It ended, and its policy is about to start it again.
    pub(crate) restarting: bool,
    /// What the checks of the last run said.
    pub(crate) health: Option<Health>,
    /// Clients that attached before the start.
    pub(crate) pending: Vec<Pending>,
}

/// What of a container runs.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) shim: Arc<Shim>,
    pub(crate) paused: bool,
}

/// What waiting is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Life {
    /// It runs, or its policy is about to start it again.
    pub(crate) running: bool,
    /// How many runs have ended since the host knows it.
    pub(crate) ends: u64,
    /// How the last one ended.
    pub(crate) exit: Option<Exit>,
    /// It is no more.
    pub(crate) removed: bool,
}

impl Container {
    /// A container that does not run, or is not yet known to.
    pub(crate) fn new(record: Record) -> Self {
        let exit = record.run.as_ref().and_then(|run| run.exit.clone());
        Self {
            id: record.id.clone(),
            operation: tokio::sync::Mutex::default(),
            running: Arc::default(),
            attached: Arc::default(),
            saving: tokio::sync::Mutex::default(),
            state: Mutex::new(State {
                record,
                live: None,
                restarting: false,
                health: None,
                pending: Vec::new(),
            }),
            life: watch::Sender::new(Life {
                exit,
                ..Life::default()
            }),
        }
    }

    /// The state; never held across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // Changes are assignments of whole values: there is no half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of the record.
    pub(crate) fn record(&self) -> Record {
        self.state().record.clone()
    }

    /// The shim, while it runs.
    pub(crate) fn shim(&self) -> Option<Arc<Shim>> {
        self.state()
            .live
            .as_ref()
            .map(|live| Arc::clone(&live.shim))
    }

    /// Its ends, for those who wait.
    pub(crate) fn life(&self) -> &watch::Sender<Life> {
        &self.life
    }

    /// Its row in lists.
    pub(crate) fn summary(&self) -> ContainerSummary {
        self.state().summary()
    }
}

impl State {
    /// How it stands.
    pub(crate) fn status(&self) -> ContainerStatus {
        match &self.live {
            Some(live) if live.paused => ContainerStatus::Paused,
            Some(_) => ContainerStatus::Running,
            None if self.restarting => ContainerStatus::Restarting,
            None => self.record.status_at_rest(),
        }
    }

    /// Its row in lists.
    pub(crate) fn summary(&self) -> ContainerSummary {
        let record = &self.record;
        let run = record.run.as_ref();
        let live = run.filter(|_| self.live.is_some());
        ContainerSummary {
            id: record.id.to_string(),
            name: record.name.clone(),
            image: record.request.image.clone(),
            image_id: record.image.id.clone(),
            command: record.command_line(),
            status: self.status(),
            created_at_ms: record.created_at_ms,
            started_at_ms: run.map(|run| run.started_at_ms).filter(|at| *at > 0),
            exit: run.and_then(|run| run.exit.clone()),
            health: live.and(self.health.as_ref()).map(|health| health.status),
            pid: live.and_then(|run| run.pid),
            ports: live.map(|run| run.ports.clone()).unwrap_or_default(),
            network: record.request.network.clone(),
            address: live
                .and_then(|run| run.attachments.first())
                .map(|attachment| attachment.address.clone()),
            networks: record.places(live.is_some()),
            limits: record.request.limits.clone(),
            labels: record.labels(),
            terminal: record.request.terminal,
            auto_remove: record.request.auto_remove,
            mounts: record.mounts.clone(),
        }
    }
}
