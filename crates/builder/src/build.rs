use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use terrarium_dockerfile::{Dockerfile, Expander, Ignore, Program};
use terrarium_oci::{ChainId, DiffId, ImageConfig, RootFs};
use tokio::sync::OnceCell;

use crate::named::NamedContext;
use crate::state::State;
use crate::{Executor, Failure, Fault, Files, Found, Key, Layer};

/// Gives the plain bytes of something compressed; nothing for a compression that it does not know.
pub(crate) type Inflate = Arc<
    dyn for<'a> Fn(&str, Box<dyn Read + Send + 'a>) -> Option<Box<dyn Read + 'a>> + Send + Sync,
>;

/// What is to be built.
#[derive(Clone)]
pub struct Request {
    /// The text of the Dockerfile.
    pub dockerfile: String,
    /// The files of the build, those of `.dockerignore` left out.
    pub context: Arc<Files>,
    /// What was left out.
    pub ignore: Ignore,
    /// `--build-arg`.
    pub arguments: BTreeMap<String, String>,
    /// `--label`.
    pub labels: BTreeMap<String, String>,
    /// `--target`.
    pub target: Option<String>,
    /// `--platform`.
    pub platform: Option<String>,
    /// `--network`.
    pub network: String,
    /// `--secret`.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// `--ssh`: the ids of agents.
    pub agents: BTreeSet<String>,
    /// What stands for images and stages of these names: `--build-context`.
    pub contexts: BTreeMap<String, NamedContext>,
    /// Whether every step runs again.
    pub no_cache: bool,
    /// `SOURCE_DATE_EPOCH`.
    pub epoch: Option<u64>,
    /// Seconds since 1970.
    pub now: u64,
    /// The time that the image and its history carry, RFC 3339.
    pub created: String,
    /// How to unpack archives.
    pub inflate: Inflate,
}

impl Request {
    pub(crate) fn escape(&self) -> char {
        // Directives are the first lines, and all are comments.
        let comments = self
            .dockerfile
            .lines()
            .take_while(|line| line.trim_start_matches('\u{feff}').starts_with('#'));
        Dockerfile::parse(&comments.collect::<Vec<_>>().join("\n")).escape()
    }
}

/// How a build goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named")]
pub enum Report {
    /// An instruction begins; `node` counts the instructions of the file from 0.
    Step {
        stage: usize,
        node: usize,
        line: String,
    },
    /// A step that makes a layer has its key; `cached` says whether a build before left its layer.
    Recognized { node: usize, key: Key, cached: bool },
    /// It is done, with the layer that it made.
    Done {
        node: usize,
        id: Option<String>,
        cached: bool,
        usec: u64,
        layer: Option<Box<Layer>>,
    },
}

/// What came out.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The config of the image.
    pub config: ImageConfig,
    /// Its layers, bottom first.
    pub layers: Vec<Layer>,
}

/// Builds an image.
///
/// Stages that the target does not need are left out; the others go on side by side as far as one does not need the
/// other. Dropping the future ends the build.
///
/// # Errors
///
/// The first instruction that fails, with its place.
pub async fn build<E: Executor>(
    executor: &E,
    request: &Request,
    reports: &(dyn Fn(Report) + Send + Sync),
) -> Result<Outcome, Failure> {
    let anywhere = |fault: Fault| Failure { fault, place: None };
    let dockerfile = Dockerfile::parse(&request.dockerfile);
    let program = Program::of(&dockerfile).map_err(|errors| anywhere(Fault::Dockerfile(errors)))?;
    let target = program
        .target(request.target.as_deref())
        .map_err(|fault| anywhere(fault.into()))?;
    let build = Build {
        executor,
        request,
        reports,
        stages: program.stages.iter().map(|_| OnceCell::new()).collect(),
        needed: OnceLock::new(),
        files: Mutex::default(),
        cached: Mutex::default(),
        finds: Mutex::default(),
        program,
        target,
    };
    let state = build.with_needs(target).await?;
    Ok(build.outcome(state))
}

/// What a path leads to on one of the file systems: there are many paths, and few of these.
type FoundOn = (Option<ChainId>, Found);

