//! New names, new limits.

use std::sync::Arc;

use terrarium_api::{ContainerSummary, Limits, RenameContainer, Traced, UpdateContainer};
use terrarium_runtime::shim::protocol::{Call, Reply};

use super::{command_line, container::Container, launch, shim, spec, to_end, validate};
use crate::{Engine, Result, Tracer};

impl Engine {
    /// Gives a container another name.
    ///
    /// # Errors
    /// `NameInUse`, or `InvalidArgument` for a name that is not one.
    pub async fn rename_container(
        &self,
        request: RenameContainer,
    ) -> Result<Traced<ContainerSummary>> {
        let container = self.inner.containers.find(&request.container)?;
        let engine = self.clone();
        to_end(async move { engine.rename(&container, &request.name).await }).await
    }

    /// Changes the limits of a container, running or not, and its restart policy.
    ///
    /// # Errors
    /// `InvalidArgument` for limits that contradict each other.
    pub async fn update_container(
        &self,
        request: UpdateContainer,
    ) -> Result<Traced<ContainerSummary>> {
        let container = self.inner.containers.find(&request.container)?;
        let engine = self.clone();
        to_end(async move { engine.update(&container, &request).await }).await
    }

    async fn rename(
        &self,
        container: &Arc<Container>,
        wish: &str,
    ) -> Result<Traced<ContainerSummary>> {
        let _operation = container.operation.lock().await;
        let old = container.state().record.name.clone();
        let reserved = self.inner.containers.reserve(Some(wish), &container.id)?;
        let new = reserved.name().to_owned();
        let mut tracer = Tracer::new(
            "container.rename",
            &old,
            format!("docker rename {old} {new}"),
        );
        container.state().record.name.clone_from(&new);
        let saved = tracer.step("write record", "record.json, fsync", self.save(container));
        if let Err(error) = saved.await {
            container.state().record.name = old;
            return Err(error);
        }
        reserved.keep();
        self.inner.containers.free_name(&old);
        self.container_event(container, "rename", &[("oldName", format!("/{old}"))]);
        self.container_changed(container);
        Ok(tracer.finish(container.summary()))
    }

    async fn update(
        &self,
        container: &Arc<Container>,
        request: &UpdateContainer,
    ) -> Result<Traced<ContainerSummary>> {
        let _operation = container.operation.lock().await;
        let before = container.state().record.request.clone();
        let name = container.state().record.name.clone();
        let limits = merge(&before.limits, &request.limits);
        validate::limits(&limits)?;
        let command = command_line::update(&name, request);
        let mut tracer = Tracer::new("container.update", &name, command);
        if let Some(live) = container
            .shim()
            .filter(|_| request.limits != Limits::default())
        {
            let resources = Box::new(spec::changed_resources(&limits));
            let asked = live.call(Call::Update { resources });
            let reply = tracer.step("write cgroup", "changed limits", asked).await?;
            let Reply::Updated { notes } = reply else {
                return Err(shim::unexpected(&reply));
            };
            if let Some(run) = container.state().record.run.as_mut() {
                run.notes.extend(notes.iter().map(launch::note));
            }
        }
        {
            let mut state = container.state();
            state.record.request.limits = limits;
            let policy = request.restart.unwrap_or(before.restart);
            state.record.request.restart = policy;
        }
        let saved = tracer.step("write record", "record.json, fsync", self.save(container));
        if let Err(error) = saved.await {
            container.state().record.request = before;
            return Err(error);
        }
        self.container_event(container, "update", &[]);
        self.container_changed(container);
        Ok(tracer.finish(container.summary()))
    }
}

/// The limits after an update: what is absent stays.
fn merge(old: &Limits, new: &Limits) -> Limits {
    let (old, new) = (old.clone(), new.clone());
    Limits {
        memory_bytes: new.memory_bytes.or(old.memory_bytes),
        memory_swap_bytes: new.memory_swap_bytes.or(old.memory_swap_bytes),
        memory_reservation_bytes: new
            .memory_reservation_bytes
            .or(old.memory_reservation_bytes),
        nano_cpus: new.nano_cpus.or(old.nano_cpus),
        cpu_shares: new.cpu_shares.or(old.cpu_shares),
        cpu_quota_usec: new.cpu_quota_usec.or(old.cpu_quota_usec),
        cpu_period_usec: new.cpu_period_usec.or(old.cpu_period_usec),
        cpuset_cpus: new.cpuset_cpus.or(old.cpuset_cpus),
        cpuset_mems: new.cpuset_mems.or(old.cpuset_mems),
        pids: new.pids.or(old.pids),
        blkio_weight: new.blkio_weight.or(old.blkio_weight),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_leaves_what_it_does_not_name() {
        let old = Limits {
            memory_bytes: Some(1),
            pids: Some(2),
            ..Default::default()
        };
        let new = Limits {
            pids: Some(3),
            ..Default::default()
        };
        let merged = merge(&old, &new);
        assert_eq!((merged.memory_bytes, merged.pids), (Some(1), Some(3)));
    }
}
