//! A container as an image is made of it.

use terrarium_api::ContainerStatus;
use terrarium_oci::ExecConfig;
use terrarium_store::Name;

use super::record::Record;
use crate::{Engine, Result};

/// What an image is made of.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) is_running: bool,
    /// Its writable layer.
    pub(crate) writable: Name,
    /// How it starts: its image's settings, under what it was created with.
    pub(crate) config: ExecConfig,
    pub(crate) command: Vec<String>,
    pub(crate) image_id: String,
    pub(crate) manifest_digest: Option<String>,
}

impl Engine {
    /// # Errors
    /// `NoSuchContainer`.
    pub(crate) fn committed(&self, name: &str) -> Result<Committed> {
        let container = self.inner.containers.find(name)?;
        let (writable, _) = self.container_layers(name)?;
        let record = container.record();
        let is_running = container.state().status() == ContainerStatus::Running;
        Ok(Committed {
            id: record.id.to_string(),
            name: record.name.clone(),
            is_running,
            writable,
            config: settings(&record),
            command: record.command_line(),
            image_id: record.image.id.clone(),
            manifest_digest: record.image.manifest_digest,
        })
    }

    /// Tells histories what became of a container, in Docker's words.
    pub(crate) fn tell_container(&self, id: &str, action: &str) {
        if let Ok(container) = self.inner.containers.find(id) {
            self.container_event(&container, action, &[]);
        }
    }
}

/// The image's settings, and over them what the container was created with.
fn settings(record: &Record) -> ExecConfig {
    let request = &record.request;
    let mut config = record.image.config.clone();
    if let Some(entrypoint) = &request.entrypoint {
        config.entrypoint.clone_from(entrypoint);
        // The arguments were meant for the image's own.
        config.cmd.clear();
    }
    if let Some(command) = request.command.as_ref().filter(|words| !words.is_empty()) {
        config.cmd.clone_from(command);
    }
    for entry in &request.env {
        let (name, has_value) = match entry.split_once('=') {
            Some((name, _)) => (name, true),
            None => (entry.as_str(), false),
        };
        let is_same = |old: &String| old.split('=').next() == Some(name);
        config.env.retain(|old| !is_same(old));
        if has_value {
            config.env.push(entry.clone());
        }
    }
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    if let Some(working_dir) = given(&request.working_dir) {
        config.working_dir = working_dir;
    }
    if let Some(user) = given(&request.user) {
        config.user = user;
    }
    if let Some(signal) = given(&request.stop_signal) {
        config.stop_signal = Some(signal);
    }
    let ports = request.exposed_ports.iter().cloned();
    config.exposed_ports.extend(ports);
    config.labels.extend(request.labels.clone());
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::record::tests::record;

    #[test]
    fn what_a_container_was_created_with_comes_over_its_image() {
        let mut record = record();
        record.image.config.env = vec!["A=1".into(), "B=1".into(), "C=1".into()];
        record.image.config.labels = [("a".to_owned(), "image".to_owned())].into();
        record.request.env = vec!["A=2".into(), "B".into(), "D=".into()];
        record.request.labels = [("a".to_owned(), "own".to_owned())].into();
        record.request.working_dir = Some("/srv".into());
        record.request.user = Some(String::new());
        let config = settings(&record);
        assert_eq!(config.env, ["C=1", "A=2", "D="]);
        assert_eq!(config.labels["a"], "own");
        assert_eq!(
            (config.working_dir.as_str(), config.user.as_str()),
            ("/srv", "")
        );
        assert_eq!(config.cmd, ["sh"]);
        record.request.entrypoint = Some(vec!["/init".into()]);
        assert!(settings(&record).cmd.is_empty());
    }
}
