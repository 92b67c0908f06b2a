//! `/containers/{name}/exec` and `/exec`: more processes in a running container.

use std::time::Duration;

use axum::{
    Json,
    extract::{Extension, FromRequest as _, Path, Request, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use hyper::upgrade::OnUpgrade;
use serde_json::{Value, json};
use terrarium_api::{Error, ErrorCode, ExecDetail, ExecRequest};
use terrarium_engine::StartExec;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::io::StreamReader;

use super::{create::Words, lifecycle::size};
use crate::{
    error::{Failure, Result},
    request::{ApiVersion, Body, Params, json_body},
    server::App,
    stream::{DetachKeys, Hijack, Source, Wires, frame},
};

json_body! {
    /// The body of a creation.
    struct CreateBody {
        user: String,
        privileged: bool,
        tty: bool,
        attach_stdin: bool,
        // As docker-py writes it; Docker's own reader does not mind.
        #[serde(alias = "detachKeys")]
        detach_keys: String,
        env: Vec<String>,
        working_dir: String,
        cmd: Option<Words>,
    }

    /// The body of a start.
    struct StartBody {
        detach: bool,
        tty: bool,
        console_size: Option<[u16; 2]>,
    }
}

pub(super) async fn create(
    State(app): State<App>,
    Path(container): Path<String>,
    body: Body<CreateBody>,
) -> Result<Response> {
    let request = translate(container, body.required()?)?;
    let name = request.container.clone();
    let created = app
        .engine
        .create_exec(request)
        .await
        .map_err(|error| match error.code {
            ErrorCode::WrongState => Failure::conflict(wrong_state(&name, &error)),
            _ => error.into(),
        })?;
    Ok((StatusCode::CREATED, Json(json!({ "Id": created.id }))).into_response())
}

/// Compose and testcontainers look for "is not running".
fn wrong_state(container: &str, error: &Error) -> String {
    match error.message.contains("paused") {
        true => format!("container {container} is paused, unpause the container before exec"),
        false => format!("container {container} is not running"),
    }
}

fn translate(container: String, body: CreateBody) -> Result<ExecRequest> {
    let command = body.cmd.map(|words| words.0).unwrap_or_default();
    if command.is_empty() {
        return Err(Failure::bad_request("No exec command specified"));
    }
    DetachKeys::parse(Some(&body.detach_keys))?;
    Ok(ExecRequest {
        container,
        command,
        env: body.env,
        working_dir: Some(body.working_dir).filter(|dir| !dir.is_empty()),
        user: Some(body.user).filter(|user| !user.is_empty()),
        terminal: body.tty,
        stdin: body.attach_stdin,
        privileged: body.privileged,
        detach_keys: Some(body.detach_keys).filter(|keys| !keys.is_empty()),
    })
}

pub(super) async fn start(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(version): Extension<ApiVersion>,
    request: Request,
) -> Result<Response> {
    let (body, request) = take_body(request).await?;
    let exec = app.engine.inspect_exec(&id).await?;
    let start = StartExec {
        size: body
            .console_size
            .map(|[rows, cols]| (rows, cols))
            .filter(|size| size.0 > 0 && size.1 > 0),
        detach: body.detach,
    };
    let wires = match app.engine.start_exec(&id, start).await {
        Ok(Some(attached)) => Wires {
            terminal: attached.terminal,
            raw: body.tty,
            output: Box::pin(attached.output.chain(until_exit(&app, &id))),
            input: exec.request.stdin.then(|| Box::pin(attached.input) as _),
            detach: DetachKeys::parse(exec.request.detach_keys.as_deref())?,
        },
        Ok(None) => return Ok(StatusCode::OK.into_response()),
        // Docker answers first and starts then: the reason is the process's first and last output,
        // and the client asks for the exit code afterwards.
        Err(error) if !body.detach && is_about_the_command(&error) => {
            last_words(&exec, error, body.tty)?
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Hijack::of(request, version).respond(wires, app.closing))
}

/// The small JSON body in front of the stream.
async fn take_body(request: Request) -> Result<(StartBody, Request)> {
    let (mut parts, body) = request.into_parts();
    // Cannot be cloned, and must not be lost with the body.
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let body = Body::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    if let Some(upgrade) = upgrade {
        parts.extensions.insert(upgrade);
    }
    let request = Request::from_parts(parts, axum::body::Body::empty());
    Ok((body.0.unwrap_or_default(), request))
}

/// Nothing more to read, but only when the exit code is known: clients ask for it as soon as the
/// stream ends. A process that closed its output and goes on is not waited for.
fn until_exit(app: &App, id: &str) -> impl AsyncRead + Send + use<> {
    const NO_LONGER_THAN: Duration = Duration::from_secs(2);
    let (engine, id) = (app.engine.clone(), id.to_owned());
    let exit = stream::once(async move {
        let _ = tokio::time::timeout(NO_LONGER_THAN, engine.exec_exit(&id)).await;
        Ok::<_, std::io::Error>(Bytes::new())
    });
    StreamReader::new(Box::pin(exit))
}

fn is_about_the_command(error: &Error) -> bool {
    matches!(
        error.code,
        ErrorCode::CommandNotFound | ErrorCode::CommandNotExecutable
    )
}

fn last_words(exec: &ExecDetail, error: Error, raw: bool) -> Result<Wires> {
    let text = format!(
        "OCI runtime exec failed: {}\r\n",
        Failure::from(error).message
    );
    let framed = frame(Source::Stdout, text.as_bytes());
    Ok(Wires {
        terminal: exec.request.terminal,
        raw,
        output: Box::pin(std::io::Cursor::new(framed)),
        input: None,
        detach: DetachKeys::parse(None)?,
    })
}

pub(super) async fn resize(
    State(app): State<App>,
    Path(id): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    let (rows, cols) = size(&params)?;
    app.engine.resize_exec(&id, rows, cols).await?;
    Ok(StatusCode::OK)
}

pub(super) async fn inspect(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>> {
    Ok(Json(show(&app.engine.inspect_exec(&id).await?)))
}

fn show(exec: &ExecDetail) -> Value {
    let request = &exec.request;
    let (program, arguments) = request
        .command
        .split_first()
        .map_or(("", &[][..]), |(program, rest)| (program.as_str(), rest));
    json!({
        "ID": exec.id,
        "Running": exec.running,
        "ExitCode": exec.exit_code,
        "ProcessConfig": {
            "tty": request.terminal,
            "entrypoint": program,
            "arguments": arguments,
            "privileged": request.privileged,
            "user": request.user,
        },
        "OpenStdin": request.stdin,
        "OpenStderr": true,
        "OpenStdout": true,
        "CanRemove": false,
        "ContainerID": exec.container,
        "DetachKeys": request.detach_keys.as_deref().unwrap_or_default(),
        "Pid": exec.pid.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_exec_is_read() {
        let body = r#"{"User":"5","Privileged":false,"Tty":false,"AttachStdin":false,
            "AttachStderr":true,"AttachStdout":true,"Detach":false,"DetachKeys":"","Env":["A=1"],
            "WorkingDir":"/","Cmd":["ls"]}"#;
        let request = translate(
            "web".into(),
            serde_json::from_str(body).expect("it is valid"),
        );
        let expect = ExecRequest {
            container: "web".into(),
            command: vec!["ls".into()],
            env: vec!["A=1".into()],
            working_dir: Some("/".into()),
            user: Some("5".into()),
            terminal: false,
            stdin: false,
            privileged: false,
            detach_keys: None,
        };
        assert_eq!(request, Ok(expect));
    }

    #[test]
    fn an_exec_without_command_is_refused() {
        for body in ["{}", r#"{"Cmd":null}"#, r#"{"Cmd":[]}"#] {
            let body = serde_json::from_str(body).expect("it is valid");
            assert!(translate("web".into(), body).is_err());
        }
    }
}
