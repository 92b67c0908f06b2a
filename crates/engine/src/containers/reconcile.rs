//! What a new host finds: containers that run, that ended unseen, and leavings of one that was killed.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use terrarium_api::Exit;
use terrarium_runtime::shim::protocol::{Call, ExitStatus, ShimState, Status, file};

use super::{
    bundle::Bundle,
    container::{Container, Live},
    launch::Launched,
    leftovers, network,
    record::{Record, Run},
    restart,
    shim::Shim,
    supervise::exit_of,
};
use crate::{Engine, Result, blocking::blocking, time::now_ms};

/// What Docker gives for a process whose end nobody saw.
const UNKNOWN_EXIT: i32 = 137;
/// A shim that does not answer for so long is stuck.
const ANSWER: Duration = Duration::from_secs(5);

impl Engine {
    /// Reads the records, finds the shims, and mends what a killed host left.
    ///
    /// # Errors
    /// What could not be read. A single container that cannot be mended is reported, and stops
    /// nothing.
    pub(crate) async fn open_containers(&self) -> Result<()> {
        let records = self.inner.records.clone();
        let loaded = blocking(move || {
            records.sweep()?;
            records.load_all()
        })
        .await?;
        for record in loaded {
            self.inner
                .containers
                .insert(Arc::new(Container::new(record)));
        }
        let containers = self.inner.containers.all();
        let found = containers.iter().map(|container| self.find_run(container));
        futures_util::future::join_all(found).await;
        self.sweep_runs().await;
        self.sweep_snapshots().await?;
        self.sweep_network().await;
        self.start_by_policy(&containers);
        Ok(())
    }

    /// Finds out what became of a container.
    async fn find_run(&self, container: &Arc<Container>) {
        self.inner.sampler.restore(container.id.as_str()).await;
        let bundle = self.bundle(container);
        if !bundle.folder().exists() {
            return self.ended_unseen(container).await;
        }
        match tokio::time::timeout(ANSWER, self.resume(container, &bundle)).await {
            Ok(true) => {}
            Ok(false) => self.bury(container, &bundle).await,
            Err(_) => {
                tracing::error!(container_id = %container.id, "a supervisor does not answer");
                self.bury(container, &bundle).await;
            }
        }
    }

    /// A run without files: the machine was restarted while it ran.
    async fn ended_unseen(&self, container: &Arc<Container>) {
        let was_running = {
            let state = container.state();
            state
                .record
                .run
                .as_ref()
                .is_some_and(|run| run.exit.is_none())
        };
        if was_running {
            let exit = unknown_exit("the machine was restarted");
            self.record_exit(container, exit).await;
        }
    }

    /// Goes on with a shim that lives; false if there is none.
    async fn resume(&self, container: &Arc<Container>, bundle: &Bundle) -> bool {
        let Ok((shim, events)) = Shim::connect(bundle.folder()).await else {
            return false;
        };
        let Ok(state) = shim.subscribe().await else {
            return false;
        };
        let running = Arc::clone(&container.running).lock_owned().await;
        match state.status {
            // The host was killed before the start: nobody was told that the container runs.
            Status::Creating | Status::Created => {
                let _ = shim.command(Call::Shutdown).await;
                self.clean_up(container).await;
                return true;
            }
            Status::Running | Status::Paused => self.goes_on(container, &shim, &state),
            Status::Stopped => {
                self.goes_on(container, &shim, &state);
                let exit = state.exit.as_ref().map(exit_of);
                let exit = exit.unwrap_or_else(|| unknown_exit("its end was not recorded"));
                self.ended(container, Some(shim), exit).await;
                return true;
            }
        }
        let run = container.record().run.unwrap_or_default();
        self.supervise(container, Launched { shim, events, run }, running);
        true
    }

    fn goes_on(&self, container: &Arc<Container>, shim: &Arc<Shim>, found: &ShimState) {
        let pid = found.init.and_then(|init| u32::try_from(init.pid).ok());
        {
            let mut state = container.state();
            let run = self.run_of(&state.record, found, pid);
            state.record.run = Some(run);
            state.live = Some(Live {
                shim: Arc::clone(shim),
                paused: found.status == Status::Paused,
            });
        }
        container.life().send_modify(|life| {
            life.running = true;
            life.exit = None;
        });
        if let Some(pid) = pid.filter(|_| found.status != Status::Stopped) {
            self.inner.sampler.add(container.id.as_str(), pid);
            self.go_on_serving(container, pid);
        }
    }

    /// The run that a shim tells of. What the record says counts if it is of the same run: a host that
    /// was killed may not have come to write it.
    fn run_of(&self, record: &Record, found: &ShimState, pid: Option<u32>) -> Run {
        let started = found.started_at.map(|at| at.as_millisecond());
        let started_at_ms = started.and_then(|at| u64::try_from(at).ok()).unwrap_or(1);
        let known = record.run.clone().unwrap_or_default();
        if known.started_at_ms == started_at_ms {
            return Run {
                pid,
                exit: None,
                ..known
            };
        }
        let attached = self
            .network()
            .attachments(record.id.as_str())
            .unwrap_or_default();
        Run {
            started_at_ms,
            pid,
            ports: attached
                .iter()
                .flat_map(|place| place.ports.iter().flat_map(network::bindings))
                .collect(),
            attachments: attached.iter().map(network::attachment).collect(),
            ..Run::default()
        }
    }

    /// Names are answered by a process of their own; it is started anew where it has ended.
    fn go_on_serving(&self, container: &Container, pid: u32) {
        if !container.record().asks_for_names() {
            return;
        }
        let served = terrarium_network::open_netns(pid).and_then(|netns| {
            self.network()
                .serve_names(container.id.as_str(), netns.as_fd())
        });
        if let Err(error) = served {
            tracing::warn!(container_id = %container.id, %error, "a container finds no names");
        }
    }

