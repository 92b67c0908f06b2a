//! Telling windows and histories what became of images.

use std::collections::BTreeMap;

use terrarium_api::{ChangeKind, ImageSummary, LifecycleEvent, ResourceKind};

use crate::{Engine, Result, time::now_ns};

impl Engine {
    /// Reads all images and tells windows which rows changed since the last time: a pull changes
    /// what other images share, and a container who uses one.
    pub(crate) async fn publish_images(&self) -> Result<Vec<ImageSummary>> {
        // Held while reading, so that an older state is never published over a newer one.
        let mut published = self.inner.images.published.lock().await;
        let now = self.images().await?;
        for change in changes(&published, &now) {
            self.hub().change(change);
        }
        published.clone_from(&now);
        Ok(now)
    }

    /// Notes an event of an image in Docker's words.
    pub(super) fn image_event(&self, action: &str, id: &str, name: &str) {
        self.hub().event(LifecycleEvent {
            at_ns: now_ns(),
            kind: "image".into(),
            action: action.into(),
            id: id.into(),
            attributes: [("name".into(), name.into())].into(),
        });
    }
}

/// The changes that turn one list into another.
fn changes(before: &[ImageSummary], now: &[ImageSummary]) -> Vec<ChangeKind> {
    let mut gone: BTreeMap<&str, &ImageSummary> = before
        .iter()
        .map(|image| (image.id.as_str(), image))
        .collect();
    let mut changes = Vec::new();
    for image in now {
        if gone.remove(image.id.as_str()) != Some(image) {
            changes.push(ChangeKind::Image {
                value: Box::new(image.clone()),
            });
        }
    }
    changes.extend(gone.into_keys().map(|id| ChangeKind::Removed {
        kind: ResourceKind::Image,
        id: id.to_owned(),
    }));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(id: &str, references: &[&str]) -> ImageSummary {
        ImageSummary {
            id: id.into(),
            manifest_digest: String::new(),
            references: references.iter().map(ToString::to_string).collect(),
            repo_digests: Vec::new(),
            created_at_ms: None,
            size_bytes: 0,
            unique_bytes: 0,
            compressed_bytes: 0,
            platform: String::new(),
            layers: Vec::new(),
            used_by: Vec::new(),
            labels: BTreeMap::new(),
        }
    }

    #[test]
    fn only_rows_that_differ_are_published() {
        let before = [image("a", &["one"]), image("b", &["two"]), image("c", &[])];
        let now = [
            image("a", &["one"]),
            image("b", &["two", "three"]),
            image("d", &[]),
        ];
        let told: Vec<String> = changes(&before, &now)
            .into_iter()
            .map(|change| match change {
                ChangeKind::Image { value } => format!("+{}", value.id),
                ChangeKind::Removed { id, .. } => format!("-{id}"),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, ["+b", "+d", "-c"]);
    }
}
