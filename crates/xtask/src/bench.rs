//! `cargo xtask bench`: ratios against the peers that are installed.

use anyhow::Result;
use clap::Args;

use crate::{
    Consent,
    packages::{self, PEERS, RUN, TEST, docker_client},
    run::build_static_runtime,
    shell::{root, step},
};

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    consent: Consent,
    /// Only benchmarks whose name contains one of these: runtime run exec api memory crowd pull
    filters: Vec<String>,
}

/// Builds what users get, and measures it beside its peers in one run.
pub(crate) fn bench(options: &Options) -> Result<()> {
    packages::ensure(&[RUN, TEST, PEERS, &docker_client()], options.consent.yes)?;
    step("cargo build --release -p terrarium-runtime -p terrarium-docker-api").run()?;
    build_static_runtime()?;
    step("cargo bench -p terrarium-tests --bench peers --")
        .args(&options.filters)
        .env("TERRARIUM_BIN_DIR", root().join("target/release"))
        .run()
}
