//! More processes in running containers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use terrarium_api::{Error, ErrorCode, ExecDetail, ExecRequest};
use terrarium_runtime::shim::protocol::{
    Attach, Call, ExecOutput, ExecStarted, ExitStatus, Lag, Reply, StdinMode, Target,
};

use tokio::sync::Notify;

use super::{
    Attached,
    container::Container,
    not_running,
    shim::{self, Shim},
    spec, to_end,
};
use crate::{Engine, Result, blocking::blocking, error::quoted, files};

/// Ended ones that can still be asked for, as long as their container is there.
const ENDED_KEPT: usize = 1_000;

/// How an exec process starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StartExec {
    /// First size of its terminal: rows and columns.
    pub size: Option<(u16, u16)>,
    /// Nobody reads its output.
    pub detach: bool,
}

/// The exec processes of this host's containers. They do not outlive their container's run, and
/// another host knows nothing of them, as in Docker.
#[derive(Debug, Default)]
pub(crate) struct Execs {
    rows: Mutex<HashMap<String, Exec>>,
    /// Told whenever one ends.
    ends: Notify,
}

#[derive(Debug)]
struct Exec {
    detail: ExecDetail,
    started: bool,
    /// Its client is about to be joined: until then the shim must not forget it, nor its output.
    joining: bool,
    /// When it ended, counted.
    ended: Option<u64>,
}

impl Execs {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Exec>> {
        // Single operations on a map: nothing is ever half done.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn detail(&self, id: &str) -> Result<ExecDetail> {
        let rows = self.lock();
        let found = rows.get(id).ok_or_else(|| no_such_exec(id))?;
        Ok(found.detail.clone())
    }

    /// Marks it as started, once.
    fn begin(&self, id: &str, start: StartExec) -> Result<ExecDetail> {
        let mut rows = self.lock();
        let exec = rows.get_mut(id).ok_or_else(|| no_such_exec(id))?;
        if exec.started {
            let message = format!("exec {} has already run", quoted(id));
            return Err(Error::new(ErrorCode::WrongState, message));
        }
        exec.started = true;
        exec.joining = !start.detach;
        exec.detail.running = true;
        Ok(exec.detail.clone())
    }

    fn set_pid(&self, id: &str, pid: i32) {
        if let Some(exec) = self.lock().get_mut(id) {
            // It may have ended before its start was answered.
            exec.detail.pid = u32::try_from(pid).ok().filter(|_| exec.detail.running);
        }
    }

    /// Its client is joined, or will not be. Whether it has ended by now.
    fn joined(&self, id: &str) -> bool {
        let mut rows = self.lock();
        let Some(exec) = rows.get_mut(id) else {
            return true;
        };
        exec.joining = false;
        exec.ended.is_some()
    }

    fn is_joining(&self, id: &str) -> bool {
        self.lock().get(id).is_some_and(|exec| exec.joining)
    }

    /// Waits for the end of one that was started; its exit code.
    pub(super) async fn ended(&self, id: &str) -> i32 {
        loop {
            let next = self.ends.notified();
            let mut next = std::pin::pin!(next);
            // Enabled before the look: an end in between is not missed.
            next.as_mut().enable();
            match self.lock().get(id).map(|exec| exec.detail.exit_code) {
                Some(None) => {}
                Some(Some(code)) => return code,
                // Forgotten, with its container.
                None => return -1,
            }
            next.await;
        }
    }

    /// Forgets one that has ended.
    pub(super) fn forget(&self, id: &str) {
        let mut rows = self.lock();
        if rows.get(id).is_some_and(|exec| exec.ended.is_some()) {
            rows.remove(id);
        }
    }

    fn end(&self, id: &str, code: i32) -> Option<ExecDetail> {
        let mut rows = self.lock();
        let ended = rows.values().filter_map(|exec| exec.ended).max();
        let exec = rows.get_mut(id)?;
        exec.detail.running = false;
        exec.detail.pid = None;
        exec.detail.exit_code = Some(code);
        exec.ended = Some(ended.map_or(0, |last| last + 1));
        let detail = exec.detail.clone();
        forget_the_oldest(&mut rows);
        self.ends.notify_waiters();
        Some(detail)
    }
}

