//! One stage, instruction by instruction.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::FutureExt as _;
use terrarium_dockerfile::{Instruction, Position, Program, Stage, Step};
use terrarium_oci::Platform;

use crate::build::{Build, Report};
use crate::files::clean;
use crate::key::KeyParts;
use crate::pack::Pack;
use crate::state::State;
use crate::{Content, Entry, Executor, Failure, Fault, Files, Kind, Layer, Place, instructions};

impl<E: Executor> Build<'_, E> {
    pub(crate) async fn evaluate(&self, index: usize) -> Result<State, Failure> {
        let stage = &self.program.stages[index];
        let at = |fault: Fault| self.at(stage.span, &stage.line, fault);
        let mut state = self.start(index, stage).await?;
        let triggers = std::mem::take(&mut state.config.on_build);
        let triggers = Program::triggers(&triggers, stage.span, stage.node);
        let triggers = triggers.map_err(|error| at(Fault::Dockerfile(vec![error])))?;
        for step in triggers.iter().chain(&stage.steps) {
            let done = self.step(&mut state, index, step).await;
            done.map_err(|fault| self.at(step.span, &step.line, fault))?;
        }
        Ok(state)
    }

    /// A failure of an instruction.
    pub(crate) fn at(&self, span: terrarium_dockerfile::Span, line: &str, fault: Fault) -> Failure {
        let position = Position::of(&self.request.dockerfile, span.start);
        Failure {
            fault,
            place: Some(Place {
                position,
                span,
                line: line.to_owned(),
            }),
        }
    }

    async fn start(&self, index: usize, stage: &Stage) -> Result<State, Failure> {
        let at = |fault: Fault| self.at(stage.span, &stage.line, fault);
        let began = Instant::now();
        let name = self.global(&stage.base).map_err(at)?;
        self.report(Report::Step {
            stage: index,
            node: stage.node,
            line: stage.line.clone(),
        });
        let platform = match &stage.platform {
            Some(platform) => Some(self.global(platform).map_err(at)?),
            None => self.request.platform.clone(),
        };
        let state = if name.is_empty() {
            return Err(at(Fault::NoBase));
        } else if name == "scratch" {
            let asked = platform.map(|text| text.parse()).transpose();
            let asked =
                asked.map_err(|error: terrarium_oci::Error| at(Fault::Executor(error.into())))?;
            State::scratch(asked.unwrap_or_else(Platform::made_here))
        } else if let Some(other) = self.earlier(&name, index) {
            self.with_needs(other).await?.continued()
        } else {
            self.begun(&name, platform).await.map_err(at)?
        };
        let mut state = state.with_path();
        state.stage = index;
        self.report(Report::Done {
            node: stage.node,
            id: state.chain().map(ToString::to_string),
            cached: false,
            usec: elapsed(began),
            layer: None,
        });
        Ok(state)
    }

    async fn step(&self, state: &mut State, stage: usize, step: &Step) -> Result<(), Fault> {
        self.report(Report::Step {
            stage,
            node: step.node,
            line: step.line.clone(),
        });
        let began = Instant::now();
        state.node = step.node;
        let globals = |name: &str| self.declared(name, stage);
        let layered = instructions::apply(state, &step.instruction, self.request, &globals)?;
        let layer = match layered {
            None => None,
            Some(instruction) => match self.layer(state, instruction).boxed().await {
                Err(Fault::NotYet { name }) => Some(self.not_yet(state, &name).await?),
                made => made?,
            },
        };
        let cached = layer.as_ref().is_some_and(|layer| self.was_cached(layer));
        state.note(history(state, step), layer.clone());
        let id = state.chain().map(ToString::to_string);
        self.report(Report::Done {
            node: step.node,
            id,
            cached,
            usec: elapsed(began),
            layer: layer.map(Box::new),
        });
        Ok(())
    }

    async fn layer(&self, state: &mut State, asked: &Instruction) -> Result<Option<Layer>, Fault> {
        match asked {
            Instruction::Run(run) => self.run(state, run, state.node).await.map(Some),
            Instruction::Transfer(transfer) => self.transfer(state, transfer).await.map(Some),
            Instruction::Workdir(path) => self.workdir(state, path).await,
            other => unreachable!("{other:?} makes no layer"),
        }
    }

    /// A step that takes from what is only supposed.
    async fn not_yet(&self, state: &State, name: &str) -> Result<Layer, Fault> {
        let mut parts = KeyParts::new("not yet");
        let below = state.chain().map_or_else(String::new, ToString::to_string);
        parts.named("below", &below).named("from", name);
        let name = name.to_owned();
        self.cached(state, &parts.finish(), || async {
            Err(Fault::NotYet { name })
        })
        .await
    }

    /// Sets the folder, and makes it where it is not there.
    async fn workdir(&self, state: &mut State, path: &str) -> Result<Option<Layer>, Fault> {
        let path = state.expand(path, self.request.escape())?;
        let path = clean(&state.absolute(&path));
        state.config.working_dir = format!("/{path}");
        let found = self.found(state.chain(), &path).await?;
        if found.exists || path.is_empty() {
            return Ok(None);
        }
        let mut pack = Pack::default();
        let mut at = String::new();
        for name in found.path.split('/') {
            at = crate::files::join(&at, name);
            if !self.found(state.chain(), &at).await?.exists {
                let modified = self.request.epoch.unwrap_or(self.request.now);
                let entry = Entry {
                    kind: Kind::Folder,
                    mode: 0o755,
                    uid: 0,
                    gid: 0,
                    modified,
                };
                pack.put(at.clone(), entry, None);
            }
        }
        let below = state
            .chain()
            .map_or_else(String::new, |chain| chain.to_string());
        let key = pack.key("workdir", &below)?;
        let epoch = self.request.epoch;
        let made = self.cached(state, &key, || async move {
            pack.write(epoch).map_err(Fault::io("a folder"))
        });
        made.await.map(Some)
    }
}

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// A step as the history of an image tells it.
fn history(state: &State, step: &Step) -> String {
    let Instruction::Run(run) = &step.instruction else {
        return step.line.clone();
    };
    let arguments: Vec<String> = state
        .arguments
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let counted = match arguments.len() {
        0 => String::new(),
        count => format!("|{count} {} ", arguments.join(" ")),
    };
    let command = match &run.command {
        terrarium_dockerfile::Command::Exec(words) => words.join(" "),
        terrarium_dockerfile::Command::Shell(line) => format!("{} {line}", state.shell().join(" ")),
    };
    format!("RUN {counted}{command}")
}

