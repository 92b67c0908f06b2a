//! What containers use: one sampler, files kept open, pure rates, 24 hours in bounded memory.

mod hierarchy;
mod history;
mod parse;
mod rate;
mod read;
mod source;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use terrarium_api::{Counters, HostSample, StatsHistory, StatsRow, StatsTick};
use tokio::{
    sync::{Notify, watch},
    time::MissedTickBehavior,
};

pub(crate) use hierarchy::{Cgroup, Hierarchies};
use history::History;
use source::Source;

use crate::{db::Database, time::now_ms};

/// How often everything is sampled.
const STEP: Duration = Duration::from_secs(1);
/// Graphs draw no more points than this.
const POINTS_AT_MOST: u32 = 500;
/// How far back graphs go.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Samples all running containers, once a second while there is one.
#[derive(Debug)]
pub(crate) struct Sampler {
    hierarchies: Hierarchies,
    containers: Mutex<HashMap<String, Sampled>>,
    engine: Mutex<Option<(Source, Counters)>>,
    ticks: watch::Sender<Arc<StatsTick>>,
    /// Wakes the sampling task when the first container starts.
    wake: Arc<Notify>,
    /// Keeps the minutes for the next host.
    database: Database,
}

#[derive(Debug, Default)]
struct Sampled {
    source: Option<Source>,
    before: Counters,
    history: History,
}

impl Sampler {
    /// Starts the sampling task; it ends with the last handle.
    pub(crate) fn start(database: Database) -> Arc<Self> {
        let sampler = Arc::new(Self {
            hierarchies: Hierarchies::of_this_machine().unwrap_or_default(),
            containers: Mutex::default(),
            engine: Mutex::default(),
            ticks: watch::Sender::new(Arc::new(StatsTick {
                rows: Vec::new(),
                host: idle(),
            })),
            wake: Arc::default(),
            database,
        });
        tokio::spawn(run(Arc::downgrade(&sampler)));
        sampler
    }

    /// The cgroup hierarchies of this machine.
    pub(crate) fn hierarchies(&self) -> &Hierarchies {
        &self.hierarchies
    }

    /// Begins to sample a container that runs. Its history, if it ran before, goes on.
    pub(crate) fn add(&self, container: &str, pid: u32) {
        let Ok(mut source) = Source::open(&self.hierarchies, pid) else {
            return;
        };
        let before = source.read();
        let mut containers = lock(&self.containers);
        let known = containers.entry(container.to_owned()).or_default();
        (known.source, known.before) = (Some(source), before);
        drop(containers);
        self.wake.notify_one();
    }

    /// Puts back what earlier hosts kept about a container.
    pub(crate) async fn restore(&self, container: &str) {
        let from_ms = now_ms().saturating_sub(DAY.as_millis() as u64);
        match self.database.samples(container, from_ms).await {
            Ok(minutes) => {
                let mut containers = lock(&self.containers);
                containers
                    .entry(container.to_owned())
                    .or_default()
                    .history
                    .restore(minutes);
            }
            Err(error) => {
                tracing::warn!(%error, container, "the history of a container is not shown")
            }
        }
    }

    /// Stops sampling a container that ended, and keeps its history.
    pub(crate) fn stop(&self, container: &str) {
        if let Some(known) = lock(&self.containers).get_mut(container) {
            known.source = None;
        }
    }

    /// Forgets a container that is gone.
    pub(crate) fn forget(&self, container: &str) {
        lock(&self.containers).remove(container);
    }

    /// The counters of a running container now.
    pub(crate) fn counters(&self, container: &str) -> Option<Counters> {
        lock(&self.containers)
            .get_mut(container)?
            .source
            .as_mut()
            .map(Source::read)
    }