fn forget_the_oldest(rows: &mut HashMap<String, Exec>) {
    let ended = rows
        .iter()
        .filter_map(|(id, exec)| Some((exec.ended?, id.clone())));
    let mut ended: Vec<_> = ended.collect();
    if ended.len() > ENDED_KEPT {
        ended.sort_unstable();
        rows.remove(&ended[0].1);
    }
}

impl Engine {
    /// Notes a process to run in a running container; it does not run yet.
    ///
    /// # Errors
    /// `WrongState` when the container does not run, `InvalidArgument` without a command.
    pub async fn create_exec(&self, mut request: ExecRequest) -> Result<ExecDetail> {
        let container = self.inner.containers.find(&request.container)?;
        if request.command.first().is_none_or(String::is_empty) {
            return Err(Error::new(
                ErrorCode::InvalidArgument,
                "no exec command specified",
            ));
        }
        self.must_run(&container)?;
        request.container = container.id.to_string();
        let detail = ExecDetail {
            id: files::random_hex(32),
            container: container.id.to_string(),
            request,
            pid: None,
            running: false,
            exit_code: None,
        };
        let exec = Exec {
            detail: detail.clone(),
            started: false,
            joining: false,
            ended: None,
        };
        self.inner.execs.lock().insert(detail.id.clone(), exec);
        self.exec_event(&container, "exec_create", &detail, &[]);
        Ok(detail)
    }

    /// Runs an exec process. Its streams, unless it is detached.
    ///
    /// # Errors
    /// `NoSuchExec`, `WrongState` when it ran before, `CommandNotFound`, `CommandNotExecutable`.
    pub async fn start_exec(&self, id: &str, start: StartExec) -> Result<Option<Attached>> {
        let container = self.inner.execs.detail(id)?.container;
        let container = self.inner.containers.find(&container)?;
        let shim = self.must_run(&container)?;
        let detail = self.inner.execs.begin(id, start)?;
        let engine = self.clone();
        to_end(async move {
            let started = engine.run_exec(&container, &shim, &detail, start).await;
            if let Err(error) = &started {
                engine.inner.execs.end(&detail.id, exit_code(error));
            }
            started
        })
        .await
    }

    async fn run_exec(
        &self,
        container: &Arc<Container>,
        shim: &Shim,
        detail: &ExecDetail,
        start: StartExec,
    ) -> Result<Option<Attached>> {
        let process = self.exec_process(container, detail, start).await?;
        let request = &detail.request;
        let asked = shim.call(Call::Exec {
            exec_id: detail.id.clone(),
            process: Box::new(process),
            stdin: if request.stdin && !start.detach {
                StdinMode::Once
            } else {
                StdinMode::Null
            },
            output: if start.detach {
                ExecOutput::Discard
            } else {
                ExecOutput::Attach
            },
        });
        let started: ExecStarted = match asked.await? {
            Reply::ExecStarted(started) => started,
            other => return Err(shim::unexpected(&other)),
        };
        self.inner.execs.set_pid(&detail.id, started.pid);
        self.exec_event(container, "exec_start", detail, &[]);
        if start.detach {
            return Ok(None);
        }
        let streams = shim.attach(Attach {
            target: Target::Exec(detail.id.clone()),
            stdin: request.stdin,
            stdout: true,
            stderr: true,
            lag: Lag::Pace,
        });
        let streams = streams.await;
        if self.inner.execs.joined(&detail.id) {
            self.forget_exec(container, &detail.id);
        }
        Ok(Some(Attached::open(streams?, request.terminal)))
    }

    async fn exec_process(
        &self,
        container: &Arc<Container>,
        detail: &ExecDetail,
        start: StartExec,
    ) -> Result<terrarium_oci::runtime::Process> {
        let (engine, record, request) = (self.clone(), container.record(), detail.request.clone());
        blocking(move || {
            let own = record
                .request
                .user
                .as_deref()
                .filter(|user| !user.is_empty());
            let wish = request.user.as_deref().filter(|user| !user.is_empty());
            let wish = wish.or(own).unwrap_or(&record.image.config.user);
            let account = engine.account(&record, wish)?;
            spec::exec_process(&record, &request, &account, start.size)
        })
        .await
    }

