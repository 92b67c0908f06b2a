//! Wall time beside CPU time: the first says what a user waits for, the second what a busy machine
//! cannot change.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};

use crate::measure::{Figure, Row, Side, take_turns, timed};

/// What some work took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Took {
    pub(super) wall: Duration,
    /// Of all processes that were started and waited for.
    pub(super) cpu: Duration,
}

impl Took {
    /// Measures work that is done by children of this process, and by nobody else meanwhile.
    pub(super) fn by(work: impl FnOnce() -> Result<()>) -> Result<Self> {
        let cpu = cpu_of_children()?;
        let started = Instant::now();
        work()?;
        Ok(Self {
            wall: started.elapsed(),
            cpu: cpu_of_children()?.saturating_sub(cpu),
        })
    }

    /// Measures a program that must succeed.
    pub(super) fn of(mut command: Command) -> Result<Self> {
        Self::by(|| timed(&mut command).map(drop))
    }

    pub(super) fn wall_ms(&self) -> f64 {
        self.wall.as_secs_f64() * 1000.0
    }

    pub(super) fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1000.0
    }
}

/// Lets all sides take turns, and gives a row for each kind of time.
pub(super) fn compare(work: &str, rounds: usize, sides: &mut [Side<'_, Took>]) -> Result<Vec<Row>> {
    let samples = take_turns(rounds, sides)?;
    let row = |kind: &str, of: fn(&Took) -> f64| {
        let figures = samples
            .iter()
            .map(|(name, took)| Figure::of(name, took.iter().map(of).collect(), "ms"));
        Row::new(&format!("{work}{kind}"), figures.collect())
    };
    Ok(vec![row("", Took::wall_ms), row(": CPU", Took::cpu_ms)])
}

/// Of those that have been waited for, and of what they have waited for.
fn cpu_of_children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("read the usage of children")?;
    let micros = |time: TimeVal| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        Duration::from_secs(seconds) + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    Ok(micros(usage.user_time()) + micros(usage.system_time()))
}
