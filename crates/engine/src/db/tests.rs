use std::collections::BTreeMap;

use terrarium_api::Volume;

use super::*;
use crate::Hub;

fn event(at_ns: u64) -> LifecycleEvent {
    LifecycleEvent {
        at_ns,
        kind: "container".into(),
        action: "start".into(),
        id: "1".into(),
        attributes: BTreeMap::from([("name".into(), "web".into())]),
    }
}

async fn open(folder: &Path) -> Opened {
    Database::open(folder).await.unwrap()
}

#[tokio::test]
async fn events_of_the_hub_are_found_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await.database;
    let hub = std::sync::Arc::new(Hub::default());
    let writer = database.follow(&hub);
    hub.event(event(1));
    hub.event(event(2));
    drop(hub);
    writer.await.unwrap();
    database.close().await;
    let database = open(folder.path()).await.database;
    assert_eq!(database.recent_events(1).await.unwrap(), [event(2)]);
    assert_eq!(database.events_between(0, 1).await.unwrap(), [event(1)]);
}

#[tokio::test]
async fn the_index_follows_changes_and_removals() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await.database;
    let hub = std::sync::Arc::new(Hub::default());
    let writer = database.follow(&hub);
    for name in ["a", "b"] {
        let value = Box::new(Volume {
            name: name.into(),
            mountpoint: String::new(),
            created_at_ms: 0,
            labels: BTreeMap::new(),
            anonymous: false,
            used_by: Vec::new(),
        });
        hub.change(terrarium_api::ChangeKind::Volume { value });
    }
    hub.change(terrarium_api::ChangeKind::Removed {
        kind: terrarium_api::ResourceKind::Volume,
        id: "a".into(),
    });
    drop(hub);
    writer.await.unwrap();
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM resources")
        .fetch_all(&database.pool)
        .await
        .unwrap();
    assert_eq!(ids, ["b"]);
}

#[tokio::test]
async fn a_damaged_database_is_set_aside_and_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("terrarium.db"),
        b"this is no database, and longer than a header is",
    )
    .unwrap();
    let opened = open(folder.path()).await;
    assert!(opened.set_aside.unwrap().exists());
    assert!(opened.database.recent_events(1).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_torn_page_is_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await.database.close().await;
    let path = folder.path().join("terrarium.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    assert!(open(folder.path()).await.set_aside.is_some());
}
