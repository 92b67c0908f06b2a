//! New names, new limits.

use std::sync::Arc;

use terrarium_api::{
    ContainerSummary, LimitKind, Limits, RenameContainer, Step, Traced, UpdateContainer,
};
use terrarium_runtime::shim::protocol::{Call, Reply};

use super::{command_line, container::Container, isolation, launch, shim, spec, to_end, validate};
use crate::{Engine, Result, Tracer, blocking::blocking};

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
        // Taken away first: a new limit may stand in the place of one in other words.
        let limits = merge(&lift(&before.limits, &request.lift), &request.limits);
        validate::limits(&limits)?;
        let command = command_line::update(&name, request);
        let mut tracer = Tracer::new("container.update", &name, command);
        let changed = request.limits != Limits::default() || !request.lift.is_empty();
        if changed {
            self.write_limits(container, &limits, &request.lift, &mut tracer)
                .await?;
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

impl Engine {
    /// Sets the limits of a container if it runs, and tells the files as they then stand.
    async fn write_limits(
        &self,
        container: &Arc<Container>,
        limits: &Limits,
        lifted: &[LimitKind],
        tracer: &mut Tracer,
    ) -> Result<()> {
        let Some(live) = container.shim() else {
            return Ok(());
        };
        let resources = Box::new(spec::changed_resources(limits, lifted));
        let start_usec = tracer.now_usec();
        let reply = live.call(Call::Update { resources }).await?;
        let end_usec = tracer.now_usec();
        let Reply::Updated { notes } = reply else {
            return Err(shim::unexpected(&reply));
        };
        if let Some(run) = container.state().record.run.as_mut() {
            run.notes.extend(notes.iter().map(launch::note));
        }
        let (hierarchies, pid) = (
            self.inner.sampler.hierarchies().clone(),
            container.summary().pid,
        );
        let kinds = touched(limits, lifted);
        let detail = blocking(move || {
            Ok(pid.map(|pid| isolation::written_limits(&hierarchies, pid, &kinds)))
        })
        .await?;
        tracer.extend(
            0,
            [Step {
                name: "write cgroup".to_owned(),
                start_usec,
                end_usec,
                detail: detail.unwrap_or_default(),
            }],
        );
        Ok(())
    }
}

/// The limits that a change sets or takes away.
fn touched(limits: &Limits, lifted: &[LimitKind]) -> Vec<LimitKind> {
    let set = [
        (LimitKind::Memory, limits.memory_bytes.is_some()),
        (
            LimitKind::Cpu,
            limits.nano_cpus.is_some() || limits.cpu_quota_usec.is_some(),
        ),
        (LimitKind::Pids, limits.pids.is_some()),
    ];
    let kinds = set
        .into_iter()
        .filter(|(kind, set)| *set || lifted.contains(kind));
    kinds.map(|(kind, _)| kind).collect()
}

/// The limits without those that are taken away.
fn lift(limits: &Limits, lifted: &[LimitKind]) -> Limits {
    let mut limits = limits.clone();
    for kind in lifted {
        match kind {
            LimitKind::Memory => {
                // The total with swap says nothing without it.
                (limits.memory_bytes, limits.memory_swap_bytes) = (None, None);
            }
            LimitKind::Cpu => {
                limits.nano_cpus = None;
                (limits.cpu_quota_usec, limits.cpu_period_usec) = (None, None);
            }
            LimitKind::Pids => limits.pids = None,
        }
    }
    limits
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

    #[test]
    fn a_lifted_limit_is_gone_with_what_belongs_to_it() {
        let old = Limits {
            memory_bytes: Some(1),
            memory_swap_bytes: Some(2),
            pids: Some(3),
            ..Default::default()
        };
        let expect = Limits {
            pids: Some(3),
            ..Default::default()
        };
        assert_eq!(lift(&old, &[LimitKind::Memory]), expect);
        let all = [LimitKind::Memory, LimitKind::Cpu, LimitKind::Pids];
        assert_eq!(touched(&expect, &[LimitKind::Memory]), [all[0], all[2]]);
    }
}
