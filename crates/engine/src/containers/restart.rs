//! Whether and when a container that ended is started again; pure.

use std::time::Duration;

use terrarium_api::{Exit, RestartPolicy};

use super::record::{Desired, Record};

/// Docker's first pause, and its longest.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);
/// A run that took so long was a good one: pauses begin anew.
const GOOD_RUN_MS: u64 = 10_000;

/// The pause before the next start; none if it stays down.
pub(super) fn pause_before_next(record: &Record, exit: &Exit) -> Option<Duration> {
    if record.desired == Desired::Stopped {
        return None;
    }
    let again = match record.request.restart {
        RestartPolicy::No => false,
        RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
        RestartPolicy::OnFailure { max_retries } => {
            exit.code != 0 && (max_retries == 0 || record.restart_count < max_retries)
        }
    };
    again.then(|| pause(failures_in_a_row(record, exit)))
}

/// Whether a container that does not run when the host starts is started then.
pub(super) fn at_host_start(record: &Record) -> bool {
    let exit = record.run.as_ref().and_then(|run| run.exit.as_ref());
    match record.request.restart {
        RestartPolicy::No => false,
        // Docker's difference between the two: `always` forgets, at the host's start, that it was
        // stopped by hand.
        RestartPolicy::Always => record.run.is_some(),
        RestartPolicy::UnlessStopped => record.desired == Desired::Running,
        RestartPolicy::OnFailure { .. } => {
            record.desired == Desired::Running && exit.is_some_and(|exit| exit.code != 0)
        }
    }
}

fn failures_in_a_row(record: &Record, exit: &Exit) -> u32 {
    let started = record.run.as_ref().map_or(0, |run| run.started_at_ms);
    let lasted = exit.at_ms.saturating_sub(started);
    if started > 0 && lasted >= GOOD_RUN_MS {
        0
    } else {
        record.restart_count
    }
}

fn pause(failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
    FIRST.saturating_mul(factor).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::record::{Run, tests::record};

    fn after(policy: RestartPolicy, count: u32, code: i32, lasted_ms: u64) -> Option<u64> {
        let mut record = record();
        record.request.restart = policy;
        record.restart_count = count;
        record.desired = Desired::Running;
        record.run = Some(Run {
            started_at_ms: 1_000,
            ..Run::default()
        });
        let exit = Exit {
            code,
            oom_killed: false,
            at_ms: 1_000 + lasted_ms,
            error: None,
        };
        let pause = pause_before_next(&record, &exit)?;
        Some(u64::try_from(pause.as_millis()).unwrap())
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_begin_anew_after_a_good_run() {
        let always = |count, lasted| after(RestartPolicy::Always, count, 0, lasted);
        assert_eq!(always(0, 5), Some(100));
        assert_eq!(always(3, 5), Some(800));
        assert_eq!(always(40, 5), Some(60_000));
        assert_eq!(always(9, 10_000), Some(100));
    }

    #[test]
    fn on_failure_counts_and_success_ends_it() {
        let on_failure =
            |count, code| after(RestartPolicy::OnFailure { max_retries: 2 }, count, code, 5);
        assert_eq!(on_failure(1, 3), Some(200));
        assert_eq!(on_failure(2, 3), None);
        assert_eq!(on_failure(0, 0), None);
        let endless = RestartPolicy::OnFailure { max_retries: 0 };
        assert!(after(endless, 1_000, 1, 5).is_some());
    }

    #[test]
    fn who_was_stopped_by_hand_stays_down_until_the_host_starts() {
        let mut record = record();
        record.run = Some(Run::default());
        record.desired = Desired::Stopped;
        let exit = Exit {
            code: 0,
            oom_killed: false,
            at_ms: 0,
            error: None,
        };
        for (policy, at_start) in [
            (RestartPolicy::No, false),
            (RestartPolicy::Always, true),
            (RestartPolicy::UnlessStopped, false),
        ] {
            record.request.restart = policy;
            assert_eq!(pause_before_next(&record, &exit), None);
            assert_eq!(at_host_start(&record), at_start, "{policy:?}");
        }
    }
}
