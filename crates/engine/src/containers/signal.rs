//! Signals by name and number.

use nix::{libc, sys::signal::Signal};
use terrarium_api::{Error, ErrorCode};

use crate::{Result, error::quoted};

/// `SIGKILL`, which nothing withstands.
pub(crate) const KILL: i32 = Signal::SIGKILL as i32;

/// `TERM`, `sigterm`, `15`, `SIGRTMIN+3`.
///
/// # Errors
/// `InvalidArgument` for what is no signal.
pub(crate) fn parse(text: &str) -> Result<i32> {
    let upper = text.trim().to_ascii_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = short
        .parse()
        .ok()
        .or_else(|| named(short))
        .or_else(|| real_time(short));
    number
        .filter(|number| (1..=libc::SIGRTMAX()).contains(number))
        .ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidArgument,
                format!("invalid signal {}", quoted(text)),
            )
            .hint("use a name such as SIGTERM, or a number; see signal(7)")
        })
}

fn named(short: &str) -> Option<i32> {
    let signal: Signal = format!("SIG{short}").parse().ok()?;
    Some(signal as i32)
}

fn real_time(short: &str) -> Option<i32> {
    let offset = |rest: &str, sign: char| match rest {
        "" => Some(0),
        _ => rest.strip_prefix(sign)?.parse().ok(),
    };
    if let Some(rest) = short.strip_prefix("RTMIN") {
        return libc::SIGRTMIN().checked_add(offset(rest, '+')?);
    }
    let rest = short.strip_prefix("RTMAX")?;
    libc::SIGRTMAX().checked_sub(offset(rest, '-')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_known_by_name_and_number() {
        let check = |text: &str, expect: i32| assert_eq!(parse(text).unwrap(), expect, "{text}");
        check("SIGTERM", 15);
        check("kill", 9);
        check("9", 9);
        check("SIGRTMIN+3", libc::SIGRTMIN() + 3);
        check("RTMAX-1", libc::SIGRTMAX() - 1);
        for bad in ["", "0", "-9", "65", "SIGSIG", "RTMIN+99", "SIGRTMIN-1"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
