//! What builds keep, and what is removed of it.

use std::time::Duration;

use terrarium_buildkit::{
    grpc::Status,
    messages::{DiskUsageResponse, PruneRequest, UsageRecord},
};
use terrarium_engine::PruneBuilds;

use super::{Answer, status};
use crate::server::App;

pub(super) async fn usage(_: App) -> Answer<DiskUsageResponse> {
    // Layers of builds are those of images as well and are counted with them.
    Ok(DiskUsageResponse::default())
}

pub(super) async fn prune(app: App, asked: PruneRequest) -> Answer<UsageRecord> {
    // What buildx leaves out of its own accord is not kept here at all.
    let own = |filter: &String| filter.split(',').all(|part| part.starts_with("type!="));
    if !asked.filter.iter().all(own) {
        let text = "filters of what is pruned are not supported";
        return Err(Status::new(Status::UNIMPLEMENTED, text));
    }
    let duration = u64::try_from(asked.keep_duration).unwrap_or(0);
    let wish = PruneBuilds {
        keep_bytes: u64::try_from(asked.keep_bytes).unwrap_or(0),
        keep_used_within: (duration > 0).then(|| Duration::from_nanos(duration)),
    };
    let pruned = app.engine.prune_builds(wish).await.map_err(status)?;
    Ok(UsageRecord {
        id: "steps".to_owned(),
        size: i64::try_from(pruned.freed_bytes).unwrap_or(i64::MAX),
        description: "steps of builds".to_owned(),
        ..UsageRecord::default()
    })
}
