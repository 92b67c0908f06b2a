use terrarium_api::{Error, ErrorCode, ExecDetail, ExecRequest};

use super::{Attached, unsupported};
use crate::{Engine, Result};

/// How an exec process starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StartExec {
    /// First size of its terminal: rows and columns.
    pub size: Option<(u16, u16)>,
    /// Nobody reads its output.
    pub detach: bool,
}

impl Engine {
    /// Notes a process to run in a running container; it does not run yet.
    ///
    /// # Errors
    /// `WrongState` when the container does not run, `InvalidArgument` without a command.
    pub async fn create_exec(&self, request: ExecRequest) -> Result<ExecDetail> {
        unsupported("exec in", &request.container)
    }

    /// Runs an exec process. Its streams, unless it is detached.
    ///
    /// # Errors
    /// `NoSuchExec`, `WrongState` when it ran before, `CommandNotFound`, `CommandNotExecutable`.
    pub async fn start_exec(&self, id: &str, start: StartExec) -> Result<Option<Attached>> {
        let _ = start;
        Err(no_such_exec(id))
    }

    /// How an exec process stands.
    ///
    /// # Errors
    /// `NoSuchExec`.
    pub async fn inspect_exec(&self, id: &str) -> Result<ExecDetail> {
        Err(no_such_exec(id))
    }

    /// Tells the terminal of an exec process its size.
    ///
    /// # Errors
    /// `NoSuchExec`, `WrongState` when it does not run on a terminal.
    pub async fn resize_exec(&self, id: &str, rows: u16, cols: u16) -> Result<()> {
        let _ = (rows, cols);
        Err(no_such_exec(id))
    }
}

fn no_such_exec(id: &str) -> Error {
    Error::new(
        ErrorCode::NoSuchExec,
        format!("no such exec: {}", crate::error::quoted(id)),
    )
}
