//! Signals that a user sends.

use std::{sync::Arc, time::Duration};

use terrarium_api::{ContainerSummary, KillContainer, Traced};
use terrarium_runtime::shim::protocol::Target;

use super::{container::Container, not_running, record::Desired, signal, to_end};
use crate::{Engine, Result, Tracer};

/// How long a kill waits for the kernel to let go of the process, as Docker's does.
const GONE_WITHIN: Duration = Duration::from_secs(10);

impl Engine {
    /// Sends a signal to a container's main process. After `SIGKILL`, which nothing withstands, the
    /// container has ended when this returns: it can be removed.
    ///
    /// # Errors
    /// `WrongState` when it does not run, `InvalidArgument` for an unknown signal.
    pub async fn kill_container(&self, request: KillContainer) -> Result<Traced<ContainerSummary>> {
        let container = self.inner.containers.find(&request.container)?;
        let name = request.signal.as_deref().filter(|name| !name.is_empty());
        let number = signal::parse(name.unwrap_or("SIGKILL"))?;
        let engine = self.clone();
        to_end(async move { engine.kill(&container, number).await }).await
    }

    async fn kill(
        &self,
        container: &Arc<Container>,
        number: i32,
    ) -> Result<Traced<ContainerSummary>> {
        // Without the lock of operations: a stop that waits must not keep a kill waiting.
        let name = container.state().record.name.clone();
        let command = format!("docker kill --signal {number} {name}");
        let mut tracer = Tracer::new("container.kill", &name, command);
        let shim = container.shim().ok_or_else(|| not_running(&name))?;
        if ends_it(container, number) {
            // The policy must not undo what the user wants.
            container.state().record.desired = Desired::Stopped;
        }
        let mut life = container.life().subscribe();
        let ends = life.borrow().ends;
        let detail = format!("signal {number} to the main process");
        let sent = shim.kill(Target::Init, number);
        tracer.step("pidfd_send_signal", detail, sent).await?;
        self.container_event(container, "kill", &[("signal", number.to_string())]);
        if number == signal::KILL {
            let gone = life.wait_for(|life| life.ends > ends || !life.running);
            // One that the kernel does not let go, e.g. in a write to a dead disk, is shown as it is.
            let gone = tokio::time::timeout(GONE_WITHIN, gone);
            let _ = tracer
                .step("wait", "until the kernel has let it go", gone)
                .await;
        }
        Ok(tracer.finish(container.summary()))
    }
}

/// Docker's rule: the signal that stops it, and the one that nothing withstands, end a container.
fn ends_it(container: &Container, number: i32) -> bool {
    let stop = signal::parse(container.state().record.stop_signal());
    number == signal::KILL || stop.is_ok_and(|stop| stop == number)
}
