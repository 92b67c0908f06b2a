//! The server: a listening socket, its connections, and the way of a request to its handler.

mod connection;
mod listener;
mod routes;

use std::path::{Path, PathBuf};

use terrarium_engine::Engine;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::buildkit::BuildKit;

pub use listener::Listening;
pub(crate) use routes::not_built;

/// What every handler can reach.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) engine: Engine,
    /// Clients of BuildKit, and what they share.
    pub(crate) buildkit: BuildKit,
    /// Ends the streams that would otherwise hold a shutdown up.
    pub(crate) closing: CancellationToken,
    /// When the server began, in nanoseconds since the Unix epoch.
    pub(crate) started_ns: u64,
}

impl App {
    /// Where a volume's data lies.
    pub(crate) fn volume_path(&self) -> impl Fn(&str) -> String {
        let volumes = self.engine.config().data_root.join("volumes");
        move |name| volumes.join(name).join("_data").display().to_string()
    }
}

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Another server answers on this socket.
    #[error("another server is listening on {0}")]
    InUse(PathBuf),
    /// Something else than a socket lies there.
    #[error("{0} exists and is not a socket")]
    NotASocket(PathBuf),
    /// A step on the socket failed.
    #[error("{step} {path}")]
    Socket {
        /// What was being done.
        step: &'static str,
        /// The socket.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
}

/// Serves the API on a unix socket until `shutdown` is canceled, then removes the socket.
///
/// Streams end at a shutdown; containers are not touched.
///
/// # Errors
/// [`ServeError`] when the socket cannot be bound.
pub async fn serve(
    engine: Engine,
    socket: &Path,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    Listening::bind(socket)?.serve(engine, shutdown).await;
    Ok(())
}

impl Listening {
    /// Answers requests until `shutdown` is canceled, then removes the socket.
    pub async fn serve(self, engine: Engine, shutdown: CancellationToken) {
        let app = App {
            engine,
            buildkit: BuildKit::default(),
            closing: shutdown.clone(),
            started_ns: crate::time::now_ns(),
        };
        let router = routes::router(app);
        let connections = TaskTracker::new();
        loop {
            let stream = tokio::select! {
                () = shutdown.cancelled() => break,
                stream = self.accept() => stream,
            };
            connections.spawn(connection::serve(stream, router.clone(), shutdown.clone()));
        }
        drop(self);
        connections.close();
        // Requests that are not streams end on their own within this time, or are cut off.
        let _ = tokio::time::timeout(connection::GRACE, connections.wait()).await;
    }
}
