//! `GET /images/get` and `POST /images/load`: images as one tar.

use std::io;

use axum::{extract::Request, response::Response};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use terrarium_api::LoadedImage;
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::{
    error::{Failure, Result},
    server::App,
    stream::{ChannelWriter, json_lines},
};

/// Writes images into the answer while they are read.
pub(super) async fn save(app: App, names: Vec<String>) -> Result<Response> {
    if names.is_empty() {
        return Err(Failure::bad_request("missing parameter: names"));
    }
    // As long as nothing was sent, an error is the status of the answer.
    app.engine.can_save(names.clone()).await?;
    let (writer, pieces) = ChannelWriter::new();
    let failed = writer.clone();
    tokio::spawn(async move {
        if let Err(error) = app.engine.write_archive(names, writer).await {
            // Clients see a body that breaks off; the reason is in the host's log.
            tracing::warn!(%error, "an archive of images broke off");
            failed.break_off(io::Error::other(error)).await;
        }
    });
    let mut response = Response::new(axum::body::Body::from_stream(pieces));
    let kind = http::HeaderValue::from_static("application/x-tar");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, kind);
    Ok(response)
}

/// Takes in the images of the body.
pub(super) async fn load(app: App, request: Request) -> Result<Response> {
    let pieces = request.into_body().into_data_stream();
    let pieces = pieces.map(|piece| piece.map_err(io::Error::other));
    let reader = SyncIoBridge::new(Box::pin(StreamReader::new(pieces)));
    let loaded = app.engine.read_archive(reader).await?.value;
    let lines: Vec<Value> = loaded.iter().flat_map(lines).collect();
    Ok(json_lines(app.closing, stream::iter(lines)))
}

fn lines(image: &LoadedImage) -> Vec<Value> {
    let line = |text: String| json!({ "stream": text });
    match image.references.as_slice() {
        [] => vec![line(format!("Loaded image ID: {}\n", image.id))],
        names => names
            .iter()
            .map(|name| line(format!("Loaded image: {name}\n")))
            .collect(),
    }
}
