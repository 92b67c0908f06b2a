//! What happened and when: the steps of a request, and what had to be weakened.

use std::borrow::Cow;

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// One act on the kernel, as the Timeline shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Short name, e.g. `clone3`, `mount`, `pivot_root`, `seccomp`, `execve`.
    pub name: Cow<'static, str>,
    /// Microseconds from the begin of the request (CLOCK_MONOTONIC) to the begin of the step.
    pub start_usec: u64,
    /// Microseconds from the begin of the request to the end of the step.
    pub end_usec: u64,
    /// What it was about: flags, paths, sizes. Never environment values.
    pub detail: String,
}

/// Something that the host could not give, and what was done instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What it concerns, e.g. `capabilities`, `rlimits`, `cgroup memory`.
    pub subject: String,
    /// What was weakened and why, one sentence.
    pub text: String,
}

/// Collects steps and notes of one request.
#[derive(Clone, Debug)]
pub struct Trace {
    origin_usec: u64,
    /// Steps so far, in order of their end.
    pub steps: Vec<Step>,
    /// Notes so far.
    pub notes: Vec<Note>,
}

impl Trace {
    /// Starts the clock of a request.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            origin_usec: monotonic_usec(),
            steps: Vec::with_capacity(64),
            notes: Vec::new(),
        }
    }

    /// An empty one with the same origin, for a process that reports its own steps.
    pub(crate) fn anew(&self) -> Self {
        Self {
            steps: Vec::new(),
            notes: Vec::new(),
            ..*self
        }
    }

    /// Microseconds since the request began.
    #[must_use]
    pub fn now(&self) -> u64 {
        monotonic_usec().saturating_sub(self.origin_usec)
    }

    /// Records a step that began at `start_usec` and ends now.
    pub fn end(&mut self, name: &'static str, start_usec: u64, detail: impl Into<String>) {
        let name = Cow::Borrowed(name);
        self.steps.push(Step {
            name,
            start_usec,
            end_usec: self.now(),
            detail: detail.into(),
        });
    }

    /// Records what was weakened.
    pub fn note(&mut self, subject: impl Into<String>, text: impl Into<String>) {
        self.notes.push(Note {
            subject: subject.into(),
            text: text.into(),
        });
    }
}

fn monotonic_usec() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every kernel has CLOCK_MONOTONIC");
    now.tv_sec() as u64 * 1_000_000 + now.tv_nsec() as u64 / 1_000
}
