//! The `filters` parameter, in both forms that clients send.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{
    error::{Failure, Result},
    time,
};

/// Filter values by filter name. Names must all match; of a name's values, one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filters(BTreeMap<String, BTreeSet<String>>);

/// `{"status": {"exited": true}}` since API 1.22, `{"status": ["exited"]}` before.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    Map(BTreeMap<String, bool>),
    List(Vec<String>),
}

impl Filters {
    /// Reads the parameter; only the names in `known` are accepted.
    pub(crate) fn parse(text: Option<&str>, known: &[&str]) -> Result<Self> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(Self::default());
        };
        let parsed: BTreeMap<String, Values> = serde_json::from_str(text)
            .map_err(|error| Failure::bad_request(format!("invalid filter: {error}")))?;
        if let Some(name) = parsed.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(invalid(name));
        }
        let values = parsed.into_iter().map(|(name, values)| {
            let values = match values {
                // Go ignores the boolean as well.
                Values::Map(map) => map.into_keys().collect(),
                Values::List(list) => list.into_iter().collect(),
            };
            (name, values)
        });
        Ok(Self(values.collect()))
    }

    /// All filters but one.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// The values of a filter.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flatten().map(String::as_str)
    }

    /// It is there with at least one value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|values| !values.is_empty())
    }

    /// The filter is absent, or one of its values satisfies `test`.
    pub(crate) fn any(&self, name: &str, test: impl FnMut(&str) -> bool) -> bool {
        !self.has(name) || self.values(name).any(test)
    }

    /// The filter is absent, or one of its values is `actual`.
    pub(crate) fn exact(&self, name: &str, actual: &str) -> bool {
        self.any(name, |value| value == actual)
    }

    /// All `label` values (`key` or `key=value`) are among `labels`, and no `label!` value is.
    pub(crate) fn labels(&self, labels: &BTreeMap<String, String>) -> bool {
        let found = |wanted: &str| match wanted.split_once('=') {
            Some((key, value)) => labels.get(key).is_some_and(|actual| actual == value),
            None => labels.contains_key(wanted),
        };
        self.values("label").all(found) && !self.values("label!").any(found)
    }

    /// A filter that is `true` or `false`; absent is `None`.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some("1" | "true" | "True"), None) => Ok(Some(true)),
            (Some("0" | "false" | "False"), None) => Ok(Some(false)),
            _ => Err(invalid(name)),
        }
    }
}

/// The `until` of a prune: what is older than this, in milliseconds, goes.
pub(crate) fn until_ms(filters: &Filters) -> Result<Option<u64>> {
    let mut values = filters.values("until");
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(text), None) => {
            let ns = time::parse(text, time::now_ns()).ok_or_else(|| invalid("until"))?;
            Ok(Some(ns / 1_000_000))
        }
        (Some(_), Some(_)) => Err(Failure::bad_request("more than one until filter specified")),
    }
}

fn invalid(name: &str) -> Failure {
    let name: String = name.chars().take(100).collect();
    Failure::bad_request(format!("invalid filter '{}'", name.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(key, value): &(&str, &str)| ((*key).into(), (*value).into());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn both_forms_mean_the_same() {
        let known = ["status", "label"];
        let map = Filters::parse(Some(r#"{"status":{"exited":true,"dead":true}}"#), &known);
        let list = Filters::parse(Some(r#"{"status":["dead","exited"]}"#), &known);
        assert_eq!(map, list);
        assert!(map.expect("it is valid").exact("status", "dead"));
    }

    #[test]
    fn garbage_is_refused() {
        for text in [
            "[",
            "[]",
            "1",
            r#"{"a":1}"#,
            r#"{"a":[1]}"#,
            r#"{"no":["x"]}"#,
        ] {
            let failure = Filters::parse(Some(text), &["a"]).expect_err(text);
            assert_eq!(failure.status, http::StatusCode::BAD_REQUEST);
        }
    }

    #[test]
    fn absent_filters_let_everything_through() {
        let none = Filters::parse(None, &[]).expect("it is valid");
        assert!(none.exact("status", "x") && none.labels(&labels(&[])));
        assert_eq!(none.boolean("dangling"), Ok(None));
    }

    #[test]
    fn all_labels_must_match() {
        let filters = Filters::parse(
            Some(r#"{"label":["a","b=1"],"label!":["c"]}"#),
            &["label", "label!"],
        )
        .expect("it is valid");
        assert!(filters.labels(&labels(&[("a", ""), ("b", "1")])));
        assert!(!filters.labels(&labels(&[("a", ""), ("b", "2")])));
        assert!(!filters.labels(&labels(&[("a", ""), ("b", "1"), ("c", "")])));
    }

    #[test]
    fn a_boolean_has_one_value() {
        let parse = |text| {
            Filters::parse(Some(text), &["d"])
                .expect("it is valid")
                .boolean("d")
        };
        assert_eq!(parse(r#"{"d":{"true":true}}"#), Ok(Some(true)));
        assert_eq!(parse(r#"{"d":["0"]}"#), Ok(Some(false)));
        assert!(parse(r#"{"d":["maybe"]}"#).is_err());
        assert!(parse(r#"{"d":["0","1"]}"#).is_err());
    }
}
