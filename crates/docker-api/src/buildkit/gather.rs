//! What a build needs of the client that asked for it.

use std::{fs::File, path::Path, sync::Arc};

use terrarium_api::{Credentials, Error, ErrorCode};
use terrarium_buildkit::{
    Agents, Session,
    context::{Received, Wish, receive},
};
use terrarium_engine::{Asked, BuildImage, GivenContext, GivenDockerfile, left_out};

use super::{contexts::Contexts, progress::Progress};

/// How BuildKit's clients call Docker Hub.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// Receives the Dockerfile, what it leaves out, and the files that are left.
pub(super) async fn files(
    session: &Session,
    request: &mut BuildImage,
    contexts: &Contexts,
    progress: &Progress,
) -> Result<(), Error> {
    let name = match request.dockerfile.as_str() {
        "" => "Dockerfile".to_owned(),
        name => name.to_owned(),
    };
    let wish = Wish {
        folder: "dockerfile".to_owned(),
        only: vec![name.clone(), format!("{name}.dockerignore")],
        not: Vec::new(),
    };
    let title = format!("load build definition from {name}");
    let dockerfile = transfer(session, &wish, &title, None, progress).await?;
    let wish = Wish {
        folder: "context".to_owned(),
        only: vec![".dockerignore".to_owned()],
        not: Vec::new(),
    };
    let rules = transfer(session, &wish, "load .dockerignore", None, progress).await?;
    let given = GivenDockerfile::read(dockerfile, rules, name).await?;
    let wish = Wish {
        folder: "context".to_owned(),
        only: Vec::new(),
        not: given.left_out(),
    };
    let title = "load build context";
    let context = transfer(session, &wish, title, Some(contexts), progress).await?;
    request.context = Some(context);
    request.given = Some(given);
    Ok(())
}

/// Receives a folder of the client that stands for an image or a stage.
pub(super) async fn named(
    session: &Session,
    request: &mut BuildImage,
    (name, folder): (String, String),
    contexts: &Contexts,
    progress: &Progress,
) -> Result<(), Error> {
    let mut wish = Wish {
        folder,
        only: vec![".dockerignore".to_owned()],
        not: Vec::new(),
    };
    let title = format!("[context {name}] load .dockerignore");
    let rules = transfer(session, &wish, &title, None, progress).await?;
    wish.only.clear();
    wish.not = left_out(rules).await?;
    let title = format!("[context {name}] load from client");
    let files = transfer(session, &wish, &title, Some(contexts), progress).await?;
    request.contexts.insert(name, GivenContext::Files(files));
    Ok(())
}

/// Receives files; with `contexts` only what has changed.
async fn transfer(
    session: &Session,
    wish: &Wish,
    title: &str,
    contexts: Option<&Contexts>,
    progress: &Progress,
) -> Result<File, Error> {
    let title = match title.starts_with('[') {
        true => title.to_owned(),
        false => format!("[internal] {title}"),
    };
    let vertex = progress.begin(&title).await;
    let before = contexts.and_then(|contexts| contexts.take(session, &wish.folder));
    match receive(session, wish, before).await {
        Ok(Received { tar, bytes, kept }) => {
            if let Some(contexts) = contexts {
                contexts.put(session, &wish.folder, kept);
            }
            let part = format!("transferring {}:", wish.folder);
            progress.part(&vertex, part, bytes).await;
            progress.end(vertex, None).await;
            Ok(tar)
        }
        Err(error) => {
            let error = told(&error);
            let cause = error.causes.last().unwrap_or(&error.message).clone();
            progress.end(vertex, Some(&cause)).await;
            Err(error)
        }
    }
}

/// Asks for secrets, agents and sign-ins. The agents are forwarded as long as the answer is kept.
pub(super) async fn asked(
    session: &Arc<Session>,
    request: &mut BuildImage,
    asked: Asked,
    scratch: &Path,
) -> Result<Agents, terrarium_buildkit::Error> {
    for id in asked.secrets {
        if let Some(secret) = session.secret(&id).await? {
            request.secrets.insert(id, secret);
        }
    }
    let mut agents = Agents::within(scratch)?;
    for id in asked.agents {
        if session.has_agent(&id).await {
            let socket = agents.forward(session, &id)?;
            request.agents.insert(id, socket);
        }
    }
    for registry in asked.registries {
        let host = if registry == HUB.0 { HUB.1 } else { &registry };
        // Without a sign-in what is public is still there.
        if let Ok(Some(found)) = session.credentials(host).await {
            let username = match found.username.as_str() {
                "" => "<token>".to_owned(),
                name => name.to_owned(),
            };
            let password = found.secret;
            let credentials = Credentials { username, password };
            request.credentials.insert(registry, credentials);
        }
    }
    Ok(agents)
}

/// A failure of the client, in the words of the contract.
pub(super) fn told(error: &terrarium_buildkit::Error) -> Error {
    Error::new(
        ErrorCode::InvalidArgument,
        "receive what the build needs from the client",
    )
    .because(error)
}
