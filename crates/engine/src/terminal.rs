//! Terminals in containers: a shell of the image's own, or the main process itself.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use terrarium_api::{
    Error, ErrorCode, ExecRequest, OpenTerminal, TerminalEvent, TerminalInput, TerminalSize,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{mpsc, oneshot},
};

use crate::{
    AttachContainer, Attached, Engine, Input, Output, Result, StartExec,
    error::{Context as _, quoted},
    files,
};

/// Shells that images have, best first.
pub(crate) const SHELLS: [&str; 4] = ["/bin/bash", "/usr/bin/bash", "/bin/sh", "/busybox/sh"];
/// Output that a slow window may fall behind before the process has to wait.
const EVENTS_AHEAD: usize = 32;
/// Output that is sent at once.
const CHUNK_BYTES: usize = 32 * 1024;
const FRAME_HEAD_BYTES: usize = 8;

/// The open terminals of this host.
#[derive(Debug, Default)]
pub(crate) struct Terminals {
    sessions: Mutex<HashMap<String, Arc<Session>>>,
}

#[derive(Debug)]
struct Session {
    target: Target,
    input: tokio::sync::Mutex<Input>,
    /// Dropped to close it.
    close: Mutex<Option<oneshot::Sender<()>>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Target {
    Main { container: String },
    Exec { id: String },
}

impl Engine {
    /// Opens a terminal; its events end with the process or with `close_terminal`.
    ///
    /// # Errors
    /// `NoSuchContainer`, `WrongState` when it does not run, `CommandNotFound` for an image without
    /// a shell.
    pub async fn open_terminal(
        &self,
        request: OpenTerminal,
    ) -> Result<mpsc::Receiver<TerminalEvent>> {
        let (target, command, attached) = if request.attach {
            self.attach_terminal(&request).await?
        } else {
            self.exec_terminal(&request).await?
        };
        Ok(self.serve_terminal(target, command, attached, ()))
    }

