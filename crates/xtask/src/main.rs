//! Sets up a machine, runs, tests and measures the product.
//!
//! Start from [`Command`]; every subcommand is a module that reads as a list of steps.

#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "a command line tool speaks on standard output"
)]

mod bench;
mod check;
mod front_end;
mod licenses;
mod machine;
mod packages;
mod run;
mod shell;
mod test;
mod vm;

use anyhow::Result;
use clap::{Args, Parser};

/// Everything that is done with a checkout.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Command {
    /// Installs what is missing, builds, and opens the app
    Run(run::Options),
    /// Proves everything: checks, unit tests, and the suites that drive the real binaries
    Test(test::Options),
    /// Formatting, lints, licenses, types of the front end: what needs no privilege and no display
    Check(Consent),
    /// Measures against the peers that are installed, and prints ratios
    Bench(bench::Options),
    /// Runs the runtime's suites in a virtual machine with cgroup v2 and systemd: many minutes
    Vm(vm::Options),
    /// Writes the TypeScript of the contract anew
    Bindings,
}

/// Whether packages may be installed without a question.
#[derive(Debug, Clone, Copy, Args)]
struct Consent {
    /// Installs missing packages without asking
    #[arg(long)]
    yes: bool,
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Run(options) => run::run(&options),
        Command::Test(options) => test::test(&options),
        Command::Check(consent) => check::check(consent),
        Command::Bench(options) => bench::bench(&options),
        Command::Vm(options) => vm::vm(&options),
        Command::Bindings => test::bindings(),
    }
}