/// A file, or what is in a folder, with the folder as the root.
pub(crate) fn subtree(files: &Arc<Files>, source: &str) -> Pack {
    let mut pack = Pack::default();
    if !files.is_folder(source) {
        let name = source.rsplit('/').next().unwrap_or(source);
        if let Some(entry) = files.get(source) {
            pack.put(
                name.to_owned(),
                entry.clone(),
                Some((Arc::clone(files), source.to_owned())),
            );
        }
        return pack;
    }
    for (path, entry) in files.below(source) {
        let inside = path[source.len()..].trim_start_matches('/').to_owned();
        pack.put(
            inside,
            entry.clone(),
            Some((Arc::clone(files), path.to_owned())),
        );
    }
    pack
}

impl Files {
    /// A tar of a file, or of what is in a folder.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or the tar not be written.
    pub fn tar_of(self: &Arc<Self>, source: &str) -> std::io::Result<std::fs::File> {
        subtree(self, source).write(None)
    }

    /// A single file with these bytes.
    #[must_use]
    pub fn of_bytes(name: &str, bytes: Vec<u8>, mode: u32) -> Self {
        let mut files = Self::default();
        let kind = Kind::File(Content::of(bytes));
        files.replace(
            name.to_owned(),
            Entry {
                kind,
                mode,
                uid: 0,
                gid: 0,
                modified: 0,
            },
        );
        files
    }
}
