//! `POST /build?version=2`: BuildKit's progress in the lines of Docker's own stream.

use std::{fs::File, pin::Pin};

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::stream;
use serde_json::{Value, json};
use terrarium_api::{Error, ErrorCode};
use terrarium_buildkit::messages::StatusResponse;
use terrarium_engine::{BuildImage, Built};
use tokio::sync::mpsc;

use super::{
    Cancelable,
    outputs::outputs,
    work::{self, Job},
};
use crate::{
    error::{Failure, Result},
    request::Params,
    server::App,
    stream::json_lines,
};

/// Messages that a slow client may fall behind before the build waits for it.
const AHEAD: usize = 64;
/// What the name of an archive begins with, and what a build says that is to use it.
const UPLOAD: &str = "upload-request";

/// Takes an archive for a build that is asked for elsewhere; nothing for any other request.
pub(crate) fn upload(app: &App, params: &Params) -> Option<impl FnOnce(File) + use<>> {
    let id = params.text("buildid")?.strip_prefix(UPLOAD)?;
    let id = id.strip_prefix(':')?.to_owned();
    let uploads = app.buildkit.uploads.clone();
    Some(move |file| uploads.put(id, file))
}

/// Builds what a session brings.
pub(crate) fn build(app: App, params: &Params, request: BuildImage) -> Result<Response> {
    let uploaded = match params.text("remote") {
        Some(UPLOAD) => true,
        None | Some("client-session") => false,
        Some(_) => return Err(Failure::not_built("building from an address")),
    };
    let job = Job {
        id: params.text("buildid").unwrap_or_default().to_owned(),
        session: params.required("session")?.to_owned(),
        uploaded,
        folders: Default::default(),
        wanted: outputs(params)?,
        request,
    };
    let (to, messages) = mpsc::channel(AHEAD);
    let cancelable = app.buildkit.cancelable(&job.id);
    let token = cancelable.token.clone();
    let closing = app.closing.clone();
    let running = Box::pin(async move {
        let canceled = || Error::new(ErrorCode::Canceled, "canceled");
        let work = token.run_until_cancelled(work::run(app, job, to)).await;
        work.unwrap_or_else(|| Err(canceled()))
    });
    let lines = Lines {
        running: Some(running),
        messages,
        last: Vec::new(),
        quiet: params.flag("q"),
        _cancelable: cancelable,
    };
    let lines = stream::unfold(lines, |mut lines| async {
        let line = lines.next().await?;
        Some((line, lines))
    });
    Ok(json_lines(closing, lines))
}

type Running = Pin<Box<dyn Future<Output = Result<Built, Error>> + Send>>;

/// A build under way. Dropping it, as happens when the client leaves, cancels it.
struct Lines {
    running: Option<Running>,
    messages: mpsc::Receiver<StatusResponse>,
    /// The end, backwards.
    last: Vec<Value>,
    quiet: bool,
    _cancelable: Cancelable,
}

impl Lines {
    async fn next(&mut self) -> Option<Value> {
        while let Some(running) = &mut self.running {
            tokio::select! {
                biased;
                Some(message) = self.messages.recv() => return Some(trace(&message)),
                built = running => {
                    self.running = None;
                    self.last = end(built, self.quiet);
                }
            }
        }
        match self.messages.recv().await {
            Some(message) => Some(trace(&message)),
            None => self.last.pop(),
        }
    }
}

fn trace(message: &StatusResponse) -> Value {
    let bytes = prost::Message::encode_to_vec(message);
    json!({ "id": "moby.buildkit.trace", "aux": STANDARD.encode(bytes) })
}

fn end(built: Result<Built, Error>, quiet: bool) -> Vec<Value> {
    match built {
        Ok(image) => {
            // A client that shows nothing else shows this.
            let line = quiet.then(|| json!({ "stream": format!("{}\n", image.id) }));
            let id = json!({ "id": "moby.image.id", "aux": { "ID": image.id } });
            line.into_iter().chain([id]).collect()
        }
        Err(error) => {
            let Failure { message, .. } = error.into();
            vec![json!({ "errorDetail": { "message": message }, "error": message })]
        }
    }
}
