//! Logs and statistics of containers, as live streams.

use std::sync::Arc;

use terrarium_api::{
    ContainerStatus, Counters, LogBatch, LogQuery, StatsHistory, StatsQuery, StatsTick,
    WaitCondition, WaitContainer,
};
use tokio::sync::{mpsc, watch};

use crate::{
    Engine, Result,
    error::no_such_container,
    logs::{self, LogSource},
};

impl Engine {
    /// Log lines in batches; the last one says that it is.
    ///
    /// # Errors
    /// `NoSuchContainer`, or what could not be read, also within the stream.
    pub async fn logs(&self, query: LogQuery) -> Result<mpsc::Receiver<Result<LogBatch>>> {
        let source = self.log_source(&query.container).await?;
        Ok(logs::stream(source, query))
    }

    /// The counters of a container; `None` while it does not run.
    ///
    /// # Errors
    /// `NoSuchContainer`.
    pub async fn counters(&self, container: &str) -> Result<Option<Counters>> {
        let id = self.container_id(container).await?;
        Ok(self.inner.sampler.counters(&id))
    }

    /// A container's use over time.
    ///
    /// # Errors
    /// `NoSuchContainer`.
    pub async fn container_stats(&self, query: StatsQuery) -> Result<StatsHistory> {
        let id = self.container_id(&query.container).await?;
        Ok(self.inner.sampler.history(&id, query.range_s, query.points))
    }

    /// One tick a second about all running containers; silent while none runs.
    pub fn stats_ticks(&self) -> watch::Receiver<Arc<StatsTick>> {
        self.inner.sampler.ticks()
    }

    async fn log_source(&self, container: &str) -> Result<LogSource> {
        let detail = self.inspect_container(container).await?;
        // One that was never started may still write: its reader waits for that.
        let condition = match detail.summary.status {
            ContainerStatus::Running | ContainerStatus::Paused => Some(WaitCondition::NotRunning),
            ContainerStatus::Creating | ContainerStatus::Created => Some(WaitCondition::NextExit),
            ContainerStatus::Stopped => None,
        };
        let (sender, running) = watch::channel(condition.is_some());
        if let Some(condition) = condition {
            let container = detail.summary.id;
            let waiter = self
                .wait_container(WaitContainer {
                    container,
                    condition,
                })
                .await?;
            tokio::spawn(async move {
                tokio::select! {
                    // Also when the container is gone: nothing more will be written.
                    _ = waiter.done() => {}
                    () = sender.closed() => {}
                }
                sender.send_replace(false);
            });
        }
        Ok(LogSource {
            path: detail.log_path.into(),
            running,
        })
    }

    async fn container_id(&self, name: &str) -> Result<String> {
        let containers = self.containers().await?;
        let found = containers
            .iter()
            .find(|container| container.id == name || container.name == name);
        let mut by_prefix = containers
            .iter()
            .filter(|container| container.id.starts_with(name));
        let found = found.or_else(|| by_prefix.next().filter(|_| by_prefix.next().is_none()));
        found
            .map(|container| container.id.clone())
            .ok_or_else(|| no_such_container(name))
    }
}
