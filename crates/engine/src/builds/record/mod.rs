//! What is known of a build while it goes on: told by the builder, watched by windows, kept in the history.

mod lines;
mod steps;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use terrarium_api::{
    BuildOutput, BuildProgress, BuildRecord, BuildSettings, BuildState, BuildSummary, Error,
    ErrorCode, StepState,
};
use terrarium_builder::{Failure, Report};
use terrarium_dockerfile::Dockerfile;
use tokio::sync::watch;

use self::lines::Lines;

use super::{Built, history};
use crate::{dockerfile::needed, files::random_hex, time::now_ms};
pub(super) use lines::read as read_output;

/// One build, from its start on.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) id: String,
    data_root: PathBuf,
    began: Instant,
    state: Mutex<State>,
    /// Counts the changes; `None` once nothing will change any more.
    changes: watch::Sender<Option<u64>>,
}

#[derive(Debug)]
struct State {
    record: BuildRecord,
    /// At which change each step became what it is.
    changed: Vec<u64>,
    change: u64,
    needed: BTreeSet<usize>,
    lines: Lines,
}

/// How far somebody has followed a build.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    change: u64,
    lines: u64,
}

impl Seen {
    /// Whether nothing has been told yet.
    pub(super) fn is_new(&self) -> bool {
        self.change == 0
    }
}

impl Recorder {
    /// Begins to keep a build.
    pub(crate) fn begin(
        data_root: PathBuf,
        project: Option<String>,
        settings: BuildSettings,
        subject: String,
    ) -> Arc<Self> {
        let now = now_ms();
        // Names sort by time.
        let id = format!("{now:012x}{}", random_hex(3));
        let summary = BuildSummary {
            id: id.clone(),
            project,
            subject,
            state: BuildState::Running,
            started_at_ms: now,
            finished_at_ms: None,
            steps: 0,
            done: 0,
            cached: 0,
            image: None,
            place: None,
            size_bytes: None,
            error: None,
            activity: None,
        };
        let record = BuildRecord {
            summary,
            settings,
            dockerfile: String::new(),
            steps: Vec::new(),
        };
        let lines = Lines::open(&history::folder(&data_root, &id));
        history::write(&data_root, &record);
        Arc::new(Self {
            id,
            data_root,
            began: Instant::now(),
            state: Mutex::new(State {
                record,
                changed: Vec::new(),
                change: 1,
                needed: BTreeSet::new(),
                lines,
            }),
            changes: watch::channel(Some(1)).0,
        })
    }

    /// What is built is known.
    pub(crate) fn read(&self, text: &str, target: Option<&str>) {
        self.change(|state, change| {
            let dockerfile = Dockerfile::parse(text);
            state.record.steps = steps::of(&dockerfile);
            state.changed = vec![change; state.record.steps.len()];
            state.needed = needed(&dockerfile, target);
            text.clone_into(&mut state.record.dockerfile);
            state.record.summary.steps = state.needed.len() as u32;
        });
    }

    pub(crate) fn under_activity(&self, activity: String) {
        self.change(|state, _| state.record.summary.activity = Some(activity));
    }

    /// The builder has news.
    pub(crate) fn report(&self, report: &Report) {
        let at = self.elapsed();
        self.change(|state, change| {
            let node = steps::apply(&mut state.record.steps, report, at);
            if let Some(changed) = state.changed.get_mut(node) {
                *changed = change;
            }
            state.count();
        });
    }

    /// A command wrote something.
    pub(crate) fn output(&self, node: usize, bytes: &[u8]) {
        let at = self.elapsed();
        self.change(|state, _| state.lines.write(node as u32, at, bytes));
    }

    /// A command ended with a code.
    pub(crate) fn exit(&self, node: usize, code: i32, command: &[String]) {
        self.change(|state, change| {
            if let Some(step) = state.record.steps.get_mut(node) {
                step.exit_code = Some(code);
                step.command = (code != 0).then(|| command.to_vec());
                state.changed[node] = change;
            }
        });
    }

