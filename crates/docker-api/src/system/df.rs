//! `GET /system/df`.

use axum::{
    Json,
    extract::{Extension, State},
};
use serde_json::{Value, json};
use terrarium_api::ImageSummary;

use super::no_cache;
use crate::{
    containers,
    error::Result,
    images::{self, Figures},
    request::{ApiVersion, Params},
    server::App,
    time, volumes,
};

pub(super) async fn df(
    State(app): State<App>,
    Extension(version): Extension<ApiVersion>,
    params: Params,
) -> Result<Json<Value>> {
    let types: Vec<&str> = params.all("type").collect();
    let wanted = |kind: &str| types.is_empty() || types.contains(&kind);
    let mut usage = json!({ "LayersSize": 0, "Images": null, "Containers": null, "Volumes": null, "BuildCache": null });
    if wanted("image") {
        let all = app.engine.images().await?;
        usage["LayersSize"] = json!(layers_size(&all));
        let items = all
            .iter()
            .map(|image| images::item(image, Figures::All, version));
        usage["Images"] = json!(items.collect::<Vec<_>>());
    }
    if wanted("container") {
        let now_s = time::now_ns() / 1_000_000_000;
        let mut items = Vec::new();
        for container in app.engine.containers().await? {
            // One that was removed meanwhile has no size.
            let size = app.engine.container_size(&container.id).await.ok();
            items.push(containers::item(
                &container,
                size,
                &app.volume_path(),
                now_s,
            ));
        }
        usage["Containers"] = json!(items);
    }
    if wanted("volume") {
        let volumes = app.engine.volumes().await?;
        let sizes = app.engine.volume_sizes().await?;
        let shown = volumes.iter().map(|volume| {
            let mut shown = volumes::show(volume);
            // One that was made meanwhile has no size: -1 is "not computed".
            let size = sizes
                .get(&volume.name)
                .map_or(json!(-1), |size| json!(size));
            shown["UsageData"] = json!({ "Size": size, "RefCount": volume.used_by.len() });
            shown
        });
        usage["Volumes"] = json!(shown.collect::<Vec<_>>());
    }
    if wanted("build-cache") {
        usage["BuildCache"] = no_cache();
    }
    Ok(Json(usage))
}

/// Bytes of all layers, each once.
fn layers_size(images: &[ImageSummary]) -> u64 {
    let layers = images.iter().flat_map(|image| &image.layers);
    let by_chain: std::collections::BTreeMap<&str, u64> = layers
        .map(|layer| (layer.chain_id.as_str(), layer.size_bytes))
        .collect();
    by_chain.values().sum()
}
