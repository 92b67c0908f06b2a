//! `/build`: images from an archive with a Dockerfile.

mod lines;
mod request;

use std::{fs::File, io::Write as _, pin::Pin, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use terrarium_api::Error;
use terrarium_engine::{BuildEvent, Built, Engine, PruneBuilds};
use tokio::sync::mpsc;

use self::lines::Lines;
use crate::{
    buildkit,
    error::{Failure, Result},
    filters::{Filters, until_ms},
    request::Params,
    server::App,
    stream::json_lines,
    time,
};

/// Events that a slow client may fall behind before the build waits for it.
const AHEAD: usize = 1024;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/build", post(build).layer(DefaultBodyLimit::disable()))
        .route("/build/prune", post(prune))
}

async fn prune(State(app): State<App>, params: Params) -> Result<Json<Value>> {
    let filters = Filters::parse(params.text("filters"), &["until"])?;
    let until = until_ms(&filters)?;
    // The same under its names of three generations.
    let mut keep_bytes = 0;
    for name in ["keep-storage", "reserved-space", "max-used-space"] {
        keep_bytes = keep_bytes.max(params.number(name)?.unwrap_or(0));
    }
    let wish = PruneBuilds {
        keep_bytes,
        keep_used_within: until.map(|before_ms| {
            let now_ms = time::now_ns() / 1_000_000;
            Duration::from_millis(now_ms.saturating_sub(before_ms))
        }),
    };
    let pruned = app.engine.prune_builds(wish).await?;
    Ok(Json(
        json!({ "CachesDeleted": null, "SpaceReclaimed": pruned.freed_bytes }),
    ))
}

async fn build(
    State(app): State<App>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    if let Some(put) = buildkit::upload(&app, &params) {
        put(received(body).await?);
        return Ok(StatusCode::OK.into_response());
    }
    let mut request = request::read(&params, &headers)?;
    if params.text("version") == Some("2") {
        return buildkit::build(app, &params, request);
    }
    request.context = Some(received(body).await?);
    let lines = Lines::new(request.tags.clone(), params.flag("q"));
    let work = Build::new(app.engine, request, lines);
    let answer = stream::unfold(work, |mut work| async {
        let line = work.next().await?;
        Some((line, work))
    });
    Ok(json_lines(app.closing, answer))
}

/// The body in a file without a name: it may be larger than memory.
async fn received(body: Body) -> Result<File> {
    let failed = |error: std::io::Error| Failure::from(unreadable(&error));
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| {
            Failure::bad_request(format!("the archive with the files broke off: {error}"))
        })?;
        // A page cache takes it; only a full disk makes this wait.
        file.write_all(&piece).map_err(failed)?;
    }
    Ok(file)
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::new(
        terrarium_api::ErrorCode::Internal,
        "keep the files of the build",
    )
    .because(error)
}

type Running = Pin<Box<dyn Future<Output = Result<Built, Error>> + Send>>;

/// A build under way. Dropping it, as happens when the client leaves, cancels it.
struct Build {
    running: Option<Running>,
    events: mpsc::Receiver<BuildEvent>,
    lines: Lines,
    last: std::collections::VecDeque<Value>,
}

impl Build {
    fn new(engine: Engine, request: terrarium_engine::BuildImage, lines: Lines) -> Self {
        let (sender, events) = mpsc::channel(AHEAD);
        let running = Box::pin(async move { engine.build_image(request, sender).await });
        Self {
            running: Some(running),
            events,
            lines,
            last: Default::default(),
        }
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(line) = self.last.pop_front() {
                return Some(line);
            }
            let running = self.running.as_mut()?;
            tokio::select! {
                // What was reported last is told before the end is.
                biased;
                Some(event) = self.events.recv() => self.last.extend(self.lines.of(event)),
                built = running => {
                    self.running = None;
                    while let Ok(event) = self.events.try_recv() {
                        self.last.extend(self.lines.of(event));
                    }
                    self.last.extend(self.lines.end(built));
                }
            }
        }
    }
}
