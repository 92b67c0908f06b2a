//! From a record to a running process; undone in reverse where it fails.

use std::{net::IpAddr, os::fd::AsFd as _, path::PathBuf, sync::Arc};

use terrarium_api::{Attachment, NetworkMode, Note, PortBinding, Step};
use terrarium_network::{ContainerNet, DEFAULT_NETWORK, open_netns};
use terrarium_runtime::shim::protocol::{self, Call, Created};

use super::{
    bundle::Bundle,
    container::Container,
    network,
    record::{Record, Run},
    shim::{Events, Shim},
};
use crate::{Engine, Result, Tracer, blocking::blocking};

/// A container that runs.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) shim: Arc<Shim>,
    pub(super) events: Events,
    pub(super) run: Run,
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
        let record = container.record();
        let bundle = self.bundle(container);
        let launched = self.launch_steps(container, &record, &bundle, tracer).await;
        if launched.is_err() {
            self.clean_up(container, &bundle).await;
        }
        launched
    }

    /// The bundle of a container.
    pub(super) fn bundle(&self, container: &Container) -> Bundle {
        Bundle::of(&self.config().run_root, container.id.as_str())
    }

    async fn launch_steps(
        &self,
        container: &Arc<Container>,
        record: &Record,
        bundle: &Bundle,
        tracer: &mut Tracer,
    ) -> Result<Launched> {
        let detail = bundle.folder().display().to_string();
        let mut notes = tracer
            .step("write bundle", detail, self.prepare_bundle(record, bundle))
            .await?;
        let offset = tracer.now_usec();
        let (shim, creation, events) = Shim::spawn(&self.config().runtime, bundle.folder())?;
        // Taken ports are found while the kernel is busy with the container.
        let (created, reserved) = tokio::join!(creation.done(&shim), self.reserve_ports(record));
        let set_up = match (created, reserved) {
            (Ok(created), Ok(())) => {
                tracer.extend(offset, created.steps.iter().map(step));
                notes.extend(created.notes.iter().map(note));
                self.run_created(container, record, bundle, &shim, &created, tracer)
                    .await
            }
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        };
        match set_up {
            Ok(run) => Ok(Launched {
                shim,
                events,
                run: Run { notes, ..run },
            }),
            Err(error) => {
                // It may have ended by itself.
                let _ = shim.command(Call::Shutdown).await;
                Err(error)
            }
        }
    }

    async fn run_created(
        &self,
        container: &Arc<Container>,
        record: &Record,
        bundle: &Bundle,
        shim: &Arc<Shim>,
        created: &Created,
        tracer: &mut Tracer,
    ) -> Result<Run> {
        let init = created.state.init.as_ref();
        let pid = init.and_then(|init| u32::try_from(init.pid).ok());
        let (attached, subscribed, ()) = tokio::join!(
            self.set_up_network(record, bundle, pid, tracer),
            shim.subscribe(),
            self.attach_pending(container, shim),
        );
        let (attachment, ports) = attached?;
        subscribed?;
        let offset = tracer.now_usec();
        let started = shim.start().await?;
        tracer.extend(offset, started.steps.iter().map(step));
        Ok(Run {
            started_at_ms: u64::try_from(started.started_at.as_millisecond()).unwrap_or(1),
            pid,
            attachment,
            ports,
            ..Run::default()
        })
    }

    /// Gives the container its place on the network, and its `/etc/hosts` its address.
    async fn set_up_network(
        &self,
        record: &Record,
        bundle: &Bundle,
        pid: Option<u32>,
        tracer: &mut Tracer,
    ) -> Result<(Option<Attachment>, Vec<PortBinding>)> {
        let Some(pid) = pid.filter(|_| self.uses_bridge(record)) else {
            return Ok((None, Vec::new()));
        };
        let (network, record, bundle) = (self.network(), record.clone(), bundle.clone());
        let work = blocking(move || {
            let netns = open_netns(pid).map_err(network::failed)?;
            let names = [record.name.clone(), record.hostname().to_owned()];
            let attachment = network
                .setup(&ContainerNet {
                    id: record.id.as_str(),
                    netns: netns.as_fd(),
                    pid,
                    network: DEFAULT_NETWORK,
                    address: None,
                    names: &names,
                    ports: &network::ports(&record.request.ports)?,
                })
                .map_err(network::failed)?;
            bundle.write_hosts(&record, Some(IpAddr::V4(attachment.address)))?;
            Ok(attachment)
        });
        let attached = tracer.step("network", DEFAULT_NETWORK, work).await?;
        let ports = attached.ports.iter().map(network::binding).collect();
        Ok((Some(network::attachment(&attached)), ports))
    }

    async fn reserve_ports(&self, record: &Record) -> Result<()> {
        if record.request.ports.is_empty() || !self.uses_bridge(record) {
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

    /// Whether the container is to be attached to the bridge. A user alone cannot make one.
    pub(super) fn uses_bridge(&self, record: &Record) -> bool {
        let rootful = self.inner.privilege == terrarium_api::Privilege::Rootful;
        rootful && record.request.network == NetworkMode::Bridge
    }

    /// Removes what a run leaves outside of the container's own processes.
    pub(super) async fn clean_up(&self, container: &Arc<Container>, bundle: &Bundle) {
        let (network, id) = (self.network(), container.id.clone());
        let bridge = self.uses_bridge(&container.record());
        let (bundle, spec) = (bundle.clone(), self.inner.records.spec(&id));
        let cleaned = blocking(move || {
            let detached = match bridge {
                true => network.teardown(id.as_str()).map_err(network::failed),
                false => Ok(()),
            };
            keep_spec(bundle.spec_path(), spec);
            bundle.remove().and(detached)
        });
        if let Err(error) = cleaned.await {
            // The next host sweeps it; the container itself has ended properly.
            tracing::warn!(container_id = %container.id, %error, "leavings of a run remain");
        }
    }
}

/// Shown later as the spec of the last run; nothing depends on it.
fn keep_spec(from: PathBuf, to: PathBuf) {
    if let Err(error) = std::fs::copy(&from, &to) {
        tracing::debug!(from = %from.display(), %error, "the spec of a run is not kept");
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