    /// How an exec process stands.
    ///
    /// # Errors
    /// `NoSuchExec`.
    pub async fn inspect_exec(&self, id: &str) -> Result<ExecDetail> {
        self.inner.execs.detail(id)
    }

    /// Waits for the end of an exec process that was started; its exit code, -1 if it is forgotten.
    pub async fn exec_exit(&self, id: &str) -> i32 {
        self.inner.execs.ended(id).await
    }

    /// Tells the terminal of an exec process its size.
    ///
    /// # Errors
    /// `NoSuchExec`, `WrongState` when it does not run on a terminal.
    pub async fn resize_exec(&self, id: &str, rows: u16, cols: u16) -> Result<()> {
        let detail = self.inner.execs.detail(id)?;
        let container = self.inner.containers.find(&detail.container)?;
        let shim = self.must_run(&container)?;
        let target = Target::Exec(detail.id);
        shim.command(Call::Resize { target, rows, cols }).await
    }

    /// Records the end of an exec process.
    pub(super) fn exec_ended(&self, container: &Arc<Container>, id: &str, status: &ExitStatus) {
        let Some(detail) = self.inner.execs.end(id, status.code) else {
            return;
        };
        let more = [("exitCode", status.code.to_string())];
        self.exec_event(container, "exec_die", &detail, &more);
        if !self.inner.execs.is_joining(id) {
            self.forget_exec(container, id);
        }
    }

    /// Frees what the shim still holds of an exec process that has ended.
    fn forget_exec(&self, container: &Container, id: &str) {
        if let Some(shim) = container.shim() {
            let exec_id = id.to_owned();
            tokio::spawn(async move { shim.command(Call::Forget { exec_id }).await });
        }
    }

    /// Forgets the exec processes of a container that is removed.
    pub(super) fn forget_execs(&self, container: &Container) {
        let id = container.id.as_str();
        self.inner
            .execs
            .lock()
            .retain(|_, exec| exec.detail.container != id);
    }

    /// Marks those of a run that is over as ended: the end of init killed them.
    pub(super) fn end_execs(&self, container: &Container) {
        let id = container.id.as_str();
        let mut rows = self.inner.execs.lock();
        let running = |exec: &&mut Exec| exec.detail.container == id && exec.detail.running;
        for exec in rows.values_mut().filter(running) {
            exec.detail.running = false;
            exec.detail.pid = None;
            exec.detail.exit_code = Some(137);
            exec.ended = Some(0);
        }
        self.inner.execs.ends.notify_waiters();
    }

    fn must_run(&self, container: &Container) -> Result<Arc<Shim>> {
        let state = container.state();
        let name = &state.record.name;
        match &state.live {
            Some(live) if live.paused => Err(Error::new(
                ErrorCode::WrongState,
                format!("container {} is paused", quoted(name)),
            )
            .hint("unpause it first")),
            Some(live) => Ok(Arc::clone(&live.shim)),
            None => Err(not_running(name)),
        }
    }

    fn exec_event(
        &self,
        container: &Container,
        action: &str,
        detail: &ExecDetail,
        more: &[(&str, String)],
    ) {
        // Docker has the command within the action, but for the end.
        let action = match action {
            "exec_die" => action.to_owned(),
            _ => format!("{action}: {}", detail.request.command.join(" ")),
        };
        let mut attributes = vec![("execID", detail.id.clone())];
        attributes.extend_from_slice(more);
        self.container_event(container, &action, &attributes);
    }
}

fn exit_code(error: &Error) -> i32 {
    match error.code {
        ErrorCode::CommandNotFound => 127,
        _ => 126,
    }
}

fn no_such_exec(id: &str) -> Error {
    Error::new(
        ErrorCode::NoSuchExec,
        format!("no such exec: {}", quoted(id)),
    )
}
