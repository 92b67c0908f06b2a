//! `POST /containers/prune`.

use axum::{Json, extract::State};
use serde_json::{Value, json};
use terrarium_api::{ContainerStatus, ContainerSummary, RemoveContainer};

use crate::{
    error::Result,
    filters::{Filters, until_ms},
    request::Params,
    server::App,
};

pub(super) async fn prune(State(app): State<App>, params: Params) -> Result<Json<Value>> {
    let filters = Filters::parse(params.text("filters"), &["until", "label", "label!"])?;
    let before_ms = until_ms(&filters)?;
    let goes = |container: &ContainerSummary| {
        let idle = matches!(
            container.status,
            ContainerStatus::Created | ContainerStatus::Stopped
        );
        idle && filters.labels(&container.labels)
            && before_ms.is_none_or(|before| container.created_at_ms < before)
    };
    let mut deleted = Vec::new();
    let mut freed = 0;
    for container in app.engine.containers().await?.into_iter().filter(goes) {
        let id = container.id;
        let size = app
            .engine
            .container_size(&id)
            .await
            .map_or(0, |size| size.writable_bytes);
        let request = RemoveContainer {
            container: id.clone(),
            force: false,
            volumes: false,
        };
        // One that was started meanwhile stays.
        if app.engine.remove_container(request).await.is_ok() {
            freed += size;
            deleted.push(id);
        }
    }
    Ok(Json(
        json!({ "ContainersDeleted": deleted, "SpaceReclaimed": freed }),
    ))
}
