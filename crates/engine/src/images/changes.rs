//! Telling windows and histories what became of images.

use std::{collections::BTreeMap, sync::Arc};

use terrarium_api::{Change, ChangeKind, ImageSummary, LifecycleEvent, ResourceKind};

use crate::{Engine, Received, Result, time::now_ns};

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

    /// Publishes images anew whenever a container appears or goes: their rows tell who uses them.
    pub(crate) fn follow_containers(&self) {
        let mut changes = self.hub().changes();
        // Holding the engine would keep it open for ever.
        let weak = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            let mut known = BTreeMap::new();
            while let Some(change) = changes.next().await {
                let Some(inner) = weak
                    .upgrade()
                    .filter(|_| concerns_users(&change, &mut known))
                else {
                    continue;
                };
                if let Err(error) = (Self { inner }).publish_images().await {
                    tracing::warn!(%error, "windows may show old users of images");
                }
            }
        });
    }

    /// Notes an event of an image in Docker's words.
    pub(crate) fn image_event(&self, action: &str, id: &str, name: &str) {
        self.hub().event(LifecycleEvent {
            at_ns: now_ns(),
            kind: "image".into(),
            action: action.into(),
            id: id.into(),
            attributes: [("name".into(), name.into())].into(),
        });
    }
}

/// Whether a change means that an image has other users; `known` are the containers so far with
/// their names, which the rows tell.
fn concerns_users(change: &Received<Change>, known: &mut BTreeMap<String, String>) -> bool {
    let Received::Next(Change { change, .. }) = change else {
        return true;
    };
    match change {
        ChangeKind::Container { value } => {
            let before = known.insert(value.id.clone(), value.name.clone());
            before.as_ref() != Some(&value.name)
        }
        ChangeKind::Removed {
            kind: ResourceKind::Container,
            id,
        } => {
            known.remove(id);
            true
        }
        _ => false,
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
    fn a_container_that_goes_concerns_its_image_and_its_activity_does_not() {
        let mut known = BTreeMap::from([("1".to_owned(), "one".to_owned())]);
        let mut concerns = |kind, id: &str| {
            let change = ChangeKind::Removed {
                kind,
                id: id.to_owned(),
            };
            concerns_users(
                &Received::Next(Change {
                    revision: 1,
                    change,
                }),
                &mut known,
            )
        };
        assert!(!concerns(ResourceKind::Activity, "1"));
        assert!(concerns(ResourceKind::Container, "1"));
        assert!(known.is_empty());
        assert!(concerns_users(&Received::Lagged, &mut known));
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