    /// The history of a container; empty when it never ran under this host.
    pub(crate) fn history(&self, container: &str, range_s: u32, points: u32) -> StatsHistory {
        let from_ms = now_ms().saturating_sub(u64::from(range_s) * 1_000);
        let mut containers = lock(&self.containers);
        let Some(known) = containers.get_mut(container) else {
            return StatsHistory {
                samples: Vec::new(),
                sources: Vec::new(),
                incidents: Vec::new(),
            };
        };
        StatsHistory {
            samples: known
                .history
                .since(from_ms, points.min(POINTS_AT_MOST) as usize),
            sources: known
                .source
                .as_mut()
                .map(Source::provenance)
                .unwrap_or_default(),
            incidents: known.history.incidents_since(from_ms),
        }
    }

    /// A tick a second, as long as a container runs.
    pub(crate) fn ticks(&self) -> watch::Receiver<Arc<StatsTick>> {
        self.ticks.subscribe()
    }

    /// Samples every container; the minutes that are full go into `minutes`.
    fn sample_all(&self, minutes: &mut Vec<StatsRow>) -> StatsTick {
        let mut rows = Vec::new();
        let mut host = idle();
        for (container, known) in lock(&self.containers).iter_mut() {
            let Some(source) = &mut known.source else {
                continue;
            };
            let now = source.read();
            let sample = rate::sample(&known.before, &now, source.host_memory_bytes());
            known.before = now;
            let minute = known.history.push(sample);
            minutes.extend(minute.map(|sample| StatsRow {
                container: container.clone(),
                sample,
            }));
            host.containers_cpu_percent += sample.cpu_percent;
            host.containers_memory_bytes += sample.memory_bytes;
            rows.push(StatsRow {
                container: container.clone(),
                sample,
            });
        }
        (host.engine_cpu_percent, host.engine_memory_bytes) = self.sample_engine();
        StatsTick { rows, host }
    }

    fn sample_engine(&self) -> (f32, u64) {
        let mut engine = lock(&self.engine);
        if engine.is_none() {
            *engine = Source::open_process()
                .ok()
                .map(|source| (source, Counters::default()));
        }
        let Some((source, before)) = engine.as_mut() else {
            return (0.0, 0);
        };
        let now = source.read();
        let first = before.at_ns == 0;
        let sample = rate::sample(before, &now, u64::MAX);
        *before = now;
        (
            if first { 0.0 } else { sample.cpu_percent },
            sample.memory_bytes,
        )
    }

    async fn keep(&self, minutes: Vec<StatsRow>) {
        if minutes.is_empty() {
            return;
        }
        for StatsRow { container, sample } in &minutes {
            if let Err(error) = self.database.keep_sample(container, sample).await {
                tracing::warn!(%error, container, "the history has a gap: it could not be written");
            }
        }
        if let Err(error) = self.database.forget_old(now_ms()).await {
            tracing::warn!(%error, "old history could not be removed");
        }
    }

    fn is_idle(&self) -> bool {
        lock(&self.containers)
            .values()
            .all(|known| known.source.is_none())
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        // The task finds that the sampler is gone, and ends.
        self.wake.notify_one();
    }
}

async fn run(sampler: std::sync::Weak<Sampler>) {
    let mut clock = tokio::time::interval(STEP);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        clock.tick().await;
        let Some(strong) = sampler.upgrade() else {
            return;
        };
        if strong.is_idle() {
            // One last tick shows that nothing runs; then there are no wake-ups until a start.
            strong
                .ticks
                .send_replace(Arc::new(strong.sample_all(&mut Vec::new())));
            let wake = Arc::clone(&strong.wake);
            drop(strong);
            wake.notified().await;
            clock.reset();
            continue;
        }
        let sampler = Arc::clone(&strong);
        let sampled = tokio::task::spawn_blocking(move || {
            let mut minutes = Vec::new();
            let tick = sampler.sample_all(&mut minutes);
            sampler.ticks.send_replace(Arc::new(tick));
            minutes
        });
        // A panic there is reported by the runtime; sampling goes on.
        strong.keep(sampled.await.unwrap_or_default()).await;
    }
}

fn idle() -> HostSample {
    HostSample {
        containers_cpu_percent: 0.0,
        containers_memory_bytes: 0,
        engine_cpu_percent: 0.0,
        engine_memory_bytes: 0,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A reader that panicked leaves at worst one stale sample.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
