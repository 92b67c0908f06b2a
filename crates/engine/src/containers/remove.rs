//! Removing a container.

use std::sync::Arc;

use terrarium_api::{ActivityKind, Error, ErrorCode, RemoveContainer, Traced};

use super::{
    container::Container,
    create::is_anonymous,
    record::{Desired, Record},
    stop::Stop,
    to_end,
};
use crate::{
    Engine, Result, Tracer,
    blocking::blocking,
    error::{no_such_container, quoted},
};

impl Engine {
    /// Removes a container with its writable layer, its log, and, if asked, its anonymous volumes.
    ///
    /// # Errors
    /// `WrongState` when it runs and `force` is not set.
    pub async fn remove_container(&self, request: RemoveContainer) -> Result<Traced<()>> {
        let container = self.inner.containers.find(&request.container)?;
        let engine = self.clone();
        to_end(async move {
            let name = container.state().record.name.clone();
            let work = engine
                .activities()
                .begin(ActivityKind::RemoveContainer, &name);
            work.end(engine.remove(&container, &request, &name).await)
        })
        .await
    }

    async fn remove(
        &self,
        container: &Arc<Container>,
        request: &RemoveContainer,
        name: &str,
    ) -> Result<Traced<()>> {
        let mut tracer = Tracer::new("container.remove", name, format!("docker rm {name}"));
        let _operation = container.operation.lock().await;
        let live = container.state().live.is_some();
        // Between two starts of its policy it does not run, and is not at rest either.
        if !request.force && (live || container.life().borrow().running) {
            return Err(runs(name, live));
        }
        if live {
            self.stop(container, Stop::now(), &mut tracer).await?;
        }
        let volumes = if request.volumes {
            Volumes::Remove
        } else {
            Volumes::Keep
        };
        self.remove_stopped(container, volumes, &mut tracer).await?;
        Ok(tracer.finish(()))
    }

    /// Removes a container that ended, as its `--rm` asks.
    pub(super) async fn remove_by_itself(&self, container: &Arc<Container>) {
        let name = container.state().record.name.clone();
        let mut tracer = Tracer::new("container.remove", &name, format!("docker rm {name}"));
        let _operation = container.operation.lock().await;
        let idle = {
            let state = container.state();
            state.live.is_none() && !container.life().borrow().removed
        };
        if !idle {
            return;
        }
        if let Err(error) = self
            .remove_stopped(container, Volumes::Remove, &mut tracer)
            .await
        {
            tracing::error!(container_id = %container.id, %error, "a container is not removed");
        }
    }

    /// Removes a container that does not run and whose operations are locked.
    async fn remove_stopped(
        &self,
        container: &Arc<Container>,
        volumes: Volumes,
        tracer: &mut Tracer,
    ) -> Result<()> {
        // The run before may still be cleaned up.
        let _running = container.running.lock().await;
        if container.life().borrow().removed {
            return Err(no_such_container(container.id.as_str()));
        }
        let record = container.record();
        container.state().record.desired = Desired::Stopped;
        let (records, id) = (self.inner.records.clone(), container.id.clone());
        let _saving = container.saving.lock().await;
        // From this rename on there is no such container; a host that dies after it leaves only
        // what the next one sweeps.
        let discarded = blocking(move || records.discard(&id));
        tracer
            .step("rename record", "into the trash", discarded)
            .await?;
        self.inner.containers.remove(container);
        if volumes == Volumes::Remove {
            // Before anybody is told: who waited for `run --rm` finds none of them.
            self.remove_anonymous_volumes(&record).await;
        }
        container.life().send_modify(|life| {
            life.running = false;
            life.removed = true;
        });
        self.inner.sampler.forget(container.id.as_str());
        self.forget_execs(container);
        self.container_event(container, "destroy", &[]);
        self.container_removed(container);
        let snapshot = self.remove_snapshot(container);
        tracer
            .step("remove snapshot", "the writable layer", snapshot)
            .await;
        if self.bundle(container).folder().exists() {
            // An end that could not be recorded, for instance on a full disk, kept its bundle and
            // its place on a network.
            self.clean_up(container).await;
        }
        self.delete_leavings(container).await;
        Ok(())
    }

    async fn remove_anonymous_volumes(&self, record: &Record) {
        let own = record.mounts.iter();
        for mount in own.filter(|mount| is_anonymous(record, mount)) {
            // Another container may have come to use it.
            let _ = self.remove_volume(&mount.source).await;
        }
    }

    async fn delete_leavings(&self, container: &Container) {
        let (records, id) = (self.inner.records.clone(), container.id.clone());
        if let Err(error) = blocking(move || records.delete_discarded(&id)).await {
            tracing::warn!(container_id = %container.id, %error, "files of a container remain");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Volumes {
    Keep,
    Remove,
}

fn runs(name: &str, live: bool) -> Error {
    let how = if live { "running" } else { "restarting" };
    Error::new(
        ErrorCode::WrongState,
        format!(
            "cannot remove container {}: container is {how}",
            quoted(name)
        ),
    )
    .hint("stop the container before removing or force remove")
}
