//! `terrarium-runtime network FOLDER`: answers the names of containers, also while no host runs. With
//! `--id-maps` it keeps the networks of an ordinary user as well. The listening socket for its hosts is its
//! standard input.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Serves until a host ends it.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let (folder, id_maps) = match arguments.as_slice() {
        [folder] => (folder, None),
        [folder, option, maps] if option == "--id-maps" => (folder, Some(maps)),
        _ => {
            let usage = "usage: terrarium-runtime network FOLDER [--id-maps JSON]";
            let _ = writeln!(std::io::stderr(), "{usage}");
            return ExitCode::FAILURE;
        }
    };
    let listening = match std::io::stdin().as_fd().try_clone_to_owned() {
        Ok(listening) => listening,
        Err(error) => return failed(&error),
    };
    raise_file_limit();
    let folder = PathBuf::from(folder);
    let served = match id_maps {
        None => terrarium_network::resident::serve(listening, &folder),
        // Alone still: a process with threads cannot enter a user namespace.
        Some(maps) => match crate::worker::become_root(maps) {
            Ok(()) => terrarium_network::resident::serve_realm(listening, &folder),
            Err(error) => return failed(error.as_ref()),
        },
    };
    match served {
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
