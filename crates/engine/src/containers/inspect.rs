//! Looking at containers.

use std::fs;

use terrarium_api::{ContainerDetail, ContainerSummary};

use super::{container::Container, health, record::Record, spec};
use crate::{Engine, Result, blocking::blocking};

impl Engine {
    /// All containers, newest first.
    ///
    /// # Errors
    /// None so far.
    pub async fn containers(&self) -> Result<Vec<ContainerSummary>> {
        let containers = self.inner.containers.all();
        let mut rows: Vec<ContainerSummary> = containers
            .iter()
            .map(|container| container.summary())
            .collect();
        rows.sort_by(|a, b| {
            b.created_at_ms
                .cmp(&a.created_at_ms)
                .then_with(|| a.id.cmp(&b.id))
        });
        Ok(rows)
    }

    /// Everything about one container.
    ///
    /// # Errors
    /// `NoSuchContainer`.
    pub async fn inspect_container(&self, name: &str) -> Result<ContainerDetail> {
        let container = self.inner.containers.find(name)?;
        let (bundle, record) = (self.bundle(&container), container.record());
        let engine = self.clone();
        let kept = self.inner.records.spec(&container.id);
        let (spec, upper_dir, record) = blocking(move || {
            let spec = fs::read_to_string(bundle.spec_path())
                .or_else(|_| fs::read_to_string(kept))
                .ok();
            // Of a container that is just being removed, nothing has to be shown.
            let overlay = engine.overlay(&record).ok();
            let upper = overlay.and_then(|overlay| overlay.upper);
            let upper_dir = upper.map(|upper| upper.upperdir.display().to_string());
            Ok((spec, upper_dir.unwrap_or_default(), record))
        })
        .await?;
        Ok(self.detail(&container, record, spec, upper_dir))
    }

    fn detail(
        &self,
        container: &Container,
        record: Record,
        spec: Option<String>,
        upper_dir: String,
    ) -> ContainerDetail {
        let summary = container.summary();
        let runs = summary.pid.is_some();
        let mut command = record.command_line().into_iter();
        let run = record.run.clone().unwrap_or_default();
        let user = record.request.user.clone().filter(|user| !user.is_empty());
        let dir = record
            .request
            .working_dir
            .clone()
            .filter(|dir| !dir.is_empty());
        let config = &record.image.config;
        ContainerDetail {
            env: spec::environment(&record),
            path: command.next().unwrap_or_default(),
            args: command.collect(),
            working_dir: dir.unwrap_or_else(|| config.working_dir.clone()),
            user: user.unwrap_or_else(|| config.user.clone()),
            hostname: record.hostname().to_owned(),
            restart_count: record.restart_count,
            health_check: health::settings(&record),
            health: container.state().health.clone(),
            timeline: run.timeline,
            notes: run.notes,
            spec,
            chain_id: record.image.chain_id.clone().unwrap_or_default(),
            upper_dir,
            log_path: self.inner.records.log(&record.id).display().to_string(),
            cgroup: runs.then(|| spec::cgroup(&record).display().to_string()),
            manifest_digest: record.image.manifest_digest.clone(),
            request: record.request,
            summary,
        }
    }
}
