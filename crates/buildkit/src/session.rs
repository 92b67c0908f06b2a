//! Clients that answer while they wait for a build.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};
use tokio_util::sync::DropGuard;

use crate::{
    Error, Result,
    grpc::Channel,
    messages::{
        AgentRequest, CredentialsRequest, CredentialsResponse, Empty, SecretRequest, SecretResponse,
    },
};

/// A client connects beside its request for a build.
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);
/// The largest secret that BuildKit takes.
const SECRET_BYTES: usize = 500 * 1024;

/// A client that answers calls.
#[derive(Debug)]
pub struct Session {
    channel: Channel,
    /// What it answers.
    methods: BTreeSet<String>,
    /// Under which name it sent the same files before.
    shared_key: String,
    _open: DropGuard,
}

impl Session {
    /// Takes a connection over on which a client answers these methods.
    ///
    /// # Errors
    /// When it does not speak HTTP/2.
    pub async fn open<T>(connection: T, methods: impl IntoIterator<Item = String>) -> Result<Self>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (channel, open) = Channel::open(connection).await?;
        let methods = methods.into_iter();
        Ok(Self {
            channel,
            // Some clients leave the slash at the start out, in other cases than others.
            methods: methods.map(|method| plain(&method)).collect(),
            shared_key: String::new(),
            _open: open,
        })
    }

    /// With the name under which the client knows its files from one session to the next.
    #[must_use]
    pub fn with_shared_key(mut self, key: String) -> Self {
        self.shared_key = key;
        self
    }

    /// The name of its files, if they have one.
    #[must_use]
    pub fn shared_key(&self) -> Option<&str> {
        Some(self.shared_key.as_str()).filter(|key| !key.is_empty())
    }

    /// Its calls.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Whether the client answers a method.
    #[must_use]
    pub fn answers(&self, method: &str) -> bool {
        self.methods.contains(&plain(method))
    }

    /// The sign-in for a registry, if the client has one.
    ///
    /// # Errors
    /// When the client cannot say.
    pub async fn credentials(&self, host: &str) -> Result<Option<CredentialsResponse>> {
        const METHOD: &str = "/moby.filesync.v1.Auth/Credentials";
        if !self.answers(METHOD) {
            return Ok(None);
        }
        let host = host.to_owned();
        let found: CredentialsResponse = self
            .channel
            .ask(METHOD, &CredentialsRequest { host })
            .await?;
        Ok(Some(found).filter(|found| !found.secret.is_empty()))
    }

    /// A secret, if the client has it.
    ///
    /// # Errors
    /// When the client cannot give it, or it is too large.
    pub async fn secret(&self, id: &str) -> Result<Option<Vec<u8>>> {
        const METHOD: &str = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
        if !self.answers(METHOD) {
            return Ok(None);
        }
        let id = id.to_owned();
        match self
            .channel
            .ask::<SecretResponse>(METHOD, &SecretRequest { id })
            .await
        {
            Ok(secret) if secret.data.len() > SECRET_BYTES => {
                Err(Error::TooLarge(secret.data.len()))
            }
            Ok(secret) => Ok(Some(secret.data.to_vec())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the client forwards an agent of this name.
    pub async fn has_agent(&self, id: &str) -> bool {
        const METHOD: &str = "/moby.sshforward.v1.SSH/CheckAgent";
        let id = id.to_owned();
        self.answers(METHOD)
            && self
                .channel
                .ask::<Empty>(METHOD, &AgentRequest { id })
                .await
                .is_ok()
    }
}

fn plain(method: &str) -> String {
    method.trim_start_matches('/').to_ascii_lowercase()
}

/// The clients that are connected, by the names that they gave themselves.
#[derive(Debug, Clone)]
pub struct Sessions {
    all: Arc<Mutex<HashMap<String, Arc<Session>>>>,
    changed: Arc<watch::Sender<()>>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            all: Arc::default(),
            changed: Arc::new(watch::channel(()).0),
        }
    }
}

impl Sessions {
    /// Lets a client be found by its name until it leaves.
    pub async fn serve(&self, id: &str, session: Session) {
        let session = Arc::new(session);
        let channel = session.channel().clone();
        let entry = Entry {
            sessions: self,
            id,
            session: Arc::clone(&session),
        };
        self.lock().insert(id.to_owned(), session);
        self.changed.send_replace(());
        channel.closed().await;
        drop(entry);
    }

    /// The client of a name, also one that is about to connect.
    ///
    /// # Errors
    /// When none does.
    pub async fn get(&self, id: &str) -> Result<Arc<Session>> {
        let mut changed = self.changed.subscribe();
        let found = async {
            loop {
                changed.borrow_and_update();
                if let Some(session) = self.lock().get(id).cloned() {
                    return session;
                }
                if changed.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let found = tokio::time::timeout(CONNECTS_WITHIN, found).await;
        found.map_err(|_| Error::NoSession(id.to_owned()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name in the list, until it is dropped.
struct Entry<'a> {
    sessions: &'a Sessions,
    id: &'a str,
    session: Arc<Session>,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut all = self.sessions.lock();
        // A client that connected anew under the same name stays.
        if all
            .get(self.id)
            .is_some_and(|session| Arc::ptr_eq(session, &self.session))
        {
            all.remove(self.id);
        }
    }
}
