//! The product beside its peers, in one run: alternated, medians and ratios.
//!
//! Absolute times say more about the machine and its load than about a program; the ratio of two
//! programs that took turns says something about both. Start from [`BENCHMARKS`].

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod api;
mod arena;
mod build;
mod changes;
mod crowd;
mod engine;
mod life;
mod measure;
mod ports;
mod pull;
mod runtime;

use anyhow::{Result, ensure};
use nix::unistd::Uid;
use terrarium_tests::{Registry, binaries};

use crate::{engine::Engine, measure::Row};

/// What is measured, by the name that a filter is matched with.
const BENCHMARKS: &[(&str, Measure)] = &[
    ("runtime run", Measure::Runtimes(runtime::run)),
    ("runtime exec", Measure::Runtimes(runtime::exec)),
    ("runtime crowd", Measure::Runtimes(runtime::crowd)),
    (SOAK, Measure::Runtimes(runtime::soak)),
    ("run", Measure::Engines(life::run)),
    ("exec", Measure::Engines(life::exec)),
    ("api", Measure::Engines(life::through_the_api)),
    ("memory", Measure::Engines(crowd::memory)),
    ("crowd", Measure::Engines(crowd::hundred)),
    ("pull", Measure::Engines(pull::measure)),
    ("changes", Measure::Engines(changes::changed_file)),
    ("push", Measure::Engines(changes::push)),
    ("ports", Measure::Engines(ports::measure)),
    ("build", Measure::Engines(build::measure)),
];
/// Takes minutes: only when it is asked for.
const SOAK: &str = "soak";

/// Does some work with all sides in turn.
#[derive(Clone, Copy)]
enum Measure {
    /// By OCI runtimes alone.
    Runtimes(fn() -> Result<Vec<Row>>),
    /// By engines, which are started for it.
    Engines(fn(&Bench) -> Result<Vec<Row>>),
}

/// What all benchmarks share.
struct Bench {
    registry: Registry,
    ours: Engine,
    /// Debian's `dockerd`, where it is installed.
    peer: Option<Engine>,
}

impl Bench {
    fn start() -> Result<Self> {
        let registry = Registry::with_busybox()?;
        let bench = Self {
            ours: Engine::terrariumd()?,
            peer: Engine::dockerd()?,
            registry,
        };
        let name = format!("{}/library/busybox:latest", bench.registry.address());
        for engine in bench.engines() {
            engine.docker(&["pull", "-q", &name])?;
            engine.docker(&["tag", &name, "busybox"])?;
        }
        Ok(bench)
    }

    /// Ours first.
    fn engines(&self) -> impl Iterator<Item = &Engine> {
        std::iter::once(&self.ours).chain(&self.peer)
    }
}

fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let filter: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    ensure!(
        Uid::effective().is_root(),
        "benchmarks need root, for the peer's daemon does"
    );
    arena::enter()?;
    let mut bench = None;
    measure::print_head();
    let mut failed = Vec::new();
    for (name, measure) in BENCHMARKS.iter().filter(|(name, _)| wants(&filter, name)) {
        let rows = match measure {
            Measure::Runtimes(measure) => measure(),
            Measure::Engines(measure) => started(&mut bench).and_then(measure),
        };
        match rows {
            Ok(rows) => rows.iter().for_each(Row::print),
            // The others can still be measured.
            Err(error) => {
                eprintln!("FAILED: {name}: {error:#}");
                failed.push(*name);
            }
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(" "));
    Ok(())
}

/// Whether a benchmark is asked for: a filter `run` means that of engines, and `runtime` all of runtimes.
fn wants(filter: &[String], name: &str) -> bool {
    if filter.is_empty() {
        return name != SOAK;
    }
    let first = name.split(' ').next();
    filter
        .iter()
        .any(|filter| *filter == name || Some(filter.as_str()) == first)
}

/// The engines, started when the first benchmark wants them.
fn started(bench: &mut Option<Bench>) -> Result<&Bench> {
    if bench.is_none() {
        ensure!(
            binaries().join("terrariumd").is_file(),
            "there is no terrariumd in {}: use `cargo xtask bench`",
            binaries().display()
        );
        *bench = Some(Bench::start()?);
    }
    Ok(bench.as_ref().expect("it was started just now"))
}

/// Says on standard error, outside of the table, what is not measured.
fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
}
