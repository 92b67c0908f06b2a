//! Streams to the window: each ends by itself, or when the window asks for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tauri::{
    State,
    ipc::{Channel, IpcResponse},
};
use terrarium_api::{
    BuildId, BuildProgress, BuildRecord, Change, ChangeKind, ContainerName, ErrorCode,
    ImageSummary, LogExtent, OpenStepShell, OpenTerminal, PullImage, PullProgress, PushImage,
    PushProgress, PushedImage, StatsTick, TerminalEvent, Traced, WatchStats,
};
use terrarium_engine::{Received, Result};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::host::Host;

/// A view gets no more messages than this: a channel to the web view has no back-pressure.
const PAUSE: Duration = Duration::from_millis(50);

/// The running streams, by the number that the window gave them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Streams {
    running: Arc<Mutex<HashMap<u32, CancellationToken>>>,
}

/// Registers a stream as long as it lives.
struct Entry {
    streams: Streams,
    stream: u32,
    token: CancellationToken,
    _guard: DropGuard,
}

impl Streams {
    fn enter(&self, stream: u32) -> Entry {
        let token = CancellationToken::new();
        self.lock().insert(stream, token.clone());
        Entry {
            streams: self.clone(),
            stream,
            _guard: token.clone().drop_guard(),
            token,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.streams.lock().remove(&self.stream);
    }
}

impl Entry {
    /// Runs `work` until it ends or the window cancels the stream.
    async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            () = self.token.cancelled() => Err(terrarium_api::Error::new(ErrorCode::Canceled, "canceled")),
            result = work => result,
        }
    }
}

/// Sends to the window; an error means that it is gone, and the stream with it.
fn send<T: IpcResponse>(channel: &Channel<T>, message: T) -> Result<()> {
    channel
        .send(message)
        .map_err(|_| terrarium_api::Error::new(ErrorCode::Canceled, "the window is closed"))
}

/// Ends a stream early.
#[tauri::command]
pub(crate) fn cancel_stream(streams: State<'_, Streams>, stream: u32) {
    if let Some(token) = streams.lock().get(&stream) {
        token.cancel();
    }
}

/// Every change after the overview.
#[tauri::command]
pub(crate) async fn watch_changes(
    host: State<'_, Host>,
    streams: State<'_, Streams>,
    stream: u32,
    channel: Channel<Change>,
) -> Result<()> {
    let entry = streams.enter(stream);
    entry
        .run(async {
            let engine = host.engine().await?;
            let mut changes = engine.hub().changes();
            while let Some(received) = changes.next().await {
                let change = match received {
                    Received::Next(change) => change,
                    Received::Lagged => Change {
                        revision: engine.hub().revision(),
                        change: ChangeKind::Lagged,
                    },
                };
                send(&channel, change)?;
            }
            Ok(())
        })
        .await
}

/// What a log holds, and what is new in it.
#[tauri::command]
pub(crate) async fn watch_log(
    host: State<'_, Host>,
    streams: State<'_, Streams>,
    stream: u32,
    request: ContainerName,
    channel: Channel<LogExtent>,
) -> Result<()> {
    let entry = streams.enter(stream);
    entry
        .run(async {
            let engine = host.engine().await?;
            let mut extents = engine.watch_log(&request.container).await?;
            while let Some(extent) = extents.recv().await {
                send(&channel, extent?)?;
                tokio::time::sleep(PAUSE).await;
            }
            Ok(())
        })
        .await
}

/// A second of many containers, each second.
#[tauri::command]
pub(crate) async fn watch_stats(
    host: State<'_, Host>,
    streams: State<'_, Streams>,
    stream: u32,
    request: WatchStats,
    channel: Channel<StatsTick>,
) -> Result<()> {
    let entry = streams.enter(stream);
    entry
        .run(async {
            let mut ticks = host.engine().await?.stats_ticks();
            while ticks.changed().await.is_ok() {
                let tick = ticks.borrow_and_update().clone();
                send(&channel, only(&tick, &request.containers))?;
            }
            Ok(())
        })
        .await
}

