//! From a record to a running process; undone in reverse where it fails.

use std::sync::Arc;

use terrarium_api::{Attachment, Note, PortBinding, Privilege, Step};
use terrarium_runtime::shim::protocol::{self, Call};

use super::{
    bundle::Bundle,
    container::Container,
    network,
    record::{Record, Run},
    shim::{Creation, Events, Shim},
};
use crate::{Engine, Result, Tracer, blocking::blocking};

/// A container that runs.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) shim: Arc<Shim>,
    pub(super) events: Events,
    pub(super) run: Run,
}

/// A start under way.
struct Launch<'a> {
    engine: &'a Engine,
    container: &'a Arc<Container>,
    record: Record,
    bundle: Bundle,
    tracer: &'a mut Tracer,
    /// What was weakened.
    notes: Vec<Note>,
}

impl Launch<'_> {
    async fn steps(&mut self) -> Result<Launched> {
        let detail = self.bundle.folder().display().to_string();
        let written = self.engine.prepare_bundle(&self.record, &self.bundle);
        self.tracer.step("write bundle", detail, written).await?;
        let runtime = &self.engine.config().runtime;
        let offset = self.tracer.now_usec();
        let (shim, creation, events) = Shim::spawn(runtime, self.bundle.folder())?;
        match self.start(&shim, creation, offset).await {
            Ok(run) => Ok(Launched { shim, events, run }),
            Err(error) => {
                // It may have ended by itself.
                let _ = shim.command(Call::Shutdown).await;
                Err(error)
            }
        }
    }

    /// From a shim that is starting to a program that runs.
    async fn start(&mut self, shim: &Shim, creation: Creation, offset: u64) -> Result<Run> {
        // Taken ports are found while the kernel is busy with the container.
        let (created, subscribed, reserved) = tokio::join!(
            creation.done(shim),
            shim.subscribe(),
            self.engine.reserve_ports(&self.record),
        );
        let created = created?;
        self.tracer.extend(offset, created.steps.iter().map(step));
        self.notes.extend(created.notes.iter().map(note));
        subscribed?;
        reserved?;
        let init = created.state.init.as_ref();
        let pid = init.and_then(|init| u32::try_from(init.pid).ok());
        let (engine, container) = (self.engine, self.container);
        let (attached, ()) = tokio::join!(
            self.set_up_network(pid),
            engine.attach_pending(container, shim),
        );
        let (attachments, ports) = attached?;
        let offset = self.tracer.now_usec();
        let started = shim.start().await?;
        self.tracer.extend(offset, started.steps.iter().map(step));
        Ok(Run {
            started_at_ms: u64::try_from(started.started_at.as_millisecond()).unwrap_or(1),
            pid,
            attachments,
            ports,
            notes: std::mem::take(&mut self.notes),
            ..Run::default()
        })
    }

    /// A user's machine may lack the way out. Containers reach each other without it, and most need no more.
    async fn lead_out(&mut self) -> Result<()> {
        if self.engine.inner.privilege == Privilege::Rootful {
            return Ok(());
        }
        let network = self.engine.network();
        let led = blocking(move || Ok(network.ensure_uplink().map_err(network::failed))).await?;
        if let Err(error) = led {
            tracing::warn!(container_id = %self.record.id, %error, "no way out of the machine");
            let because = error.causes.iter().map(|cause| format!(": {cause}"));
            self.notes.push(Note {
                name: "network".into(),
                text: format!(
                    "no way out of the machine: {}{}",
                    error.message,
                    because.collect::<String>()
                ),
            });
        }
        Ok(())
    }

    /// Gives the container its places on networks, and its `/etc/hosts` their addresses.
    async fn set_up_network(
        &mut self,
        pid: Option<u32>,
    ) -> Result<(Vec<Attachment>, Vec<PortBinding>)> {
        let Some(pid) = pid.filter(|_| self.record.has_network()) else {
            return Ok(Default::default());
        };
        self.lead_out().await?;
        // The place of the run before is given up by now, or will be in a moment.
        let _attached = self.container.attached.lock().await;
        let (engine, record) = (self.engine.clone(), self.record.clone());
        let names: Vec<_> = record
            .endpoints()
            .into_iter()
            .map(|one| one.network)
            .collect();
        let work = blocking(move || engine.attach_all(&record, pid));
        self.tracer.step("network", names.join(", "), work).await
    }
}

impl Engine {
    /// Takes a container from rest to a running process.
    ///
    /// # Errors
    /// The first thing that failed; what was done before it is undone.
    pub(super) async fn launch(
        &self,
        container: &Arc<Container>,
        tracer: &mut Tracer,
    ) -> Result<Launched> {
        let mut launch = Launch {
            engine: self,
            container,
            record: container.record(),
            bundle: self.bundle(container),
            tracer,
            notes: Vec::new(),
        };
        let launched = launch.steps().await;
        if launched.is_err() {
            self.clean_up(container).await;
        }
        launched
    }

    /// The bundle of a container.
    pub(super) fn bundle(&self, container: &Container) -> Bundle {
        Bundle::of(&self.config().run_root, container.id.as_str())
    }

    async fn reserve_ports(&self, record: &Record) -> Result<()> {
        if record.request.ports.is_empty() || !record.has_network() {
            return Ok(());
        }
        let (network, id) = (self.network(), record.id.clone());
        let ports = network::ports(&record.request.ports)?;
        blocking(move || {
            let reserved = network.reserve(id.as_str(), &ports);
            reserved.map(drop).map_err(network::failed)
        })
        .await
    }
}

pub(super) fn step(step: &protocol::Step) -> Step {
    Step {
        name: step.name.clone().into_owned(),
        start_usec: step.start_usec,
        end_usec: step.end_usec,
        detail: step.detail.clone(),
    }
}

pub(super) fn note(note: &protocol::Note) -> Note {
    Note {
        name: note.subject.to_string(),
        text: note.text.to_string(),
    }
}
