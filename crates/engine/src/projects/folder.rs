//! What a folder holds that matters for a build.

use std::{fs, path::Path};

use terrarium_api::{BuildFolder, ProjectTemplate};

use super::absolute;
use crate::{Engine, Result, blocking::blocking};

/// Files that say what a folder is, the surest first.
const SIGNS: &[(&str, ProjectTemplate)] = &[
    ("package.json", ProjectTemplate::Node),
    ("Cargo.toml", ProjectTemplate::Rust),
    ("go.mod", ProjectTemplate::Go),
    ("pom.xml", ProjectTemplate::Java),
    ("build.gradle", ProjectTemplate::Java),
    ("build.gradle.kts", ProjectTemplate::Java),
    ("pyproject.toml", ProjectTemplate::Python),
    ("requirements.txt", ProjectTemplate::Python),
    ("index.html", ProjectTemplate::Static),
];
/// More is no help.
const FOLDERS_AT_MOST: usize = 50;

impl Engine {
    /// What a folder holds: its Dockerfiles, and which template fits its files.
    ///
    /// # Errors
    /// `InvalidArgument` for what is no absolute path.
    pub async fn build_folder(&self, folder: &str) -> Result<BuildFolder> {
        let typed = folder.trim().to_owned();
        let path = absolute(&typed)?;
        blocking(move || Ok(look(&path, &typed))).await
    }
}

fn look(path: &Path, typed: &str) -> BuildFolder {
    let names = names(path, false);
    let sign = SIGNS
        .iter()
        .find(|(sign, _)| names.iter().any(|name| name == sign));
    let dockerfiles = names.iter().filter(|name| {
        let lower = name.to_lowercase();
        lower == "dockerfile"
            || lower == "containerfile"
            || lower.ends_with(".dockerfile")
            || (lower.starts_with("dockerfile.") && !lower.ends_with(".dockerignore"))
    });
    BuildFolder {
        exists: path.is_dir(),
        dockerfiles: dockerfiles.cloned().collect(),
        template: sign.map(|(_, template)| *template),
        because: sign.map(|(sign, _)| (*sign).to_owned()),
        folders: folders(path, typed),
    }
}

/// Folders that begin with what was typed.
fn folders(path: &Path, typed: &str) -> Vec<String> {
    let (parent, start) = if typed.ends_with('/') || typed == "~" {
        (path, String::new())
    } else {
        let start = path.file_name().unwrap_or_default().to_string_lossy();
        (path.parent().unwrap_or(path), start.into_owned())
    };
    let hidden = start.starts_with('.');
    let fits = names(parent, true)
        .into_iter()
        .filter(|name| name.starts_with(&start) && (hidden || !name.starts_with('.')));
    let paths = fits.map(|name| parent.join(name).to_string_lossy().into_owned());
    paths.take(FOLDERS_AT_MOST).collect()
}

fn names(folder: &Path, folders: bool) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let kept = entries.filter(|entry| entry.path().is_dir() == folders);
    let names = kept.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "package.json",
            "index.html",
            "Dockerfile",
            "web.Dockerfile",
            "Dockerfile.dockerignore",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("src")).unwrap();
        let typed = format!("{}/s", folder.path().display());
        let found = look(folder.path(), &format!("{}/", folder.path().display()));
        assert_eq!(found.dockerfiles, ["Dockerfile", "web.Dockerfile"]);
        assert_eq!(found.template, Some(ProjectTemplate::Node));
        assert_eq!(found.folders.len(), 1);
        let half = look(Path::new(&typed), &typed);
        assert!(!half.exists);
        assert_eq!(half.folders, [folder.path().join("src").to_string_lossy()]);
    }
}
