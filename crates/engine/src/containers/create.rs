//! Making a container: a record and a writable layer, nothing that runs.

use std::sync::Arc;

use terrarium_api::{
    ActivityKind, ContainerSummary, CreateContainer, CreateVolume, Error, ErrorCode, Mount,
    MountKind, NetworkMode, Traced,
};
use terrarium_oci::ExecConfig;

use super::{
    command_line,
    container::Container,
    id::ContainerId,
    record::{Desired, ImageFacts, Record},
    to_end, validate,
};
use crate::{Engine, Result, Tracer, error::quoted, images::Image, time::now_ms};

impl Engine {
    /// Creates a container without starting it: a record and a writable layer, nothing that runs.
    ///
    /// # Errors
    /// `NoSuchImage`, `NameInUse`, or `InvalidArgument` with the field's name.
    pub async fn create_container(
        &self,
        request: CreateContainer,
    ) -> Result<Traced<ContainerSummary>> {
        let engine = self.clone();
        to_end(async move {
            let subject = request
                .name
                .clone()
                .unwrap_or_else(|| request.image.clone());
            let work = engine
                .activities()
                .begin(ActivityKind::CreateContainer, &subject);
            work.end(engine.create(request).await)
        })
        .await
    }

    async fn create(&self, request: CreateContainer) -> Result<Traced<ContainerSummary>> {
        validate::request(&request)?;
        let image = self.resolve_image(&request.image).await?;
        self.create_of(request, image).await
    }

    /// Creates a container of an image that may have no name and no documents.
    pub(crate) async fn create_of(
        &self,
        mut request: CreateContainer,
        image: Image,
    ) -> Result<Traced<ContainerSummary>> {
        self.settle(&mut request)?;
        self.take_over_mounts(&mut request)?;
        let id = ContainerId::random();
        let name = self
            .inner
            .containers
            .reserve(request.name.as_deref(), &id)?;
        request.name = Some(name.name().to_owned());
        let command = command_line::create(&request);
        let mut tracer = Tracer::new("container.create", name.name(), command);
        let mut mounts = mounts(&request, &image.config.config);
        self.make_volumes(&mut mounts, &mut tracer).await?;
        let record = Record {
            id,
            name: name.name().to_owned(),
            created_at_ms: now_ms(),
            mounts,
            request,
            image: facts(image),
            desired: Desired::Stopped,
            restart_count: 0,
            run: None,
        };
        validate::command(&record)?;
        let parent = record.image.chain_id.as_deref().unwrap_or("nothing");
        let detail = format!("on {parent}");
        tracer
            .step("prepare snapshot", detail, self.prepare_snapshot(&record))
            .await?;
        let container = Arc::new(Container::new(record));
        let saved = tracer.step("write record", "record.json, fsync", self.save(&container));
        if let Err(error) = saved.await {
            self.remove_snapshot(&container).await;
            return Err(error);
        }
        self.inner.containers.insert(Arc::clone(&container));
        name.keep();
        self.container_event(&container, "create", &[]);
        self.container_changed(&container);
        Ok(tracer.finish(container.summary()))
    }

    /// Replaces what a later host could understand otherwise.
    fn settle(&self, request: &mut CreateContainer) -> Result<()> {
        if request.network == NetworkMode::Host && request.hostname.is_none() {
            request.hostname = nix::unistd::gethostname()
                .ok()
                .and_then(|name| name.into_string().ok());
        }
        let settle = |mode: &mut Option<String>| -> Result<()> {
            let other = mode
                .as_deref()
                .and_then(|mode| mode.strip_prefix("container:"));
            if let Some(other) = other {
                *mode = Some(format!(
                    "container:{}",
                    self.inner.containers.find(other)?.id
                ));
            }
            Ok(())
        };
        settle(&mut request.pid_mode)?;
        settle(&mut request.ipc_mode)?;
        if let NetworkMode::Container { id } = &mut request.network {
            *id = self.inner.containers.find(id)?.id.to_string();
        }
        self.settle_networks(request)
    }

