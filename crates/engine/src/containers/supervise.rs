//! What happens while a container runs and when it ends.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
};

use terrarium_api::Exit;
use terrarium_runtime::shim::protocol::{Call, Event, ExitStatus, Target};
use tokio::sync::OwnedMutexGuard;

use super::{
    container::Container,
    launch::Launched,
    reconcile,
    record::Desired,
    restart,
    shim::{Events, Shim},
};
use crate::{Engine, Tracer, engine::Inner};

/// What a supervising task holds on to. Weak: a host that closes its engine must not be kept by the
/// containers that go on without it.
struct Supervisor {
    engine: Weak<Inner>,
    container: Weak<Container>,
    events: Events,
    /// Held until everything of the run is cleaned up.
    running: OwnedMutexGuard<()>,
}

impl Engine {
    /// Follows a run to its end and does then what its policy says.
    pub(super) fn supervise(
        &self,
        container: &Arc<Container>,
        launched: Launched,
        running: OwnedMutexGuard<()>,
    ) {
        let supervisor = Supervisor {
            engine: Arc::downgrade(&self.inner),
            container: Arc::downgrade(container),
            events: launched.events,
            running,
        };
        self.watch_health(container);
        tokio::spawn(supervisor.follow());
    }

    fn exec_or_init_event(&self, container: &Arc<Container>, event: Event) -> Option<ExitStatus> {
        match event {
            Event::Exited {
                target: Target::Init,
                status,
            } => return Some(status),
            Event::Exited {
                target: Target::Exec(id),
                status,
            } => self.exec_ended(container, &id, &status),
            Event::Oom => self.container_event(container, "oom", &[]),
            Event::LogLost { lines, cause } => {
                tracing::warn!(container_id = %container.id, lines, cause, "output was not logged");
            }
        }
        None
    }

    /// Records the end of a run, tells everybody, and cleans up.
    pub(super) async fn ended(
        &self,
        container: &Arc<Container>,
        shim: Option<Arc<Shim>>,
        exit: Exit,
    ) {
        let again = {
            let mut state = container.state();
            state.live = None;
            state.pending.clear();
            if let Some(run) = state.record.run.as_mut() {
                run.exit = Some(exit.clone());
                run.pid = None;
            }
            state.restarting = restart::pause_before_next(&state.record, &exit).is_some();
            state.restarting
        };
        self.inner.sampler.stop(container.id.as_str());
        self.end_execs(container);
        self.container_event(container, "die", &[("exitCode", exit.code.to_string())]);
        self.container_changed(container);
        container.life().send_modify(|life| {
            life.running = again;
            life.ends += 1;
            life.exit = Some(exit);
        });
        let detaching = self.detach(container).await;
        let shim_end = async {
            if let Some(shim) = shim {
                // Takes the control group with it. A shim that is gone already cannot.
                let _ = shim.command(Call::Delete).await;
            }
        };
        // The bundle goes last: until the record has the exit, `exit.json` is where it is known.
        let saved = tokio::join!(self.save(container), shim_end).0;
        match saved {
            Ok(()) => self.remove_bundle(container).await,
            Err(error) => {
                tracing::error!(container_id = %container.id, %error, "an exit is not recorded");
            }
        }
        detaching.ports_are_free().await;
    }

    /// Removes the container, starts it again, or leaves it, as was asked for.
    pub(super) async fn after_end(&self, container: &Arc<Container>) {
        loop {
            let next = {
                let state = container.state();
                let record = &state.record;
                let exit = record.run.as_ref().and_then(|run| run.exit.as_ref());
                exit.and_then(|exit| restart::pause_before_next(record, exit))
            };
            let Some(pause) = next else { break };
            tokio::time::sleep(pause).await;
            match self.start_again(container).await {
                Again::Runs | Again::NotWanted => return,
                Again::Failed => {}
            }
        }
        self.give_up_restarting(container);
        if container.state().record.request.auto_remove {
            self.remove_by_itself(container).await;
        }
    }

    /// Leaves a container that does not run as it is: its policy, or a wish, ends its restarts.
    pub(super) fn give_up_restarting(&self, container: &Arc<Container>) {
        container
            .life()
            .send_if_modified(|life| std::mem::take(&mut life.running));
        let waited = std::mem::take(&mut container.state().restarting);
        if waited {
            self.container_changed(container);
        }
    }

    /// Starts a container at the start of the host, and goes on with its policy if that fails.
    pub(super) async fn start_with_host(&self, container: &Arc<Container>) {
        if let Again::Failed = self.start_again(container).await {
            self.after_end(container).await;
        }
    }

    /// One start by the policy.
    fn start_again<'a>(
        &'a self,
        container: &'a Arc<Container>,
    ) -> Pin<Box<dyn Future<Output = Again> + Send + 'a>> {
        // Boxed: a start supervises, and a supervisor starts.
        Box::pin(async move {
            let _operation = container.operation.lock().await;
            {
                let mut state = container.state();
                let removed = container.life().borrow().removed;
                let wanted = state.record.desired == Desired::Running;
                if removed || !wanted || state.live.is_some() {
                    return Again::NotWanted;
                }
                state.record.restart_count = state.record.restart_count.saturating_add(1);
            }
            let name = container.state().record.name.clone();
            let mut tracer = Tracer::new("container.start", &name, format!("docker start {name}"));
            match self.run(container, &mut tracer).await {
                Ok(()) => Again::Runs,
                Err(error) => {
                    tracing::warn!(container_id = %container.id, %error, "a restart failed");
                    Again::Failed
                }
            }
        })
    }
}

enum Again {
    Runs,
    NotWanted,
    Failed,
}

impl Supervisor {
    async fn follow(mut self) {
        let ended = self.until_end().await;
        let Some((engine, container, shim, exit)) = ended else {
            return;
        };
        engine.ended(&container, shim, exit).await;
        drop(self.running);
        engine.after_end(&container).await;
    }

    /// Waits for the end; none if the engine was closed before.
    async fn until_end(&mut self) -> Option<(Engine, Arc<Container>, Option<Arc<Shim>>, Exit)> {
        loop {
            let event = self.events.recv().await;
            let engine = Engine {
                inner: self.engine.upgrade()?,
            };
            let container = self.container.upgrade()?;
            let Some(event) = event else {
                // The shim is gone, and can say no more than what it left in files.
                let bundle = engine.bundle(&container);
                let exit = reconcile::exit_of_the_dead(&bundle).await;
                return Some((engine, container, None, exit));
            };
            if let Some(status) = engine.exec_or_init_event(&container, event) {
                let shim = container.shim();
                return Some((engine, container, shim, exit_of(&status)));
            }
        }
    }
}

/// An exit in the contract's words.
pub(super) fn exit_of(status: &ExitStatus) -> Exit {
    let error = status.error.as_ref().map(|error| error.message.clone());
    Exit {
        code: status.code,
        oom_killed: status.oom_killed,
        at_ms: u64::try_from(status.exited_at.as_millisecond()).unwrap_or(0),
        error,
    }
}