    /// An instruction failed.
    pub(crate) fn failed(&self, failure: &Failure) {
        let Some(place) = &failure.place else { return };
        let at = self.elapsed();
        self.change(|state, change| {
            let dockerfile = Dockerfile::parse(&state.record.dockerfile);
            let holds = |node: &terrarium_dockerfile::Node| {
                node.span.contains(place.span.start) || node.span == place.span
            };
            let node = dockerfile.nodes().position(holds);
            if let Some(step) = node.and_then(|node| state.record.steps.get_mut(node)) {
                steps::end(step, StepState::Failed, at);
                state.changed[step.node as usize] = change;
            }
        });
    }

    /// The build has ended. It is kept, and whoever follows it is told.
    pub(crate) fn end(&self, result: &Result<Built, Error>) {
        let at = self.elapsed();
        self.change(|state, change| {
            state.lines.end(at);
            for (step, changed) in state.record.steps.iter_mut().zip(&mut state.changed) {
                if step.state == StepState::Running {
                    steps::end(step, StepState::Canceled, at);
                    *changed = change;
                }
            }
            state.count();
            state.ended(result);
        });
        history::write(&self.data_root, &self.lock().record);
        history::trim(&self.data_root);
        self.changes.send_replace(None);
    }

    pub(crate) fn summary(&self) -> BuildSummary {
        self.lock().record.summary.clone()
    }

    pub(crate) fn record(&self) -> BuildRecord {
        self.lock().record.clone()
    }

    pub(crate) fn output_so_far(&self) -> BuildOutput {
        self.lock().lines.all()
    }

    /// Tells of changes, and of the end by being closed.
    pub(crate) fn changes(&self) -> watch::Receiver<Option<u64>> {
        self.changes.subscribe()
    }

    /// What is new to somebody.
    pub(crate) fn news(&self, seen: &mut Seen) -> BuildProgress {
        let state = self.lock();
        let steps = state.record.steps.iter().zip(&state.changed);
        let (lines, skipped_lines) = state.lines.after(&mut seen.lines);
        let news = BuildProgress {
            summary: state.record.summary.clone(),
            steps: steps
                .filter(|(_, changed)| **changed > seen.change)
                .map(|(step, _)| step.clone())
                .collect(),
            lines,
            skipped_lines,
        };
        seen.change = state.change;
        news
    }

    fn change(&self, act: impl FnOnce(&mut State, u64)) {
        let mut state = self.lock();
        state.change += 1;
        let change = state.change;
        act(&mut state, change);
        drop(state);
        self.changes.send_replace(Some(change));
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self) {
        let needed = |step: &&terrarium_api::BuildStep| self.needed.contains(&(step.node as usize));
        let steps = || self.record.steps.iter().filter(needed);
        let done = steps().filter(|step| matches!(step.state, StepState::Done | StepState::Cached));
        let cached = steps().filter(|step| step.state == StepState::Cached);
        let (done, cached) = (done.count() as u32, cached.count() as u32);
        self.record.summary.done = done;
        self.record.summary.cached = cached;
    }

    fn ended(&mut self, result: &Result<Built, Error>) {
        let summary = &mut self.record.summary;
        summary.finished_at_ms = Some(now_ms());
        summary.activity = None;
        match result {
            Ok(built) => {
                summary.state = BuildState::Succeeded;
                summary.image = built.image.as_ref().map(|image| image.id.clone());
                let place = Some(&self.record.settings.place).filter(|_| built.image.is_none());
                summary.place = place.filter(|place| !place.is_empty()).cloned();
                summary.size_bytes = Some(built.size_bytes);
            }
            Err(error) => {
                summary.state = match error.code {
                    ErrorCode::Canceled => BuildState::Canceled,
                    _ => BuildState::Failed,
                };
                summary.error = Some(error.clone());
            }
        }
    }
}
