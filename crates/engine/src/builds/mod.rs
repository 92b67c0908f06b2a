//! Builds: from a folder with a Dockerfile to an image that has a name.
//!
//! [`terrarium_builder`] decides what is done; here it is done: bases are found or pulled, commands run in containers of
//! this engine, layers go into the store, and steps are remembered in files beside it.

mod cache;
mod coach;
mod dates;
mod error;
mod executor;
mod export;
mod forecast;
mod git;
mod given;
mod history;
mod layers;
mod look;
mod mounts;
mod output;
mod process;
mod reasons;
mod record;
mod rehearsal;
mod remote;
mod run;
mod shell;
mod steps;
mod stubs;
mod sweep;
mod web;

use std::{collections::BTreeMap, fs::File, path::PathBuf, sync::Arc};

use terrarium_api::{ActivityKind, Credentials, Error, ErrorCode, Limits, Ulimit};
use terrarium_builder::{Files, Request};
use terrarium_dockerfile::Program;
use tokio::sync::mpsc;

use self::{executor::Worker, output::Delivering, record::Recorder, steps::Steps};
use crate::{Engine, Result, blocking::blocking, error::Wrap as _, time::now_ms};

pub use cache::PruneBuilds;
pub(crate) use cache::{Locks, held};
pub use export::PrunedBuilds;
pub use given::{Asked, GivenContext, GivenDockerfile, left_out};
pub use output::{Built, Deliver, Delivery, Destination, Form, Writing};
pub use remote::CacheExport;
pub use run::FollowedBuild;
pub(crate) use run::RunningBuilds;
pub(crate) use shell::FailedSteps;
pub use steps::StepPlace;
pub(crate) use stubs::{remove as without_stubs, tempfile};

/// A build, its files in an archive.
#[derive(Debug, Default)]
pub struct BuildImage {
    /// A tar, compressed or not, with the files. Nothing for none.
    pub context: Option<File>,
    /// Where the Dockerfile is in it; `Dockerfile` when empty.
    pub dockerfile: String,
    /// Names for the image.
    pub tags: Vec<String>,
    /// Arguments.
    pub arguments: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The stage to build; the last one without.
    pub target: Option<String>,
    /// The platform of the bases.
    pub platform: Option<String>,
    /// `default`, `none` or `host`.
    pub network: String,
    /// Whether every step runs again.
    pub no_cache: bool,
    /// Whether bases are looked for in their registries even if they are here.
    pub pull: bool,
    /// `name:address` lines for `/etc/hosts` of commands.
    pub extra_hosts: Vec<String>,
    /// Size of `/dev/shm` of commands.
    pub shm_bytes: Option<u64>,
    /// What commands may use.
    pub limits: Limits,
    /// Resource limits of the processes of commands.
    pub ulimits: Vec<Ulimit>,
    /// Sign-ins for bases that are pulled, by their registries as clients write them.
    pub credentials: BTreeMap<String, Credentials>,
    /// Contents by the ids of `RUN --mount=type=secret`.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// Sockets of agents by the ids of `RUN --mount=type=ssh`.
    pub agents: BTreeMap<String, PathBuf>,
    /// A Dockerfile that does not lie among the files, and its rules; `dockerfile` says what it is called.
    pub given: Option<GivenDockerfile>,
    /// Caches in registries, whose steps need not be carried out.
    pub cache_from: Vec<String>,
    /// Caches in registries that get the steps of this build.
    pub cache_to: Vec<CacheExport>,
    /// What stands for images and stages of these names.
    pub contexts: BTreeMap<String, GivenContext>,
    /// What becomes of the result; an image of this engine when empty.
    pub outputs: Vec<Destination>,
}

/// How a build goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// An instruction begins.
    Step {
        /// Its number among all of the file, from 1.
        number: usize,
        /// How many there are.
        total: usize,
        /// As it is written, in one line.
        line: String,
        /// Where it stands among those that make files; nothing for one that makes none.
        place: Option<StepPlace>,
    },
    /// An instruction is done.
    Done {
        /// Its number.
        number: usize,
        /// Whether it gave what a build before gave.
        cached: bool,
        /// What the file system is now.
        layer: Option<String>,
    },
    /// An instruction failed.
    Failed {
        /// Its number.
        number: usize,
    },
    /// What a command wrote.
    Output {
        /// The number of its instruction.
        number: usize,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The result begins to go where it belongs.
    Delivering(Delivery),
    /// It is there.
    Delivered,
}

