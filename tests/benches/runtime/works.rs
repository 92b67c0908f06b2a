//! What each program does once: a life, one more process, a crowd.

use std::{
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Result, anyhow, ensure};

use super::{
    bundle::Bundle,
    program::{self, Runtime},
    took::{Took, compare},
};
use crate::measure::{Row, Side, timed};

const ROUNDS: usize = 60;
/// The slower peers need a second for each.
const CROWDS: usize = 10;
const CROWD: usize = 100;
const AT_ONCE: usize = 8;

pub(super) fn run(bundle: &Bundle) -> Result<Vec<Row>> {
    let runtimes = program::runtimes();
    let mut sides: Vec<Side<'_, Took>> = runtimes
        .iter()
        .map(|runtime| {
            Side::new(runtime.name, || {
                Took::of(runtime.command(bundle, "run", &["bench"]))
            })
        })
        .collect();
    type Less = fn(&Bundle) -> Option<Command>;
    for (name, command) in [
        ("bwrap", program::bubblewrap as Less),
        ("the floor", program::floor),
    ] {
        if command(bundle).is_some() {
            sides.push(Side::new(name, move || {
                Took::of(command(bundle).expect("it was there"))
            }));
        }
    }
    compare("OCI run of true, with seccomp", ROUNDS, &mut sides)
}

pub(super) fn exec(bundle: &Bundle) -> Result<Vec<Row>> {
    let runtimes = program::runtimes();
    bundle.write(&["sleep", "1000"])?;
    for runtime in &runtimes {
        // Its name is the id, as cgroups are named after it.
        let mut command = runtime.command(bundle, "run", &["--detach", runtime.name]);
        // Not through a pipe for its errors, which would end with the container.
        let status = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "{}: {status}", runtime.name);
    }
    let sides = runtimes.iter().map(|runtime| {
        Side::new(runtime.name, || {
            Took::of(runtime.command(bundle, "exec", &[runtime.name, "true"]))
        })
    });
    let rows = compare("OCI exec of true", ROUNDS, &mut sides.collect::<Vec<_>>());
    for runtime in &runtimes {
        timed(&mut runtime.command(bundle, "delete", &["--force", runtime.name]))?;
    }
    bundle.write(&["true"])?;
    rows
}

pub(super) fn crowd(bundle: &Bundle) -> Result<Vec<Row>> {
    let runtimes = program::runtimes();
    let sides = runtimes
        .iter()
        .map(|runtime| Side::new(runtime.name, || live_together(runtime, bundle)));
    let sides = &mut sides.collect::<Vec<_>>();
    compare("100 × OCI run of true, 8 at a time", CROWDS, sides)
}

/// Runs a crowd, of which none may be lost: every life must end with success.
pub(super) fn live_together(runtime: &Runtime, bundle: &Bundle) -> Result<Took> {
    let next = AtomicUsize::new(0);
    let live = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= CROWD {
                return Ok(());
            }
            timed(&mut runtime.command(bundle, "run", &[&format!("crowd-{number}")]))?;
        }
    };
    let took = Took::by(|| {
        thread::scope(|scope| {
            let lives: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(live)).collect();
            lives
                .into_iter()
                .try_for_each(|life| life.join().map_err(|_| anyhow!("a thread panicked"))?)
        })
    })?;
    let left = bundle.left();
    ensure!(left.is_empty(), "{} left {left:?}", runtime.name);
    Ok(took)
}
