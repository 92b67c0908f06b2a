//! `cargo xtask bench`: ratios against the peers that are installed, and the budgets of the window.

use anyhow::Result;
use clap::Args;

use crate::{
    Consent,
    front_end::{build_front_end, check_node},
    packages::{self, BUILD, PEERS, RUN, TEST, docker_client},
    run::{RELEASE, build_static_runtime, put_static},
    shell::{root, step},
};

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    consent: Consent,
    /// Only these: runtime (no engine), and of it "runtime run", "runtime exec", "runtime crowd"; soak
    /// (no engine, minutes, only by name); run exec api memory crowd pull changes push
    /// ports build; window, and of it: opening many log idle engine explorer
    filters: Vec<String>,
}

/// The benchmarks of the window; a filter that names one of them, or a part of it, wants no peers.
const WINDOW: &[&str] = &[
    "window", "opening", "many", "log", "idle", "engine", "explorer",
];

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
        let is_of_runtimes =
            |filter: &&String| filter.starts_with("runtime") || filter.as_str() == "soak";
        if all || !peers.iter().all(is_of_runtimes) {
            step("cargo build --release -p terrarium-docker-api").run()?;
        }
        build_static_runtime()?;
        build_floor()?;
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

/// Builds what only clones, mounts, pivots and executes, in the same way as the runtime.
fn build_floor() -> Result<()> {
    if !cfg!(all(target_arch = "x86_64", target_env = "gnu")) {
        return Ok(());
    }
    step("cargo static-floor").run()?;
    put_static("examples/floor")
}

fn measure(suite: &str, filters: &[&String]) -> Result<()> {
    step(&format!(
        "cargo bench -p terrarium-tests --bench {suite} --"
    ))
    .args(filters)
    .env("TERRARIUM_BIN_DIR", root().join("target/release"))
    .run()
}
