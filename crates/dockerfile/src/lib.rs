//! The Dockerfile language.
//!
//! Owns: how a Dockerfile is read, what each instruction may say, how variables expand, what is questionable in it, how
//! it is edited without losing a byte that nobody asked to change, and which files `.dockerignore` leaves out.
//! Must never know: files, images, or how an instruction is carried out.
//! Start at [`Dockerfile::parse`] for the text, at [`Program::of`] for what it means, at [`check`] for advice.
//! Implements: Docker's Dockerfile reference up to the frontend 1.20.
#![forbid(unsafe_code)]

mod address;
mod arguments;
mod checks;
mod completion;
mod directive;
mod draft;
mod edit;
mod error;
mod expand;
mod fixes;
mod flags;
mod format;
mod glob;
mod heredoc;
mod ignore;
mod instruction;
mod json;
mod keyword;
mod lines;
mod mount;
mod parse;
mod program;
mod span;
mod suggest;
mod tokens;
mod transfer;
mod tree;

pub use address::{Address, GitAddress};
pub use checks::{Check, CheckCode, Fix, Surroundings, check};
pub use completion::{Candidate, CandidateKind, Completion, Wanted};
pub use draft::{Draft, Said};
pub use edit::{Edit, Edited};
pub use error::{Error, Fault, Result};
pub use expand::{Expanded, Expander, ExpansionFault};
pub use glob::Glob;
pub use heredoc::Heredoc;
pub use ignore::Ignore;
pub use instruction::{Command, HealthCheck, Instruction, Run};
pub use keyword::Keyword;
pub use mount::{Mount, MountFault, MountKind, Sharing};
pub use program::{Argument, Program, Stage, Step};
pub use span::{Position, Span};
pub use suggest::nearest;
pub use tokens::{Token, TokenKind};
pub use transfer::Transfer;
pub use tree::{Arguments, Directive, Dockerfile, Flag, Item, Node, Pair, Word};
