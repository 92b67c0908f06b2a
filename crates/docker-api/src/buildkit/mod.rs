//! BuildKit's side of the API: sessions with clients, and builds whose files come through them.

mod contexts;
mod control;
mod gather;
mod outputs;
mod progress;
mod session;
mod trace;
mod uploads;
mod work;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, extract::State, routing::post};
use http::StatusCode;
use terrarium_buildkit::Sessions;
use tokio_util::sync::CancellationToken;

use self::{contexts::Contexts, control::Solves, uploads::Uploads};
use crate::{error::Result, request::Params, server::App};

pub(crate) use outputs::outputs;
pub(crate) use trace::{build, upload};

/// What requests of BuildKit's clients share.
#[derive(Debug, Clone, Default)]
pub(crate) struct BuildKit {
    sessions: Sessions,
    contexts: Contexts,
    solves: Solves,
    uploads: Uploads,
    running: Arc<Mutex<HashMap<String, CancellationToken>>>,
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/session", post(session::session))
        .route("/grpc", post(control::grpc))
        .route("/build/cancel", post(cancel))
}

async fn cancel(State(app): State<App>, params: Params) -> Result<StatusCode> {
    // A build that has ended needs no end.
    if let Some(token) = app.buildkit.running().get(params.required("id")?) {
        token.cancel();
    }
    Ok(StatusCode::NO_CONTENT)
}

impl BuildKit {
    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a build be canceled by its name, as long as the answer is kept.
    fn cancelable(&self, id: &str) -> Cancelable {
        let token = CancellationToken::new();
        self.running().insert(id.to_owned(), token.clone());
        Cancelable {
            buildkit: self.clone(),
            id: id.to_owned(),
            token,
        }
    }
}

/// A build that can be canceled by its name.
struct Cancelable {
    buildkit: BuildKit,
    id: String,
    token: CancellationToken,
}

impl Drop for Cancelable {
    fn drop(&mut self) {
        self.buildkit.running().remove(&self.id);
    }
}
