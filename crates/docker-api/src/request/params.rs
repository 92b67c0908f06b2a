//! Query parameters, read as leniently as Docker reads them.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;

use crate::error::{Failure, Result};

/// The query parameters of a request, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// The first non-empty value.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    /// Every value of a parameter that may be repeated.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let pairs = self.0.iter();
        pairs.filter_map(move |(key, value)| (key == name).then_some(value.as_str()))
    }

    /// A boolean; Docker takes everything for true but a few words.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.flag_or(name, "")
    }

    /// A boolean with the value that stands in for an absent one.
    pub(crate) fn flag_or(&self, name: &str, absent: &str) -> bool {
        let value = self.all(name).next().unwrap_or(absent);
        let value = value.trim().to_ascii_lowercase();
        !matches!(value.as_str(), "" | "0" | "no" | "false" | "none")
    }

    /// A number, if it is there.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
            Failure::bad_request(format!("invalid value for {name}: \"{shown}\""))
        })
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str> {
        self.text(name)
            .ok_or_else(|| Failure::bad_request(format!("missing parameter: {name}")))
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // A query that is no form is an empty one, as in Go.
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        Ok(Self(
            query.map_or_else(|_| Vec::new(), |Query(pairs)| pairs),
        ))
    }
}

#[cfg(test)]
impl Params {
    pub(crate) fn of(query: &str) -> Self {
        let uri: http::Uri = format!("/?{query}")
            .parse()
            .expect("the test writes a valid query");
        Self(Query::try_from_uri(&uri).expect("it is a form").0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_like_docker_reads_them() {
        let params = Params::of("a=1&b=true&c=0&d=False&e=&f=yes&g");
        let check = |name: &str, expect| assert_eq!(params.flag(name), expect, "{name}");
        check("a", true);
        check("b", true);
        check("c", false);
        check("d", false);
        check("e", false);
        check("f", true);
        check("g", false);
        check("absent", false);
        assert!(params.flag_or("absent", "1"));
    }

    #[test]
    fn numbers_are_checked() {
        let params = Params::of("t=-1&h=x&e=");
        assert_eq!(params.number::<i32>("t"), Ok(Some(-1)));
        assert!(params.number::<u16>("h").is_err());
        assert_eq!(params.number::<u16>("e"), Ok(None));
        assert!(params.required("e").is_err());
    }
}
