//! `GET /images/{name}/json` and `/history`.

use axum::Json;
use serde_json::{Value, json};
use terrarium_api::{DocumentKind, ImageDetail, ImageSettings};

use crate::{error::Result, server::App, time};

pub(super) async fn inspect(app: App, name: &str) -> Result<Json<Value>> {
    Ok(Json(show(&app.engine.inspect_image(name).await?)))
}

pub(super) async fn history(app: App, name: &str) -> Result<Json<Vec<Value>>> {
    Ok(Json(show_history(&app.engine.inspect_image(name).await?)))
}

fn show(image: &ImageDetail) -> Value {
    let summary = &image.summary;
    let settings = &image.config;
    let layers: Vec<&str> = image
        .layers
        .iter()
        .map(|layer| layer.diff_id.as_str())
        .collect();
    let comment = image.history.last().and_then(|step| step.comment.clone());
    let mut shown = json!({
        "Id": summary.id,
        "RepoTags": summary.references,
        "RepoDigests": summary.repo_digests,
        "Parent": "",
        "Comment": comment.unwrap_or_default(),
        "Created": summary.created_at_ms.map(time::from_ms),
        "DockerVersion": "",
        "Author": settings.author.clone().unwrap_or_default(),
        "Config": config(image),
        "Architecture": settings.architecture,
        "Os": settings.os,
        "Size": summary.size_bytes,
        "VirtualSize": summary.size_bytes,
        "GraphDriver": { "Name": "overlay2", "Data": {} },
        "RootFS": { "Type": "layers", "Layers": layers },
        "Metadata": { "LastTagTime": time::ZERO },
    });
    if let Some(variant) = &settings.variant {
        shown["Variant"] = json!(variant);
    }
    shown
}

/// The image's own settings, word for word: Docker's form and the stored one are the same.
fn config(image: &ImageDetail) -> Value {
    let document = image
        .documents
        .iter()
        .find(|document| document.kind == DocumentKind::Config);
    let parsed = document.and_then(|document| serde_json::from_str::<Value>(&document.json).ok());
    let mut config = from_settings(&image.config);
    if let Some(Value::Object(stored)) =
        parsed.and_then(|mut parsed| parsed.get_mut("config").map(Value::take))
    {
        for (key, value) in stored {
            config[key] = value;
        }
    }
    config
}

/// Every field that clients read without asking whether it is there.
fn from_settings(settings: &ImageSettings) -> Value {
    let words = |words: &Vec<String>| match words.is_empty() {
        true => Value::Null,
        false => json!(words),
    };
    json!({
        "Hostname": "",
        "Domainname": "",
        "User": settings.user,
        "AttachStdin": false,
        "AttachStdout": false,
        "AttachStderr": false,
        "Tty": false,
        "OpenStdin": false,
        "StdinOnce": false,
        "Env": settings.env,
        "Cmd": words(&settings.command),
        "Image": "",
        "Volumes": null,
        "WorkingDir": settings.working_dir,
        "Entrypoint": words(&settings.entrypoint),
        "OnBuild": null,
        "Labels": settings.labels,
    })
}

/// Newest first; only the top has an id, for layers have none.
fn show_history(image: &ImageDetail) -> Vec<Value> {
    let steps = image.history.iter().rev().enumerate().map(|(index, step)| {
        let top = index == 0;
        json!({
            "Id": if top { image.summary.id.as_str() } else { "<missing>" },
            "Created": step.created_at_ms.unwrap_or(0) / 1000,
            "CreatedBy": step.created_by,
            "Tags": if top { json!(image.summary.references) } else { Value::Null },
            "Size": step.size_bytes,
            "Comment": step.comment.clone().unwrap_or_default(),
        })
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrarium_api::{HistoryStep, ImageDocument, ImageSummary};

    fn image() -> ImageDetail {
        let step = |created_by: &str, size_bytes| HistoryStep {
            created_by: created_by.into(),
            created_at_ms: Some(5000),
            comment: None,
            layer: None,
            size_bytes,
        };
        ImageDetail {
            summary: ImageSummary {
                id: "sha256:1".into(),
                manifest_digest: "sha256:2".into(),
                references: vec!["a:1".into()],
                repo_digests: Vec::new(),
                created_at_ms: None,
                size_bytes: 10,
                unique_bytes: 10,
                compressed_bytes: 5,
                platform: "linux/arm64/v8".into(),
                layers: Vec::new(),
                used_by: Vec::new(),
                labels: Default::default(),
            },
            config: ImageSettings {
                variant: Some("v8".into()),
                ..ImageSettings::default()
            },
            history: vec![step("ADD rootfs", 10), step("CMD sh", 0)],
            layers: Vec::new(),
            documents: vec![ImageDocument {
                kind: DocumentKind::Config,
                digest: "sha256:1".into(),
                media_type: String::new(),
                json: r#"{"config":{"Cmd":["sh"],"Healthcheck":{"Test":["CMD","true"]}}}"#.into(),
            }],
            names: Vec::new(),
        }
    }

    #[test]
    fn settings_that_only_docker_knows_survive() {
        let shown = show(&image());
        assert_eq!(shown["Config"]["Healthcheck"]["Test"][1], "true");
        assert_eq!(shown["Config"]["Cmd"], json!(["sh"]));
        assert_eq!(shown["Config"]["Entrypoint"], Value::Null);
        assert_eq!(shown["Variant"], "v8");
        assert_eq!(shown["Created"], Value::Null);
    }

    #[test]
    fn history_begins_with_the_newest_step() {
        let shown = show_history(&image());
        assert_eq!(shown[0]["CreatedBy"], "CMD sh");
        assert_eq!(
            (&shown[0]["Id"], &shown[1]["Id"]),
            (&json!("sha256:1"), &json!("<missing>"))
        );
        assert_eq!(shown[1]["Size"], 10);
    }
}
