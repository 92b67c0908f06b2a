//! `/volumes`.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Extension, Path, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde_json::{Value, json};
use terrarium_api::{CreateVolume, ErrorCode, Volume};

use crate::{
    containers::check_volume_name,
    error::{Failure, Result},
    filters::Filters,
    request::{ApiVersion, Body, Params, json_body},
    server::App,
    time,
};

const FILTERS: &[&str] = &["dangling", "driver", "label", "name"];

json_body! {
    /// The body of a creation.
    struct CreateBody {
        name: String,
        driver: String,
        driver_opts: BTreeMap<String, String>,
        labels: BTreeMap<String, String>,
    }
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/volumes", get(list))
        .route("/volumes/create", post(create))
        .route("/volumes/prune", post(prune))
        .route("/volumes/{name}", get(inspect).delete(remove))
}

async fn list(State(app): State<App>, params: Params) -> Result<Json<Value>> {
    let filters = Filters::parse(params.text("filters"), FILTERS)?;
    let dangling = filters.boolean("dangling")?;
    let wanted = |volume: &Volume| {
        dangling.is_none_or(|dangling| volume.used_by.is_empty() == dangling)
            && filters.exact("driver", "local")
            && filters.any("name", |part| volume.name.contains(part))
            && filters.labels(&volume.labels)
    };
    let volumes = app.engine.volumes().await?;
    let shown: Vec<Value> = volumes
        .iter()
        .filter(|volume| wanted(volume))
        .map(show)
        .collect();
    Ok(Json(json!({ "Volumes": shown, "Warnings": null })))
}

async fn create(State(app): State<App>, body: Body<CreateBody>) -> Result<Response> {
    let request = translate(body.0.unwrap_or_default())?;
    let volume = app.engine.create_volume(request).await?.value;
    Ok((StatusCode::CREATED, Json(show(&volume))).into_response())
}

fn translate(body: CreateBody) -> Result<CreateVolume> {
    if !matches!(body.driver.as_str(), "" | "local") {
        let driver = body.driver.escape_debug();
        return Err(Failure::not_found(format!("plugin \"{driver}\" not found")));
    }
    if !body.driver_opts.is_empty() {
        return Err(Failure::not_built("a volume with driver options"));
    }
    if !body.name.is_empty() {
        check_volume_name(&body.name)?;
    }
    let name = Some(body.name).filter(|name| !name.is_empty());
    Ok(CreateVolume {
        name,
        labels: body.labels,
    })
}

async fn inspect(State(app): State<App>, Path(name): Path<String>) -> Result<Json<Value>> {
    let volume = app
        .engine
        .inspect_volume(&name)
        .await
        .map_err(|error| wording(&name, error))?;
    Ok(Json(show(&volume)))
}

async fn remove(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    match app.engine.remove_volume(&name).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(error) if error.code == ErrorCode::NoSuchVolume && params.flag("force") => {
            Ok(StatusCode::NO_CONTENT)
        }
        Err(error) => Err(wording(&name, error)),
    }
}

/// Docker's own words, which scripts look for.
fn wording(name: &str, error: terrarium_api::Error) -> Failure {
    match error.code {
        ErrorCode::NoSuchVolume => Failure::not_found(format!("get {name}: no such volume")),
        ErrorCode::VolumeInUse => {
            Failure::conflict(format!("remove {name}: volume is in use - {error}"))
        }
        _ => error.into(),
    }
}

async fn prune(
    State(app): State<App>,
    Extension(version): Extension<ApiVersion>,
    params: Params,
) -> Result<Json<Value>> {
    let filters = Filters::parse(params.text("filters"), &["all", "label", "label!"])?;
    // Named volumes are kept since API 1.42, unless they are asked for.
    let named_too = filters.boolean("all")?.unwrap_or(version.before(42));
    let goes = |volume: &Volume| {
        volume.used_by.is_empty()
            && (volume.anonymous || named_too)
            && filters.labels(&volume.labels)
    };
    let sizes = app.engine.volume_sizes().await?;
    let mut deleted = Vec::new();
    let mut freed = 0;
    for volume in app.engine.volumes().await?.into_iter().filter(goes) {
        // One that came into use meanwhile stays.
        if app.engine.remove_volume(&volume.name).await.is_ok() {
            freed += sizes.get(&volume.name).copied().unwrap_or(0);
            deleted.push(volume.name);
        }
    }
    Ok(Json(
        json!({ "VolumesDeleted": deleted, "SpaceReclaimed": freed }),
    ))
}

/// A volume in Docker's form.
pub(crate) fn show(volume: &Volume) -> Value {
    let labels = match volume.anonymous && volume.labels.is_empty() {
        // How clients tell an anonymous volume.
        true => json!({ "com.docker.volume.anonymous": "" }),
        false if volume.labels.is_empty() => Value::Null,
        false => json!(volume.labels),
    };
    json!({
        "Name": volume.name,
        "Driver": "local",
        "Mountpoint": volume.mountpoint,
        "CreatedAt": time::from_ms(volume.created_at_ms),
        "Labels": labels,
        "Options": null,
        "Scope": "local",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(body: &str) -> Result<CreateVolume> {
        translate(serde_json::from_str(body).expect("it is valid"))
    }

    #[test]
    fn recorded_creations_are_read() {
        let named = translated(r#"{"Driver":"local","Labels":{"a":"b"},"Name":"v1"}"#);
        let labels = BTreeMap::from([("a".into(), "b".into())]);
        assert_eq!(
            named,
            Ok(CreateVolume {
                name: Some("v1".into()),
                labels
            })
        );
        let anonymous = translated(r#"{"Driver":"local"}"#).expect("it is valid");
        assert_eq!(anonymous.name, None);
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let check = |body: &str, status: u16| {
            assert_eq!(
                translated(body).expect_err(body).status.as_u16(),
                status,
                "{body}"
            );
        };
        check(r#"{"Driver":"nfs"}"#, 404);
        check(r#"{"DriverOpts":{"type":"tmpfs"}}"#, 501);
        check(r#"{"Name":"../etc"}"#, 400);
        check(r#"{"Name":"a"}"#, 400);
    }
}
