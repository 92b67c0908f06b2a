//! `cargo xtask bench`: ratios against the peers that are installed, and the budgets of the window.

use anyhow::Result;
use clap::Args;

use crate::{
    Consent,
    front_end::{build_front_end, check_node},
    packages::{self, BUILD, PEERS, RUN, TEST, docker_client},
    run::{RELEASE, build_static_runtime},
    shell::{root, step},
};

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    consent: Consent,
    /// Only benchmarks whose name contains one of these: runtime run exec api memory crowd pull;
    /// window, and of it: opening idle engine
    filters: Vec<String>,
}

/// The benchmarks of the window; a filter that names one of them, or a part of it, wants no peers.
const WINDOW: &[&str] = &["window", "opening", "idle", "engine"];

/// Builds what users get, and measures it beside its peers in one run.
pub(crate) fn bench(options: &Options) -> Result<()> {
    packages::ensure(
        &[BUILD, RUN, TEST, PEERS, &docker_client()],
        options.consent.yes,
    )?;
    let (window, peers): (Vec<&String>, Vec<&String>) = options
        .filters
        .iter()
        .partition(|filter| WINDOW.contains(&filter.as_str()));
    let all = options.filters.is_empty();
    if all || !peers.is_empty() {
        step("cargo build --release -p terrarium-runtime -p terrarium-docker-api").run()?;
        build_static_runtime()?;
        measure("peers", &peers)?;
    }
    if all || !window.is_empty() {
        check_node()?;
        build_front_end()?;
        step(&format!("{RELEASE} --bins --example empty")).run()?;
        build_static_runtime()?;
        measure("window", &window)?;
    }
    Ok(())
}

fn measure(suite: &str, filters: &[&String]) -> Result<()> {
    step(&format!(
        "cargo bench -p terrarium-tests --bench {suite} --"
    ))
    .args(filters)
    .env("TERRARIUM_BIN_DIR", root().join("target/release"))
    .run()
}
