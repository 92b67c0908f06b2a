//! The OCI runtime command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // Before the command line is parsed: every container has a shim, and pays for what it loads.
    if arguments.next().is_some_and(|first| first == "shim") {
        return terrarium_runtime::shim::main(arguments);
    }
    terrarium_runtime::cli::main(std::env::args_os())
}
