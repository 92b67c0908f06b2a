//! Builds of projects: begun by one call, followed by as many as like.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use terrarium_api::{
    BuildId, BuildProgress, BuildRecord, BuildSettings, BuildSummary, ProjectId, ResultKind,
};
use terrarium_dockerfile::Ignore;
use tokio::sync::{mpsc, watch};

use super::{
    BuildImage, Destination, Form,
    record::{Recorder, Seen},
};
use crate::{
    Engine, Result,
    blocking::blocking,
    projects::{archive, ignore_rules},
};

/// The builds of this host that go on.
#[derive(Debug, Default)]
pub(crate) struct RunningBuilds(Mutex<HashMap<String, Arc<Recorder>>>);

impl RunningBuilds {
    pub(super) fn get(&self, id: &str) -> Option<Arc<Recorder>> {
        self.lock().get(id).cloned()
    }

    pub(super) fn add(&self, recorder: &Arc<Recorder>) {
        self.lock()
            .insert(recorder.id.clone(), Arc::clone(recorder));
    }

    pub(super) fn remove(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Recorder>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Begins to build a project. It goes on whoever follows it, and is canceled by its activity.
    ///
    /// # Errors
    /// `NoSuchProject`.
    pub async fn start_build(&self, request: ProjectId) -> Result<BuildSummary> {
        let project = self.project_record(&request.project).await?;
        let settings = project.settings.clone();
        let subject = subject(&settings.tag, &project.dockerfile);
        let root = self.config().data_root.clone();
        let begun = blocking(move || {
            Ok(Recorder::begin(
                root,
                Some(request.project),
                settings,
                subject,
            ))
        });
        let recorder = begun.await?;
        let (engine, follows) = (self.clone(), Arc::clone(&recorder));
        self.inner.running_builds.add(&recorder);
        let mut changes = recorder.changes();
        tokio::spawn(async move {
            let files = async {
                let folder = project.folder.clone();
                let dockerfile = project.dockerfile.clone();
                let context = blocking(move || context(Path::new(&folder), &dockerfile)).await?;
                Ok(asked(&project.settings, &project.dockerfile, context))
            };
            // Nobody listens to the events: the recorder has them all.
            let (events, _) = mpsc::channel(1);
            let _ = engine.build_recorded(files, events, &follows).await;
        });
        // The activity comes first of all, so that the answer can name it.
        let _ = changes.changed().await;
        Ok(recorder.summary())
    }

    /// Follows a build.
    ///
    /// # Errors
    /// `NoSuchBuild`.
    pub async fn follow_build(&self, request: BuildId) -> Result<FollowedBuild> {
        if let Some(recorder) = self.running_build(&request.build) {
            return Ok(FollowedBuild(Followed::Running {
                changes: Some(recorder.changes()),
                recorder,
                seen: Seen::default(),
            }));
        }
        let record = self.inspect_build(&request).await?;
        let output = self.build_output(&request).await?;
        let progress = BuildProgress {
            summary: record.summary.clone(),
            steps: record.steps.clone(),
            lines: output.lines,
            skipped_lines: output.skipped_lines,
        };
        Ok(FollowedBuild(Followed::Kept(
            Box::new(record),
            Some(Box::new(progress)),
        )))
    }
}

/// A build that somebody looks at.
#[derive(Debug)]
pub struct FollowedBuild(Followed);

#[derive(Debug)]
enum Followed {
    /// It goes on.
    Running {
        recorder: Arc<Recorder>,
        /// None once all is told.
        changes: Option<watch::Receiver<Option<u64>>>,
        seen: Seen,
    },
    /// It has ended; what there is to tell is told at once.
    Kept(Box<BuildRecord>, Option<Box<BuildProgress>>),
}

impl FollowedBuild {
    /// Waits for news; nothing once the build has ended and all is told.
    pub async fn next(&mut self) -> Option<BuildProgress> {
        let (recorder, changes, seen) = match &mut self.0 {
            Followed::Kept(_, told) => return told.take().map(|told| *told),
            Followed::Running {
                recorder,
                changes,
                seen,
            } => (recorder, changes, seen),
        };
        let news = changes.as_mut()?;
        if !seen.is_new() && news.changed().await.is_err() {
            return None;
        }
        if news.borrow_and_update().is_none() {
            *changes = None;
        }
        Some(recorder.news(seen))
    }

    /// Everything about it, as it stands now.
    #[must_use]
    pub fn record(&self) -> BuildRecord {
        match &self.0 {
            Followed::Kept(record, _) => BuildRecord::clone(record),
            Followed::Running { recorder, .. } => recorder.record(),
        }
    }
}

fn subject(tag: &str, dockerfile: &str) -> String {
    match tag {
        "" => dockerfile.to_owned(),
        tag => tag.to_owned(),
    }
}

/// The files of a project, in an archive.
fn context(folder: &Path, dockerfile: &str) -> Result<std::fs::File> {
    let ignore = Ignore::parse(&ignore_rules(folder, dockerfile));
    let own = format!("{dockerfile}.dockerignore");
    archive(folder, &ignore, &[dockerfile, &own, ".dockerignore"])
}

pub(super) fn asked(
    settings: &BuildSettings,
    dockerfile: &str,
    context: std::fs::File,
) -> BuildImage {
    BuildImage {
        context: Some(context),
        dockerfile: dockerfile.to_owned(),
        tags: Some(settings.tag.clone())
            .filter(|tag| !tag.is_empty())
            .into_iter()
            .collect(),
        arguments: settings.arguments.clone(),
        target: settings.target.clone().filter(|target| !target.is_empty()),
        platform: settings
            .platform
            .clone()
            .filter(|platform| !platform.is_empty()),
        network: asked_network(settings.offline).to_owned(),
        no_cache: settings.no_cache,
        pull: settings.pull,
        outputs: vec![destination(settings)],
        ..BuildImage::default()
    }
}

fn destination(settings: &BuildSettings) -> Destination {
    let place = PathBuf::from(&settings.place);
    match settings.result {
        ResultKind::Image => Destination::Image { push: false },
        ResultKind::Folder => Destination::Folder(place),
        ResultKind::Tar => Destination::File(Form::Tar, place),
        ResultKind::Archive => Destination::File(Form::Archive, place),
    }
}

pub(super) fn asked_network(offline: bool) -> &'static str {
    if offline { "none" } else { "" }
}

/// What a build of another client asks for, as settings.
pub(super) fn settings_of(build: &BuildImage) -> BuildSettings {
    BuildSettings {
        tag: build.tags.first().cloned().unwrap_or_default(),
        target: build.target.clone(),
        platform: build.platform.clone(),
        arguments: build.arguments.clone(),
        offline: build.network == "none",
        no_cache: build.no_cache,
        pull: build.pull,
        // What goes to a client has no place here.
        ..BuildSettings::default()
    }
}