pub(crate) struct Build<'a, E: Executor> {
    pub(crate) executor: &'a E,
    pub(crate) request: &'a Request,
    reports: &'a (dyn Fn(Report) + Send + Sync),
    pub(crate) program: Program,
    target: usize,
    pub(crate) stages: Vec<OnceCell<State>>,
    /// The stages that are carried out from the start.
    pub(crate) needed: OnceLock<BTreeSet<usize>>,
    files: Mutex<BTreeMap<String, Arc<Files>>>,
    /// Layers that the cache gave.
    pub(crate) cached: Mutex<BTreeSet<String>>,
    finds: Mutex<HashMap<String, Vec<FoundOn>>>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<E: Executor> Build<'_, E> {
    pub(crate) fn report(&self, report: Report) {
        (self.reports)(report);
    }

    /// The stage before `index` that a name means.
    pub(crate) fn earlier(&self, name: &str, index: usize) -> Option<usize> {
        if self.request.named(name).is_some() {
            return None;
        }
        let lower = name.to_lowercase();
        let stages = &self.program.stages[..index];
        let named = stages
            .iter()
            .rposition(|stage| stage.name.as_deref() == Some(&lower));
        named.or_else(|| name.parse().ok().filter(|number| *number < index))
    }

    /// Replaces the arguments that stand before the first `FROM`.
    pub(crate) fn global(&self, text: &str) -> Result<String, Fault> {
        let lookup = |name: &str| self.declared_before(name);
        let expanded = Expander::new(self.program.escape, &lookup).expand(text);
        expanded
            .map(|expanded| expanded.text)
            .map_err(|fault| Fault::Expansion {
                text: text.to_owned(),
                fault,
            })
    }

    fn declared_before(&self, name: &str) -> Option<String> {
        let declared = self
            .program
            .globals
            .iter()
            .rev()
            .find(|argument| argument.name == name);
        let Some(declared) = declared else {
            return self.platform_argument(name);
        };
        if let Some(given) = self.request.arguments.get(name) {
            return Some(given.clone());
        }
        let before = |other: &str| {
            let known = self
                .program
                .globals
                .iter()
                .take_while(|argument| *argument != declared);
            let found = known.filter(|argument| argument.name == other).last()?;
            self.request
                .arguments
                .get(other)
                .cloned()
                .or_else(|| found.default.clone())
        };
        let default = declared.default.as_deref()?;
        Expander::new(self.program.escape, &before)
            .expand(default)
            .ok()
            .map(|expanded| expanded.text)
    }

    /// The value of an argument that a stage declares without one.
    pub(crate) fn declared(&self, name: &str, stage: usize) -> Option<String> {
        if name == "TARGETSTAGE" {
            let stage = &self.program.stages[self.target.max(stage)];
            return Some(stage.name.clone().unwrap_or_else(|| "default".to_owned()));
        }
        self.declared_before(name)
    }

    fn platform_argument(&self, name: &str) -> Option<String> {
        let host = terrarium_oci::Platform::made_here();
        let wanted = self
            .request
            .platform
            .as_deref()
            .and_then(|text| text.parse().ok());
        let (platform, part) = match (name.strip_prefix("TARGET"), name.strip_prefix("BUILD")) {
            (Some(part), _) => (wanted.unwrap_or(host), part),
            (None, Some(part)) => (host, part),
            (None, None) => return None,
        };
        let text = platform.to_string();
        let mut parts = text.split('/');
        match part {
            "PLATFORM" => Some(text),
            "OS" => parts.next().map(str::to_owned),
            "ARCH" => parts.nth(1).map(str::to_owned),
            "VARIANT" => Some(parts.nth(2).unwrap_or_default().to_owned()),
            _ => None,
        }
    }

    /// The files of a stage before `stage`, or of an image.
    pub(crate) async fn files_of(&self, name: &str, stage: usize) -> Result<Arc<Files>, Fault> {
        let key = match self.earlier(name, stage) {
            Some(index) => format!("#{index}"),
            None => name.to_owned(),
        };
        if let Some(files) = lock(&self.files).get(&key).cloned() {
            return Ok(files);
        }
        let files = match self.request.named(name) {
            Some(NamedContext::Files(files)) => Arc::clone(files),
            _ => {
                let layers = self.layers_of(name, stage).await?;
                let files = self.executor.files(&layers).await;
                files.map_err(Fault::Executor)?
            }
        };
        lock(&self.files).insert(key, Arc::clone(&files));
        Ok(files)
    }

    /// The layers of a stage before `stage`, or of an image, if what is in them is known.
    pub(crate) async fn layers_of(&self, name: &str, stage: usize) -> Result<Vec<Layer>, Fault> {
        let layers = match self.earlier(name, stage) {
            Some(index) => {
                let state = self.with_needs(index).await;
                state.map_err(|failure| failure.fault)?.layers
            }
            None => {
                let platform = self.request.platform.as_deref();
                self.image(name, platform).await?.layers
            }
        };
        if self.executor.knows(&layers) {
            return Ok(layers);
        }
        let name = name.to_owned();
        Err(Fault::NotYet { name })
    }

    pub(crate) async fn found(&self, on: Option<&ChainId>, path: &str) -> Result<Found, Fault> {
        let known = lock(&self.finds).get(path).and_then(|known| {
            let mut known = known.iter();
            let same = known.find(|(other, _)| other.as_ref() == on);
            same.map(|(_, found)| found.clone())
        });
        if let Some(found) = known {
            return Ok(found);
        }
        let found = self
            .executor
            .find(on, path)
            .await
            .map_err(Fault::Executor)?;
        let one = (on.cloned(), found.clone());
        lock(&self.finds)
            .entry(path.to_owned())
            .or_default()
            .push(one);
        Ok(found)
    }

    fn outcome(&self, mut state: State) -> Outcome {
        for (name, value) in &self.request.labels {
            state.config.labels.insert(name.clone(), value.clone());
        }
        let diff_ids: Vec<DiffId> = state
            .layers
            .iter()
            .map(|layer| layer.diff_id.clone())
            .collect();
        Outcome {
            config: ImageConfig {
                created: Some(if state.created.is_empty() {
                    self.request.created.clone()
                } else {
                    state.created
                }),
                author: state.author,
                platform: state.platform,
                config: state.config,
                rootfs: RootFs::new(diff_ids),
                history: state.history,
            },
            layers: state.layers,
        }
    }
}
