//! What hosts ask of a running shim.

use std::time::Instant;

use jiff::Timestamp;

use super::client::Client;
use super::launch::{self, Exec};
use super::process::{End, Process};
use super::protocol::{
    Attach, Call, ExecOutput, ExecStarted, Failure, FailureCode, Message, Reply, Request, Started,
    Status, Target,
};
use super::signals::SIGKILL;
use super::supervisor::Shim;
use crate::cgroup;
use crate::plan::check_resources;

/// None: the answer comes later.
type Outcome = Result<Option<Reply>, Failure>;

impl Shim {
    /// Serves what one connection has asked.
    pub(super) fn requests(&mut self, index: usize) {
        while let Some(request) = self.connections[index].next_request() {
            match request {
                Ok(Request {
                    id,
                    call: Call::Attach(attach),
                }) => {
                    return self.attach(index, id, attach);
                }
                Ok(Request { id, call }) => {
                    let host = self.connections[index].id;
                    let outcome = self.call(index, (host, id), call);
                    if let Some(outcome) = outcome.transpose() {
                        self.connections[index].answer(id, outcome);
                    }
                }
                Err(text) => {
                    let connection = &mut self.connections[index];
                    let message = format!("not a request: {text}");
                    let failure = Failure::new(FailureCode::InvalidRequest, message);
                    connection.answer(super::protocol::CREATE_ID, Err(failure));
                }
            }
        }
    }

    fn call(&mut self, connection: usize, asker: (u64, u64), call: Call) -> Outcome {
        match call {
            Call::Start => return self.start().map(Some),
            Call::State => return Ok(Some(Reply::State(self.state.clone()))),
            Call::Kill {
                target,
                signal,
                all: false,
            } => self.kill(&target, signal)?,
            Call::Kill {
                target,
                signal,
                all: true,
            } => self.kill_every(&target, signal)?,
            Call::Pause => self.pause()?,
            Call::Resume => self.resume()?,
            Call::Update { resources } => {
                check_resources(&resources).map_err(|error| Failure::from(&error))?;
                let notes = cgroup::update(self.cgroup(), &resources);
                return Ok(Some(Reply::Updated { notes }));
            }
            Call::Exec {
                exec_id: id,
                process,
                stdin,
                output,
            } => {
                let exec = Exec {
                    id,
                    process,
                    stdin,
                    output,
                };
                return self.exec(asker.0, exec).map(Some);
            }
            Call::Resize { target, rows, cols } => self.resize(&target, rows, cols)?,
            Call::CloseStdin { target } => self.find(&target)?.input.end(),
            Call::Wait { target } => return self.wait_for(asker, &target),
            Call::Subscribe => {
                self.connections[connection].subscribed = true;
                return Ok(Some(Reply::State(self.state.clone())));
            }
            Call::Forget { exec_id } => self.forget(exec_id)?,
            Call::Delete => self.conclude()?,
            Call::Shutdown => return self.shut_down(asker),
            Call::Attach(_) => unreachable!("taken out by the caller"),
        }
        Ok(Some(Reply::Done))
    }

    fn start(&mut self) -> Result<Reply, Failure> {
        self.expect_status(&[Status::Created], "start")?;
        let Some(mut created) = self.created.take() else {
            return Err(Failure::new(
                FailureCode::WrongStatus,
                "the start has failed already",
            ));
        };
        let init = &mut self.processes[0];
        match created.start() {
            Ok(steps) => {
                let started_at = Timestamp::now();
                init.started_at = Some(started_at);
                self.state.started_at = Some(started_at);
                self.set_status(Status::Running);
                Ok(Reply::Started(Started { started_at, steps }))
            }
            Err(error) => {
                let failure = Failure::from(&error);
                init.start_failure = Some((error.docker_exit_code(), failure.clone()));
                // It has exited or is about to; if the runtime has reaped it, no signal will tell.
                if init.signal(SIGKILL).is_err() {
                    init.end
                        .get_or_insert_with(|| End::now(error.docker_exit_code(), None));
                }
                Err(failure)
            }
        }
    }

