//! The `/v1.NN` prefix of a path.

use std::fmt;

use crate::error::{Failure, Result};

/// The oldest API that is served.
pub(crate) const MIN: ApiVersion = ApiVersion {
    major: 1,
    minor: 24,
};
/// The newest API that is served, and what an unversioned path means.
pub(crate) const MAX: ApiVersion = ApiVersion {
    major: 1,
    minor: 50,
};

/// The version of the API that a client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApiVersion {
    major: u32,
    minor: u32,
}

impl ApiVersion {
    /// The client's API is older than `1.minor`.
    pub(crate) fn before(self, minor: u32) -> bool {
        self < Self { major: 1, minor }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Splits `/v1.41/info` into the version and `/info`.
///
/// # Errors
/// 400 in Docker's words when the version is not served.
pub(crate) fn split(path: &str) -> Result<(ApiVersion, &str)> {
    let Some((version, rest)) = prefix(path) else {
        return Ok((MAX, path));
    };
    if version < MIN {
        return Err(Failure::bad_request(format!(
            "client version {version} is too old. Minimum supported API version is {MIN}, \
             please upgrade your client to a newer version"
        )));
    }
    if version > MAX {
        return Err(Failure::bad_request(format!(
            "client version {version} is too new. Maximum supported API version is {MAX}"
        )));
    }
    Ok((version, rest))
}

fn prefix(path: &str) -> Option<(ApiVersion, &str)> {
    let (version, _) = path.strip_prefix("/v")?.split_once('/')?;
    let (major, minor) = version.split_once('.')?;
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        // A number too long for u32 is a version that is too new.
        digits.then(|| text.parse().unwrap_or(u32::MAX))
    };
    let version_of = ApiVersion {
        major: number(major).filter(|_| !major.is_empty())?,
        minor: number(minor).filter(|_| !minor.is_empty())?,
    };
    Some((version_of, &path["/v".len() + version.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_taken_off_the_path() {
        let check = |path, version: &str, rest| {
            let (found, left) = split(path).expect("it is served");
            assert_eq!((found.to_string().as_str(), left), (version, rest));
        };
        check("/info", "1.50", "/info");
        check("/v1.24/info", "1.24", "/info");
        check(
            "/v1.50/containers/v1.2/json",
            "1.50",
            "/containers/v1.2/json",
        );
        check("/volumes/v", "1.50", "/volumes/v");
        check("/v1.x/info", "1.50", "/v1.x/info");
    }

    #[test]
    fn versions_that_are_not_served_get_dockers_text() {
        let check = |path, text: &str| {
            let failure = split(path).expect_err(path);
            assert_eq!(failure.status, http::StatusCode::BAD_REQUEST);
            assert!(failure.message.starts_with(text), "{}", failure.message);
        };
        check(
            "/v1.23/info",
            "client version 1.23 is too old. Minimum supported API version is 1.24",
        );
        check(
            "/v1.51/info",
            "client version 1.51 is too new. Maximum supported API version is 1.50",
        );
        check("/v2.0/info", "client version 2.0 is too new");
        check(
            "/v1.99999999999/info",
            "client version 1.4294967295 is too new",
        );
    }
}
