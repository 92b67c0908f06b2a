//! The one writer: follows the hub and the sampler, and writes in batches.

use std::{sync::Arc, time::Duration};

use sqlx::{Sqlite, Transaction};
use terrarium_api::{Change, ChangeKind, LifecycleEvent, ResourceKind, Sample};
use tokio::task::JoinHandle;

use super::{Database, saturated};
use crate::{Hub, Received};

/// Events and samples older than this are forgotten.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Events that are kept however old they are.
const EVENTS_KEPT: i64 = 10_000;
/// What is gathered into one transaction.
const BATCH: usize = 256;

/// One thing to write.
#[derive(Debug)]
enum Entry {
    Event(LifecycleEvent),
    Change(ChangeKind),
}

impl Database {
    /// Writes every change and every event of `hub` until the hub is gone.
    pub(crate) fn follow(&self, hub: &Arc<Hub>) -> JoinHandle<()> {
        let database = self.clone();
        let mut changes = hub.changes();
        let (_, mut events) = hub.events();
        tokio::spawn(async move {
            let mut batch = Vec::new();
            loop {
                let entry = tokio::select! {
                    Some(change) = changes.next() => of_change(change),
                    Some(event) = events.next() => of_event(event),
                    else => break,
                };
                batch.extend(entry);
                // More may be there already; they cost nothing when they share a transaction.
                while batch.len() < BATCH {
                    tokio::select! {
                        biased;
                        Some(change) = changes.next() => batch.extend(of_change(change)),
                        Some(event) = events.next() => batch.extend(of_event(event)),
                        () = std::future::ready(()) => break,
                    }
                }
                if let Err(error) = database.write(batch.drain(..)).await {
                    tracing::warn!(%error, "the history has a gap: it could not be written");
                }
            }
        })
    }

    async fn write(&self, entries: impl Iterator<Item = Entry>) -> sqlx::Result<()> {
        let mut transaction = self.pool.begin().await?;
        for entry in entries {
            match entry {
                Entry::Event(event) => insert_event(&mut transaction, &event).await?,
                Entry::Change(change) => apply_change(&mut transaction, change).await?,
            }
        }
        transaction.commit().await
    }

    /// Keeps the minute of a container.
    pub(crate) async fn keep_sample(&self, container: &str, sample: &Sample) -> sqlx::Result<()> {
        let value = serde_json::to_string(sample).unwrap_or_default();
        sqlx::query("INSERT OR REPLACE INTO samples (container, at_ms, value) VALUES (?, ?, ?)")
            .bind(container)
            .bind(saturated(sample.at_ms))
            .bind(value)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets samples and events that are too old.
    pub(crate) async fn forget_old(&self, now_ms: u64) -> sqlx::Result<()> {
        let oldest_ms = saturated(now_ms.saturating_sub(KEPT.as_millis() as u64));
        sqlx::query("DELETE FROM samples WHERE at_ms < ?")
            .bind(oldest_ms)
            .execute(&self.pool)
            .await?;
        sqlx::query(
            "DELETE FROM events WHERE at_ns < ? AND rowid <= (SELECT max(rowid) FROM events) - ?",
        )
        .bind(oldest_ms.saturating_mul(1_000_000))
        .bind(EVENTS_KEPT)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

fn of_change(change: Received<Change>) -> Option<Entry> {
    match change {
        Received::Next(Change {
            change: ChangeKind::Lagged,
            ..
        })
        | Received::Lagged => None,
        Received::Next(Change { change, .. }) => Some(Entry::Change(change)),
    }
}

fn of_event(event: Received<LifecycleEvent>) -> Option<Entry> {
    match event {
        Received::Next(event) => Some(Entry::Event(event)),
        Received::Lagged => None,
    }
}

async fn insert_event(
    transaction: &mut Transaction<'_, Sqlite>,
    event: &LifecycleEvent,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO events (at_ns, kind, action, id, attributes) VALUES (?, ?, ?, ?, ?)")
        .bind(saturated(event.at_ns))
        .bind(&event.kind)
        .bind(&event.action)
        .bind(&event.id)
        .bind(serde_json::to_string(&event.attributes).unwrap_or_default())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn apply_change(
    transaction: &mut Transaction<'_, Sqlite>,
    change: ChangeKind,
) -> sqlx::Result<()> {
    let text = |value: serde_json::Result<String>| value.unwrap_or_default();
    let (kind, id, value) = match change {
        ChangeKind::Container { value } => (
            ResourceKind::Container,
            value.id.clone(),
            text(serde_json::to_string(&value)),
        ),
        ChangeKind::Image { value } => (
            ResourceKind::Image,
            value.id.clone(),
            text(serde_json::to_string(&value)),
        ),
        ChangeKind::Volume { value } => (
            ResourceKind::Volume,
            value.name.clone(),
            text(serde_json::to_string(&value)),
        ),
        ChangeKind::Activity { value } => (
            ResourceKind::Activity,
            value.id.clone(),
            text(serde_json::to_string(&value)),
        ),
        ChangeKind::Removed { kind, id } => {
            return remove_resource(transaction, kind, &id).await;
        }
        // The trash is files of its own.
        ChangeKind::Trash { .. } | ChangeKind::Lagged => return Ok(()),
    };
    sqlx::query("INSERT OR REPLACE INTO resources (kind, id, value) VALUES (?, ?, ?)")
        .bind(name(kind))
        .bind(id)
        .bind(value)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn remove_resource(
    transaction: &mut Transaction<'_, Sqlite>,
    kind: ResourceKind,
    id: &str,
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM resources WHERE kind = ? AND id = ?")
        .bind(name(kind))
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    if kind == ResourceKind::Container {
        sqlx::query("DELETE FROM samples WHERE container = ?")
            .bind(id)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

fn name(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Container => "container",
        ResourceKind::Image => "image",
        ResourceKind::Volume => "volume",
        ResourceKind::Activity => "activity",
    }
}
