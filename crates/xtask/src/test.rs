//! `cargo xtask test`: proves everything.

use anyhow::Result;
use clap::Args;

use crate::{
    check::{self, FEATURES},
    front_end::{build_front_end, check_node},
    licenses, packages,
    shell::{root, step},
};

/// The same cases for everybody, so that a failure is of the change at hand; without it, and with more
/// `PROPTEST_CASES`, a property is searched anew.
const PROPERTY_SEED: &str = "1";

/// What is tested.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Installs missing packages without asking
    #[arg(long)]
    yes: bool,
    /// Leaves out formatting, lints and the front end's own tests
    #[arg(long)]
    fast: bool,
    /// Only these suites of `tests/`, e.g. `containers window`
    suites: Vec<String>,
}

/// Runs checks, unit tests and suites, the quick ones first.
pub(crate) fn test(options: &Options) -> Result<()> {
    packages::ensure(
        &[
            packages::BUILD,
            packages::RUN,
            packages::TEST,
            &packages::docker_client(),
            &packages::compose(),
        ],
        options.yes,
    )?;
    check_node()?;
    if options.fast {
        build_front_end()?;
    } else {
        step("cargo fmt --all --check").run()?;
        licenses::check()?;
        build_front_end()?;
        check::check_front_end()?;
        check::lint()?;
    }
    // The suites drive the binaries that stand in target/debug; crates with binaries of their own
    // find them there as well.
    step(&format!("cargo build {FEATURES} --bins")).run()?;
    if options.suites.is_empty() {
        step(&format!("cargo test {FEATURES} --exclude terrarium-tests"))
            .env("PROPTEST_RNG_SEED", PROPERTY_SEED)
            .run()?;
        run_suites("cargo test -p terrarium-tests --features terrarium-api/typescript")?;
    } else {
        let suites = options
            .suites
            .iter()
            .map(|suite| format!(" --test {suite}"))
            .collect::<String>();
        run_suites(&format!(
            "cargo test -p terrarium-tests --features terrarium-api/typescript{suites}"
        ))?;
    }
    println!("\nScreenshots of every screen: {}", screenshots().display());
    Ok(())
}

/// Writes the TypeScript of the contract anew.
pub(crate) fn bindings() -> Result<()> {
    let line = "cargo test --quiet -p terrarium-api --features typescript --test typescript";
    step(line).env("UPDATE_TYPESCRIPT", "1").run()
}

/// The suites share one machine's cgroups, bridge and display, so they run one after another.
fn run_suites(line: &str) -> Result<()> {
    let suites = step(&format!("{line} -- --test-threads=1"));
    suites.env("TERRARIUM_SCREENSHOTS", screenshots()).run()
}

fn screenshots() -> std::path::PathBuf {
    root().join("target/screenshots")
}
