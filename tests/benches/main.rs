//! The product beside its peers, in one run: alternated, medians and ratios.
//!
//! Absolute times say more about the machine and its load than about a program; the ratio of two
//! programs that took turns says something about both. Start from [`BENCHMARKS`].

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod api;
mod arena;
mod changes;
mod crowd;
mod engine;
mod life;
mod measure;
mod pull;
mod runtime;

use anyhow::{Result, ensure};
use nix::unistd::Uid;
use terrarium_tests::{Registry, binaries};

use crate::{engine::Engine, measure::Row};

/// What is measured, by the name that a filter is matched with.
const BENCHMARKS: &[(&str, Measure)] = &[
    ("runtime", runtime::measure),
    ("run", life::run),
    ("exec", life::exec),
    ("api", life::through_the_api),
    ("memory", crowd::memory),
    ("crowd", crowd::hundred),
    ("pull", pull::measure),
    ("changes", changes::changed_file),
    ("push", changes::push),
];

/// Does some work with all sides in turn.
type Measure = fn(&Bench) -> Result<Vec<Row>>;

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
    ensure!(
        binaries().join("terrariumd").is_file(),
        "there is no terrariumd in {}: use `cargo xtask bench`",
        binaries().display()
    );
    arena::enter()?;
    let bench = Bench::start()?;
    measure::print_head();
    let mut failed = Vec::new();
    for (name, measure) in BENCHMARKS {
        let wanted =
            filter.is_empty() || filter.iter().any(|filter| name.contains(filter.as_str()));
        if wanted {
            match measure(&bench) {
                Ok(rows) => rows.iter().for_each(Row::print),
                // The others can still be measured.
                Err(error) => {
                    eprintln!("FAILED: {name}: {error:#}");
                    failed.push(*name);
                }
            }
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(" "));
    Ok(())
}

/// Says on standard error, outside of the table, what is not measured.
fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
}
