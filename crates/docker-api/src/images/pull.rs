//! `POST /images/create`: a pull as a stream of lines.

use std::{collections::VecDeque, pin::Pin};

use axum::{
    extract::{Request, State},
    response::Response,
};
use futures_util::stream;
use serde_json::{Value, json};
use terrarium_api::{Error, ImageSummary, PullImage, PullProgress, Traced};
use terrarium_engine::Engine;
use terrarium_oci::Reference;
use tokio::sync::watch;

use super::{auth::credentials, import::import, lines::Lines, manage::joined};
use crate::{
    error::{Failure, Result},
    request::Params,
    server::App,
    stream::json_lines,
};

pub(super) async fn create(
    State(app): State<App>,
    params: Params,
    request: Request,
) -> Result<Response> {
    if params.text("fromSrc").is_some() {
        return import(app, &params, request).await;
    }
    let name = joined(params.required("fromImage")?, params.text("tag"));
    let reference = Reference::dissect(&name)
        .map_err(|error| Failure::bad_request(format!("invalid reference format: {error}")))?
        .reference;
    let pull = PullImage {
        reference: reference.canonical(),
        platform: params.text("platform").map(str::to_owned),
        credentials: credentials(request.headers()),
    };
    let mut pull = Pull::new(app.engine, pull, reference);
    // As long as nothing was sent, an error is the status of the answer.
    let first = match pull.next().await {
        Some(Err(failure)) => return Err(failure),
        Some(Ok(line)) => Some(line),
        None => None,
    };
    let rest = stream::unfold(pull, |mut pull| async {
        let line = match pull.next().await? {
            Ok(line) => line,
            Err(Failure { message, .. }) => {
                json!({ "errorDetail": { "message": message }, "error": message })
            }
        };
        Some((line, pull))
    });
    use futures_util::StreamExt as _;
    Ok(json_lines(app.closing, stream::iter(first).chain(rest)))
}

type Running = Pin<Box<dyn Future<Output = Result<Traced<ImageSummary>, Error>> + Send>>;

/// A pull under way. Dropping it, as happens when the client leaves, cancels it.
struct Pull {
    running: Option<Running>,
    progress: watch::Receiver<Option<PullProgress>>,
    lines: Option<Lines>,
    queue: VecDeque<Value>,
    name: String,
}

impl Pull {
    fn new(engine: Engine, request: PullImage, reference: Reference) -> Self {
        let (sender, progress) = watch::channel(None);
        let running = Box::pin(async move { engine.pull_image(request, sender).await });
        Self {
            running: Some(running),
            progress,
            name: reference.familiar_name(),
            lines: Some(Lines::new(reference)),
            queue: VecDeque::new(),
        }
    }

    /// The next line; an error is the last.
    async fn next(&mut self) -> Option<Result<Value>> {
        loop {
            if let Some(line) = self.queue.pop_front() {
                return Some(Ok(line));
            }
            let running = self.running.as_mut()?;
            tokio::select! {
                // What was reported last is told before the end is.
                biased;
                Ok(()) = self.progress.changed() => self.tell(),
                pulled = running => {
                    self.running = None;
                    if let Err(error) = pulled.map(|pulled| self.finish(&pulled.value)) {
                        return Some(Err(wording(&self.name, error)));
                    }
                }
            }
        }
    }

    fn tell(&mut self) {
        let progress = self.progress.borrow_and_update();
        if let (Some(progress), Some(lines)) = (&*progress, &mut self.lines) {
            self.queue.extend(lines.advance(progress));
        }
    }

    fn finish(&mut self, image: &ImageSummary) {
        self.tell();
        let up_to_date = self
            .progress
            .borrow()
            .as_ref()
            .is_some_and(|last| last.up_to_date);
        let digest = self
            .progress
            .borrow()
            .as_ref()
            .and_then(|last| last.manifest_digest.clone())
            .unwrap_or_else(|| image.manifest_digest.clone());
        if let Some(lines) = self.lines.take() {
            self.queue.extend(lines.finish(&digest, up_to_date));
        }
    }
}

/// Docker's own sentences, which clients and people know.
fn wording(name: &str, error: Error) -> Failure {
    use terrarium_api::ErrorCode as E;
    match error.code {
        E::Unauthorized => Failure::not_found(format!(
            "pull access denied for {name}, repository does not exist or may require 'docker \
             login': denied: requested access to the resource is denied"
        )),
        E::ReferenceNotFound => Failure::not_found(format!(
            "manifest for {name} not found: manifest unknown: {error}"
        )),
        _ => error.into(),
    }
}
