//! Health checks, both ways.

use serde::Serialize;
use terrarium_api::{Health, HealthCheck, HealthProbe, HealthStatus};

use super::create::Healthcheck;
use crate::{
    error::{Failure, Result},
    time,
};

/// `State.Health` of a container that has a check.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ShownHealth {
    status: &'static str,
    failing_streak: u32,
    log: Vec<ShownProbe>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownProbe {
    start: String,
    end: String,
    exit_code: i32,
    output: String,
}

/// Translates a check, with Docker's words for what makes no sense.
pub(super) fn translate(check: Healthcheck) -> Result<HealthCheck> {
    let time = |nanoseconds: i64, name: &str| {
        u64::try_from(nanoseconds)
            .map_err(|_| Failure::bad_request(format!("{name} in Healthcheck cannot be negative")))
    };
    Ok(HealthCheck {
        interval_ns: time(check.interval, "Interval")?,
        timeout_ns: time(check.timeout, "Timeout")?,
        start_period_ns: time(check.start_period, "StartPeriod")?,
        start_interval_ns: time(check.start_interval, "StartInterval")?,
        retries: u32::try_from(check.retries)
            .map_err(|_| Failure::bad_request("Retries in Healthcheck cannot be negative"))?,
        test: check.test,
    })
}

/// A check in Docker's form.
pub(super) fn show_check(check: &HealthCheck) -> Healthcheck {
    let time = |nanoseconds: u64| i64::try_from(nanoseconds).unwrap_or(i64::MAX);
    Healthcheck {
        test: check.test.clone(),
        interval: time(check.interval_ns),
        timeout: time(check.timeout_ns),
        start_period: time(check.start_period_ns),
        start_interval: time(check.start_interval_ns),
        retries: i64::from(check.retries),
    }
}

/// What the checks said, in Docker's form.
pub(super) fn show(health: &Health) -> ShownHealth {
    let probe = |probe: &HealthProbe| ShownProbe {
        start: time::from_ms(probe.started_at_ms),
        end: time::from_ms(probe.ended_at_ms),
        exit_code: probe.exit_code,
        output: probe.output.clone(),
    };
    ShownHealth {
        status: word(Some(health.status)),
        failing_streak: health.failing_streak,
        log: health.probes.iter().map(probe).collect(),
    }
}

/// Docker's word, also in the filter `health`.
pub(super) fn word(status: Option<HealthStatus>) -> &'static str {
    match status {
        None => "none",
        Some(HealthStatus::Starting) => "starting",
        Some(HealthStatus::Healthy) => "healthy",
        Some(HealthStatus::Unhealthy) => "unhealthy",
    }
}

/// What stands behind `Up 3 minutes` in lists.
pub(super) fn suffix(status: Option<HealthStatus>) -> &'static str {
    match status {
        None => "",
        Some(HealthStatus::Starting) => " (health: starting)",
        Some(HealthStatus::Healthy) => " (healthy)",
        Some(HealthStatus::Unhealthy) => " (unhealthy)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_shown_as_it_was_asked_for() {
        let json = r#"{"Test":["CMD","true"],"Interval":500000000,"Retries":3}"#;
        let asked: Healthcheck = serde_json::from_str(json).expect("it is valid");
        let check = translate(asked.clone()).expect("it is valid");
        assert_eq!((check.interval_ns, check.retries), (500_000_000, 3));
        assert_eq!(show_check(&check), asked);
    }

    #[test]
    fn negative_numbers_are_refused() {
        for json in [r#"{"Interval":-1}"#, r#"{"Retries":-1}"#] {
            let asked = serde_json::from_str(json).expect("it is valid");
            assert!(translate(asked).is_err(), "{json}");
        }
    }
}
