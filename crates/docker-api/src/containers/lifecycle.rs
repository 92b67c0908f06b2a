//! What is done to a container: create, start, stop, and so on.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use serde_json::{Value, json};
use terrarium_api::{
    Error, ErrorCode, KillContainer, Limits, PortRequest, RemoveContainer, RenameContainer,
    StopContainer, UpdateContainer,
};

use super::{
    create::{self, CreateBody, Creation},
    host_config::{Resources, Restart, restart_policy},
    limits, ports,
};
use crate::{
    error::{Failure, Result},
    request::{Body, Params, json_body},
    server::App,
};

json_body! {
    /// The body of an update.
    struct UpdateBody {
        restart_policy: Restart,
        ..resources: Resources,
    }
}

pub(super) async fn create(
    State(app): State<App>,
    params: Params,
    body: Body<CreateBody>,
) -> Result<Response> {
    let body = body.required()?;
    let publish_all = body.host_config.publish_all_ports;
    let Creation {
        mut request,
        mut warnings,
    } = create::translate(&params, body)?;
    if request.limits != Limits::default() {
        let checks = app.engine.info().await?.checks;
        warnings.extend(limits::lost(&request.limits, &checks));
    }
    if publish_all {
        let image = app.engine.inspect_image(&request.image).await?;
        publish_exposed(&mut request.ports, &image.config.exposed_ports)?;
    }
    warnings.extend(app.engine.port_clashes(&request.ports).await?);
    let name = request.name.clone();
    let created = match app.engine.create_container(request).await {
        Err(error) if error.code == ErrorCode::NameInUse => {
            return Err(name_in_use(&app, name.as_deref(), error).await);
        }
        created => created?.value,
    };
    let body = Json(json!({ "Id": created.id, "Warnings": warnings }));
    Ok((StatusCode::CREATED, body).into_response())
}

fn publish_exposed(requests: &mut Vec<PortRequest>, exposed: &[String]) -> Result<()> {
    for port in exposed {
        let (container_port, protocol) = ports::parse(port)?;
        let bound = |request: &PortRequest| {
            (request.container_port, request.protocol) == (container_port, protocol)
        };
        if !requests.iter().any(bound) {
            requests.push(PortRequest {
                container_port,
                host_port: 0,
                host_address: None,
                protocol,
            });
        }
    }
    Ok(())
}

/// Compose and docker-py look for this sentence.
async fn name_in_use(app: &App, name: Option<&str>, error: Error) -> Failure {
    let Some(name) = name else {
        return error.into();
    };
    match app.engine.inspect_container(name).await {
        Ok(other) => Failure::conflict(format!(
            "Conflict. The container name \"/{name}\" is already in use by container \"{}\". You \
             have to remove (or rename) that container to be able to reuse that name.",
            other.summary.id
        )),
        Err(_) => error.into(),
    }
}

pub(super) async fn start(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode> {
    let started = app.engine.start_container(&name).await?;
    Ok(changed(&started.trace))
}

/// 204, or 304 when the container was in that state already: then nothing was done.
fn changed(trace: &terrarium_api::ActionTrace) -> StatusCode {
    if trace.kernel.is_empty() {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::NO_CONTENT
    }
}

pub(super) async fn stop(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    let stopped = app
        .engine
        .stop_container(stop_request(name, &params)?)
        .await?;
    Ok(changed(&stopped.trace))
}

pub(super) async fn restart(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    app.engine
        .restart_container(stop_request(name, &params)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn stop_request(container: String, params: &Params) -> Result<StopContainer> {
    Ok(StopContainer {
        container,
        timeout_s: params.number("t")?,
        signal: params.text("signal").map(str::to_owned),
    })
}

pub(super) async fn kill(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    let signal = params.text("signal").map(str::to_owned);
    let request = KillContainer {
        container: name.clone(),
        signal,
    };
    match app.engine.kill_container(request).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(error) if error.code == ErrorCode::WrongState => Err(Failure::conflict(format!(
            "cannot kill container: {name}: container {name} is not running"
        ))),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn pause(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode> {
    app.engine.pause_container(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn unpause(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<StatusCode> {
    app.engine.resume_container(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn rename(
    State(app): State<App>,
    Path(container): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    let name = params.text("name").unwrap_or_default();
    let name = name.trim_start_matches('/').to_owned();
    if name.is_empty() {
        return Err(Failure::bad_request(
            "Neither old nor new names may be empty",
        ));
    }
    let request = RenameContainer {
        container,
        name: name.clone(),
    };
    match app.engine.rename_container(request).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(error) if error.code == ErrorCode::NameInUse => {
            Err(name_in_use(&app, Some(&name), error).await)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn remove(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    if params.flag("link") {
        return Err(Failure::not_built("removing a link"));
    }
    let request = RemoveContainer {
        container: name.clone(),
        force: params.flag("force"),
        volumes: params.flag("v"),
    };
    match app.engine.remove_container(request).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(error) if error.code == ErrorCode::WrongState => Err(Failure::conflict(format!(
            "cannot remove container \"{name}\": container is running: stop the container before \
             removing or force remove"
        ))),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn resize(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    let (rows, cols) = size(&params)?;
    app.engine.resize_container(&name, rows, cols).await?;
    Ok(StatusCode::OK)
}

/// `h` and `w`.
pub(super) fn size(params: &Params) -> Result<(u16, u16)> {
    let number = |name| {
        params
            .number(name)
            .transpose()
            .unwrap_or_else(|| Err(Failure::bad_request(format!("missing parameter: {name}"))))
    };
    Ok((number("h")?, number("w")?))
}

pub(super) async fn update(
    State(app): State<App>,
    Path(container): Path<String>,
    body: Body<UpdateBody>,
) -> Result<Json<Value>> {
    let body = body.required()?;
    // An absent policy is an empty name, unlike "no".
    let restart = match body.restart_policy.name.as_str() {
        "" => None,
        _ => Some(restart_policy(&body.restart_policy, false)?),
    };
    let limits = limits::translate(&body.resources)?;
    let request = UpdateContainer {
        container,
        limits,
        lift: limits::lifted(&body.resources),
        restart,
    };
    app.engine.update_container(request).await?;
    Ok(Json(json!({ "Warnings": null })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrarium_api::RestartPolicy;

    #[test]
    fn a_recorded_update_is_read() {
        let body = include_str!("../../testdata/update.json");
        let body: UpdateBody = serde_json::from_str(body).expect("it is valid");
        let limits = limits::translate(&body.resources).expect("it is valid");
        assert_eq!(limits.memory_bytes, Some(1 << 30));
        assert_eq!(
            (limits.nano_cpus, limits.pids),
            (Some(2_000_000_000), Some(5))
        );
        let restart = restart_policy(&body.restart_policy, false);
        assert_eq!(restart, Ok(RestartPolicy::Always));
    }

    #[test]
    fn a_size_needs_both_numbers() {
        assert_eq!(size(&Params::of("h=24&w=80")), Ok((24, 80)));
        for query in ["h=24", "w=80", "h=x&w=80", "h=-1&w=80", "h=70000&w=1"] {
            assert!(size(&Params::of(query)).is_err(), "{query}");
        }
    }
}
