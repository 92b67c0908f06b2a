//! What lists and histories are told about containers.

use terrarium_api::{ChangeKind, LifecycleEvent, ResourceKind};

use super::container::Container;
use crate::{Engine, time::now_ns};

impl Engine {
    /// Tells histories, in Docker's words.
    pub(super) fn container_event(
        &self,
        container: &Container,
        action: &str,
        more: &[(&str, String)],
    ) {
        let record = container.record();
        let mut attributes = record.labels();
        attributes.insert("image".into(), record.request.image);
        attributes.insert("name".into(), record.name);
        let more = more
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()));
        attributes.extend(more);
        self.hub().event(LifecycleEvent {
            at_ns: now_ns(),
            kind: "container".into(),
            action: action.into(),
            id: container.id.to_string(),
            attributes,
        });
    }

    /// Tells lists how a container stands now.
    pub(super) fn container_changed(&self, container: &Container) {
        self.hub().change(ChangeKind::Container {
            value: Box::new(container.summary()),
        });
    }

    /// Tells lists that a container is no more.
    pub(super) fn container_removed(&self, container: &Container) {
        self.hub().change(ChangeKind::Removed {
            kind: ResourceKind::Container,
            id: container.id.to_string(),
        });
    }
}