    fn exec(&mut self, host: u64, exec: Exec) -> Result<Reply, Failure> {
        self.expect_status(&[Status::Running], "exec in")?;
        if self
            .processes
            .iter()
            .any(|process| process.is_exec(&exec.id))
        {
            let message = format!("exec {:?} exists", exec.id);
            return Err(Failure::new(FailureCode::ExecExists, message));
        }
        let held_for = (exec.output == ExecOutput::Attach).then_some(host);
        let init = (self.state.id.as_str(), &self.processes[0]);
        let launched = launch::exec(&self.bundle, init, &self.state.cgroup, exec);
        let (mut process, steps) = launched.map_err(|error| Failure::from(&error))?;
        process.held_for = held_for;
        let started_at = process.started_at.unwrap_or_default();
        let pid = process.pid;
        self.processes.push(process);
        Ok(Reply::ExecStarted(ExecStarted {
            pid,
            started_at,
            steps,
        }))
    }

    fn resize(&mut self, target: &Target, rows: u16, cols: u16) -> Result<(), Failure> {
        let process = self.find(target)?;
        let Some(console) = process.console() else {
            let message = format!("{target:?} has no terminal");
            return Err(Failure::new(FailureCode::InvalidRequest, message));
        };
        crate::resize(console, rows, cols).map_err(|error| Failure::from(&error))
    }

    fn wait_for(&mut self, asker: (u64, u64), target: &Target) -> Outcome {
        let process = self.find(target)?;
        if let Some(status) = &process.exit {
            return Ok(Some(Reply::Exited(status.clone())));
        }
        process.waiters.push(asker);
        Ok(None)
    }

    fn forget(&mut self, exec_id: String) -> Result<(), Failure> {
        let process = self.find(&Target::Exec(exec_id))?;
        if process.exit.is_none() {
            let message = format!("{:?} has not exited", process.target);
            return Err(Failure::new(FailureCode::WrongStatus, message));
        }
        process.forgotten = true;
        Ok(())
    }

    fn shut_down(&mut self, asker: (u64, u64)) -> Outcome {
        if self.state.status == Status::Stopped {
            return self.conclude().map(|()| Some(Reply::Done));
        }
        self.ending.push(asker);
        // Without a cgroup there is still the pid namespace, which ends with init.
        let _ = cgroup::kill_all(self.cgroup());
        let _ = self.processes[0].signal(SIGKILL);
        let _ = self.thaw_for(SIGKILL);
        Ok(None)
    }

    fn attach(&mut self, index: usize, id: u64, attach: Attach) {
        let target = attach.target.clone();
        if let Err(failure) = self.find(&target) {
            return self.connections[index].answer(id, Err(failure));
        }
        let Ok((stream, input)) = self.connections[index].hand_over() else {
            return;
        };
        let answer = Message::Done {
            id,
            reply: Reply::Attached,
        };
        let mut answer = serde_json::to_vec(&answer).expect("messages are JSON");
        answer.push(b'\n');
        let process = self.find(&target).expect("it was there a moment ago");
        if attach.stdin && !input.is_empty() {
            process.input.push(&input);
        }
        process.clients.push(Client::new(stream, attach, &answer));
        if process.held_for.take().is_some()
            && let Some(end) = &mut process.end
        {
            end.extend(Instant::now());
        }
    }

    /// The process of that name.
    pub(super) fn find(&mut self, target: &Target) -> Result<&mut Process, Failure> {
        let mut processes = self.processes.iter_mut();
        processes
            .find(|process| process.target == *target && !process.forgotten)
            .ok_or_else(|| {
                Failure::new(
                    FailureCode::NoSuchTarget,
                    format!("there is no process {target:?}"),
                )
            })
    }

    /// Refuses what does not fit the status.
    pub(super) fn expect_status(&self, allowed: &[Status], verb: &str) -> Result<(), Failure> {
        let status = self.state.status;
        if allowed.contains(&status) {
            return Ok(());
        }
        let message = format!(
            "cannot {verb} container {:?}: it is {status:?}",
            self.state.id
        );
        Err(Failure::new(
            FailureCode::WrongStatus,
            message.to_lowercase(),
        ))
    }

    /// Changes the status where everybody can see it. A state file that cannot be written is no
    /// reason to fail what has happened: the shim answers for it as long as it lives.
    pub(super) fn set_status(&mut self, status: Status) {
        self.state.status = status;
        let _ = self.bundle.write_state(&self.state);
    }
}
