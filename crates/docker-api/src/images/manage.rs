//! Tags, removals, prune.

use axum::{Json, extract::State};
use http::StatusCode;
use serde_json::{Value, json};
use terrarium_api::{ErrorCode, RemoveImage, TagImage};

use super::list::select;
use crate::{
    error::{Failure, Result},
    filters::Filters,
    request::Params,
    server::App,
};

pub(super) async fn tag(app: App, image: &str, params: Params) -> Result<StatusCode> {
    let reference = joined(params.required("repo")?, params.text("tag"));
    let request = TagImage {
        image: image.to_owned(),
        reference,
    };
    app.engine.tag_image(request).await?;
    Ok(StatusCode::CREATED)
}

/// A repository with a tag, or with a digest in the tag's place.
pub(crate) fn joined(repository: &str, tag: Option<&str>) -> String {
    match tag {
        None => repository.to_owned(),
        Some(digest) if digest.contains(':') => format!("{repository}@{digest}"),
        Some(tag) => format!("{repository}:{tag}"),
    }
}

pub(super) async fn remove(app: App, image: String, params: Params) -> Result<Json<Vec<Value>>> {
    let request = RemoveImage {
        image,
        force: params.flag("force"),
    };
    let removed = app.engine.remove_image(request).await;
    let removed = removed.map_err(|error| match error.code {
        // The word that scripts look for.
        ErrorCode::ImageInUse => Failure::conflict(format!("conflict: unable to remove: {error}")),
        _ => error.into(),
    })?;
    Ok(Json(show(&removed.value)))
}

fn show(removed: &terrarium_api::RemovedImage) -> Vec<Value> {
    let untagged = removed
        .untagged
        .iter()
        .map(|name| json!({ "Untagged": name }));
    let deleted = removed.deleted.iter().map(|id| json!({ "Deleted": id }));
    untagged.chain(deleted).collect()
}

pub(super) async fn prune(State(app): State<App>, params: Params) -> Result<Json<Value>> {
    const KNOWN: &[&str] = &["dangling", "until", "label", "label!"];
    let filters = Filters::parse(params.text("filters"), KNOWN)?;
    // `dangling=false` is `--all`: tagged images that no container uses go too.
    let tagged_too = filters.boolean("dangling")? == Some(false);
    let filters = filters.without("dangling");
    let unused = select(app.engine.images().await?, &filters)?
        .into_iter()
        .filter(|image| image.used_by.is_empty() && (tagged_too || image.references.is_empty()));
    let mut deleted = Vec::new();
    let mut freed = 0;
    for image in unused {
        let request = RemoveImage {
            image: image.id,
            force: true,
        };
        // One that came into use meanwhile stays.
        if let Ok(removed) = app.engine.remove_image(request).await {
            freed += removed.value.freed_bytes;
            deleted.extend(show(&removed.value));
        }
    }
    let deleted = (!deleted.is_empty()).then_some(deleted);
    Ok(Json(
        json!({ "ImagesDeleted": deleted, "SpaceReclaimed": freed }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_takes_the_tags_place() {
        assert_eq!(joined("a/b", None), "a/b");
        assert_eq!(joined("localhost:5000/b", Some("c")), "localhost:5000/b:c");
        assert_eq!(joined("a/b", Some("sha256:1")), "a/b@sha256:1");
    }
}
