//! `POST /commit` and `GET /containers/{name}/changes`.

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use serde_json::{Value, json};
use terrarium_api::{CommitContainer, FileChange};
use terrarium_oci::ExecConfig;

use crate::{
    error::Result,
    images::joined,
    request::{Body, Params},
    server::App,
};

pub(super) async fn commit(
    State(app): State<App>,
    params: Params,
    body: Body<ExecConfig>,
) -> Result<(StatusCode, Json<Value>)> {
    let text = |name: &str| params.text(name).map(str::to_owned);
    let request = CommitContainer {
        container: params.required("container")?.to_owned(),
        reference: params
            .text("repo")
            .map(|repo| joined(repo, params.text("tag"))),
        author: text("author"),
        comment: text("comment"),
        changes: changes(&params),
        keep_running: !params.flag_or("pause", "1"),
    };
    let over = body.0.unwrap_or_default();
    let settings = |own| Ok(merged(own, over));
    let image = app.engine.commit_with(request, settings).await?.value;
    Ok((StatusCode::CREATED, Json(json!({ "Id": image.id }))))
}

/// Instructions of a Dockerfile, one or several to a parameter.
pub(crate) fn changes(params: &Params) -> Vec<String> {
    params.all("changes").map(str::to_owned).collect()
}

/// What the body sets comes over what the container has.
fn merged(own: ExecConfig, over: ExecConfig) -> ExecConfig {
    fn pick<T: Default + PartialEq>(over: T, own: T) -> T {
        match over == T::default() {
            true => own,
            false => over,
        }
    }
    let name = |entry: &String| entry.split('=').next().unwrap_or_default().to_owned();
    let set: Vec<String> = over.env.iter().map(name).collect();
    let kept = own
        .env
        .into_iter()
        .filter(|entry| !set.contains(&name(entry)));
    let env = kept.chain(over.env).collect();
    let cmd = match over.entrypoint.is_empty() {
        true => pick(over.cmd, own.cmd),
        false => over.cmd,
    };
    let mut labels = own.labels;
    labels.extend(over.labels);
    ExecConfig {
        user: pick(over.user, own.user),
        exposed_ports: own
            .exposed_ports
            .into_iter()
            .chain(over.exposed_ports)
            .collect(),
        env,
        entrypoint: pick(over.entrypoint, own.entrypoint),
        cmd,
        volumes: own.volumes.into_iter().chain(over.volumes).collect(),
        working_dir: pick(over.working_dir, own.working_dir),
        labels,
        stop_signal: over.stop_signal.or(own.stop_signal),
        stop_timeout: over.stop_timeout.or(own.stop_timeout),
        healthcheck: over.healthcheck.or(own.healthcheck),
        on_build: pick(over.on_build, own.on_build),
        shell: pick(over.shell, own.shell),
        args_escaped: own.args_escaped,
    }
}

pub(super) async fn list_changes(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<Option<Vec<Value>>>> {
    let changes = app.engine.all_changes(&name).await?;
    let shown = changes.into_iter().map(|(path, change)| {
        let kind = match change {
            FileChange::Modified | FileChange::Same => 0,
            FileChange::Added => 1,
            FileChange::Deleted => 2,
        };
        json!({ "Path": String::from_utf8_lossy(&path), "Kind": kind })
    });
    let shown: Vec<Value> = shown.collect();
    // Docker says null for nothing.
    Ok(Json((!shown.is_empty()).then_some(shown)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_over_the_container() {
        let own = ExecConfig {
            env: vec!["A=1".into(), "B=1".into()],
            cmd: vec!["sh".into()],
            user: "7".into(),
            ..ExecConfig::default()
        };
        let over = ExecConfig {
            env: vec!["A=2".into()],
            entrypoint: vec!["/init".into()],
            ..ExecConfig::default()
        };
        let config = merged(own.clone(), over);
        assert_eq!(config.env, ["B=1", "A=2"]);
        assert_eq!(config.user, "7");
        assert!(config.cmd.is_empty(), "it was meant for another entrypoint");
        assert_eq!(merged(own.clone(), ExecConfig::default()), own);
    }
}