    /// Passes on what is said and typed; `kept` goes when it is over.
    pub(crate) fn serve_terminal(
        &self,
        target: Target,
        command: Vec<String>,
        attached: Attached,
        kept: impl Send + 'static,
    ) -> mpsc::Receiver<TerminalEvent> {
        let session = files::random_hex(16);
        let (close, closed) = oneshot::channel();
        let entry = Arc::new(Session {
            target: target.clone(),
            input: tokio::sync::Mutex::new(attached.input),
            close: Mutex::new(Some(close)),
        });
        self.inner.terminals.lock().insert(session.clone(), entry);
        let (sender, receiver) = mpsc::channel(EVENTS_AHEAD);
        // There is room: the channel is new.
        let _ = sender.try_send(TerminalEvent::Opened {
            session: session.clone(),
            command,
        });
        let engine = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = forward(attached.output, &sender) => {}
                _ = closed => {}
                () = sender.closed() => {}
            }
            engine.inner.terminals.lock().remove(&session);
            let code = engine.exit_code(&target).await;
            drop(kept);
            let _ = sender.send(TerminalEvent::Exited { code }).await;
        });
        receiver
    }

    /// Types into a terminal.
    ///
    /// # Errors
    /// `NoSuchActivity` when it is closed.
    pub async fn terminal_input(&self, input: TerminalInput) -> Result<()> {
        let session = self.inner.terminals.find(&input.session)?;
        let mut writer = session.input.lock().await;
        let typed = writer.write_all(input.data.as_bytes()).await;
        typed.context(|| "type into the terminal".into())
    }

    /// Tells a terminal its size.
    ///
    /// # Errors
    /// `NoSuchActivity` when it is closed.
    pub async fn resize_terminal(&self, size: TerminalSize) -> Result<()> {
        let session = self.inner.terminals.find(&size.session)?;
        match &session.target {
            Target::Main { container } => {
                self.resize_container(container, size.rows, size.cols).await
            }
            Target::Exec { id } => self.resize_exec(id, size.rows, size.cols).await,
        }
    }

    /// Closes a terminal. A shell ends with it, a container's main process does not.
    ///
    /// # Errors
    /// `NoSuchActivity` when it is closed already.
    pub fn close_terminal(&self, session: &str) -> Result<()> {
        let session = self.inner.terminals.find(session)?;
        session
            .close
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Ok(())
    }

    async fn attach_terminal(
        &self,
        request: &OpenTerminal,
    ) -> Result<(Target, Vec<String>, Attached)> {
        let detail = self.inspect_container(&request.container).await?;
        let container = detail.summary.id;
        let attached = self
            .attach_container(AttachContainer {
                container: container.clone(),
                stdin: true,
                stdout: true,
                stderr: true,
            })
            .await?;
        if attached.terminal {
            self.resize_container(&container, request.rows, request.cols)
                .await?;
        }
        Ok((Target::Main { container }, detail.summary.command, attached))
    }

    async fn exec_terminal(
        &self,
        request: &OpenTerminal,
    ) -> Result<(Target, Vec<String>, Attached)> {
        if !request.command.is_empty() {
            return self.exec_one(request, request.command.clone()).await;
        }
        for shell in SHELLS {
            match self.exec_one(request, vec![shell.to_owned()]).await {
                Err(error) if is_missing(&error) => {}
                found_or_failed => return found_or_failed,
            }
        }
        let message = format!(
            "no shell in the image of container {}",
            quoted(&request.container)
        );
        Err(Error::new(ErrorCode::CommandNotFound, message).hint(
            "the image was built without one; type a program that it has, with its full path",
        ))
    }

    async fn exec_one(
        &self,
        request: &OpenTerminal,
        command: Vec<String>,
    ) -> Result<(Target, Vec<String>, Attached)> {
        let exec = self
            .create_exec(ExecRequest {
                container: request.container.clone(),
                command: command.clone(),
                env: vec!["TERM=xterm-256color".into()],
                working_dir: None,
                user: None,
                terminal: true,
                stdin: true,
                privileged: false,
                detach_keys: None,
            })
            .await?;
        let size = Some((request.rows, request.cols));
        let attached = self
            .start_exec(
                &exec.id,
                StartExec {
                    size,
                    detach: false,
                },
            )
            .await?;
        let attached = attached.ok_or_else(|| {
            Error::new(
                ErrorCode::Internal,
                "start a terminal: it came without its streams",
            )
        })?;
        Ok((Target::Exec { id: exec.id }, command, attached))
    }

    async fn exit_code(&self, target: &Target) -> Option<i32> {
        match target {
            Target::Exec { id } => self.inspect_exec(id).await.ok()?.exit_code,
            Target::Main { container } => {
                let exit = self.inspect_container(container).await.ok()?.summary.exit?;
                Some(exit.code)
            }
        }
    }
}

impl Terminals {
    fn find(&self, session: &str) -> Result<Arc<Session>> {
        let message = || format!("the terminal {} is closed", quoted(session));
        let found = self.lock().get(session).cloned();
        found.ok_or_else(|| Error::new(ErrorCode::NoSuchActivity, message()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        // Nothing between lock and unlock can panic half-way through a change.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(
        error.code,
        ErrorCode::CommandNotFound | ErrorCode::CommandNotExecutable
    )
}

/// Takes the frames apart and sends what they carry.
async fn forward(mut output: Output, sender: &mpsc::Sender<TerminalEvent>) -> io::Result<()> {
    let mut head = [0; FRAME_HEAD_BYTES];
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        if let Err(error) = output.read_exact(&mut head).await {
            // The end of the stream falls between two frames.
            return if error.kind() == io::ErrorKind::UnexpectedEof {
                Ok(())
            } else {
                Err(error)
            };
        }
        let mut left = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        while left > 0 {
            let part = left.min(CHUNK_BYTES);
            output.read_exact(&mut chunk[..part]).await?;
            left -= part;
            let data = BASE64_STANDARD.encode(&chunk[..part]);
            if sender.send(TerminalEvent::Output { data }).await.is_err() {
                return Ok(());
            }
        }
    }
}
