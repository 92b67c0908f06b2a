//! The table of routes, by resource.

use std::future::{Ready, ready};

use axum::Router;

use super::App;
use crate::{build, buildkit, containers, error::Failure, images, networks, system, volumes};

pub(super) fn router(app: App) -> Router {
    // To Docker a method that a path does not have is a page that is not there.
    let lost = || async { Failure::not_found("page not found") };
    Router::new()
        .merge(build::routes())
        .merge(buildkit::routes())
        .merge(containers::routes())
        .merge(images::routes())
        .merge(networks::routes())
        .merge(system::routes())
        .merge(volumes::routes())
        .fallback(lost)
        .method_not_allowed_fallback(lost)
        .with_state(app)
}

/// A handler that says what is not there yet.
pub(crate) fn not_built(what: &'static str) -> impl Fn() -> Ready<Failure> + Clone + Send + Sync {
    move || ready(Failure::not_built(what))
}
