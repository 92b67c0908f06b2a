//! A build for a client of BuildKit, from its files to its image.

use std::collections::BTreeMap;

use terrarium_api::{Error, ErrorCode};
use terrarium_buildkit::{Agents, messages::StatusResponse};
use terrarium_engine::{Asked, BuildImage, Built, GivenDockerfile};
use tokio::sync::mpsc;

use super::{
    gather,
    outputs::{Wanted, destinations},
    progress::Progress,
};
use crate::server::App;

/// Events that a slow client may fall behind before the build waits for it.
const AHEAD: usize = 1024;

/// A build that a client asks for.
pub(super) struct Job {
    /// Its name to the client.
    pub(super) id: String,
    /// The session that answers.
    pub(super) session: String,
    /// Whether its files come in a request of their own.
    pub(super) uploaded: bool,
    /// Folders of the client that stand for images or stages: the name in the Dockerfile, and the client's.
    pub(super) folders: BTreeMap<String, String>,
    /// What becomes of the result; an image when empty.
    pub(super) wanted: Vec<Wanted>,
    pub(super) request: BuildImage,
}

/// Builds, and tells how it goes on. Dropping the future ends the build.
pub(super) async fn run(
    app: App,
    job: Job,
    to: mpsc::Sender<StatusResponse>,
) -> Result<Built, Error> {
    let mut progress = Progress::new(format!("{} {}", job.id, job.session), to);
    let tags = job.request.tags.clone();
    let built = match Box::pin(gathered(&app, job, &progress)).await {
        Ok((request, agents)) => {
            let built = Box::pin(build(&app, request, &mut progress)).await;
            drop(agents);
            built
        }
        Err(error) => Err(error),
    };
    progress.finish(&built, &tags).await;
    built
}

async fn gathered(app: &App, job: Job, progress: &Progress) -> Result<(BuildImage, Agents), Error> {
    let told = |error| gather::told(&error);
    let mut request = job.request;
    let session = app
        .buildkit
        .sessions
        .get(&job.session)
        .await
        .map_err(told)?;
    if job.uploaded {
        let file = app.buildkit.uploads.take(&job.id).await;
        request.context = Some(file.ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidArgument,
                "the archive with the files never came",
            )
        })?);
    } else {
        let contexts = &app.buildkit.contexts;
        gather::files(&session, &mut request, contexts, progress).await?;
    }
    for named in job.folders {
        let contexts = &app.buildkit.contexts;
        gather::named(&session, &mut request, named, contexts, progress).await?;
    }
    // Of a client that has asked for nothing, the engine knows what is usual.
    if request.outputs.is_empty() {
        request.outputs = destinations(&session, &job.wanted);
    }
    let mut asked = asked(&request).await;
    asked.contexts(&request.contexts);
    asked.caches(&request);
    if job.wanted.contains(&Wanted::Image { push: true }) {
        asked.images(&request.tags);
    }
    let agents = gather::asked(&session, &mut request, asked, &app.engine.build_scratch()).await;
    Ok((request, agents.map_err(told)?))
}

/// What a Dockerfile asks for. Where it cannot be read, the build says why.
async fn asked(request: &BuildImage) -> Asked {
    if let Some(given) = &request.given {
        return given.asks(&request.arguments);
    }
    let copies = request.context.as_ref().and_then(|context| {
        let copies = (context.try_clone().ok()?, context.try_clone().ok()?);
        Some(copies)
    });
    let Some((beside, rules)) = copies else {
        return Asked::default();
    };
    let read = GivenDockerfile::read(beside, rules, request.dockerfile.clone());
    let given = read.await;
    given.map_or_else(|_| Asked::default(), |given| given.asks(&request.arguments))
}

async fn build(app: &App, request: BuildImage, progress: &mut Progress) -> Result<Built, Error> {
    let (sender, mut events) = mpsc::channel(AHEAD);
    let mut building = Box::pin(app.engine.build_image(request, sender));
    let built = loop {
        tokio::select! {
            // What was reported last is told before the end is.
            biased;
            Some(event) = events.recv() => progress.event(event).await,
            built = &mut building => break built,
        }
    };
    while let Ok(event) = events.try_recv() {
        progress.event(event).await;
    }
    built
}
