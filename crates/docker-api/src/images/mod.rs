//! `/images`. Names of images contain slashes, so the last word of a path tells what is asked for.

mod archive;
mod auth;
mod distribution;
mod glob;
mod import;
mod inspect;
mod lines;
mod list;
mod manage;
mod pull;
mod push;
mod push_lines;

use axum::{
    Router,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::Method;

use crate::{
    error::{Failure, Result},
    request::Params,
    server::App,
};

pub(crate) use auth::all_credentials;
pub(crate) use list::{Figures, item};
pub(crate) use manage::joined;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/images/json", get(list::list))
        .route("/images/create", post(pull::create))
        .route("/images/prune", post(manage::prune))
        .route("/images/search", get(distribution::search))
        .route("/images/load", post(load))
        .route("/images/get", get(save))
        .route("/distribution/{*rest}", get(distribution::distribution))
        .route("/images/{*rest}", get(named).post(named).delete(named))
}

/// Routes under a name: `/images/localhost:5000/a/b:c/json`.
async fn named(
    State(app): State<App>,
    Path(rest): Path<String>,
    params: Params,
    request: Request,
) -> Result<Response> {
    if *request.method() == Method::DELETE {
        return manage::remove(app, rest, params)
            .await
            .map(|json| json.into_response());
    }
    let (name, word) = rest.rsplit_once('/').ok_or_else(lost)?;
    match (request.method().as_str(), word) {
        ("GET", "json") => inspect::inspect(app, name)
            .await
            .map(|json| json.into_response()),
        ("GET", "history") => inspect::history(app, name)
            .await
            .map(|json| json.into_response()),
        ("GET", "get") => archive::save(app, vec![name.to_owned()]).await,
        ("POST", "tag") => manage::tag(app, name, params)
            .await
            .map(|status| status.into_response()),
        ("POST", "push") => push::push(app, name, params, request.headers()).await,
        _ => Err(lost()),
    }
}

async fn save(State(app): State<App>, params: Params) -> Result<Response> {
    let names = params.all("names").map(str::to_owned).collect();
    archive::save(app, names).await
}

async fn load(State(app): State<App>, request: Request) -> Result<Response> {
    archive::load(app, request).await
}

fn lost() -> Failure {
    Failure::not_found("page not found")
}
