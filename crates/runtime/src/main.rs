//! The OCI runtime command line.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // Before the command line is parsed: every container has a shim, and pays for what it loads.
    let first = arguments.next();
    if first.as_ref().is_some_and(|first| first == "shim") {
        if let Err(error) = terrarium_runtime::seal::ensure() {
            let _ = writeln!(std::io::stderr(), "terrarium-runtime shim: {error}");
            return ExitCode::FAILURE;
        }
        return terrarium_runtime::shim::main(arguments);
    }
    if first.as_ref().is_some_and(|first| first == "worker") {
        return terrarium_runtime::worker::main(arguments);
    }
    if first.as_ref().is_some_and(|first| first == "network") {
        return terrarium_runtime::resident::main(arguments);
    }
    if terrarium_runtime::cli::touches_containers(std::env::args_os().skip(1))
        && let Err(error) = terrarium_runtime::seal::ensure()
    {
        let _ = writeln!(std::io::stderr(), "terrarium-runtime: {error}");
        return ExitCode::FAILURE;
    }
    terrarium_runtime::cli::main(std::env::args_os())
}
