//! `POST /containers/{name}/attach`: the streams of a main process.

use axum::{
    extract::{Extension, Path, Request, State},
    response::Response,
};
use bytes::BytesMut;
use terrarium_api::{ContainerName, LogQuery, LogStream};
use terrarium_engine::AttachContainer;
use tokio::io::AsyncReadExt as _;

use crate::{
    error::Result,
    request::{ApiVersion, Params},
    server::App,
    stream::{DetachKeys, Hijack, Source, Wires, frame},
};

pub(super) async fn attach(
    State(app): State<App>,
    Path(container): Path<String>,
    Extension(version): Extension<ApiVersion>,
    params: Params,
    request: Request,
) -> Result<Response> {
    let wires = wires(&app, container, &params).await?;
    Ok(Hijack::of(request, version).respond(wires, app.closing))
}

async fn wires(app: &App, container: String, params: &Params) -> Result<Wires> {
    let detach = DetachKeys::parse(params.text("detachKeys"))?;
    let stream = params.flag("stream");
    let stdin = stream && params.flag("stdin");
    let (stdout, stderr) = (params.flag("stdout"), params.flag("stderr"));
    let name = ContainerName { container };
    // Attached before the log is read: a line may come twice, but none is missed.
    let attached = app
        .engine
        .attach_container(AttachContainer {
            container: name.container.clone(),
            stdin,
            stdout,
            stderr,
        })
        .await?;
    let past = match params.flag("logs") {
        true => past(app, name, stdout, stderr).await?,
        false => BytesMut::new(),
    };
    let past = std::io::Cursor::new(past.freeze());
    Ok(Wires {
        terminal: attached.terminal,
        raw: attached.terminal,
        output: match stream {
            true => Box::pin(past.chain(attached.output)),
            false => Box::pin(past),
        },
        input: stdin.then(|| Box::pin(attached.input) as _),
        detach,
    })
}

/// Everything that was written so far, in frames.
async fn past(app: &App, name: ContainerName, stdout: bool, stderr: bool) -> Result<BytesMut> {
    let query = LogQuery {
        container: name.container,
        follow: false,
        tail: None,
        since_ns: None,
        until_ns: None,
        stdout,
        stderr,
    };
    let mut batches = app.engine.logs(query).await?;
    let mut frames = BytesMut::new();
    while let Some(batch) = batches.recv().await {
        for line in batch?.lines {
            frames.extend_from_slice(&frame(source(line.stream), line.text.as_bytes()));
        }
    }
    Ok(frames)
}

pub(super) fn source(stream: LogStream) -> Source {
    match stream {
        LogStream::Stdout => Source::Stdout,
        LogStream::Stderr => Source::Stderr,
    }
}
