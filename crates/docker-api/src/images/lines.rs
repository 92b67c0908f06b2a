//! A pull's progress in the lines that Docker sends.

use std::collections::HashMap;

use serde_json::{Value, json};
use terrarium_api::{BlobPhase, BlobProgress, PullProgress, PullStage};
use terrarium_oci::Reference;

/// What a client has been told about one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Announced,
    Downloading(u64),
    Downloaded,
    Extracting,
    Complete,
}

/// Turns snapshots of a pull into lines, each once and in Docker's order.
///
/// Snapshots come at intervals: a layer can pass several phases between two of them, and the
/// milestones in between are told all the same.
#[derive(Debug)]
pub(super) struct Lines {
    reference: Reference,
    announced: bool,
    layers: HashMap<String, Told>,
}

impl Lines {
    pub(super) fn new(reference: Reference) -> Self {
        Self {
            reference,
            announced: false,
            layers: HashMap::new(),
        }
    }

    /// The lines that a snapshot adds. None as long as the registry has not answered: an error
    /// until then can still become the status of the answer.
    pub(super) fn advance(&mut self, progress: &PullProgress) -> Vec<Value> {
        let mut lines = Vec::new();
        if progress.stage == PullStage::Resolving {
            return lines;
        }
        self.announce(&mut lines);
        for blob in progress.blobs.iter().filter(|blob| blob.layer.is_some()) {
            self.layer(blob, &mut lines);
        }
        lines
    }

    fn announce(&mut self, lines: &mut Vec<Value>) {
        if !std::mem::replace(&mut self.announced, true) {
            let repository = self.reference.repository();
            let status = format!("Pulling from {repository}");
            lines.push(json!({ "status": status, "id": self.reference.target() }));
        }
    }

    fn layer(&mut self, blob: &BlobProgress, lines: &mut Vec<Value>) {
        let id = short(&blob.digest);
        let before = self.layers.get(&blob.digest).copied();
        if blob.phase == BlobPhase::AlreadyHere {
            // It may have been announced before it was looked for.
            if before != Some(Told::Complete) {
                lines.push(json!({ "status": "Already exists", "progressDetail": {}, "id": id }));
                self.layers.insert(blob.digest.clone(), Told::Complete);
            }
            return;
        }
        let now = told(blob);
        let passed =
            |milestone: Told| before.is_none_or(|before| before < milestone) && now >= milestone;
        let mut say =
            |status: &str| lines.push(json!({ "status": status, "progressDetail": {}, "id": id }));
        if passed(Told::Announced) {
            say("Pulling fs layer");
        }
        if passed(Told::Downloaded) {
            say("Verifying Checksum");
            say("Download complete");
        }
        if passed(Told::Complete) {
            say("Pull complete");
        }
        let moved = before != Some(now);
        if moved && matches!(now, Told::Downloading(_)) {
            lines.push(progress(
                "Downloading",
                &id,
                blob.downloaded_bytes,
                blob.size_bytes,
            ));
        }
        if moved && now == Told::Extracting {
            // How far an unpacking is, is not measured: it keeps up with the download.
            lines.push(progress(
                "Extracting",
                &id,
                blob.size_bytes,
                blob.size_bytes,
            ));
        }
        self.layers.insert(blob.digest.clone(), now);
    }

    /// The last lines of a pull that went well.
    pub(super) fn finish(mut self, digest: &str, up_to_date: bool) -> Vec<Value> {
        let mut lines = Vec::new();
        self.announce(&mut lines);
        let name = self.reference.familiar();
        let status = match up_to_date {
            true => format!("Status: Image is up to date for {name}"),
            false => format!("Status: Downloaded newer image for {name}"),
        };
        lines.push(json!({ "status": format!("Digest: {digest}") }));
        lines.push(json!({ "status": status }));
        lines
    }
}

fn told(blob: &BlobProgress) -> Told {
    match blob.phase {
        BlobPhase::Waiting => Told::Announced,
        BlobPhase::Downloading => Told::Downloading(blob.downloaded_bytes),
        BlobPhase::Verifying => Told::Downloaded,
        BlobPhase::Unpacking => Told::Extracting,
        BlobPhase::Done | BlobPhase::AlreadyHere => Told::Complete,
    }
}

/// Twelve digits, as everywhere.
pub(super) fn short(digest: &str) -> String {
    let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
    hex.chars().take(12).collect()
}

pub(super) fn progress(status: &str, id: &str, current: u64, total: u64) -> Value {
    json!({
        "status": status,
        "progressDetail": { "current": current, "total": total },
        "progress": bar(current, total),
        "id": id,
    })
}

/// `[=====>     ]  1.5MB/3MB`, for clients that print it as it is.
fn bar(current: u64, total: u64) -> String {
    const WIDTH: u64 = 50;
    let done = (current.min(total).saturating_mul(WIDTH))
        .checked_div(total)
        .unwrap_or(0);
    let mut filled = "=".repeat(usize::try_from(done).unwrap_or(0));
    if done < WIDTH {
        filled.push('>');
    }
    format!("[{filled:<50}]  {}/{}", size(current), size(total))
}

/// Four digits at most, in powers of 1000.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut scaled = bytes as f64;
    let mut unit = 0;
    while scaled >= 1000.0 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    let digits = match scaled {
        scaled if scaled >= 100.0 => format!("{scaled:.1}"),
        scaled if scaled >= 10.0 => format!("{scaled:.2}"),
        scaled => format!("{scaled:.3}"),
    };
    let trimmed = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{trimmed}{}", UNITS[unit])
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
