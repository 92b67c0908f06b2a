//! Agents for SSH keys: a socket here whose other end is the client's agent.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    task::JoinSet,
};

use crate::{Error, Result, Session, messages::BytesMessage};

const METHOD: &str = "/moby.sshforward.v1.SSH/ForwardAgent";
/// An agent answers with some kilobytes at most.
const PIECE: usize = 16 << 10;

/// Sockets of agents, which go when this is dropped.
#[derive(Debug)]
pub struct Agents {
    folder: TempDir,
    accepting: JoinSet<()>,
}

impl Agents {
    /// Prepares to forward agents by sockets below `root`, which nobody else reaches.
    ///
    /// # Errors
    /// When no folder can be made.
    pub fn within(root: &Path) -> Result<Self> {
        let folder = fs::create_dir_all(root)
            .and_then(|()| tempfile::Builder::new().prefix("agents-").tempdir_in(root));
        Ok(Self {
            folder: folder.map_err(Error::io("make a folder for the sockets of agents"))?,
            accepting: JoinSet::new(),
        })
    }

    /// A socket that leads to an agent of the client.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn forward(&mut self, session: &Arc<Session>, id: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(self.accepting.len().to_string());
        let listener = bind(&path).map_err(Error::io("make a socket for an agent"))?;
        let (session, id) = (Arc::clone(session), id.to_owned());
        self.accepting.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (session, id) = (Arc::clone(&session), id.clone());
                open.spawn(async move {
                    if let Err(error) = connect(&session, &id, stream).await {
                        tracing::debug!(%error, "an agent is not reached");
                    }
                });
                while open.try_join_next().is_some() {}
            }
        });
        Ok(path)
    }
}

/// Commands of a build run as whom they like; the folder keeps everybody else out.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

async fn connect(session: &Session, id: &str, stream: UnixStream) -> Result<()> {
    let metadata = [("buildkit.ssh.id", id.to_owned())];
    let mut call = session.channel().call(METHOD, &metadata).await?;
    let (mut reader, mut writer) = stream.into_split();
    let asking = async {
        let mut buffer = vec![0; PIECE];
        loop {
            match reader.read(&mut buffer).await {
                Ok(0) | Err(_) => return call.sending.end(),
                Ok(length) => {
                    let data = Bytes::copy_from_slice(&buffer[..length]);
                    call.sending.send(&BytesMessage { data }).await?;
                }
            }
        }
    };
    let answering = async {
        while let Some(message) = call.receiving.next::<BytesMessage>().await? {
            if writer.write_all(&message.data).await.is_err() {
                break;
            }
        }
        let _ = writer.shutdown().await;
        Ok(())
    };
    // The end of questions is not the end of answers, but the end of answers is that of all.
    tokio::select! {
        answered = answering => answered,
        Err(error) = asking => Err(error),
    }
}
