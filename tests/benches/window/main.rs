//! The budgets of the window, each measured in the real one: what was promised, what is, and whether it holds.
//!
//! Start and memory are compared with an empty window of the same Tauri and WebKit, which takes
//! turns with ours. Start from [`BENCHMARKS`].

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod budget;
mod engine;
mod explorer;
mod idle;
mod log;
mod many;
mod opening;
mod page;
mod process;
mod screen;

use anyhow::{Result, ensure};
use nix::unistd::Uid;
use terrarium_tests::binaries;

use crate::budget::Budget;

/// What is measured, by the name that a filter is matched with.
const BENCHMARKS: &[(&str, Measure)] = &[
    ("window opening", opening::measure),
    ("window many", many::measure),
    ("window log", log::measure),
    ("window idle", idle::measure),
    ("window engine", engine::measure),
    ("window explorer", explorer::measure),
];

type Measure = fn() -> Result<Vec<Budget>>;

fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let filter: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    ensure!(
        Uid::effective().is_root(),
        "the harness runs containers as root"
    );
    for program in ["terrarium", "terrariumd", "examples/empty"] {
        let path = binaries().join(program);
        ensure!(
            path.is_file(),
            "there is no {}: use `cargo xtask bench window`",
            path.display()
        );
    }
    budget::print_head();
    let mut failed = Vec::new();
    for (name, measure) in BENCHMARKS {
        let wanted =
            filter.is_empty() || filter.iter().any(|filter| name.contains(filter.as_str()));
        if wanted {
            match measure() {
                Ok(budgets) => budgets.iter().for_each(Budget::print),
                // The others can still be measured.
                Err(error) => {
                    eprintln!("FAILED: {name}: {error:#}");
                    failed.push(*name);
                }
            }
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}
