//! The corpus: small Dockerfiles, several in a file, each with what is asked beside it.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};

/// Builders that the corpus knows besides ours.
pub(crate) const PEERS: [&str; 3] = ["classic", "buildkit", "buildah"];

/// One Dockerfile.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    /// What it is about.
    pub(crate) name: String,
    /// The file that it stands in.
    pub(crate) group: String,
    pub(crate) dockerfile: Vec<u8>,
    /// Options of `docker build`.
    pub(crate) options: Vec<String>,
    /// Lines of `.dockerignore`.
    pub(crate) ignore: Vec<String>,
    /// Whether every builder refuses it.
    pub(crate) fails: bool,
    /// The peers of this machine that know the language so far.
    pub(crate) peers: Vec<String>,
}

/// All cases of a folder, by file and place.
pub(crate) fn all(folder: &Path) -> Result<Vec<Case>> {
    let entries = fs::read_dir(folder).context("read the corpus")?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let group = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&path)?;
        for part in text.split("=== ").skip(1) {
            cases.push(case(&group, part)?);
        }
    }
    Ok(cases)
}

fn case(group: &str, text: &str) -> Result<Case> {
    let (name, rest) = text.split_once('\n').context("a case has a name")?;
    let mut case = Case {
        name: name.to_owned(),
        group: group.to_owned(),
        peers: PEERS.map(str::to_owned).to_vec(),
        ..Case::default()
    };
    let mut body = rest;
    let mut changes = Vec::new();
    while let Some(line) = body
        .strip_prefix("#: ")
        .or_else(|| body.strip_prefix("#:\n"))
    {
        let (line, after) = line.split_once('\n').context("a Dockerfile follows")?;
        body = after;
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "build" => case.options.extend(value.split(' ').map(str::to_owned)),
            "ignore" => case.ignore.push(value.to_owned()),
            "fails" => case.fails = true,
            "only" => case
                .peers
                .retain(|peer| value.split(' ').any(|only| only == peer)),
            "crlf" | "cut" | "bom" => changes.push(word),
            other => ensure!(other.is_empty(), "{name}: {other:?} means nothing"),
        }
    }
    let mut body = body.to_owned();
    for change in changes {
        body = match change {
            "crlf" => body.replace('\n', "\r\n"),
            "cut" => body.trim_end().to_owned(),
            _ => format!("\u{feff}{body}"),
        };
    }
    case.dockerfile = body.into_bytes();
    Ok(case)
}
