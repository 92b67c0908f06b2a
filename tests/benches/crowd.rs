//! Many containers at once: how long they take, and what an idle one holds.

use std::{
    cell::RefCell,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    Bench,
    engine::Engine,
    measure::{Figure, Row, Side, alternate, timed},
};

/// How many containers are idle at once.
const IDLE: usize = 20;
/// After a moment without work our supervisor gives back what it used for the start.
const UNTIL_IDLE: Duration = Duration::from_secs(5);
/// How often a hundred containers are made: the peer needs its time.
const ROUNDS: usize = 3;

/// The proportional share of memory of the supervisors of idle containers.
pub(crate) fn memory(bench: &Bench) -> Result<Vec<Row>> {
    let mut figures = Vec::new();
    for engine in bench.engines() {
        start(engine, IDLE)?;
        thread::sleep(UNTIL_IDLE);
        // Most of a supervisor's pages are shared with the others, so they all have to be there.
        let shares = supervisors(engine.folder())?;
        engine.remove_containers()?;
        ensure!(
            shares.len() == IDLE,
            "{} supervisors, not {IDLE}",
            shares.len()
        );
        figures.push(Figure::of(engine.name(), shares, "kB"));
    }
    Ok(vec![Row::new(
        "PSS of an idle container's supervisor",
        figures,
    )])
}

/// A hundred containers, eight at a time, and their end.
pub(crate) fn hundred(bench: &Bench) -> Result<Vec<Row>> {
    let engines: Vec<&Engine> = bench.engines().collect();
    let ends: Vec<RefCell<Vec<f64>>> = engines.iter().map(|_| RefCell::default()).collect();
    let sides = engines.iter().zip(&ends).map(|(engine, ends)| {
        Side::new(engine.name(), || {
            let started = Instant::now();
            start(engine, 100)?;
            let took = started.elapsed();
            let end = engine.remove_containers()?;
            ends.borrow_mut().push(end.as_secs_f64() * 1000.0);
            Ok(took)
        })
    });
    let started = alternate(ROUNDS, &mut sides.collect::<Vec<_>>())?;
    let ended = engines.iter().zip(&ends).map(|(engine, ends)| {
        // As with the starts, the first round does not count.
        Figure::of(engine.name(), ends.borrow()[1..].to_vec(), "ms")
    });
    Ok(vec![
        Row::new("100 × docker run -d, 8 at a time", started),
        Row::new("docker rm -f of 100", ended.collect()),
    ])
}

fn start(engine: &Engine, count: usize) -> Result<()> {
    let line = format!("seq {count} | xargs -P 8 -I _ docker run -d busybox sleep 1000");
    timed(&mut engine.command("sh", &["-c", &line])).map(drop)
}

/// The shares in kB of all supervisors whose command line names a folder; see `proc_pid_smaps(5)`.
fn supervisors(folder: &Path) -> Result<Vec<f64>> {
    let folder = folder.display().to_string();
    let mut shares = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        // Processes end while the list is read.
        let Ok(line) = fs::read(entry.path().join("cmdline")) else {
            continue;
        };
        let line = String::from_utf8_lossy(&line);
        let program = line.split('\0').next().unwrap_or_default();
        let is_shim =
            program.contains("containerd-shim") || line.contains("terrarium-runtime\0shim");
        if is_shim && line.contains(&folder) {
            let rollup = fs::read_to_string(entry.path().join("smaps_rollup"))?;
            let share = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
            let share = share.and_then(|share| share.trim().strip_suffix(" kB"));
            shares.push(share.context("a process has a share")?.parse()?);
        }
    }
    Ok(shares)
}
