//! `POST /images/create?fromSrc=-`: an image of a tar.

use std::io;

use axum::{extract::Request, response::Response};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use terrarium_api::ImportImage;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::manage::joined;
use crate::{
    containers::changes,
    error::{Failure, Result},
    request::Params,
    server::App,
    stream::json_lines,
};

pub(super) async fn import(app: App, params: &Params, request: Request) -> Result<Response> {
    if params.required("fromSrc")? != "-" {
        let text = "an archive is not fetched from an address: download it, and import the file";
        return Err(Failure::bad_request(text));
    }
    let import = ImportImage {
        path: "-".to_owned(),
        reference: params
            .text("repo")
            .map(|repository| joined(repository, params.text("tag"))),
        comment: params.text("message").map(str::to_owned),
        changes: changes(params),
        platform: params.text("platform").map(str::to_owned),
    };
    let pieces = request.into_body().into_data_stream();
    let pieces = pieces.map(|piece| piece.map_err(io::Error::other));
    let tar = SyncIoBridge::new(Box::pin(StreamReader::new(pieces)));
    let image = app.engine.import_tar(tar, import).await?.value;
    let line = json!({ "status": image.id });
    Ok(json_lines(app.closing, stream::iter([line])))
}
