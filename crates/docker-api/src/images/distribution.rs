//! `GET /distribution/{name}/json` and `GET /images/search`: what registries say.

use axum::{
    Json,
    extract::{Path, State},
};
use http::HeaderMap;
use serde_json::{Value, json};
use terrarium_api::{ErrorCode, RepositoryQuery};
use terrarium_oci::{DEFAULT_REGISTRY, Platform, Reference};

use super::auth::credentials;
use crate::{
    error::{Failure, Result},
    filters::Filters,
    request::Params,
    server::App,
};

/// Pages of a registry that are gone through for one search.
const PAGES: usize = 20;
const LIMIT: usize = 25;

pub(super) async fn distribution(
    State(app): State<App>,
    Path(rest): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>> {
    let lost = || Failure::not_found("page not found");
    let name = rest.strip_suffix("/json").ok_or_else(lost)?;
    let asked = app.engine.distribution(name, credentials(&headers)).await?;
    let descriptor = &asked.root;
    Ok(Json(json!({
        "Descriptor": {
            "mediaType": descriptor.media_type.as_str(),
            "digest": descriptor.digest.to_string(),
            "size": descriptor.size_bytes,
        },
        "Platforms": asked.platforms.iter().map(platform).collect::<Vec<_>>(),
    })))
}

fn platform(platform: &Platform) -> Value {
    let mut shown = json!({ "architecture": platform.architecture, "os": platform.os });
    if let Some(variant) = platform.variant.as_deref() {
        shown["variant"] = json!(variant);
    }
    shown
}

pub(super) async fn search(State(app): State<App>, params: Params) -> Result<Json<Vec<Value>>> {
    let term = params.required("term")?;
    let limit = params.number("limit")?.filter(|limit| *limit > 0);
    let limit: usize = limit.unwrap_or(LIMIT);
    const KNOWN: &[&str] = &["is-official", "is-automated", "stars"];
    let filters = Filters::parse(params.text("filters"), KNOWN)?;
    let (registry, words) = place(term)?;
    // Registries know neither stars nor what is official.
    let wants_more = filters.boolean("is-official")? == Some(true)
        || filters.boolean("is-automated")? == Some(true);
    let mut found = Vec::new();
    let mut page = None;
    for _ in 0..PAGES {
        let query = RepositoryQuery {
            registry: registry.clone(),
            page: page.take(),
        };
        let names = app.engine.list_repositories(query).await;
        let names = names.map_err(|error| match error.code {
            ErrorCode::ReferenceNotFound | ErrorCode::Unauthorized => Failure::bad_request(
                format!("{registry} does not tell its repositories: {error}"),
            ),
            _ => error.into(),
        })?;
        found.extend(names.names.into_iter().filter(|name| name.contains(&words)));
        page = names.next;
        if page.is_none() || found.len() >= limit {
            break;
        }
    }
    found.truncate(if wants_more { 0 } else { limit });
    let shown = found.into_iter().map(|name| {
        json!({
            "name": format!("{registry}/{name}"),
            "description": "",
            "star_count": 0,
            "is_official": false,
            "is_automated": false,
        })
    });
    Ok(Json(shown.collect()))
}

/// The registry that a term names, and what is looked for there.
fn place(term: &str) -> Result<(String, String)> {
    let whole: Option<Reference> = term.trim_end_matches('/').parse().ok();
    let (host, words) = term.split_once('/').unwrap_or((term, ""));
    let is_host = host.contains(['.', ':']) || host == "localhost";
    let registry = match (is_host, whole) {
        (true, _) => host.to_owned(),
        (false, whole) => whole.map_or_else(
            || DEFAULT_REGISTRY.to_owned(),
            |whole| whole.registry().to_owned(),
        ),
    };
    if registry == DEFAULT_REGISTRY {
        let text = "Docker Hub lists its repositories only on its own pages: search there, or name \
                    another registry, as in localhost:5000/name";
        return Err(Failure::bad_request(text));
    }
    Ok((registry, words.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_names_its_registry() {
        assert_eq!(
            place("localhost:5000/web").unwrap(),
            ("localhost:5000".into(), "web".into())
        );
        assert_eq!(
            place("quay.io/Org/App").unwrap(),
            ("quay.io".into(), "org/app".into())
        );
        assert_eq!(place("quay.io").unwrap(), ("quay.io".into(), String::new()));
        assert!(place("nginx").is_err());
        assert!(place("docker.io/nginx").is_err());
    }
}