    /// Adds the mounts of the containers of `--volumes-from`, below the request's own.
    fn take_over_mounts(&self, request: &mut CreateContainer) -> Result<()> {
        for other in &request.volumes_from.clone() {
            let (name, mode) = other.split_once(':').unwrap_or((other, "rw"));
            if !matches!(mode, "ro" | "rw" | "z" | "Z") {
                return Err(invalid_mode(other));
            }
            let record = self.inner.containers.find(name)?.record();
            take_over(&mut request.mounts, &record.mounts, mode == "ro");
        }
        Ok(())
    }

    /// Makes the volumes that are not there yet, and names the anonymous ones.
    ///
    /// They come before the record: a volume without a container is harmless, the other way round
    /// would lose data that a user believes to be kept.
    async fn make_volumes(&self, mounts: &mut [Mount], tracer: &mut Tracer) -> Result<()> {
        for mount in mounts
            .iter_mut()
            .filter(|mount| mount.kind == MountKind::Volume)
        {
            let made = self.create_volume(CreateVolume {
                name: Some(mount.source.clone()).filter(|name| !name.is_empty()),
                labels: Default::default(),
            });
            let detail = mount.target.clone();
            mount.source = tracer.step("volume", detail, made).await?.value.name;
        }
        Ok(())
    }
}

fn take_over(mounts: &mut Vec<Mount>, others: &[Mount], read_only: bool) {
    for other in others.iter().filter(|other| other.kind != MountKind::Tmpfs) {
        if mounts.iter().all(|mount| mount.target != other.target) {
            let read_only = read_only || other.read_only;
            mounts.push(Mount {
                read_only,
                no_copy: true,
                ..other.clone()
            });
        }
    }
}

fn invalid_mode(text: &str) -> Error {
    Error::new(
        ErrorCode::InvalidArgument,
        format!("invalid volumes-from {}", quoted(text)),
    )
    .hint("write it as a container's name, with :ro or :rw behind it")
}

/// A volume that was named by the engine belongs to the container alone.
pub(super) fn is_anonymous(record: &Record, mount: &Mount) -> bool {
    let asked = record
        .request
        .mounts
        .iter()
        .find(|asked| asked.target == mount.target);
    mount.kind == MountKind::Volume && asked.is_none_or(|asked| asked.source.is_empty())
}

/// The request's mounts, and a volume for every path that the image wants one for.
fn mounts(request: &CreateContainer, image: &ExecConfig) -> Vec<Mount> {
    let mut mounts = request.mounts.clone();
    for target in &image.volumes {
        let clean = |path: &str| path.trim_end_matches('/').to_owned();
        if !mounts
            .iter()
            .any(|mount| clean(&mount.target) == clean(target))
        {
            mounts.push(Mount::new(MountKind::Volume, "", target));
        }
    }
    mounts
}

fn facts(image: Image) -> ImageFacts {
    ImageFacts {
        id: image.id.to_string(),
        chain_id: image.chain_id().map(ToString::to_string),
        manifest_digest: Some(image.manifest.digest.to_string()),
        config: image.config.config,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(source: &str, target: &str) -> Mount {
        Mount::new(MountKind::Volume, source, target)
    }

    #[test]
    fn mounts_of_another_container_come_below_the_own_ones() {
        let mut mounts = vec![volume("own", "/x")];
        let others = [volume("v1", "/x"), volume("v2", "/y")];
        take_over(&mut mounts, &others, true);
        let seen: Vec<_> = mounts
            .iter()
            .map(|mount| {
                (
                    mount.source.as_str(),
                    mount.target.as_str(),
                    mount.read_only,
                )
            })
            .collect();
        assert_eq!(seen, [("own", "/x", false), ("v2", "/y", true)]);
    }
}
