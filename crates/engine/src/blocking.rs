//! The one way from async code to the crates that block.

use crate::Result;

/// Runs `work` on a thread that may block.
///
/// Dropping the future does not stop the work: what must not run to its end takes a flag.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
