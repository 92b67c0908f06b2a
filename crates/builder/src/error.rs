use std::fmt;

use terrarium_dockerfile::{self as dockerfile, Position, Span};

use crate::BoxError;

/// Why a build failed, and at which instruction.
#[derive(Debug, thiserror::Error)]
pub struct Failure {
    /// Why.
    #[source]
    pub fault: Fault,
    /// Where; nothing where it is about no instruction.
    pub place: Option<Place>,
}

/// An instruction of the Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As people count.
    pub position: Position,
    /// Its bytes.
    pub span: Span,
    /// As it is written, in one line.
    pub line: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => {
                let line: String = place.line.chars().take(120).collect();
                write!(formatter, "Dockerfile line {}: {line}", place.position.line)
            }
            None => formatter.write_str("build"),
        }
    }
}

/// What can be wrong with a build.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each text says what the variant means")]
pub enum Fault {
    #[error("{}", first(.0))]
    Dockerfile(Vec<dockerfile::Error>),
    #[error(transparent)]
    Instruction(#[from] dockerfile::Fault),
    #[error("cannot expand {text:?}")]
    Expansion {
        text: String,
        #[source]
        fault: dockerfile::ExpansionFault,
    },
    #[error("FROM names no image")]
    NoBase,
    #[error("{path:?} is not in {place}")]
    NoFile {
        path: String,
        place: String,
        near: Option<String>,
    },
    #[error("{path:?} is left out by line {line} of .dockerignore: {rule:?}")]
    Ignored {
        path: String,
        rule: String,
        line: usize,
    },
    #[error("{path:?} has a name that is not UTF-8 or a kind that cannot be copied")]
    Odd { path: String },
    #[error("the files of {name:?} are not made yet")]
    NotYet { name: String },
    #[error("{address:?} is an address, and COPY only copies files that are here")]
    AddressInCopy { address: String },
    #[error("{address:?} says not what to call the file")]
    NoName { address: String },
    #[error("{address:?} gave {actual}, not {expected}")]
    Checksum {
        address: String,
        expected: String,
        actual: String,
    },
    #[error("{value:?} is no value for --{flag}")]
    FlagValue { flag: &'static str, value: String },
    #[error("{value:?} is no port")]
    Port { value: String },
    #[error("the secret {id:?} is not given")]
    NoSecret { id: String },
    #[error("the SSH agent {id:?} is not given")]
    NoAgent { id: String },
    #[error("{what} is not supported")]
    Unsupported { what: String },
    #[error("read or write {what}")]
    Io {
        what: String,
        #[source]
        error: std::io::Error,
    },
    /// What an executor said, as it said it.
    #[error(transparent)]
    Executor(BoxError),
}

impl Fault {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Dockerfile(errors) => errors.first().and_then(dockerfile::Error::hint),
            Self::Instruction(fault) => fault.hint(),
            Self::NoFile {
                near: Some(near), ..
            } => Some(format!("did you mean {near}?")),
            Self::NoFile { .. } => Some("paths are relative to the folder of the build".to_owned()),
            Self::Ignored { .. } => Some("change .dockerignore, or copy something else".to_owned()),
            Self::AddressInCopy { .. } => Some("write ADD in place of COPY".to_owned()),
            Self::NoName { .. } => {
                Some("write the name of the file at the end of the destination".to_owned())
            }
            Self::Checksum { .. } => Some(
                "find out why the content is another one before you change the checksum".to_owned(),
            ),
            Self::NoBase => Some("give the argument in FROM a default".to_owned()),
            _ => None,
        }
    }
}

fn first(errors: &[dockerfile::Error]) -> String {
    let all: Vec<String> = errors.iter().take(5).map(ToString::to_string).collect();
    all.join("\n")
}
