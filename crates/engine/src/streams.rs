//! Logs and statistics of containers, as live streams.

use std::sync::Arc;

use terrarium_api::{
    ContainerStatus, Counters, Error, ErrorCode, FindInLog, FoundInLog, LogBatch, LogExtent,
    LogQuery, LogRange, LogSlice, StatsHistory, StatsQuery, StatsTick,
};
use tokio::sync::{mpsc, watch};

use crate::{
    Engine, Result,
    blocking::blocking,
    containers::Life,
    error::{no_such_container, quoted},
    logs::{self, LogSource, SharedIndex},
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

    /// How many lines a log has, while it grows.
    ///
    /// # Errors
    /// `NoSuchContainer`, or what could not be read, also within the stream.
    pub async fn watch_log(&self, container: &str) -> Result<mpsc::Receiver<Result<LogExtent>>> {
        let source = self.log_source(container).await?;
        let index = self.inner.log_indexes.of(&source.path);
        Ok(logs::watch(source, index))
    }

    /// Lines of a log, by their numbers.
    ///
    /// # Errors
    /// `NoSuchContainer`, or what could not be read.
    pub async fn log_lines(&self, range: LogRange) -> Result<LogSlice> {
        let index = self.log_index(&range.container)?;
        blocking(move || index.slice(range.from, range.count)).await
    }

    /// Looks through a whole log.
    ///
    /// # Errors
    /// `NoSuchContainer`, or what could not be read.
    pub async fn find_in_log(&self, wanted: FindInLog) -> Result<FoundInLog> {
        let index = self.log_index(&wanted.container)?;
        blocking(move || index.find(&wanted)).await
    }

    fn log_index(&self, container: &str) -> Result<Arc<SharedIndex>> {
        let id = &self.inner.containers.find(container)?.id;
        Ok(self.inner.log_indexes.of(&self.inner.records.log(id)))
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
        let mut life = self.inner.containers.find(container)?.life().subscribe();
        let ends = life.borrow().ends;
        let detail = self.inspect_container(container).await?;
        if detail.request.log.off {
            return Err(not_kept(&detail.summary.name));
        }
        // One that was never started may still write: its reader waits for that. The pauses between
        // the starts of a restart policy end nothing.
        let first_end = match detail.summary.status {
            ContainerStatus::Running | ContainerStatus::Paused | ContainerStatus::Restarting => {
                Some(ends)
            }
            ContainerStatus::Creating | ContainerStatus::Created => Some(ends + 1),
            ContainerStatus::Stopped => None,
        };
        let (sender, running) = watch::channel(first_end.is_some());
        if let Some(first_end) = first_end {
            tokio::spawn(async move {
                let over =
                    move |life: &Life| life.removed || (!life.running && life.ends >= first_end);
                tokio::select! {
                    _ = life.wait_for(over) => {}
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

/// Docker's words, which clients know.
fn not_kept(name: &str) -> Error {
    let message = format!(
        "read the log of {}: configured logging driver does not support reading",
        quoted(name)
    );
    Error::new(ErrorCode::Unsupported, message)
        .hint("the container was made with its log switched off; attach to it to see its output")
}
