//! `cargo xtask bench`: ratios against the peers that are installed.

use anyhow::Result;
use clap::Args;

use crate::shell::step;

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only benchmarks whose name contains this
    filter: Option<String>,
}

/// Builds what users get, and measures it beside its peers in one run.
pub(crate) fn bench(options: &Options) -> Result<()> {
    let packages = "-p terrarium-runtime -p terrarium-docker-api -p terrarium-desktop";
    step(&format!("cargo build --release {packages}")).run()?;
    let filter = options.filter.iter();
    step("cargo bench -p terrarium-tests --").args(filter).run()
}
