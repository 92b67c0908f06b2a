//! Supervises one container: owns its standard streams, its log and its exit status, and outlives
//! the host that started it.
//!
//! It must never know images, networks or records: a bundle folder is all it sees. What it says and
//! is told is [`protocol`]; what it does is a loop over `poll` (`supervisor`), which hands requests to
//! `calls` and ends of processes to `exits`. One thread, nothing blocks but what the kernel does at
//! once.
//!
//! There is one for each container, so an idle one must cost next to nothing: buffers exist while
//! bytes flow, and the spec is read when it is needed.

mod backlog;
mod bundle;
mod calls;
mod client;
mod connection;
mod exits;
mod input;
mod launch;
mod log;
mod output;
mod process;
mod signals;
mod sources;
mod startup;
mod streams;
mod supervisor;

pub mod protocol;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::error::{Context, Error, Result};

/// Runs `terrarium-runtime shim …`; `arguments` are those after `shim`.
///
/// Not through the OCI command line's parser, which would cost every container its memory.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let (first, second) = (arguments.next(), arguments.next());
    match (first.as_ref().and_then(|first| first.to_str()), second) {
        (Some("--bundle"), Some(folder)) => supervisor::supervise(&PathBuf::from(folder)),
        (Some("--gzip"), None) => {
            log::gzip_stdin().doing(|| "gzip a log")?;
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(Error::Unsupported(
            "usage: terrarium-runtime shim --bundle DIR".to_owned(),
        )),
    }
}

fn report(error: &Error) {
    let failure = protocol::Failure::from(error);
    let mut text = format!("error: {}\n", failure.message);
    for cause in failure.causes {
        text += &format!("  because: {cause}\n");
    }
    // The host may be gone.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}
