//! `POST /images/{name}/push`: a push as a stream of lines.

use std::{collections::VecDeque, pin::Pin};

use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;
use serde_json::{Value, json};
use terrarium_api::{Error, PushImage, PushProgress, PushedImage, Traced};
use terrarium_engine::Engine;
use terrarium_oci::Reference;
use tokio::sync::watch;

use super::{auth::credentials, manage::joined, push_lines::Lines};
use crate::{
    error::{Failure, Result},
    request::Params,
    server::App,
    stream::json_lines,
};

pub(super) async fn push(
    app: App,
    name: &str,
    params: Params,
    headers: &HeaderMap,
) -> Result<Response> {
    let references = references(&app, name, params.text("tag")).await?;
    let head = json!({
        "status": format!("The push refers to repository [{}]", references[0].name()),
    });
    let pushes = references.into_iter().map(|reference| {
        let request = PushImage {
            reference: reference.canonical(),
            credentials: credentials(headers),
        };
        Push::new(app.engine.clone(), request, reference)
    });
    let lines = stream::iter(pushes.collect::<Vec<_>>()).flat_map(|push| {
        stream::unfold(push, |mut push| async { Some((push.next().await?, push)) })
    });
    let head = stream::once(async move { head });
    Ok(json_lines(app.closing, head.chain(lines)))
}

/// The names to push: one, or without a tag all of the repository.
async fn references(app: &App, name: &str, tag: Option<&str>) -> Result<Vec<Reference>> {
    let parse = |text: &str| {
        Reference::dissect(text)
            .map(|dissected| dissected.reference)
            .map_err(|error| Failure::bad_request(format!("invalid reference format: {error}")))
    };
    if tag.is_some() {
        return Ok(vec![parse(&joined(name, tag))?]);
    }
    let wanted = parse(name)?.name();
    let images = app.engine.images().await?;
    let names = images.iter().flat_map(|image| &image.references);
    let found: Vec<Reference> = names
        .filter_map(|text| parse(text).ok())
        .filter(|reference| reference.name() == wanted)
        .collect();
    if found.is_empty() {
        let text = format!("An image does not exist locally with the tag: {name}");
        return Err(Failure::not_found(text));
    }
    Ok(found)
}

type Running = Pin<Box<dyn Future<Output = Result<Traced<PushedImage>, Error>> + Send>>;

/// A push under way. Dropping it, as happens when the client leaves, cancels it.
struct Push {
    running: Option<Running>,
    progress: watch::Receiver<Option<PushProgress>>,
    lines: Lines,
    queue: VecDeque<Value>,
    reference: Reference,
}

impl Push {
    fn new(engine: Engine, request: PushImage, reference: Reference) -> Self {
        let (sender, progress) = watch::channel(None);
        Self {
            running: Some(Box::pin(
                async move { engine.push_image(request, sender).await },
            )),
            progress,
            lines: Lines::default(),
            queue: VecDeque::new(),
            reference,
        }
    }

    /// The next line; an error is the last.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(line) = self.queue.pop_front() {
                return Some(line);
            }
            let running = self.running.as_mut()?;
            tokio::select! {
                // What was reported last is told before the end is.
                biased;
                Ok(()) = self.progress.changed() => self.tell(),
                pushed = running => {
                    self.running = None;
                    self.tell();
                    self.finish(pushed);
                }
            }
        }
    }

    fn tell(&mut self) {
        if let Some(progress) = &*self.progress.borrow_and_update() {
            self.queue.extend(self.lines.advance(progress));
        }
    }

    fn finish(&mut self, pushed: Result<Traced<PushedImage>, Error>) {
        match pushed {
            Ok(pushed) => {
                let tag = self.reference.tag().unwrap_or(terrarium_oci::DEFAULT_TAG);
                self.queue
                    .extend(super::push_lines::done(tag, &pushed.value));
            }
            Err(error) => {
                let message = Failure::from(error).message;
                self.queue
                    .push_back(json!({ "errorDetail": { "message": message }, "error": message }));
            }
        }
    }
}
