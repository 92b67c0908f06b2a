//! What may be written at a place, the images and files of this machine included.

use std::{fs, path::PathBuf};

use terrarium_api::{
    CompleteDockerfile, DockerfileCompletion, TextCandidate, TextCandidateKind, TextRange,
};
use terrarium_dockerfile::{CandidateKind, Completion, Dockerfile, Ignore, Wanted};

use super::{editable, offsets::Offsets};
use crate::{Engine, Result, blocking::blocking};

/// More is no help.
const AT_MOST: usize = 200;

impl Engine {
    /// What may be written at a place of a Dockerfile; nothing where nobody can know.
    ///
    /// # Errors
    /// `InvalidArgument` for a text that is too long to edit, `NoSuchProject`.
    pub async fn complete_dockerfile(
        &self,
        request: CompleteDockerfile,
    ) -> Result<DockerfileCompletion> {
        editable(&request.text)?;
        let offsets = Offsets::of(&request.text);
        let found = Dockerfile::parse(&request.text).complete(offsets.byte(request.at));
        let Some(found) = found else {
            return Ok(DockerfileCompletion {
                range: TextRange {
                    start: request.at,
                    end: request.at,
                },
                candidates: Vec::new(),
            });
        };
        let mut candidates = match found.wanted {
            Some(Wanted::Image) => self.image_candidates(&found.prefix).await?,
            Some(Wanted::Path) => self.path_candidates(&request, &found).await?,
            None => Vec::new(),
        };
        candidates.splice(0..0, found.candidates.into_iter().map(told));
        candidates.truncate(AT_MOST);
        Ok(DockerfileCompletion {
            range: super::range(&offsets, found.span),
            candidates,
        })
    }

    async fn image_candidates(&self, prefix: &str) -> Result<Vec<TextCandidate>> {
        let images = self.images().await?;
        let mut names: Vec<String> = images
            .into_iter()
            .flat_map(|image| image.references)
            .filter(|name| name.contains(prefix))
            .collect();
        names.sort();
        Ok(all(names, TextCandidateKind::Image))
    }

    async fn path_candidates(
        &self,
        request: &CompleteDockerfile,
        found: &Completion,
    ) -> Result<Vec<TextCandidate>> {
        let Some(project) = &request.project else {
            return Ok(Vec::new());
        };
        let (surroundings, _) = self.surroundings(project).await?;
        let folder = self.project_folder(project).await?;
        let prefix = found.prefix.clone();
        let listed = move || Ok(paths(folder, &prefix, &surroundings.ignore));
        Ok(all(blocking(listed).await?, TextCandidateKind::Path))
    }
}

/// What is in the folder that a half-written path names, what is ignored left out.
fn paths(root: PathBuf, prefix: &str, ignore: &Ignore) -> Vec<String> {
    let (inside, name) = prefix
        .rsplit_once('/')
        .map_or(("", prefix), |(inside, name)| (inside, name));
    let clean = terrarium_builder::clean(inside);
    let entries = fs::read_dir(root.join(&clean))
        .into_iter()
        .flatten()
        .flatten();
    let mut found = Vec::new();
    for entry in entries {
        let Ok(entry_name) = entry.file_name().into_string() else {
            continue;
        };
        let path = [clean.as_str(), &entry_name].join("/");
        let path = path.trim_start_matches('/');
        if !entry_name.starts_with(name) || ignore.matches(path) {
            continue;
        }
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let end = if is_folder { "/" } else { "" };
        let start = &prefix[..prefix.len() - name.len()];
        found.push(format!("{start}{entry_name}{end}"));
    }
    found.sort();
    found
}

fn told(candidate: terrarium_dockerfile::Candidate) -> TextCandidate {
    TextCandidate {
        text: candidate.text,
        kind: match candidate.kind {
            CandidateKind::Keyword => TextCandidateKind::Keyword,
            CandidateKind::Flag => TextCandidateKind::Flag,
            CandidateKind::Value => TextCandidateKind::Value,
            CandidateKind::Stage => TextCandidateKind::Stage,
            CandidateKind::Variable => TextCandidateKind::Variable,
        },
    }
}

fn all(texts: Vec<String>, kind: TextCandidateKind) -> Vec<TextCandidate> {
    let texts = texts.into_iter();
    texts.map(|text| TextCandidate { text, kind }).collect()
}
