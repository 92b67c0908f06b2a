//! Two texts, really built: how large their images are, and how long it takes to build them again.
//!
//! What is built here has no name and is in no history; its layers stay in the cache, so that a build after the change
//! is taken over has nothing left to do.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Instant,
};

use terrarium_api::{
    ActivityKind, BuildSettings, MeasureProposal, Measured, Measurement, ProposalKind,
};
use terrarium_dockerfile::Ignore;
use tokio::sync::mpsc;

use crate::{
    Engine, Result,
    blocking::blocking,
    builds::{BuildImage, Built, Destination, Recorder, canceled, run::asked},
    error::Wrap as _,
    files::random_hex,
    projects::{Record, archive_with, ignore_rules},
};

/// The text that is built stands here, which no `COPY` takes.
const TEXT: &str = ".terrarium-measured";
/// A file that is new in each build, as an edited source would be.
const EDITED: &str = "terrarium-measured-source";

impl Engine {
    /// Builds a text and its proposal, each twice, and says how they compare. Takes as long as that takes; it is
    /// canceled by its activity.
    ///
    /// # Errors
    /// `NoSuchProject`, `Canceled`, or why one of the texts cannot be built.
    pub async fn measure_proposal(&self, request: MeasureProposal) -> Result<Measured> {
        let project = self.project_record(&request.project).await?;
        let subject = format!("{} (measured)", project.name);
        let running = self.activities().begin(ActivityKind::BuildImage, &subject);
        let bench = Bench {
            engine: self.clone(),
            project,
            kind: request.kind,
        };
        let work = async {
            let before = bench.measure(&request.before).await?;
            let after = bench.measure(&request.after).await?;
            Ok(Measured { before, after })
        };
        let measured = tokio::select! {
            measured = work => measured,
            () = running.token().cancelled() => Err(canceled()),
        };
        running.end(measured.wrap(|| format!("measure {subject}")))
    }
}

struct Bench {
    engine: Engine,
    project: Record,
    kind: ProposalKind,
}

impl Bench {
    async fn measure(&self, text: &str) -> Result<Measurement> {
        let built = self.build(text, false, false).await?;
        let (edited, no_cache) = match self.kind {
            ProposalKind::InstallFirst => (true, false),
            ProposalKind::CacheMount => (false, true),
            ProposalKind::CleanUp | ProposalKind::LeaveOut => {
                return Ok(Measurement {
                    image_bytes: built.size_bytes,
                    again_usec: None,
                });
            }
        };
        let began = Instant::now();
        self.build(text, edited, no_cache).await?;
        let usec = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(Measurement {
            image_bytes: built.size_bytes,
            again_usec: Some(usec),
        })
    }

    /// Builds once, and keeps no image of it.
    async fn build(&self, text: &str, edited: bool, no_cache: bool) -> Result<Built> {
        let (project, own) = (self.project.clone(), text.to_owned());
        let files = blocking(move || context(&project, &own, edited)).await?;
        let mut request = asked(&self.project.settings, TEXT, files);
        request.tags = Vec::new();
        request.outputs = vec![Destination::Nowhere];
        request.no_cache = no_cache;
        self.carry_out(request).await
    }

    async fn carry_out(&self, request: BuildImage) -> Result<Built> {
        // The record of the build is kept in a folder of its own, which goes.
        let root = self.engine.build_scratch();
        let scratch = Scratch(root.join(random_hex(8)));
        let place = scratch.0.clone();
        let recorder = blocking(move || {
            let settings = BuildSettings::default();
            Ok(Recorder::begin(place, None, settings, String::new()))
        });
        let recorder = recorder.await?;
        // Nobody listens.
        let (events, _) = mpsc::channel(1);
        self.engine.build(request, events, &recorder).await
    }
}

/// A folder that goes; one that a kill leaves in the run root is swept at the next start.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The files of the project, with the text to build beside them.
fn context(project: &Record, text: &str, edited: bool) -> Result<File> {
    let folder = Path::new(&project.folder);
    let rules = ignore_rules(folder, &project.dockerfile);
    let own = format!("{rules}\n{TEXT}*\n");
    let mut more = vec![
        (TEXT.to_owned(), text.as_bytes().to_vec()),
        (format!("{TEXT}.dockerignore"), own.into_bytes()),
    ];
    if edited {
        more.push((EDITED.to_owned(), random_hex(16).into_bytes()));
    }
    archive_with(folder, &Ignore::parse(&rules), &[], &more)
}
