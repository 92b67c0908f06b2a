//! `GET /images/json`.

use std::{cmp::Reverse, collections::BTreeMap};

use axum::{
    Json,
    extract::{Extension, State},
};
use serde::Serialize;
use terrarium_api::ImageSummary;

use super::glob;
use crate::{
    error::{Failure, Result},
    filters::{Filters, until_ms},
    request::{ApiVersion, Params},
    server::App,
};

const FILTERS: &[&str] = &[
    "before",
    "dangling",
    "label",
    "label!",
    "reference",
    "since",
    "until",
];

/// One image of the list.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Item {
    id: String,
    parent_id: &'static str,
    repo_tags: Vec<String>,
    repo_digests: Vec<String>,
    created: u64,
    size: u64,
    shared_size: i64,
    /// Gone since API 1.44.
    #[serde(skip_serializing_if = "Option::is_none")]
    virtual_size: Option<u64>,
    labels: Option<BTreeMap<String, String>>,
    containers: i64,
}

/// Which costly figures an [`Item`] carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figures {
    /// As in the list: -1 stands for "not computed".
    Plain,
    /// With the bytes that other images share.
    Shared,
    /// With the number of containers too, as in `docker system df`.
    All,
}

pub(super) async fn list(
    State(app): State<App>,
    Extension(version): Extension<ApiVersion>,
    params: Params,
) -> Result<Json<Vec<Item>>> {
    let filters = Filters::parse(params.text("filters"), FILTERS)?;
    let figures = match params.flag("shared-size") {
        true => Figures::Shared,
        false => Figures::Plain,
    };
    let images = select(app.engine.images().await?, &filters)?;
    let items = images.iter().map(|image| item(image, figures, version));
    Ok(Json(items.collect()))
}

/// The matching images, newest first.
pub(super) fn select(mut all: Vec<ImageSummary>, filters: &Filters) -> Result<Vec<ImageSummary>> {
    all.sort_by_key(|image| Reverse(image.created_at_ms));
    let dangling = filters.boolean("dangling")?;
    let until = until_ms(filters)?;
    let since = reference(filters, "since", &all)?;
    let before = reference(filters, "before", &all)?;
    all.retain(|image| {
        let created = image.created_at_ms.unwrap_or(0);
        dangling.is_none_or(|dangling| image.references.is_empty() == dangling)
            && until.is_none_or(|until| created < until)
            && since.is_none_or(|since| created > since)
            && before.is_none_or(|before| created < before)
            && filters.labels(&image.labels)
    });
    if filters.has("reference") {
        // Of an image with several names only those that match are shown.
        for image in &mut all {
            let wanted = |name: &String| filters.any("reference", |pattern| is_like(name, pattern));
            image.references.retain(wanted);
            image.repo_digests.retain(wanted);
        }
        all.retain(|image| !image.references.is_empty() || !image.repo_digests.is_empty());
    }
    Ok(all)
}

fn reference(filters: &Filters, name: &str, all: &[ImageSummary]) -> Result<Option<u64>> {
    let Some(wanted) = filters.values(name).next() else {
        return Ok(None);
    };
    let with_tag = format!("{wanted}:latest");
    let is_it = |image: &&ImageSummary| {
        let id = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
        let named = |name: &String| name == wanted || *name == with_tag;
        image.references.iter().any(named) || id.starts_with(wanted.trim_start_matches("sha256:"))
    };
    match all.iter().find(is_it) {
        Some(image) => Ok(Some(image.created_at_ms.unwrap_or(0))),
        None => Err(Failure::not_found(format!("No such image: {wanted}"))),
    }
}

/// A pattern is compared with the whole name, and with its part before the tag or the digest.
fn is_like(name: &str, pattern: &str) -> bool {
    let untagged = match name.split_once('@') {
        Some((repository, _)) => repository,
        None => name.rsplit_once(':').map_or(name, |(short, _)| short),
    };
    glob::matches(pattern, name) || glob::matches(pattern, untagged)
}

/// One image as lists show it.
pub(crate) fn item(image: &ImageSummary, figures: Figures, version: ApiVersion) -> Item {
    let number = |wanted: bool, number: u64| match wanted {
        true => i64::try_from(number).unwrap_or(i64::MAX),
        false => -1,
    };
    let shared = image.size_bytes.saturating_sub(image.unique_bytes);
    Item {
        id: image.id.clone(),
        parent_id: "",
        repo_tags: image.references.clone(),
        repo_digests: image.repo_digests.clone(),
        created: image.created_at_ms.unwrap_or(0) / 1000,
        size: image.size_bytes,
        shared_size: number(figures != Figures::Plain, shared),
        virtual_size: version.before(44).then_some(image.size_bytes),
        labels: Some(image.labels.clone()).filter(|labels| !labels.is_empty()),
        containers: number(figures == Figures::All, image.used_by.len() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(id: &str, names: &[&str], created_at_ms: u64) -> ImageSummary {
        ImageSummary {
            id: format!("sha256:{id}"),
            manifest_digest: String::new(),
            references: names.iter().map(|name| (*name).to_owned()).collect(),
            repo_digests: Vec::new(),
            created_at_ms: Some(created_at_ms),
            size_bytes: 100,
            unique_bytes: 40,
            compressed_bytes: 50,
            platform: "linux/amd64".into(),
            layers: Vec::new(),
            used_by: vec!["web".into()],
            labels: BTreeMap::from([("of".into(), id.into())]),
        }
    }

    fn selected(filters: &str) -> Result<Vec<String>> {
        let all = vec![
            image("1", &["alpine:3.18", "localhost:5000/acme/web:1"], 1000),
            image("2", &["alpine:3.19"], 2000),
            image("3", &[], 3000),
        ];
        let found = select(all, &Filters::parse(Some(filters), FILTERS)?)?;
        Ok(found.into_iter().map(|image| image.id).collect())
    }

    #[test]
    fn filters_select_what_docker_selects() {
        let check = |filters: &str, expect: &[&str]| {
            assert_eq!(selected(filters).expect("it is valid"), expect, "{filters}");
        };
        check("{}", &["sha256:3", "sha256:2", "sha256:1"]);
        check(r#"{"dangling":{"true":true}}"#, &["sha256:3"]);
        check(r#"{"dangling":["false"]}"#, &["sha256:2", "sha256:1"]);
        check(r#"{"reference":["alpine"]}"#, &["sha256:2", "sha256:1"]);
        check(r#"{"reference":["al*:3.18"]}"#, &["sha256:1"]);
        check(r#"{"reference":["localhost:5000/*/web"]}"#, &["sha256:1"]);
        check(r#"{"label":["of=2"]}"#, &["sha256:2"]);
        check(r#"{"since":["alpine:3.18"]}"#, &["sha256:3", "sha256:2"]);
        check(r#"{"before":["alpine:3.19"]}"#, &["sha256:1"]);
        check(r#"{"until":["2.5"]}"#, &["sha256:2", "sha256:1"]);
        assert!(selected(r#"{"since":["lost"]}"#).is_err());
    }

    #[test]
    fn figures_that_cost_are_shown_when_asked_for() {
        let new = crate::request::MAX;
        let plain = item(&image("1", &[], 5000), Figures::Plain, new);
        assert_eq!(
            (plain.created, plain.shared_size, plain.containers),
            (5, -1, -1)
        );
        assert_eq!(plain.virtual_size, None);
        let all = item(&image("1", &[], 5000), Figures::All, crate::request::MIN);
        assert_eq!(
            (all.shared_size, all.containers, all.virtual_size),
            (60, 1, Some(100))
        );
    }
}
