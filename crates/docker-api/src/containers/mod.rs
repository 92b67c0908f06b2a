//! `/containers` and `/exec`.

mod archive;
mod attach;
mod commit;
mod create;
mod exec;
mod health;
mod host_config;
mod host_shown;
mod inspect;
mod lifecycle;
mod limits;
mod list;
mod logs;
mod mount_points;
mod mounts;
mod ports;
mod prune;
mod select;
mod stats;
mod top;
mod wait;

use axum::{
    Router,
    routing::{delete, get, head, post},
};

use crate::server::{App, not_built};

pub(crate) use commit::changes;
pub(crate) use host_config::{Limit, Resources, ulimit};
pub(crate) use limits::translate as limits_of;
pub(crate) use list::item;
pub(crate) use mounts::check_volume_name;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/containers/json", get(list::list))
        .route("/containers/create", post(lifecycle::create))
        .route("/containers/prune", post(prune::prune))
        .route("/containers/{name}", delete(lifecycle::remove))
        .route("/containers/{name}/json", get(inspect::inspect))
        .route("/containers/{name}/start", post(lifecycle::start))
        .route("/containers/{name}/stop", post(lifecycle::stop))
        .route("/containers/{name}/restart", post(lifecycle::restart))
        .route("/containers/{name}/kill", post(lifecycle::kill))
        .route("/containers/{name}/pause", post(lifecycle::pause))
        .route("/containers/{name}/unpause", post(lifecycle::unpause))
        .route("/containers/{name}/rename", post(lifecycle::rename))
        .route("/containers/{name}/resize", post(lifecycle::resize))
        .route("/containers/{name}/update", post(lifecycle::update))
        .route("/containers/{name}/wait", post(wait::wait))
        .route("/containers/{name}/attach", post(attach::attach))
        .route("/containers/{name}/logs", get(logs::logs))
        .route("/containers/{name}/stats", get(stats::stats))
        .route("/containers/{name}/top", get(top::top))
        .route("/containers/{name}/exec", post(exec::create))
        .route("/exec/{id}/start", post(exec::start))
        .route("/exec/{id}/resize", post(exec::resize))
        .route("/exec/{id}/json", get(exec::inspect))
        .route(
            "/containers/{name}/checkpoints",
            get(checkpoints).post(not_built("checkpoints")),
        )
        .route("/containers/{name}/changes", get(commit::list_changes))
        .route(
            "/containers/{name}/archive",
            head(archive::stat).get(archive::get).put(archive::put),
        )
        .route("/containers/{name}/export", get(archive::export))
        .route(
            "/containers/{name}/attach/ws",
            get(not_built("attaching over a web socket")),
        )
        .route("/commit", post(commit::commit))
}

async fn checkpoints() -> axum::Json<[(); 0]> {
    axum::Json([])
}