/// Reports that a slow client may fall behind before commands wait for it.
pub(crate) type Events = mpsc::Sender<BuildEvent>;

impl Engine {
    /// Builds an image and tells `events` how it goes on.
    ///
    /// Dropping the future cancels the build, and so does canceling its activity: the command that runs is killed, and
    /// the layers that are done stay in the cache.
    ///
    /// # Errors
    /// The first instruction that fails, with its line.
    pub async fn build_image(&self, request: BuildImage, events: Events) -> Result<Built> {
        let subject = request
            .tags
            .first()
            .cloned()
            .unwrap_or_else(|| "Dockerfile".to_owned());
        let root = self.config().data_root.clone();
        let settings = run::settings_of(&request);
        let begun = blocking(move || Ok(Recorder::begin(root, None, settings, subject)));
        let recorder = begun.await?;
        self.inner.running_builds.add(&recorder);
        self.build_recorded(async { Ok(request) }, events, &recorder)
            .await
    }

    /// Builds, and keeps how it went.
    async fn build_recorded(
        &self,
        request: impl Future<Output = Result<BuildImage>>,
        events: Events,
        recorder: &Arc<Recorder>,
    ) -> Result<Built> {
        let subject = recorder.summary().subject;
        let running = self.activities().begin(ActivityKind::BuildImage, &subject);
        recorder.under_activity(running.id());
        let kept = Kept {
            engine: self.clone(),
            recorder: Some(Arc::clone(recorder)),
        };
        let work = async {
            tokio::select! {
                // On the heap: it is large, and what polls it is deep.
                built = Box::pin(async { self.build(request.await?, events, recorder).await }) => built,
                () = running.token().cancelled() => Err(canceled()),
            }
        };
        let result = work.await;
        let result = running.end(result.wrap(|| format!("build {subject}")));
        kept.end(result.clone()).await;
        result
    }

    async fn build(
        &self,
        mut request: BuildImage,
        events: Events,
        recorder: &Arc<Recorder>,
    ) -> Result<Built> {
        let tags = export::references(&request.tags)?;
        let outputs = std::mem::take(&mut request.outputs);
        let cache_from = std::mem::take(&mut request.cache_from);
        let cache_to = std::mem::take(&mut request.cache_to);
        let (request, options) = prepare(request).await?;
        let steps = Steps::of(&request.dockerfile);
        recorder.read(&request.dockerfile, request.target.as_deref());
        let mut worker = Worker::new(self.clone(), options, events.clone()).await?;
        worker.recorder = Some(Arc::clone(recorder));
        Box::pin(worker.import(&cache_from)).await;
        let told = events.clone();
        let reports = |report| {
            recorder.report(&report);
            // Reports are for people: one that a client does not take in time is left out, output is not.
            if let Some(event) = steps.event(report) {
                let _ = told.try_send(event);
            }
        };
        let built = terrarium_builder::build(&worker, &request, &reports).await;
        let outcome = built.map_err(|failure| {
            recorder.failed(&failure);
            if let Some(event) = steps.failed(&failure) {
                let _ = events.try_send(event);
            }
            error::told(failure)
        })?;
        let delivering = Delivering {
            worker: &worker,
            outcome,
            tags,
            caches: cache_to,
        };
        let built = Box::pin(delivering.deliver(outputs)).await?;
        if let Err(error) = self.limit_build_cache().await {
            tracing::warn!(%error, "the build cache is not limited");
        }
        Ok(built)
    }
}

fn canceled() -> Error {
    Error::new(ErrorCode::Canceled, "canceled")
}

/// A build that is kept however it ends, also by being dropped.
struct Kept {
    engine: Engine,
    recorder: Option<Arc<Recorder>>,
}

