//! `terrarium-runtime worker`: the process that alone touches the files of layers.
//!
//! It is started by the store, once for each layer, with the layer on its standard input and a
//! socket as its standard output, on which both sides write lines of JSON ([`Event`], [`Parents`]).
//! Before it reads a byte it locks itself up: in a mount namespace whose root is the folder that it
//! works on, with few capabilities, and for a user inside a user namespace.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use terrarium_store::worker::{Event, Failure, FailureKind};
use terrarium_store::{IdMaps, Ids};
use terrarium_sys::tree::Tree;

mod apply;
mod diff;
mod idmap;
mod look;
mod sandbox;
mod talk;
mod view;

use talk::Talk;

/// A worker that cannot do what it was started for.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "usage: worker apply|diff --snapshot DIR | remove|usage|index PATH | read PATH --file FILE --limit BYTES | view JSON [--id-maps JSON]"
    )]
    Usage,
    #[error("{operation} `{}`: {source}", path.display())]
    Path {
        operation: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{operation}: {source}")]
    System {
        operation: &'static str,
        source: io::Error,
    },
    #[error("map ids: {0}")]
    Helper(String),
    #[error(transparent)]
    Layer(#[from] terrarium_store::layer::Error),
    #[error(transparent)]
    Mount(#[from] crate::Error),
}

/// Makes this process root in a user namespace with these maps, given as for a worker.
///
/// # Errors
/// When they do not parse, or the machine allows no such namespace.
pub(crate) fn become_root(maps: &OsStr) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    idmap::enter(&parse_maps(maps)?).map_err(Into::into)
}

impl Error {
    fn system(operation: &'static str, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        Self::System { operation, source }
    }

    fn path(operation: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        let (path, source) = (path.to_owned(), source.into());
        Self::Path {
            operation,
            path,
            source,
        }
    }

    fn failure(&self) -> Failure {
        match self {
            Self::Layer(error) => error.failure(),
            error => Failure {
                kind: FailureKind::System,
                message: error.to_string(),
            },
        }
    }
}

/// What is on the command line.
struct Arguments {
    action: OsString,
    target: PathBuf,
    ids: Ids,
    /// For `read`: which file, and how much of it.
    file: PathBuf,
    limit: u64,
}

/// Does one piece of work and reports it. `arguments` are those behind `worker`.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut talk = match Talk::on_stdout() {
        Ok(talk) => talk,
        Err(_) => return ExitCode::FAILURE,
    };
    let result = Arguments::parse(arguments).and_then(|arguments| act(&arguments, &mut talk));
    let (event, code) = match result {
        Ok(Some(event)) => (event, ExitCode::SUCCESS),
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => (Event::Failed(error.failure()), ExitCode::FAILURE),
    };
    match talk.say(&event) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

fn act(arguments: &Arguments, talk: &mut Talk) -> Result<Option<Event>, Error> {
    let Arguments {
        action,
        target,
        ids,
        ..
    } = arguments;
    match action.to_str() {
        Some("apply") => apply::apply(target, ids, talk).map(|report| Some(Event::Done(report))),
        Some("diff") => diff::diff(target, ids, talk).map(|written| Some(Event::Written(written))),
        Some("remove") => remove(target, ids).map(Some),
        Some("usage") => usage(target, ids).map(Some),
        Some("index") => look::index(target, ids).map(Some),
        Some("view") => view::act(target, ids, talk).map(Some),
        Some("read") => look::read(target, ids, arguments).map(Some),
        Some(idmap::ACTION) => idmap::serve(target, ids).map(|()| None),
        _ => Err(Error::Usage),
    }
}

fn remove(path: &Path, ids: &Ids) -> Result<Event, Error> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::Usage);
    };
    let root = sandbox::enter(parent, ids)?;
    root.remove_tree(name)
        .map_err(|error| Error::path("remove", path, error))?;
    Ok(Event::Measured(terrarium_store::Size::default()))
}

fn usage(path: &Path, ids: &Ids) -> Result<Event, Error> {
    let root: Tree = sandbox::enter(path, ids)?;
    let usage = root
        .usage()
        .map_err(|error| Error::path("measure", path, error))?;
    Ok(Event::Measured(usage.into()))
}

impl Arguments {
    fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, Error> {
        let action = arguments.next().ok_or(Error::Usage)?;
        let (mut target, mut ids) = (None, Ids::Host);
        let (mut file, mut limit) = (PathBuf::new(), 0);
        while let Some(argument) = arguments.next() {
            if argument == "--id-maps" {
                let maps = arguments.next().ok_or(Error::Usage)?;
                ids = Ids::Mapped(parse_maps(&maps)?);
            } else if argument == "--snapshot" {
                target = arguments.next();
            } else if argument == "--file" {
                file = arguments.next().ok_or(Error::Usage)?.into();
            } else if argument == "--limit" {
                let bytes = arguments.next().ok_or(Error::Usage)?;
                limit = bytes
                    .to_str()
                    .and_then(|bytes| bytes.parse().ok())
                    .ok_or(Error::Usage)?;
            } else {
                target = Some(argument);
            }
        }
        let target = PathBuf::from(target.ok_or(Error::Usage)?);
        Ok(Self {
            action,
            target,
            ids,
            file,
            limit,
        })
    }
}

fn parse_maps(text: &OsStr) -> Result<IdMaps, Error> {
    let text = text.to_str().ok_or(Error::Usage)?;
    serde_json::from_str(text).map_err(|_| Error::Usage)
}
