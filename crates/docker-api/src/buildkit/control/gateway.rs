//! A build that a client directs: it asks for the work, and says when it is done.

use std::{collections::HashMap, sync::PoisonError};

use terrarium_buildkit::{
    grpc::Status,
    messages::{
        Empty, FrontendRequest, FrontendResponse, FrontendResult, ReturnRequest, SolveRequest,
        SolveResponse, Tree,
    },
};

use terrarium_engine::Built;

use super::{Answer, options, solves::Solve, status};
use crate::{
    buildkit::work::{self, Job},
    server::App,
};

/// Begins a build, and ends when its client says so.
pub(super) async fn solve(app: App, request: SolveRequest) -> Answer<SolveResponse> {
    let begun = app.buildkit.solves.begin(request);
    let solve = &*begun.solve;
    if solve.request.frontend.is_empty() {
        solve.ended().await?;
    } else {
        let asked = FrontendRequest {
            frontend: solve.request.frontend.clone(),
            attributes: solve.request.frontend_attributes.clone(),
            definition: None,
        };
        build(app, solve, asked).await?;
    }
    let built = solve.built.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(SolveResponse {
        exporter: built.as_ref().map(exported).unwrap_or_default(),
    })
}

/// What clients write into their files: the image is known here by its config.
fn exported(built: &Built) -> HashMap<String, String> {
    let keys = ["containerimage.digest", "containerimage.config.digest"];
    keys.map(|key| (key.to_owned(), built.id.clone())).into()
}

/// Builds what a client asks for.
pub(super) async fn build(
    app: App,
    solve: &Solve,
    asked: FrontendRequest,
) -> Answer<FrontendResponse> {
    let (request, wanted) = options::read(&solve.request, &asked)?;
    let job = Job {
        id: solve.request.reference.clone(),
        session: solve.request.session.clone(),
        uploaded: false,
        folders: options::folders(&asked),
        wanted,
        request,
    };
    let built = Box::pin(work::run(app, job, solve.progress())).await;
    let built = built.map_err(status)?;
    let tree = Tree {
        id: built.id.clone(),
    };
    *solve.built.lock().unwrap_or_else(PoisonError::into_inner) = Some(built);
    Ok(FrontendResponse {
        result: Some(FrontendResult {
            tree: Some(tree),
            metadata: HashMap::new(),
        }),
    })
}

/// The client is done, with a result or without.
pub(super) fn returned(solve: &Solve, asked: ReturnRequest) -> Answer<Empty> {
    solve.end(match asked.error {
        None => Ok(()),
        Some(error) => {
            let code = u32::try_from(error.code).unwrap_or(Status::UNKNOWN);
            Err(Status::new(code, error.message))
        }
    });
    Ok(Empty {})
}
