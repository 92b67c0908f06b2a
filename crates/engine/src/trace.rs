//! Records what an action really did, for the three voices.

use std::time::Instant;

use terrarium_api::{ActionTrace, Step, Traced};

use crate::time::now_ms;

/// Gathers the steps of one action.
#[derive(Debug)]
pub struct Tracer {
    started: Instant,
    trace: ActionTrace,
}

impl Tracer {
    /// Starts the clock of an action.
    pub fn new(action: &str, subject: &str, command: String) -> Self {
        let trace = ActionTrace {
            action: action.to_owned(),
            subject: subject.to_owned(),
            command,
            kernel: Vec::new(),
            total_usec: 0,
            at_ms: now_ms(),
        };
        Self {
            started: Instant::now(),
            trace,
        }
    }

    /// Microseconds since the action began.
    pub fn now_usec(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Times `work` as one step.
    pub async fn step<T>(
        &mut self,
        name: &str,
        detail: impl Into<String>,
        work: impl Future<Output = T>,
    ) -> T {
        let start_usec = self.now_usec();
        let value = work.await;
        let end_usec = self.now_usec();
        self.trace.kernel.push(Step {
            name: name.to_owned(),
            start_usec,
            end_usec,
            detail: detail.into(),
        });
        value
    }

    /// Adds steps that were timed elsewhere, their clock having started at `offset_usec` of ours.
    pub fn extend(&mut self, offset_usec: u64, steps: impl IntoIterator<Item = Step>) {
        self.trace.kernel.extend(steps.into_iter().map(|step| Step {
            start_usec: step.start_usec + offset_usec,
            end_usec: step.end_usec + offset_usec,
            ..step
        }));
    }

    /// The steps so far.
    pub fn steps(&self) -> &[Step] {
        &self.trace.kernel
    }

    /// Stops the clock.
    pub fn finish<T>(mut self, value: T) -> Traced<T> {
        self.trace.total_usec = self.now_usec();
        Traced {
            value,
            trace: self.trace,
        }
    }
}
