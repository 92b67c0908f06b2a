//! `/containers/{name}/archive` and `/export`: files of a container as a tar.

use std::{io, time::Duration};

use axum::{
    body::{BodyDataStream, Bytes},
    extract::{Path, Request, State},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde_json::json;
use terrarium_api::{Error, ErrorCode};
use terrarium_engine::{PathStat, PutFiles, Whose};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::{
    error::{Failure, Result},
    request::Params,
    server::App,
    stream::ChannelWriter,
    time,
};

const STAT: &str = "x-docker-container-path-stat";
/// How much of a refused body is still taken, and for how long, so that its sender reads why.
const LEFTOVER: usize = 256 << 10;
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn stat(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response> {
    let path = params.required("path")?;
    let stat = app.engine.stat_path(&name, path).await;
    let stat = stat.map_err(|error| wording(&name, path, error))?;
    let mut response = Response::default();
    response.headers_mut().insert(STAT, shown(path, stat));
    Ok(response)
}

pub(super) async fn get(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response> {
    let path = params.required("path")?.to_owned();
    let (writer, pieces) = ChannelWriter::new();
    let failed = writer.clone();
    let (found, told) = oneshot::channel();
    let (container, from) = (name.clone(), path.clone());
    let reading = tokio::spawn(async move {
        let tell = move |stat| drop(found.send(stat));
        let whole = (from.as_str(), base(&from));
        app.engine.read_path(&container, whole, tell, writer).await
    });
    // Until it is known what is there, an error is the status of the answer.
    let Ok(stat) = told.await else {
        let error = match reading.await {
            Ok(Err(error)) => error,
            _ => Error::new(ErrorCode::Internal, "it was not told what is there"),
        };
        return Err(wording(&name, &path, error));
    };
    tokio::spawn(async move {
        if let Ok(read) = reading.await {
            break_off(failed, read, "an archive of files broke off").await;
        }
    });
    let mut response = tar(pieces);
    response.headers_mut().insert(STAT, shown(&path, stat));
    Ok(response)
}

pub(super) async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
    request: Request,
) -> Result<StatusCode> {
    let path = params.required("path")?;
    let how = PutFiles {
        whose: match params.flag("copyUIDGID") {
            true => Whose::Container,
            false => Whose::Tar,
        },
        keeps_kinds: params.flag("noOverwriteDirNonDir"),
    };
    let (pieces, passed_on) = pass_on(request.into_body().into_data_stream());
    let tar = SyncIoBridge::new(Box::pin(StreamReader::new(pieces)));
    let put = app.engine.write_path(&name, path, how, tar).await;
    // Whoever still sends would find the connection closed, and not the answer.
    let _ = tokio::time::timeout(PATIENCE, passed_on).await;
    put.map(|_| StatusCode::OK)
        .map_err(|error| wording(&name, path, error))
}

/// A body to read from; what nobody reads of it is taken in the background, up to [`LEFTOVER`].
fn pass_on(
    mut body: BodyDataStream,
) -> (
    impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    JoinHandle<()>,
) {
    let (sender, mut receiver) = mpsc::channel(4);
    let passed_on = tokio::spawn(async move {
        let mut left = LEFTOVER;
        while let Some(piece) = body.next().await {
            let length = piece.as_ref().map_or(LEFTOVER, Bytes::len);
            let unread = sender.send(piece.map_err(io::Error::other)).await.is_err();
            if unread && length >= left {
                return;
            }
            left -= if unread { length } else { 0 };
        }
    });
    (stream::poll_fn(move |at| receiver.poll_recv(at)), passed_on)
}

pub(super) async fn export(State(app): State<App>, Path(name): Path<String>) -> Result<Response> {
    // As long as nothing was sent, an error is the status of the answer.
    app.engine.inspect_container(&name).await?;
    let (writer, pieces) = ChannelWriter::new();
    let failed = writer.clone();
    tokio::spawn(async move {
        let written = app.engine.write_container(&name, writer).await.map(drop);
        break_off(failed, written, "an export broke off").await;
    });
    Ok(tar(pieces))
}

/// What a path is, in Docker's header.
fn shown(path: &str, stat: PathStat) -> HeaderValue {
    let shown = json!({
        "name": base(path),
        "size": stat.size_bytes,
        "mode": go_mode(stat.mode),
        "mtime": modified(&stat),
        "linkTarget": stat.link_target.unwrap_or_default(),
    });
    let encoded = BASE64_STANDARD.encode(shown.to_string());
    HeaderValue::from_str(&encoded).expect("base64 is a header")
}

/// The last name of a path, as Go's `filepath.Base` of what the client meant.
fn base(path: &str) -> &str {
    if path == "." || path.ends_with("/.") {
        return ".";
    }
    let mut names = path.split('/').filter(|name| !name.is_empty());
    match names.next_back() {
        None | Some("..") => "/",
        Some(name) => name,
    }
}

/// `st_mode` as Go's `os.FileMode`.
fn go_mode(mode: u32) -> u32 {
    let kind = match mode & 0o170_000 {
        0o040_000 => 1 << 31,
        0o120_000 => 1 << 27,
        0o060_000 => 1 << 26,
        0o020_000 => 1 << 26 | 1 << 21,
        0o010_000 => 1 << 25,
        0o140_000 => 1 << 24,
        _ => 0,
    };
    let bits = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    let special = bits.iter().filter(|(bit, _)| mode & bit != 0);
    kind | special.map(|(_, go)| go).sum::<u32>() | mode & 0o777
}

fn modified(stat: &PathStat) -> String {
    let (seconds, nanos) = stat.modified;
    let seconds = u64::try_from(seconds).unwrap_or_default();
    let ns = seconds.saturating_mul(1_000_000_000);
    time::from_ns(ns.saturating_add(nanos.into()))
}

/// Docker's own sentence, which clients know.
fn wording(name: &str, path: &str, error: Error) -> Failure {
    match error.code {
        ErrorCode::NoSuchFile => Failure::not_found(format!(
            "Could not find the file {path} in container {name}"
        )),
        ErrorCode::WrongState => Failure::new(StatusCode::FORBIDDEN, error.to_string()),
        _ => error.into(),
    }
}

fn tar(
    pieces: impl futures_util::Stream<Item = io::Result<bytes::Bytes>> + Send + 'static,
) -> Response {
    let mut response = Response::new(axum::body::Body::from_stream(pieces));
    let kind = HeaderValue::from_static("application/x-tar");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Clients see a body that breaks off; the reason is in the host's log.
async fn break_off(writer: ChannelWriter, written: Result<(), Error>, what: &'static str) {
    if let Err(error) = written {
        tracing::warn!(%error, "{what}");
        writer.break_off(io::Error::other(error)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_of_a_path_is_go_s() {
        for (path, expect) in [
            ("/etc/passwd", "passwd"),
            ("/etc/", "etc"),
            ("/etc/.", "."),
            ("/", "/"),
            ("/..", "/"),
            ("etc", "etc"),
        ] {
            assert_eq!(base(path), expect, "{path}");
        }
    }

    #[test]
    fn modes_are_told_in_go_s_bits() {
        assert_eq!(go_mode(0o100_644), 0o644);
        assert_eq!(go_mode(0o040_755), 1 << 31 | 0o755);
        assert_eq!(go_mode(0o120_777), 1 << 27 | 0o777);
        assert_eq!(go_mode(0o104_755), 1 << 23 | 0o755);
        assert_eq!(go_mode(0o041_777), 1 << 31 | 1 << 20 | 0o777);
        assert_eq!(go_mode(0o020_666), 1 << 26 | 1 << 21 | 0o666);
    }
}
