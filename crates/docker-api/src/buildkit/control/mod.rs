//! `POST /grpc`: BuildKit's control, for clients that direct their builds themselves, as buildx does.

mod cache;
mod gateway;
mod options;
mod solves;
mod workers;

use axum::{
    extract::{Request, State},
    response::Response,
};
use hyper_util::rt::TokioIo;
use terrarium_api::{Error, ErrorCode};
use terrarium_buildkit::{
    grpc::{Incoming, Status, serve},
    messages::{PongResponse, SolveRequest, StatusRequest},
};

pub(super) use self::solves::Solves;
use super::session::{switching, taken_over};
use crate::{
    error::{Failure, Result},
    server::App,
};

const CONTROL: &str = "/moby.buildkit.v1.Control/";
const GATEWAY: &str = "/moby.buildkit.v1.frontend.LLBBridge/";

/// What a call gives.
type Answer<T> = std::result::Result<T, Status>;

pub(super) async fn grpc(State(app): State<App>, mut request: Request) -> Result<Response> {
    let upgrade = taken_over(&mut request)?;
    tokio::spawn(async move {
        let Ok(connection) = upgrade.await else {
            return;
        };
        let closing = app.closing.clone();
        let answered = serve(TokioIo::new(connection), closing, move |call| {
            answer(app.clone(), call)
        });
        if let Err(error) = answered.await {
            tracing::debug!(%error, "a client of BuildKit's control broke off");
        }
    });
    Ok(switching())
}

async fn answer(app: App, call: Incoming) {
    let method = call.method.clone();
    if let Some(method) = method.strip_prefix(CONTROL) {
        control(app, call, method).await;
    } else if let Some(method) = method.strip_prefix(GATEWAY) {
        gateway(app, call, method).await;
    } else {
        refuse(call).await;
    }
}

async fn control(app: App, mut call: Incoming, method: &str) {
    match method {
        "Solve" => {
            let asked = question::<SolveRequest>(&mut call).await;
            call.reply(async { gateway::solve(app, asked?).await })
                .await;
        }
        "Status" => {
            let asked = question::<StatusRequest>(&mut call).await;
            call.stream(|_, outgoing| async move {
                let mut told = app.buildkit.solves.status(&asked?.reference).await?;
                while let Some(message) = told.recv().await {
                    outgoing.send(&message).await;
                }
                Ok(())
            })
            .await;
        }
        "ListWorkers" => call.reply(async { Ok(workers::list()) }).await,
        "Info" => call.reply(async { Ok(workers::info()) }).await,
        "DiskUsage" => call.reply(cache::usage(app)).await,
        "Prune" => {
            let asked = question(&mut call).await;
            call.stream(|_, outgoing| async move {
                let record = cache::prune(app, asked?).await?;
                outgoing.send(&record).await;
                Ok(())
            })
            .await;
        }
        _ => refuse(call).await,
    }
}

async fn gateway(app: App, mut call: Incoming, method: &str) {
    let id = call.metadata.get("buildkit-controlapi-buildid");
    let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
    let solve = app.buildkit.solves.get(id).await;
    match method {
        "Ping" => {
            let pong = async { solve.map(|_| -> PongResponse { workers::pong() }) };
            call.reply(pong).await;
        }
        "Solve" => {
            let asked = question(&mut call).await;
            call.reply(async {
                let solve = solve?;
                gateway::build(app, &solve, asked?).await
            })
            .await;
        }
        "Return" => {
            let asked = question(&mut call).await;
            call.reply(async {
                let solve = solve?;
                gateway::returned(&solve, asked?)
            })
            .await;
        }
        _ => refuse(call).await,
    }
}

async fn question<M: prost::Message + Default>(call: &mut Incoming) -> Answer<M> {
    let asked = call.question().await;
    asked.map_err(|error| Status::new(Status::INVALID_ARGUMENT, error.to_string()))
}

async fn refuse(call: Incoming) {
    let text = format!("{} is not supported by Terrarium", call.method);
    let status = Status::new(Status::UNIMPLEMENTED, text);
    call.stream(|_, _| async { Err(status) }).await;
}

/// An error of the engine as a call ends with it.
fn status(error: Error) -> Status {
    let code = match error.code {
        ErrorCode::Canceled => Status::CANCELED,
        ErrorCode::InvalidArgument => Status::INVALID_ARGUMENT,
        ErrorCode::Unsupported => Status::UNIMPLEMENTED,
        _ => Status::UNKNOWN,
    };
    Status::new(code, Failure::from(error).message)
}