    /// A run whose shim is dead.
    async fn bury(&self, container: &Arc<Container>, bundle: &Bundle) {
        let exit = exit_of_the_dead(bundle).await;
        let recorded = {
            let state = container.state();
            let known = state.record.run.as_ref().and_then(|run| run.exit.as_ref());
            known.is_some_and(|known| known.at_ms >= exit.at_ms)
        };
        if started(bundle) && !recorded {
            self.record_exit(container, exit).await;
        }
        self.clean_up(container).await;
    }

    async fn record_exit(&self, container: &Arc<Container>, exit: Exit) {
        {
            let mut state = container.state();
            let run = state.record.run.get_or_insert_default();
            run.exit = Some(exit.clone());
            run.pid = None;
            // Its program began, or there would be nothing to record.
            run.started_at_ms = run.started_at_ms.max(1);
        }
        container
            .life()
            .send_modify(|life| life.exit = Some(exit.clone()));
        self.container_event(container, "die", &[("exitCode", exit.code.to_string())]);
        if let Err(error) = self.save(container).await {
            tracing::error!(container_id = %container.id, %error, "an exit is not recorded");
        }
    }

    /// Removes run folders of containers that are no more.
    async fn sweep_runs(&self) {
        let folder = self.config().run_root.join("containers");
        let known: HashSet<OsString> = self
            .inner
            .containers
            .all()
            .iter()
            .map(|container| container.id.as_str().into())
            .collect();
        for path in entries(&folder) {
            let name = path.file_name().unwrap_or_default().to_owned();
            if known.contains(&name) {
                continue;
            }
            let bundle = Bundle::of(&self.config().run_root, &name.to_string_lossy());
            end_stray(&bundle).await;
            if let Err(error) = blocking(move || bundle.remove()).await {
                tracing::warn!(folder = %path.display(), %error, "leavings of a run remain");
            }
        }
    }

    /// An administrator's `nft flush ruleset` is put right while containers need the rules.
    fn keep_rules(&self) {
        let told = |written: terrarium_network::Result<()>| match written {
            Ok(()) => {
                tracing::warn!("another program had changed our packet filter rules; they are back")
            }
            Err(error) => {
                tracing::error!(%error, "packet filter rules are gone and cannot be written")
            }
        };
        if let Err(error) = self.network().keep_rules(told) {
            tracing::warn!(%error, "nobody watches the packet filter rules");
        }
    }

    async fn sweep_network(&self) {
        let live: Vec<String> = self
            .inner
            .containers
            .all()
            .iter()
            .filter(|container| container.state().live.is_some())
            .map(|container| container.id.to_string())
            .collect();
        self.keep_rules();
        let network = self.network();
        let swept = blocking(move || {
            let live: Vec<&str> = live.iter().map(String::as_str).collect();
            network.sweep(&live).map_err(network::failed)
        });
        match swept.await {
            Ok(swept) => {
                if !swept.contested.is_empty() {
                    tracing::warn!(ports = ?swept.contested, "other programs have bound published ports");
                }
                if !swept.orphans.is_empty() {
                    tracing::info!(names = ?swept.orphans, "removed what ended engines had left");
                }
            }
            Err(error) => tracing::warn!(%error, "leavings on the network remain"),
        }
    }

    /// Removes `--rm` containers that ended unseen and starts what a policy wants started; both in the
    /// background, so that a host is there at once.
    fn start_by_policy(&self, containers: &[Arc<Container>]) {
        for container in containers {
            let (engine, container) = (self.clone(), Arc::clone(container));
            let (live, record) = {
                let state = container.state();
                (state.live.is_some(), state.record.clone())
            };
            let ended = record.run.as_ref().is_some_and(|run| run.exit.is_some());
            if live {
                continue;
            }
            if record.request.auto_remove && ended {
                tokio::spawn(async move { engine.remove_by_itself(&container).await });
            } else if restart::at_host_start(&record) {
                container.state().record.desired = super::record::Desired::Running;
                container.life().send_modify(|life| life.running = true);
                tokio::spawn(async move { engine.start_with_host(&container).await });
            }
        }
    }
}

/// How a run whose shim is gone has ended: as the shim wrote, else as an unknown one, whose processes
/// are killed.
pub(super) async fn exit_of_the_dead(bundle: &Bundle) -> Exit {
    let folder = bundle.folder().to_owned();
    let read = blocking(move || {
        let exit: Option<ExitStatus> = read(&folder.join(file::EXIT));
        let state: Option<ShimState> = read(&folder.join(file::STATE));
        if let Some(state) = state {
            leftovers::kill(&state);
        }
        Ok(exit)
    });
    let exit = read.await.ok().flatten();
    exit.as_ref()
        .map_or_else(|| unknown_exit("its supervisor was killed"), exit_of)
}

/// Ends the shim of a container that is no more.
async fn end_stray(bundle: &Bundle) {
    match Shim::connect(bundle.folder()).await {
        Ok((shim, _events)) => {
            let _ = tokio::time::timeout(ANSWER, shim.command(Call::Shutdown)).await;
        }
        Err(_) => drop(exit_of_the_dead(bundle).await),
    }
}

/// Whether the program of a run began.
fn started(bundle: &Bundle) -> bool {
    let state: Option<ShimState> = read(&bundle.folder().join(file::STATE));
    state.is_some_and(|state| state.started_at.is_some())
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    // No folder, no runs.
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn unknown_exit(why: &str) -> Exit {
    Exit {
        code: UNKNOWN_EXIT,
        oom_killed: false,
        at_ms: now_ms(),
        error: Some(why.to_owned()),
    }
}
