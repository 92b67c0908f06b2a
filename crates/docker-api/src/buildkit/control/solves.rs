//! Builds that clients direct: several calls are about one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use terrarium_buildkit::{
    grpc::Status,
    messages::{SolveRequest, StatusResponse},
};
use terrarium_engine::Built;
use tokio::sync::{mpsc, watch};

use super::Answer;

/// The calls about a build are sent at the same time.
const BEGINS_WITHIN: Duration = Duration::from_secs(5);
/// A build from the cache may be done before the call that asks how it goes on.
const ASKED_WITHIN: Duration = Duration::from_secs(10);
/// Messages that a slow client may fall behind before the build waits for it.
const AHEAD: usize = 64;

/// How a client ended its build.
type Returned = Option<Answer<()>>;

/// One build.
#[derive(Debug)]
pub(super) struct Solve {
    pub(super) request: SolveRequest,
    pub(super) built: Mutex<Option<Built>>,
    to: mpsc::Sender<StatusResponse>,
    told: Mutex<Option<mpsc::Receiver<StatusResponse>>>,
    returned: watch::Sender<Returned>,
}

impl Solve {
    /// Where it is told how the build goes on.
    pub(super) fn progress(&self) -> mpsc::Sender<StatusResponse> {
        self.to.clone()
    }

    /// The client has done its part.
    pub(super) fn end(&self, how: Answer<()>) {
        self.returned.send_replace(Some(how));
    }

    /// Waits until the client has done its part.
    pub(super) async fn ended(&self) -> Answer<()> {
        let mut returned = self.returned.subscribe();
        let ended = returned.wait_for(Option::is_some).await;
        let ended = ended.map(|ended| ended.clone());
        ended.ok().flatten().unwrap_or(Ok(()))
    }
}

/// The builds under way, by their clients' names for them.
#[derive(Debug, Clone)]
pub(in crate::buildkit) struct Solves {
    all: Arc<Mutex<HashMap<String, Arc<Solve>>>>,
    /// What was told of builds that were done before anybody asked.
    late: Arc<Mutex<HashMap<String, mpsc::Receiver<StatusResponse>>>>,
    changed: Arc<watch::Sender<()>>,
}

impl Default for Solves {
    fn default() -> Self {
        Self {
            all: Arc::default(),
            late: Arc::default(),
            changed: Arc::new(watch::channel(()).0),
        }
    }
}

impl Solves {
    /// Begins a build, which is known until the answer is dropped.
    pub(super) fn begin(&self, request: SolveRequest) -> Begun {
        let (to, told) = mpsc::channel(AHEAD);
        let id = request.reference.clone();
        let solve = Arc::new(Solve {
            request,
            built: Mutex::default(),
            to,
            told: Mutex::new(Some(told)),
            returned: watch::channel(None).0,
        });
        self.lock().insert(id.clone(), Arc::clone(&solve));
        self.changed.send_replace(());
        Begun {
            solves: self.clone(),
            id,
            solve,
        }
    }

    /// A build, also one that is about to begin.
    pub(super) async fn get(&self, id: &str) -> Answer<Arc<Solve>> {
        self.find(|| self.lock().get(id).cloned()).await
    }

    /// What is told of a build, also of one that is done. Only one call gets it.
    pub(super) async fn status(&self, id: &str) -> Answer<mpsc::Receiver<StatusResponse>> {
        let known = || {
            let late = locked(&self.late).remove(id).map(Some);
            late.or_else(|| self.lock().get(id).map(|solve| locked(&solve.told).take()))
        };
        self.find(known)
            .await?
            .ok_or_else(|| Status::new(Status::INVALID_ARGUMENT, "the build is followed already"))
    }

    async fn find<T>(&self, look: impl Fn() -> Option<T>) -> Answer<T> {
        let mut changed = self.changed.subscribe();
        let found = async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = look() {
                    return Ok(found);
                }
                if changed.changed().await.is_err() {
                    return Err(unknown());
                }
            }
        };
        let found = tokio::time::timeout(BEGINS_WITHIN, found).await;
        found.unwrap_or_else(|_| Err(unknown()))
    }

    /// Keeps what was told of a build that was done before anybody asked.
    fn keep(&self, id: String, told: mpsc::Receiver<StatusResponse>) {
        locked(&self.late).insert(id.clone(), told);
        self.changed.send_replace(());
        let late = Arc::clone(&self.late);
        tokio::spawn(async move {
            tokio::time::sleep(ASKED_WITHIN).await;
            locked(&late).remove(&id);
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Solve>>> {
        locked(&self.all)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unknown() -> Status {
    Status::new(Status::NOT_FOUND, "no build has this name")
}

/// A build that has begun.
pub(super) struct Begun {
    solves: Solves,
    id: String,
    pub(super) solve: Arc<Solve>,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.solves.lock().remove(&self.id);
        if let Some(told) = locked(&self.solve.told).take() {
            self.solves.keep(self.id.clone(), told);
        }
    }
}
