//! The host's end of the conversation with a shim (`terrarium_runtime::shim::protocol`).

mod connect;
mod lines;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use terrarium_api::{Error, ErrorCode};
use terrarium_runtime::shim::protocol::{
    Attach, CREATE_ID, Call, Created, Event, Failure, FailureCode, Reply, Request, ShimState,
    Started, Target,
};
use tokio::{
    io::{AsyncWriteExt as _, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
};

use crate::{Result, error::Context as _};

/// Events that may wait for the one who handles them; then the shim waits.
const EVENTS_AHEAD: usize = 64;

/// A control connection to a shim. Requests are answered in any order.
#[derive(Debug)]
pub(crate) struct Shim {
    bundle: PathBuf,
    writer: tokio::sync::Mutex<OwnedWriteHalf>,
    waiting: Arc<Waiting>,
    next: AtomicU64,
}

type Answer = std::result::Result<Reply, Failure>;

/// Who waits for which answer; none at all once the connection has ended.
#[derive(Debug)]
struct Waiting(Mutex<Option<HashMap<u64, oneshot::Sender<Answer>>>>);

/// Events of a shim, in order. Ends with the connection.
pub(crate) type Events = mpsc::Receiver<Event>;

/// A connection that is attached to a process.
pub(crate) type Streams = (BufReader<OwnedReadHalf>, OwnedWriteHalf);

/// The answer about the creation, which comes unasked.
#[derive(Debug)]
pub(crate) struct Creation(oneshot::Receiver<Answer>);

impl Creation {
    /// How it went.
    pub(crate) async fn done(self, shim: &Shim) -> Result<Created> {
        match self.0.await {
            Ok(Ok(Reply::Created(created))) => Ok(created),
            Ok(Ok(other)) => Err(unexpected(&other)),
            Ok(Err(failure)) => Err(error_of(failure)),
            Err(_) => Err(shim.gone()),
        }
    }
}

impl Shim {
    /// Starts a shim for a bundle. To be called within the async runtime.
    pub(crate) fn spawn(runtime: &Path, bundle: &Path) -> Result<(Arc<Self>, Creation, Events)> {
        let stream = connect::spawn(runtime, bundle)
            .context(|| format!("start the supervisor {}", runtime.display()))?;
        let (sender, receiver) = oneshot::channel();
        let (shim, events) = Self::over(stream, bundle, HashMap::from([(CREATE_ID, sender)]));
        Ok((shim, Creation(receiver), events))
    }

    /// Finds the shim that runs in a bundle.
    pub(crate) async fn connect(bundle: &Path) -> std::io::Result<(Arc<Self>, Events)> {
        let stream = connect::connect(bundle).await?;
        Ok(Self::over(stream, bundle, HashMap::new()))
    }

    fn over(
        stream: UnixStream,
        bundle: &Path,
        waiting: HashMap<u64, oneshot::Sender<Answer>>,
    ) -> (Arc<Self>, Events) {
        let (reader, writer) = stream.into_split();
        let (sender, events) = mpsc::channel(EVENTS_AHEAD);
        let waiting = Arc::new(Waiting(Mutex::new(Some(waiting))));
        // The task ends with the shim, or when the last handle closes the writing half and the shim
        // closes in turn.
        tokio::spawn(lines::read(reader, Arc::clone(&waiting), sender));
        let shim = Self {
            bundle: bundle.to_owned(),
            writer: tokio::sync::Mutex::new(writer),
            waiting,
            next: AtomicU64::new(CREATE_ID + 1),
        };
        (Arc::new(shim), events)
    }

    /// Asks for something and waits for the answer.
    pub(crate) async fn call(&self, call: Call) -> Result<Reply> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        if !self.waiting.add(id, sender) {
            return Err(self.gone());
        }
        let line = lines::write(&Request { id, call })?;
        if self.writer.lock().await.write_all(&line).await.is_err() {
            return Err(self.gone());
        }
        match receiver.await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(failure)) => Err(error_of(failure)),
            Err(_) => Err(self.gone()),
        }
    }

    /// Lets init run its program.
    pub(crate) async fn start(&self) -> Result<Started> {
        match self.call(Call::Start).await? {
            Reply::Started(started) => Ok(started),
            other => Err(unexpected(&other)),
        }
    }

    /// From now on events come; the state is the one before the first of them.
    pub(crate) async fn subscribe(&self) -> Result<ShimState> {
        match self.call(Call::Subscribe).await? {
            Reply::State(state) => Ok(state),
            other => Err(unexpected(&other)),
        }
    }

    /// Asks for something that is answered with a mere yes.
    pub(crate) async fn command(&self, call: Call) -> Result<()> {
        match self.call(call).await? {
            Reply::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Sends a signal to a process.
    pub(crate) async fn kill(&self, target: Target, signal: i32) -> Result<()> {
        let all = false;
        self.command(Call::Kill {
            target,
            signal,
            all,
        })
        .await
    }

    /// Joins the streams of a process, over a connection of its own.
    pub(crate) async fn attach(&self, attach: Attach) -> Result<Streams> {
        let what = || format!("attach to the supervisor in {}", self.bundle.display());
        let stream = connect::connect(&self.bundle).await.context(what)?;
        let (reader, mut writer) = stream.into_split();
        let call = Call::Attach(attach);
        let line = lines::write(&Request { id: 1, call })?;
        writer.write_all(&line).await.context(what)?;
        let mut reader = BufReader::new(reader);
        match lines::answer(&mut reader).await.context(what)? {
            Some(Ok(Reply::Attached)) => Ok((reader, writer)),
            Some(Ok(other)) => Err(unexpected(&other)),
            Some(Err(failure)) => Err(error_of(failure)),
            None => Err(self.gone()),
        }
    }

    fn gone(&self) -> Error {
        let error = Error::new(
            ErrorCode::RuntimeFailed,
            "the supervisor of the container has ended",
        );
        match connect::last_words(&self.bundle) {
            Some(words) => Error {
                causes: vec![words],
                ..error
            },
            None => error,
        }
    }
}

impl Waiting {
    /// Whether somebody may still be answered.
    fn add(&self, id: u64, sender: oneshot::Sender<Answer>) -> bool {
        match self.lock().as_mut() {
            Some(waiting) => {
                waiting.insert(id, sender);
                true
            }
            None => false,
        }
    }

    fn answer(&self, id: u64, answer: Answer) {
        let sender = self.lock().as_mut().and_then(|waiting| waiting.remove(&id));
        if let Some(sender) = sender {
            // Who asked may have lost interest.
            let _ = sender.send(answer);
        }
    }

    fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<Answer>>>> {
        // Single operations on a map: nothing is ever half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failure of the shim as the contract has it.
pub(crate) fn error_of(failure: Failure) -> Error {
    let code = match failure.code {
        FailureCode::CommandNotFound => ErrorCode::CommandNotFound,
        FailureCode::CommandNotExecutable => ErrorCode::CommandNotExecutable,
        FailureCode::BadWorkingDirectory | FailureCode::InvalidRequest => {
            ErrorCode::InvalidArgument
        }
        FailureCode::WrongStatus | FailureCode::Exited => ErrorCode::WrongState,
        FailureCode::NoSuchTarget => ErrorCode::NoSuchExec,
        FailureCode::Unsupported => ErrorCode::Unsupported,
        FailureCode::ExecExists | FailureCode::Failed | FailureCode::Unknown => {
            ErrorCode::RuntimeFailed
        }
    };
    Error {
        causes: failure.causes,
        ..Error::new(code, failure.message)
    }
}

pub(crate) fn unexpected(reply: &Reply) -> Error {
    Error::new(
        ErrorCode::Internal,
        format!("the supervisor gave an answer to another question: {reply:?}"),
    )
}
