//! `terrarium-runtime network FOLDER`: answers the names of containers, also while no host runs. The
//! listening socket for its hosts is its standard input.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Serves until a host ends it.
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        let _ = writeln!(std::io::stderr(), "usage: terrarium-runtime network FOLDER");
        return ExitCode::FAILURE;
    };
    let listening = match std::io::stdin().as_fd().try_clone_to_owned() {
        Ok(listening) => listening,
        Err(error) => return failed(&error),
    };
    raise_file_limit();
    match terrarium_network::resident::serve(listening, &PathBuf::from(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Two sockets a container, and one or two for each question and connection that is handed on.
fn raise_file_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // With fewer it serves fewer at a time.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "terrarium-runtime network: {error}");
    ExitCode::FAILURE
}