impl Kept {
    async fn end(mut self, result: Result<Built>) {
        if let Some(recorder) = self.recorder.take() {
            end(self.engine.clone(), recorder, result).await;
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(recorder) = self.recorder.take() {
            tokio::spawn(end(self.engine.clone(), recorder, Err(canceled())));
        }
    }
}

async fn end(engine: Engine, recorder: Arc<Recorder>, result: Result<Built>) {
    let id = recorder.id.clone();
    let kept = blocking(move || {
        recorder.end(&result);
        Ok(())
    });
    let _ = kept.await;
    engine.inner.running_builds.remove(&id);
}

/// What only the executor needs.
#[derive(Debug, Default, Clone)]
pub(crate) struct Options {
    pub(crate) pull: bool,
    pub(crate) extra_hosts: Vec<String>,
    pub(crate) shm_bytes: Option<u64>,
    pub(crate) limits: Limits,
    pub(crate) ulimits: Vec<Ulimit>,
    pub(crate) credentials: BTreeMap<String, Credentials>,
    pub(crate) agents: BTreeMap<String, PathBuf>,
}

async fn prepare(build: BuildImage) -> Result<(Request, Options)> {
    blocking(move || {
        let failed = |error: std::io::Error| {
            Error::new(ErrorCode::InvalidArgument, "read the files of the build").because(&error)
        };
        let context = build
            .context
            .map(layers::plain)
            .transpose()
            .map_err(failed)?;
        let mut files = Files::of_tars(context).map_err(failed)?;
        let given = match build.given {
            Some(given) => given,
            None => GivenDockerfile::within(&files, &build.dockerfile)?,
        };
        let GivenDockerfile {
            text: dockerfile,
            ignore,
        } = given;
        files.retain(|path| !ignore.matches(path));
        let epoch = epoch(&build.arguments, &dockerfile)?;
        let contexts = build.contexts.into_iter();
        let contexts = contexts.map(|(name, given)| Ok((name, given.read()?)));
        let contexts: std::io::Result<_> = contexts.collect();
        let now = now_ms() / 1000;
        let request = Request {
            dockerfile,
            context: Arc::new(files),
            ignore,
            arguments: build.arguments,
            labels: build.labels,
            target: build.target,
            platform: build.platform,
            network: network(&build.network)?,
            secrets: build.secrets,
            agents: build.agents.keys().cloned().collect(),
            contexts: contexts.map_err(failed)?,
            no_cache: build.no_cache,
            epoch,
            now,
            created: timestamp(epoch.unwrap_or(now)),
            inflate: Arc::new(layers::inflate),
        };
        let options = Options {
            pull: build.pull,
            extra_hosts: build.extra_hosts,
            shm_bytes: build.shm_bytes,
            limits: build.limits,
            ulimits: build.ulimits,
            credentials: build.credentials,
            agents: build.agents,
        };
        Ok((request, options))
    })
    .await
}

fn network(wish: &str) -> Result<String> {
    match wish {
        "" | "default" | "bridge" => Ok("default".to_owned()),
        "none" | "host" => Ok(wish.to_owned()),
        other => Err(Error::new(
            ErrorCode::InvalidArgument,
            format!("{other:?} is no network for a build"),
        )
        .hint("use default, none or host")),
    }
}

/// `SOURCE_DATE_EPOCH`, given or by the default of the Dockerfile.
fn epoch(arguments: &BTreeMap<String, String>, dockerfile: &str) -> Result<Option<u64>> {
    const NAME: &str = "SOURCE_DATE_EPOCH";
    let default = || {
        let program = Program::of(&terrarium_dockerfile::Dockerfile::parse(dockerfile)).ok()?;
        program
            .globals
            .into_iter()
            .find(|argument| argument.name == NAME)?
            .default
    };
    let Some(text) = arguments
        .get(NAME)
        .cloned()
        .or_else(default)
        .filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        Error::new(ErrorCode::InvalidArgument, format!("{NAME} is {text:?}"))
            .hint("use seconds since 1970")
    })
}

fn timestamp(seconds: u64) -> String {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}
