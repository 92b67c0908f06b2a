//! `/_ping`, `/version`, `/info`, `/events`, `/system/df`, and what this engine is not.

mod auth;
mod df;
mod events;
mod info;

use axum::{
    Json, Router,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{error::Failure, server::App};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/_ping", get(ping))
        .route("/version", get(info::version))
        .route("/info", get(info::info))
        .route("/events", get(events::events))
        .route("/system/df", get(df::df))
        .route("/auth", post(auth::sign_in))
        .route("/plugins", get(none))
        .route("/swarm", get(no_swarm))
        .route("/swarm/{action}", get(no_swarm).post(no_swarm))
        .route("/nodes", get(no_swarm))
        .route("/nodes/{id}", get(no_swarm).delete(no_swarm))
        .route("/services", get(no_swarm))
        .route(
            "/services/{id}",
            get(no_swarm).post(no_swarm).delete(no_swarm),
        )
        .route("/tasks", get(no_swarm))
        .route("/tasks/{id}", get(no_swarm))
        .route("/secrets", get(no_swarm))
        .route(
            "/secrets/{id}",
            get(no_swarm).post(no_swarm).delete(no_swarm),
        )
        .route("/configs", get(no_swarm))
        .route(
            "/configs/{id}",
            get(no_swarm).post(no_swarm).delete(no_swarm),
        )
}

/// Every client asks this first, unversioned; its headers are added to every answer.
async fn ping() -> Response {
    let headers = [
        ("builder-version", "2"),
        ("cache-control", "no-cache, no-store, must-revalidate"),
        ("pragma", "no-cache"),
        ("swarm", "inactive"),
        ("content-type", "text/plain; charset=utf-8"),
    ];
    (headers, "OK").into_response()
}

async fn none() -> Json<[Value; 0]> {
    Json([])
}

async fn no_swarm() -> Failure {
    let text = "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" \
                to connect this node to swarm and try again.";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, text)
}

/// The build cache, which is empty.
fn no_cache() -> Value {
    json!([])
}
