//! What a health check is: the request's wishes over the image's, with Docker's defaults; pure.

use std::time::Duration;

use terrarium_api::{Error, ErrorCode, HealthCheck};
use terrarium_oci::Healthcheck;

use crate::{Result, containers::record::Record, error::quoted};

const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const START_INTERVAL: Duration = Duration::from_secs(5);
const RETRIES: u32 = 3;
const LEAST: u64 = 1_000_000;

/// A check that is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) command: Vec<String>,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) start_period: Duration,
    pub(super) start_interval: Duration,
    pub(super) retries: u32,
}

impl Check {
    /// The check of a container; none if it has none or it is switched off.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let settings = settings(record)?;
        let (kind, words) = settings.test.split_first()?;
        let command = match kind.as_str() {
            "CMD" => words.to_vec(),
            "CMD-SHELL" => [shell(record), vec![words.join(" ")]].concat(),
            _ => return None,
        };
        let time = |nanoseconds: u64, default| match nanoseconds {
            0 => default,
            nanoseconds => Duration::from_nanos(nanoseconds),
        };
        Some(Self {
            command,
            interval: time(settings.interval_ns, INTERVAL),
            timeout: time(settings.timeout_ns, TIMEOUT),
            start_period: Duration::from_nanos(settings.start_period_ns),
            start_interval: time(settings.start_interval_ns, START_INTERVAL),
            retries: if settings.retries == 0 {
                RETRIES
            } else {
                settings.retries
            },
        })
    }
}

/// The request's settings, and where it has none the image's; none if neither names a test.
pub(in crate::containers) fn settings(record: &Record) -> Option<HealthCheck> {
    let image = record.image.config.healthcheck.as_ref().map(of_image);
    let own = record.request.health_check.clone();
    let merged = match (own, image) {
        (Some(own), Some(image)) => over(own, image),
        (own, image) => own.or(image)?,
    };
    (!merged.test.is_empty()).then_some(merged)
}

fn over(own: HealthCheck, image: HealthCheck) -> HealthCheck {
    let or = |own: u64, image: u64| if own == 0 { image } else { own };
    HealthCheck {
        test: if own.test.is_empty() {
            image.test
        } else {
            own.test
        },
        interval_ns: or(own.interval_ns, image.interval_ns),
        timeout_ns: or(own.timeout_ns, image.timeout_ns),
        start_period_ns: or(own.start_period_ns, image.start_period_ns),
        start_interval_ns: or(own.start_interval_ns, image.start_interval_ns),
        retries: if own.retries == 0 {
            image.retries
        } else {
            own.retries
        },
    }
}

fn of_image(image: &Healthcheck) -> HealthCheck {
    // Whatever an image says that makes no sense is as good as unsaid.
    let time = |nanoseconds: i64| u64::try_from(nanoseconds).unwrap_or(0);
    HealthCheck {
        test: image.test.clone(),
        interval_ns: time(image.interval),
        timeout_ns: time(image.timeout),
        start_period_ns: time(image.start_period),
        start_interval_ns: time(image.start_interval),
        retries: u32::try_from(image.retries).unwrap_or(0),
    }
}

fn shell(record: &Record) -> Vec<String> {
    match record.image.config.shell.as_slice() {
        [] => vec!["/bin/sh".to_owned(), "-c".to_owned()],
        shell => shell.to_vec(),
    }
}

/// Checks what a request says of health.
///
/// # Errors
/// `InvalidArgument` for an unknown kind of test and for times that nothing can keep.
pub(in crate::containers) fn validate(check: &HealthCheck) -> Result<()> {
    let invalid = |text: String| Err(Error::new(ErrorCode::InvalidArgument, text));
    match check.test.first().map(String::as_str) {
        None | Some("NONE" | "CMD" | "CMD-SHELL") => {}
        Some(other) => {
            return invalid(format!(
                "unknown kind of health check {}: use CMD, CMD-SHELL or NONE",
                quoted(other)
            ));
        }
    }
    if check.test.len() == 1 && check.test[0] != "NONE" {
        return invalid("a health check has no command".to_owned());
    }
    let times = [
        ("Interval", check.interval_ns),
        ("Timeout", check.timeout_ns),
        ("StartPeriod", check.start_period_ns),
        ("StartInterval", check.start_interval_ns),
    ];
    match times.iter().find(|(_, time)| (1..LEAST).contains(time)) {
        Some((name, _)) => invalid(format!("{name} in Healthcheck cannot be less than 1ms")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::record::tests::record;

    fn test(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_shell_test_runs_in_the_images_shell_with_dockers_times() {
        let mut record = record();
        record.image.config.healthcheck = Some(Healthcheck {
            test: test(&["CMD-SHELL", "nc -z localhost 80"]),
            ..Healthcheck::default()
        });
        let check = Check::of(&record).unwrap();
        assert_eq!(check.command, ["/bin/sh", "-c", "nc -z localhost 80"]);
        assert_eq!((check.interval, check.retries), (INTERVAL, 3));
        record.image.config.shell = test(&["/bin/ash", "-ec"]);
        assert_eq!(Check::of(&record).unwrap().command[0], "/bin/ash");
    }

    #[test]
    fn the_requests_wishes_are_over_the_images() {
        let mut record = record();
        record.image.config.healthcheck = Some(Healthcheck {
            test: test(&["CMD", "true"]),
            interval: 2_000_000_000,
            retries: 7,
            ..Healthcheck::default()
        });
        record.request.health_check = Some(HealthCheck {
            interval_ns: 1_000_000_000,
            ..HealthCheck::default()
        });
        let check = Check::of(&record).unwrap();
        assert_eq!(check.command, ["true"]);
        assert_eq!(check.interval, Duration::from_secs(1));
        assert_eq!(check.retries, 7);
        record.request.health_check = Some(HealthCheck {
            test: test(&["NONE"]),
            ..HealthCheck::default()
        });
        assert_eq!(Check::of(&record), None);
    }

    #[test]
    fn senseless_checks_are_refused() {
        let check = |words: &[&str], interval_ns| {
            validate(&HealthCheck {
                test: test(words),
                interval_ns,
                ..HealthCheck::default()
            })
        };
        assert!(check(&["CMD", "true"], LEAST).is_ok());
        assert!(check(&[], 0).is_ok());
        assert!(check(&["CMD", "true"], 5).is_err());
        assert!(check(&["CMD"], 0).is_err());
        assert!(check(&["true"], 0).is_err());
    }
}