fn only(tick: &StatsTick, containers: &[String]) -> StatsTick {
    let mut tick = tick.clone();
    if !containers.is_empty() {
        tick.rows.retain(|row| containers.contains(&row.container));
    }
    tick
}

/// A terminal's output.
#[tauri::command]
pub(crate) async fn open_terminal(
    host: State<'_, Host>,
    streams: State<'_, Streams>,
    stream: u32,
    request: OpenTerminal,
    channel: Channel<TerminalEvent>,
) -> Result<()> {
    let entry = streams.enter(stream);
    entry
        .run(async {
            let mut events = host.engine().await?.open_terminal(request).await?;
            while let Some(event) = events.recv().await {
                send(&channel, event)?;
            }
            Ok(())
        })
        .await
}

/// The output of a shell where a build failed.
#[tauri::command]
pub(crate) async fn open_step_shell(
    host: State<'_, Host>,
    streams: State<'_, Streams>,
    stream: u32,
    request: OpenStepShell,
    channel: Channel<TerminalEvent>,
) -> Result<()> {
    let entry = streams.enter(stream);
    entry
        .run(async {
            let mut events = host.engine().await?.open_step_shell(request).await?;
            while let Some(event) = events.recv().await {
                send(&channel, event)?;
            }
            Ok(())
        })
        .await
}

/// A build, step by step. It goes on when nobody follows it.
#[tauri::command]
pub(crate) async fn follow_build(
    host: State<'_, Host>,
    streams: State<'_, Streams>,
    stream: u32,
    request: BuildId,
    channel: Channel<BuildProgress>,
) -> Result<BuildRecord> {
    let entry = streams.enter(stream);
    entry
        .run(async {
            let mut followed = host.engine().await?.follow_build(request).await?;
            while let Some(progress) = followed.next().await {
                send(&channel, progress)?;
                tokio::time::sleep(PAUSE).await;
            }
            Ok(followed.record())
        })
        .await
}

/// A pull, blob by blob. It goes on when the view that started it is left.
#[tauri::command]
pub(crate) async fn pull_image(
    host: State<'_, Host>,
    streams: State<'_, Streams>,
    stream: u32,
    request: PullImage,
    channel: Channel<PullProgress>,
) -> Result<Traced<ImageSummary>> {
    let entry = streams.enter(stream);
    let engine = host.engine().await?;
    let (sender, progress) = watch::channel(None);
    let work = async move { engine.pull_image(request, sender).await };
    outlive(entry, work, progress, channel).await
}

/// A push, blob by blob. It goes on when the view that started it is left.
#[tauri::command]
pub(crate) async fn push_image(
    host: State<'_, Host>,
    streams: State<'_, Streams>,
    stream: u32,
    request: PushImage,
    channel: Channel<PushProgress>,
) -> Result<Traced<PushedImage>> {
    let entry = streams.enter(stream);
    let engine = host.engine().await?;
    let (sender, progress) = watch::channel(None);
    let work = async move { engine.push_image(request, sender).await };
    outlive(entry, work, progress, channel).await
}

/// Shows the progress of work that goes on when nobody looks any more.
async fn outlive<T, P>(
    entry: Entry,
    work: impl Future<Output = Result<T>> + Send + 'static,
    progress: watch::Receiver<Option<P>>,
    channel: Channel<P>,
) -> Result<T>
where
    T: Send + 'static,
    P: IpcResponse + Clone,
{
    let work = tauri::async_runtime::spawn(work);
    entry.run(show_progress(progress, &channel)).await?;
    work.await.unwrap_or_else(|error| {
        Err(terrarium_api::Error::new(ErrorCode::Internal, "the work stopped").because(&error))
    })
}

async fn show_progress<P: IpcResponse + Clone>(
    mut progress: watch::Receiver<Option<P>>,
    channel: &Channel<P>,
) -> Result<()> {
    while progress.changed().await.is_ok() {
        let latest = progress.borrow_and_update().clone();
        latest.map_or(Ok(()), |latest| send(channel, latest))?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
