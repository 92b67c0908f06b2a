//! Archives that a client sends in a request of their own, for a build that it asks for in another.

use std::{
    collections::VecDeque,
    fs::File,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

/// Archives that nobody has asked for yet. A client that does not ask for its own loses it.
const WAITING: usize = 8;
/// Both requests are sent at the same time, but one brings an archive with it.
const COMES_WITHIN: Duration = Duration::from_secs(300);

/// The archives that have come, by the names of their builds.
#[derive(Debug, Clone)]
pub(super) struct Uploads {
    files: Arc<Mutex<VecDeque<(String, File)>>>,
    changed: Arc<watch::Sender<()>>,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            files: Arc::default(),
            changed: Arc::new(watch::channel(()).0),
        }
    }
}

impl Uploads {
    pub(super) fn put(&self, id: String, file: File) {
        let mut files = self.lock();
        if files.len() == WAITING {
            files.pop_front();
        }
        files.push_back((id, file));
        drop(files);
        self.changed.send_replace(());
    }

    /// The archive of a build, as soon as it is here.
    pub(super) async fn take(&self, id: &str) -> Option<File> {
        let mut changed = self.changed.subscribe();
        let come = async {
            loop {
                changed.borrow_and_update();
                if let Some(file) = self.find(id) {
                    return Some(file);
                }
                changed.changed().await.ok()?;
            }
        };
        tokio::time::timeout(COMES_WITHIN, come).await.ok()?
    }

    fn find(&self, id: &str) -> Option<File> {
        let mut files = self.lock();
        let place = files.iter().position(|(other, _)| other == id)?;
        files.remove(place).map(|(_, file)| file)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, File)>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
