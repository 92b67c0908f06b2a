//! Times in the forms that Docker's clients read and write.

use std::time::UNIX_EPOCH;

use jiff::{SignedDuration, Timestamp};

/// Go's zero time: "never" in Docker's JSON.
pub(crate) const ZERO: &str = "0001-01-01T00:00:00Z";

/// Nanoseconds since the Unix epoch.
pub(crate) fn now_ns() -> u64 {
    // A clock before 1970 is shown as 1970.
    let since_epoch = UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

/// RFC 3339 with as many digits as needed, as Go's `RFC3339Nano`.
pub(crate) fn from_ms(ms: u64) -> String {
    from_ns(ms.saturating_mul(1_000_000))
}

/// [`from_ms`], or Go's zero time.
pub(crate) fn from_ms_or_zero(ms: Option<u64>) -> String {
    ms.map_or_else(|| ZERO.to_owned(), from_ms)
}

/// RFC 3339 of nanoseconds since the Unix epoch.
pub(crate) fn from_ns(ns: u64) -> String {
    timestamp(ns).to_string()
}

/// RFC 3339 with all nine digits, as `docker logs --timestamps` prints it.
pub(crate) fn fixed_from_ns(ns: u64) -> String {
    format!("{:.9}", timestamp(ns))
}

fn timestamp(ns: u64) -> Timestamp {
    // Any 64-bit count of nanoseconds lies within jiff's range, which ends in the year 9999.
    Timestamp::from_nanosecond(i128::from(ns)).unwrap_or(Timestamp::MAX)
}

/// Reads `seconds[.fraction]`, RFC 3339, or a Go duration before `now_ns`; in nanoseconds.
///
/// `None` when it is none of these; times before 1970 count as 1970.
pub(crate) fn parse(text: &str, now_ns: u64) -> Option<u64> {
    let text = text.trim();
    if let Some(ns) = parse_seconds(text) {
        return Some(ns);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(u64::try_from(time.as_nanosecond()).unwrap_or(0));
    }
    let ago = parse_duration(text)?;
    Some(now_ns.saturating_sub(ago))
}

/// Unix seconds with up to nine digits of fraction; a negative time is the epoch.
fn parse_seconds(text: &str) -> Option<u64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    if negative {
        return Some(0);
    }
    let seconds: u64 = whole.parse().ok()?;
    let nanos: u64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// A Go duration such as `1h30m` or `1.5s`, in nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Option<u64> {
    // Go forbids spaces and words that jiff's friendly form allows.
    let units = |char: char| char.is_ascii_digit() || ".hmsuµn".contains(char);
    if text.is_empty() || !text.chars().all(units) {
        return None;
    }
    let duration: SignedDuration = text.parse().ok()?;
    u64::try_from(duration.as_nanos()).ok()
}

/// A duration as Docker's lists word it: `5 seconds`, `About a minute`, `3 weeks`.
pub(crate) fn human(seconds: u64) -> String {
    let minutes = seconds / 60;
    let hours = (seconds + 30 * 60) / 3600;
    match seconds {
        0 => "Less than a second".into(),
        1 => "1 second".into(),
        2..60 => format!("{seconds} seconds"),
        _ if minutes == 1 => "About a minute".into(),
        _ if minutes < 60 => format!("{minutes} minutes"),
        _ if hours == 1 => "About an hour".into(),
        _ if hours < 48 => format!("{hours} hours"),
        _ if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        _ if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        _ if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", seconds / 3600 / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000_000_000;

    #[test]
    fn times_are_written_like_go_writes_them() {
        assert_eq!(from_ms(1_700_000_000_120), "2023-11-14T22:13:20.12Z");
        assert_eq!(from_ms(1_700_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(fixed_from_ns(NOW + 5), "2023-11-14T22:13:20.000000005Z");
        assert_eq!(from_ms_or_zero(None), ZERO);
        assert!(!from_ns(u64::MAX).is_empty());
    }

    #[test]
    fn times_are_read_in_every_form_that_clients_send() {
        let check = |text: &str, expect| assert_eq!(parse(text, NOW), expect, "{text}");
        check("1700000000", Some(NOW));
        check("1700000000.000000005", Some(NOW + 5));
        check("1700000000.5", Some(NOW + 500_000_000));
        check("0", Some(0));
        check("-62135596800.000000000", Some(0));
        check("2023-11-14T22:13:20Z", Some(NOW));
        check("2023-11-14T23:13:20+01:00", Some(NOW));
        check("10s", Some(NOW - 10_000_000_000));
        check("1h30m", Some(NOW - 5_400_000_000_000));
        check("soon", None);
        check("", None);
        check("1 2", None);
        check("99999999999999999999", None);
    }

    #[test]
    fn durations_are_worded_like_docker_words_them() {
        let check = |seconds, expect| assert_eq!(human(seconds), expect);
        check(0, "Less than a second");
        check(1, "1 second");
        check(59, "59 seconds");
        check(60, "About a minute");
        check(125, "2 minutes");
        check(3600, "About an hour");
        check(3 * 3600, "3 hours");
        check(3 * 86400, "3 days");
        check(21 * 86400, "3 weeks");
        check(90 * 86400, "3 months");
        check(800 * 86400, "2 years");
    }
}
