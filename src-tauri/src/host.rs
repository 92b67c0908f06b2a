//! The engine in this process: opened while the window is painted, closed after it is gone.

use std::{sync::Arc, time::Duration};

use terrarium_api::Error;
use terrarium_engine::{Config, Engine, Result};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// How long the engine waits for the page.
const PATIENCE: Duration = Duration::from_secs(2);

/// The engine, or that it is still being opened, or why it could not be.
#[derive(Debug)]
pub(crate) struct Host {
    engine: watch::Receiver<Option<Result<Engine>>>,
    wanted: Arc<Notify>,
    shutdown: CancellationToken,
}

impl Host {
    /// Opens the engine and serves the Docker API once the page asks for something, and returns at
    /// once: until its script runs, the page needs all processors.
    pub(crate) fn start(config: Config) -> Self {
        let (sender, engine) = watch::channel(None);
        let wanted = Arc::new(Notify::new());
        let asked = Arc::clone(&wanted);
        let shutdown = CancellationToken::new();
        let closing = shutdown.clone();
        tauri::async_runtime::spawn(async move {
            // A page that does not load must not keep the docker client waiting.
            let _ = tokio::time::timeout(PATIENCE, asked.notified()).await;
            let opened = Engine::open(config).await;
            if let Ok(engine) = &opened {
                tauri::async_runtime::spawn(serve_docker(engine.clone(), closing));
            }
            sender.send_replace(Some(opened));
        });
        Self {
            engine,
            wanted,
            shutdown,
        }
    }

    /// Waits until the engine is open.
    ///
    /// # Errors
    /// Why it could not be opened; the same for every caller.
    pub(crate) async fn engine(&self) -> Result<Engine> {
        self.wanted.notify_one();
        let mut engine = self.engine.clone();
        let opened = engine.wait_for(Option::is_some).await;
        let opened = opened.ok().and_then(|opened| opened.clone());
        opened.unwrap_or_else(|| {
            Err(Error::new(
                terrarium_api::ErrorCode::Internal,
                "the engine stopped while it was opened",
            ))
        })
    }

    /// Ends what serves others, and closes the engine. Containers go on.
    pub(crate) fn stop(&self) {
        self.shutdown.cancel();
        let opened = self.engine.borrow().clone();
        let Some(Ok(engine)) = opened else { return };
        if let Err(error) = tauri::async_runtime::block_on(engine.close()) {
            tracing::warn!(%error, "the next host cleans up");
        }
    }
}

async fn serve_docker(engine: Engine, shutdown: CancellationToken) {
    let socket = engine.config().socket.clone();
    if let Err(error) = terrarium_docker_api::serve(engine, &socket, shutdown).await {
        // The window works without it, and says so in its settings.
        tracing::warn!(%error, socket = %socket.display(), "the docker client cannot connect");
    }
}
