//! A push's progress in the lines that Docker sends.

use std::collections::HashMap;

use serde_json::{Value, json};
use terrarium_api::{PushBlob, PushPhase, PushProgress, PushedImage};

use super::lines::{progress, short};

/// Turns snapshots of a push into lines. Only layers are told of, as Docker does.
#[derive(Debug, Default)]
pub(super) struct Lines {
    layers: HashMap<String, (PushPhase, u64)>,
}

impl Lines {
    /// The lines that a snapshot adds.
    pub(super) fn advance(&mut self, snapshot: &PushProgress) -> Vec<Value> {
        let mut lines = Vec::new();
        for blob in snapshot.blobs.iter().filter(|blob| blob.layer.is_some()) {
            let now = (blob.phase, blob.pushed_bytes);
            let before = self.layers.insert(blob.digest.clone(), now);
            if before.is_none() {
                lines.push(plain("Preparing", blob));
            }
            if before != Some(now) {
                lines.extend(line(blob));
            }
        }
        lines
    }
}

fn line(blob: &PushBlob) -> Option<Value> {
    Some(match blob.phase {
        PushPhase::Waiting => plain("Waiting", blob),
        // Until its first byte is sent, the registry is only asked.
        PushPhase::Pushing if blob.pushed_bytes == 0 => return None,
        PushPhase::Pushing => progress(
            "Pushing",
            &short(&blob.digest),
            blob.pushed_bytes,
            blob.size_bytes,
        ),
        PushPhase::Done => plain("Pushed", blob),
        PushPhase::AlreadyThere => plain("Layer already exists", blob),
        PushPhase::Mounted => plain("Mounted from another repository", blob),
    })
}

fn plain(status: &str, blob: &PushBlob) -> Value {
    json!({ "status": status, "progressDetail": {}, "id": short(&blob.digest) })
}

/// The last lines of a push that went well.
pub(super) fn done(tag: &str, pushed: &PushedImage) -> [Value; 2] {
    let PushedImage {
        digest, size_bytes, ..
    } = pushed;
    [
        json!({ "status": format!("{tag}: digest: {digest} size: {size_bytes}") }),
        json!({
            "progressDetail": {},
            "aux": { "Tag": tag, "Digest": digest, "Size": size_bytes },
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(phase: PushPhase, pushed_bytes: u64) -> PushProgress {
        let blob = |layer| PushBlob {
            digest: "sha256:0123456789abcdef".into(),
            layer,
            size_bytes: 10,
            pushed_bytes,
            phase,
        };
        PushProgress {
            activity: "1".into(),
            reference: "web".into(),
            blobs: vec![blob(Some(1))],
            pushed_bytes,
            to_push_bytes: 10,
            saved_bytes: 0,
            elapsed_usec: 0,
            digest: None,
        }
    }

    #[test]
    fn each_change_of_a_layer_is_told_once() {
        let mut lines = Lines::default();
        let mut said = |phase, bytes| -> Vec<String> {
            let told = lines.advance(&snapshot(phase, bytes));
            let status = |line: &Value| line["status"].as_str().unwrap_or_default().to_owned();
            told.iter().map(status).collect()
        };
        assert_eq!(said(PushPhase::Waiting, 0), ["Preparing", "Waiting"]);
        assert_eq!(said(PushPhase::Waiting, 0), [""; 0]);
        assert_eq!(said(PushPhase::Pushing, 0), [""; 0]);
        assert_eq!(said(PushPhase::Pushing, 5), ["Pushing"]);
        assert_eq!(said(PushPhase::Done, 10), ["Pushed"]);
    }
}
