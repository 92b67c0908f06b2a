//! The builds that are kept: `builds/history/ID/{record.json, output.jsonl}`, and what their steps were made of:
//! `builds/recipes/KEY.json`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use terrarium_api::{
    BuildId, BuildOutput, BuildRecord, BuildState, BuildSummary, BuildsQuery, Error, ErrorCode,
};
use terrarium_builder::{Key, Recipe};

use super::record::{self, Recorder};
use crate::{Engine, Result, blocking::blocking, error::quoted, files::write_secret, time::now_ms};

/// Older builds go.
const KEPT: usize = 200;
const RECORD: &str = "record.json";

impl Engine {
    /// Builds that are kept, newest first.
    ///
    /// # Errors
    /// Never today; a build that cannot be read is left out.
    pub async fn builds(&self, query: BuildsQuery) -> Result<Vec<BuildSummary>> {
        let root = self.config().data_root.clone();
        let kept = blocking(move || Ok(all(&root))).await?;
        let mut builds: Vec<BuildSummary> = kept
            .into_iter()
            .map(|record| self.as_it_stands(record.summary))
            .filter(|build| query.project.is_none() || build.project == query.project)
            .collect();
        builds.sort_by(|a, b| b.id.cmp(&a.id));
        Ok(builds)
    }

    /// Everything about one build.
    ///
    /// # Errors
    /// `NoSuchBuild`.
    pub async fn inspect_build(&self, request: &BuildId) -> Result<BuildRecord> {
        if let Some(recorder) = self.running_build(&request.build) {
            return Ok(recorder.record());
        }
        let (root, id) = (self.config().data_root.clone(), request.build.clone());
        let mut record = blocking(move || read(&root, &id)).await?;
        record.summary = self.as_it_stands(record.summary);
        Ok(record)
    }

    /// What the commands of a build wrote.
    ///
    /// # Errors
    /// `NoSuchBuild`.
    pub async fn build_output(&self, request: &BuildId) -> Result<BuildOutput> {
        if let Some(recorder) = self.running_build(&request.build) {
            return Ok(recorder.output_so_far());
        }
        let (root, id) = (self.config().data_root.clone(), request.build.clone());
        blocking(move || {
            read(&root, &id)?;
            Ok(record::read_output(&folder(&root, &id)))
        })
        .await
    }

    pub(super) fn running_build(&self, id: &str) -> Option<Arc<Recorder>> {
        self.inner.running_builds.get(id)
    }

    /// A build that nobody runs has ended with the host that ran it.
    fn as_it_stands(&self, summary: BuildSummary) -> BuildSummary {
        match self.running_build(&summary.id) {
            Some(recorder) => recorder.summary(),
            None if summary.state == BuildState::Running => BuildSummary {
                state: BuildState::Canceled,
                activity: None,
                finished_at_ms: summary
                    .finished_at_ms
                    .or(Some(summary.started_at_ms.min(now_ms()))),
                ..summary
            },
            None => summary,
        }
    }
}

fn root(data_root: &Path) -> PathBuf {
    data_root.join("builds").join("history")
}

pub(super) fn folder(data_root: &Path, id: &str) -> PathBuf {
    root(data_root).join(id)
}

/// Keeps a build. A failure costs the memory of it and not the build.
pub(super) fn write(data_root: &Path, record: &BuildRecord) {
    let folder = folder(data_root, &record.summary.id);
    let written = fs::create_dir_all(&folder)
        .and_then(|()| serde_json::to_vec(record).map_err(std::io::Error::from))
        // Arguments may be secrets.
        .and_then(|bytes| write_secret(&folder.join(RECORD), &bytes));
    if let Err(error) = written {
        tracing::warn!(%error, "a build is not kept");
    }
}

fn read(data_root: &Path, id: &str) -> Result<BuildRecord> {
    let unknown = || {
        let message = format!("no such build: {}", quoted(id));
        Error::new(ErrorCode::NoSuchBuild, message)
    };
    // An id is a part of a path, so only one of ours is looked at.
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(unknown());
    }
    let bytes = fs::read(folder(data_root, id).join(RECORD)).map_err(|_| unknown())?;
    serde_json::from_slice(&bytes).map_err(|error| unknown().because(&error))
}

/// All builds that can be read, oldest first.
pub(super) fn all(data_root: &Path) -> Vec<BuildRecord> {
    let ids = ids(data_root).into_iter();
    ids.filter_map(|id| read(data_root, &id).ok()).collect()
}

fn ids(data_root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root(data_root))
        .into_iter()
        .flatten()
        .flatten();
    let mut ids: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    ids.sort();
    ids
}

/// Lets the oldest builds go, and what only they remember.
pub(super) fn trim(data_root: &Path) {
    let ids = ids(data_root);
    if ids.len() <= KEPT {
        return;
    }
    for id in &ids[..ids.len() - KEPT] {
        if let Err(error) = fs::remove_dir_all(folder(data_root, id)) {
            tracing::warn!(%error, "an old build stays");
        }
    }
    let kept = all(data_root);
    let steps = kept.iter().flat_map(|record| &record.steps);
    let keys: BTreeSet<&str> = steps.filter_map(|step| step.key.as_deref()).collect();
    for entry in fs::read_dir(recipes(data_root))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !keys.contains(name.trim_end_matches(".json")) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn recipes(data_root: &Path) -> PathBuf {
    data_root.join("builds").join("recipes")
}

/// Notes what a step is made of, so that a later forecast can say what changed.
pub(super) fn note_recipe(data_root: &Path, key: &Key) {
    let path = recipes(data_root).join(format!("{}.json", key.as_str()));
    let written = fs::create_dir_all(recipes(data_root))
        .and_then(|()| serde_json::to_vec(key.recipe()).map_err(std::io::Error::from))
        .and_then(|bytes| write_secret(&path, &bytes));
    if let Err(error) = written {
        tracing::warn!(%error, "what a step is made of is not kept");
    }
}

pub(super) fn recipe(data_root: &Path, key: &str) -> Option<Recipe> {
    let path = recipes(data_root).join(format!("{key}.json"));
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
