//! What a build would do, without doing it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use terrarium_api::{BuildRecord, Forecast, ForecastQuery, StepFate, StepForecast, StepReason};
use terrarium_builder::{Failure, Key, Report, Request};
use terrarium_dockerfile::{Dockerfile, Ignore, Keyword};

use super::{
    error, history, layers, network, reasons::Reasons, rehearsal::Rehearsal, run::asked_network,
};
use crate::{
    Engine, Result,
    blocking::blocking,
    dockerfile::needed,
    projects::{Record, ignore_rules},
    time::now_ms,
};

/// What the builder said of an instruction.
#[derive(Debug, Default, Clone)]
pub(super) struct Heard {
    begun: bool,
    done: bool,
    /// The keys of its layers, and whether each is here.
    pub(super) keys: Vec<(Key, bool)>,
}

impl Heard {
    /// Whether it would be carried out.
    pub(super) fn runs(&self) -> bool {
        self.keys.iter().any(|(_, cached)| !cached)
    }
}

type AllHeard = BTreeMap<usize, Heard>;

impl Engine {
    /// What a build of a text would do, step by step and why. Nothing is run, fetched or written.
    ///
    /// # Errors
    /// `NoSuchProject`; `InvalidArgument` for a folder that cannot be read. What is wrong with the text, or would
    /// fail for sure, is a part of the forecast.
    pub async fn forecast(&self, query: ForecastQuery) -> Result<Forecast> {
        let began = Instant::now();
        let project = self.project_record(&query.project).await?;
        let request = self.thought_of(&project, query.text).await?;
        let rehearsal = Rehearsal::new(self.clone());
        let heard = Mutex::new(AllHeard::new());
        let listen = |report: Report| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            hear(&mut heard, report);
        };
        let built = terrarium_builder::build(&rehearsal, &request, &listen).await;
        let heard = heard.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (engine, id) = (self.clone(), query.project);
        let missing_images = rehearsal.missing();
        blocking(move || {
            let store = engine.store().clone();
            let root = engine.config().data_root.clone();
            let past = past(&root, &id);
            let reasons = Reasons {
                root: &root,
                store: &store,
                past: &past,
                context: &request.context,
            };
            let told = Thought {
                request: &request,
                no_cache: project.settings.no_cache,
                heard: &heard,
                missing: &missing_images,
                failure: built.as_ref().err(),
            };
            let mut forecast = told.forecast(&reasons);
            forecast.problem = built.err().map(error::told);
            forecast.missing_images.clone_from(&missing_images);
            forecast.usec = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            Ok(forecast)
        })
        .await
    }

    async fn thought_of(&self, project: &Record, text: String) -> Result<Request> {
        let (engine, project) = (self.clone(), project.clone());
        blocking(move || {
            let folder = PathBuf::from(&project.folder);
            let ignore = Ignore::parse(&ignore_rules(&folder, &project.dockerfile));
            let scan = engine.inner.scans.scan(Path::new(&folder), &ignore)?;
            let settings = project.settings;
            let epoch = super::epoch(&settings.arguments, &text)?;
            let now = now_ms() / 1000;
            Ok(Request {
                dockerfile: text,
                context: Arc::clone(&scan.files),
                ignore,
                labels: BTreeMap::new(),
                target: settings.target.filter(|target| !target.is_empty()),
                platform: settings.platform.filter(|platform| !platform.is_empty()),
                network: network(asked_network(settings.offline))?,
                arguments: settings.arguments,
                secrets: BTreeMap::new(),
                agents: Default::default(),
                contexts: Default::default(),
                no_cache: settings.no_cache,
                epoch,
                now,
                created: super::timestamp(epoch.unwrap_or(now)),
                inflate: Arc::new(layers::inflate),
            })
        })
        .await
    }
}

/// The builds of a project, newest first.
pub(super) fn past(root: &Path, project: &str) -> Vec<BuildRecord> {
    let mut past = history::all(root);
    past.retain(|record| record.summary.project.as_deref() == Some(project));
    past.reverse();
    past
}

fn hear(heard: &mut AllHeard, report: Report) {
    match report {
        Report::Step { node, .. } => heard.entry(node).or_default().begun = true,
        Report::Recognized { node, key, cached } => {
            heard.entry(node).or_default().keys.push((key, cached));
        }
        Report::Done { node, .. } => heard.entry(node).or_default().done = true,
    }
}

struct Thought<'a> {
    request: &'a Request,
    no_cache: bool,
    heard: &'a AllHeard,
    missing: &'a [String],
    failure: Option<&'a Failure>,
}

impl Thought<'_> {
    fn forecast(&self, reasons: &Reasons<'_>) -> Forecast {
        let dockerfile = Dockerfile::parse(&self.request.dockerfile);
        let needed = needed(&dockerfile, self.request.target.as_deref());
        let failed = self.failed_node(&dockerfile);
        let mut steps: Vec<StepForecast> = Vec::new();
        let mut stage_start = 0;
        for (node, written) in dockerfile.nodes().enumerate() {
            if written.keyword == Some(Keyword::From) {
                stage_start = node;
            }
            let heard = self.heard.get(&node).cloned().unwrap_or_default();
            let pulled =
                written.keyword == Some(Keyword::From) && self.is_missing(&written.words());
            let fate = if failed == Some(node) {
                StepFate::Fails
            } else if !needed.contains(&node) {
                StepFate::Unneeded
            } else if pulled {
                StepFate::Runs
            } else {
                self.fate(&heard, written.keyword)
            };
            let was = reasons.was(node, &written.line, &heard);
            let below = steps[stage_start.min(steps.len())..]
                .iter()
                .rev()
                .find(|step| step.fate == StepFate::Runs)
                .map(|step| step.node);
            let reason = (fate == StepFate::Runs).then(|| {
                if pulled {
                    StepReason::Pull
                } else if self.no_cache {
                    StepReason::NoCache
                } else {
                    reasons.why(&heard, &was, below)
                }
            });
            steps.push(StepForecast {
                node: node as u32,
                fate,
                reason,
                last_usec: was.usec,
                last_bytes: was.bytes,
            });
        }
        Forecast {
            expected_usec: running(&steps).filter_map(|step| step.last_usec).sum(),
            unknown: running(&steps)
                .filter(|step| step.last_usec.is_none())
                .count() as u32,
            steps,
            problem: None,
            problem_node: failed.map(|node| node as u32),
            missing_images: Vec::new(),
            usec: 0,
        }
    }

    fn fate(&self, heard: &Heard, keyword: Option<Keyword>) -> StepFate {
        if heard.runs() {
            return StepFate::Runs;
        }
        if !heard.keys.is_empty() {
            return StepFate::Cached;
        }
        match (heard.done, keyword) {
            (true, Some(Keyword::From)) => StepFate::Cached,
            (true, _) => StepFate::Settings,
            // Arguments before the first stage are nobody's step.
            (false, Some(Keyword::Arg)) if !heard.begun => StepFate::Settings,
            (false, _) => StepFate::Unknown,
        }
    }

    fn is_missing(&self, words: &[&str]) -> bool {
        words
            .first()
            .is_some_and(|base| self.missing.iter().any(|name| name == base))
    }

    fn failed_node(&self, dockerfile: &Dockerfile) -> Option<usize> {
        let span = self.failure?.place.as_ref()?.span;
        dockerfile
            .nodes()
            .position(|node| node.span.contains(span.start))
    }
}

fn running(steps: &[StepForecast]) -> impl Iterator<Item = &StepForecast> {
    let runs = |step: &&StepForecast| step.fate == StepFate::Runs;
    steps.iter().filter(runs)
}
