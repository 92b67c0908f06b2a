//! What is known of a container, as it lies in `DATA_ROOT/containers/ID/record.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terrarium_api::{
    Attachment, ContainerStatus, CreateContainer, Endpoint, Exit, Mount, NetworkMode, Note,
    PortBinding, Step,
};
use terrarium_network::DEFAULT_NETWORK;
use terrarium_oci::ExecConfig;

use super::id::ContainerId;

/// A container, running or not. All that a later host needs to start it is in here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its id.
    pub(crate) id: ContainerId,
    /// Its unique name.
    pub(crate) name: String,
    /// When it was created.
    pub(crate) created_at_ms: u64,
    /// What was asked for; later updates of limits and restart policy are worked in.
    pub(crate) request: CreateContainer,
    /// What it was made from.
    pub(crate) image: ImageFacts,
    /// The request's mounts and the image's volumes; anonymous volumes have their names.
    pub(crate) mounts: Vec<Mount>,
    /// What the user wants.
    #[serde(default)]
    pub(crate) desired: Desired,
    /// How often the policy started it again since the user last did.
    #[serde(default)]
    pub(crate) restart_count: u32,
    /// Its last run.
    #[serde(default)]
    pub(crate) run: Option<Run>,
}

/// What a container keeps of its image, so that it starts even when the image has lost its names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ImageFacts {
    /// Digest of the image's config.
    pub(crate) id: String,
    /// Chain ID of its top layer; none for an image without layers.
    pub(crate) chain_id: Option<String>,
    /// Digest of the manifest that it came by.
    pub(crate) manifest_digest: Option<String>,
    /// How a container of it starts.
    pub(crate) config: ExecConfig,
}

/// What the user wants of a container. Only this tells, after a reboot, a container that was stopped
/// from one that the power cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Desired {
    /// It was never started, or was stopped by hand.
    #[default]
    Stopped,
    /// It was started.
    Running,
}

/// One run of a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// When its program began; 0 if it never did.
    pub(crate) started_at_ms: u64,
    /// Host process id of its main process.
    pub(crate) pid: Option<u32>,
    /// Its places on networks.
    #[serde(default)]
    pub(crate) attachments: Vec<Attachment>,
    /// Its published ports, as bound.
    pub(crate) ports: Vec<PortBinding>,
    /// Its start, step by step.
    pub(crate) timeline: Vec<Step>,
    /// What was weakened.
    pub(crate) notes: Vec<Note>,
    /// How it ended; none while it runs.
    pub(crate) exit: Option<Exit>,
}

impl Record {
    /// How it stands when nothing of it runs.
    pub(crate) fn status_at_rest(&self) -> ContainerStatus {
        // A start that failed leaves a run whose program never began.
        match &self.run {
            Some(run) if run.started_at_ms > 0 => ContainerStatus::Stopped,
            _ => ContainerStatus::Created,
        }
    }

    /// The program and its arguments, by Docker's rule for joining entrypoint and command.
    pub(crate) fn command_line(&self) -> Vec<String> {
        let (request, image) = (&self.request, &self.image.config);
        // Another entrypoint has no use for the arguments that the image meant for its own.
        let (entrypoint, default_command): (&[String], &[String]) = match &request.entrypoint {
            Some(entrypoint) => (entrypoint, &[]),
            None => (&image.entrypoint, &image.cmd),
        };
        let command = match &request.command {
            Some(command) if !command.is_empty() => command,
            _ => default_command,
        };
        entrypoint.iter().chain(command).cloned().collect()
    }

    /// The signal that asks it to stop, by name or number.
    pub(crate) fn stop_signal(&self) -> &str {
        let wished = self.request.stop_signal.as_deref();
        wished
            .or(self.image.config.stop_signal.as_deref())
            .filter(|signal| !signal.is_empty())
            .unwrap_or("SIGTERM")
    }

    /// Seconds of grace between that signal and the end.
    pub(crate) fn stop_timeout_s(&self) -> u32 {
        let of_image = self.image.config.stop_timeout;
        self.request
            .stop_timeout_s
            .or(of_image.and_then(|seconds| u32::try_from(seconds).ok()))
            .unwrap_or(10)
    }

    /// Whether it is attached to a network of the engine.
    pub(crate) fn has_network(&self) -> bool {
        !self.endpoints().is_empty()
    }

    /// The networks of the engine that it is to be on, the first one first.
    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        match self.request.network {
            NetworkMode::Bridge if self.request.endpoints.is_empty() => vec![Endpoint {
                network: DEFAULT_NETWORK.into(),
                ..Endpoint::default()
            }],
            _ => self.request.endpoints.clone(),
        }
    }

    /// Whether it asks the engine's own name server: on the default bridge only for its links.
    pub(crate) fn asks_for_names(&self) -> bool {
        self.endpoints()
            .iter()
            .any(|endpoint| endpoint.network != DEFAULT_NETWORK || !endpoint.links.is_empty())
    }

    /// Its places on networks; without addresses where it does not run.
    pub(crate) fn places(&self, runs: bool) -> Vec<Attachment> {
        let run = self.run.as_ref().filter(|_| runs);
        let place = |endpoint: Endpoint| {
            let places = run
                .map(|run| run.attachments.as_slice())
                .unwrap_or_default();
            let place = places
                .iter()
                .find(|place| place.network == endpoint.network);
            Attachment {
                network: endpoint.network,
                aliases: endpoint.aliases,
                ..place.cloned().unwrap_or_default()
            }
        };
        self.endpoints().into_iter().map(place).collect()
    }

    /// The image's labels, under the user's.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.image.config.labels.clone();
        labels.extend(self.request.labels.clone());
        labels
    }

    /// The host name that it has or will have.
    pub(crate) fn hostname(&self) -> &str {
        let wished = self.request.hostname.as_deref();
        wished
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| self.id.short())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record with fixed values, for golden tests.
    pub(crate) fn record() -> Record {
        Record {
            id: ContainerId::try_from("ab".repeat(32)).unwrap(),
            name: "mossy_fern".into(),
            created_at_ms: 1,
            request: CreateContainer {
                image: "busybox".into(),
                ..Default::default()
            },
            image: ImageFacts {
                id: "sha256:1".into(),
                chain_id: Some("sha256:2".into()),
                manifest_digest: None,
                config: ExecConfig {
                    cmd: vec!["sh".into()],
                    ..Default::default()
                },
            },
            mounts: Vec::new(),
            desired: Desired::Stopped,
            restart_count: 0,
            run: None,
        }
    }

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn entrypoint_and_command_are_joined_as_docker_does() {
        let check = |request: (Option<&str>, Option<&str>), image: (&str, &str), expect: &str| {
            let mut record = record();
            record.request.entrypoint = request.0.map(words);
            record.request.command = request.1.map(words);
            record.image.config.entrypoint = words(image.0);
            record.image.config.cmd = words(image.1);
            assert_eq!(
                record.command_line(),
                words(expect),
                "{request:?} {image:?}"
            );
        };
        check((None, None), ("", "sh"), "sh");
        check((None, None), ("/init", "serve"), "/init serve");
        check((None, Some("x y")), ("/init", "serve"), "/init x y");
        check((Some("/bin/e"), None), ("/init", "serve"), "/bin/e");
        check((Some("/bin/e"), Some("x")), ("/init", "serve"), "/bin/e x");
        check((Some(""), Some("x")), ("/init", "serve"), "x");
        check((Some(""), None), ("/init", "serve"), "");
    }
}
