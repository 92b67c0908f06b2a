//! Container logs: Docker's json-file lines, read from the end, from the start, and as they come.

mod extent;
mod files;
mod follow;
mod index;
mod line;
mod numbered;

use std::path::PathBuf;

use terrarium_api::{LogBatch, LogLine, LogQuery};
use tokio::sync::{mpsc, watch};

use crate::{Result, blocking::blocking};
pub(crate) use extent::watch;
use files::LogFiles;
use follow::Watcher;
pub(crate) use index::{LogIndexes, SharedIndex};

/// Lines of one batch: enough to make the cost of a message small, few enough to draw in a frame.
const BATCH_LINES: usize = 1_000;
/// Batches that a slow reader may fall behind before reading waits for it.
const BATCHES_AHEAD: usize = 4;

/// Where the lines of a container come from.
#[derive(Debug, Clone)]
pub(crate) struct LogSource {
    /// The current log file; older ones stand beside it as `path.1`, `path.2.gz`, ….
    pub(crate) path: PathBuf,
    /// Whether its main process may still write.
    pub(crate) running: watch::Receiver<bool>,
}

/// Streams the lines that `query` asks for. Ends with a batch that says so.
pub(crate) fn stream(source: LogSource, query: LogQuery) -> mpsc::Receiver<Result<LogBatch>> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    tokio::spawn(async move {
        if let Err(error) = send_lines(source, &query, &sender).await {
            // The receiver may be gone; then nobody needs to know.
            let _ = sender.send(Err(error)).await;
        } else {
            let _ = sender
                .send(Ok(LogBatch {
                    lines: Vec::new(),
                    ended: true,
                }))
                .await;
        }
    });
    receiver
}

async fn send_lines(
    mut source: LogSource,
    query: &LogQuery,
    sender: &mpsc::Sender<Result<LogBatch>>,
) -> Result<()> {
    // Asked before the first read: what was written before the end is then surely read after it.
    let mut may_grow = *source.running.borrow_and_update();
    let mut watcher = if query.follow {
        Watcher::new(&source.path)?
    } else {
        None
    };
    let path = source.path.clone();
    let tail = query.tail;
    let mut files = blocking(move || LogFiles::open(&path, tail)).await?;
    loop {
        let (next, lines) = blocking(move || {
            let mut files = files;
            let lines = files.read(BATCH_LINES)?;
            Ok((files, lines))
        })
        .await?;
        files = next;
        let at_end = lines.is_empty();
        if !send_wanted(lines, query, sender).await {
            return Ok(());
        }
        if !at_end {
            continue;
        }
        let Some(watcher) = watcher.as_mut().filter(|_| may_grow) else {
            return Ok(());
        };
        tokio::select! {
            changed = watcher.changed() => changed?,
            stopped = source.running.changed() => {
                may_grow = stopped.is_ok() && *source.running.borrow_and_update();
            }
            () = sender.closed() => return Ok(()),
        }
    }
}

/// Sends what the query asks for; false when nobody listens or nothing later can be wanted.
async fn send_wanted(
    mut lines: Vec<LogLine>,
    query: &LogQuery,
    sender: &mpsc::Sender<Result<LogBatch>>,
) -> bool {
    let past_end = query
        .until_ns
        .is_some_and(|until| lines.last().is_some_and(|last| at_ns(last) > until));
    lines.retain(|line| line::is_wanted(line, query));
    if !lines.is_empty()
        && sender
            .send(Ok(LogBatch {
                lines,
                ended: false,
            }))
            .await
            .is_err()
    {
        return false;
    }
    !past_end
}

/// When a line was written, in nanoseconds since the Unix epoch.
fn at_ns(line: &LogLine) -> u64 {
    line.at_ms * 1_000_000 + u64::from(line.at_subms_ns)
}

#[cfg(test)]
mod index_tests;
#[cfg(test)]
mod tests;
