//! Files that a project begins with, where the folder has none of its own.

use std::{fs, path::Path};

use terrarium_api::ProjectTemplate;

use crate::{Result, error::Context as _};

macro_rules! files {
    ($folder:literal: $($name:literal),*) => {
        &[$(($name, include_str!(concat!("templates/", $folder, "/", $name)))),*]
    };
}

/// The Dockerfile comes first; the others are an example to build, and only for a folder that is empty.
fn files(template: ProjectTemplate) -> &'static [(&'static str, &'static str)] {
    match template {
        ProjectTemplate::Empty => files!("empty": "Dockerfile"),
        ProjectTemplate::Node => {
            files!("node": "Dockerfile", "dockerignore", "package.json", "server.js")
        }
        ProjectTemplate::Python => {
            files!("python": "Dockerfile", "dockerignore", "requirements.txt", "app.py")
        }
        ProjectTemplate::Rust => {
            files!("rust": "Dockerfile", "dockerignore", "Cargo.toml.in", "src/main.rs.in")
        }
        ProjectTemplate::Go => files!("go": "Dockerfile", "dockerignore", "go.mod", "main.go"),
        ProjectTemplate::Java => files!("java": "Dockerfile", "dockerignore", "Main.java"),
        ProjectTemplate::Static => {
            files!("static": "Dockerfile", "dockerignore", "public/index.html")
        }
    }
}

/// Writes what is not there. Nothing is written over.
pub(super) fn write(template: ProjectTemplate, folder: &Path, dockerfile: &str) -> Result<()> {
    let mut entries = fs::read_dir(folder).context(|| "read the folder".to_owned())?;
    let empty = entries.next().is_none();
    for (index, (name, text)) in files(template).iter().enumerate() {
        let path = folder.join(match *name {
            "Dockerfile" => dockerfile,
            "dockerignore" => ".dockerignore",
            other => other.strip_suffix(".in").unwrap_or(other),
        });
        let wanted = index == 0 || *name == "dockerignore" || empty;
        if wanted && !path.exists() {
            let what = || format!("write {}", path.display());
            fs::create_dir_all(path.parent().unwrap_or(folder)).context(what)?;
            fs::write(&path, text).context(what)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use terrarium_dockerfile::{Dockerfile, Ignore, Program, Surroundings, check};

    use super::*;

    const ALL: [ProjectTemplate; 7] = [
        ProjectTemplate::Empty,
        ProjectTemplate::Node,
        ProjectTemplate::Python,
        ProjectTemplate::Rust,
        ProjectTemplate::Go,
        ProjectTemplate::Java,
        ProjectTemplate::Static,
    ];

    #[test]
    fn every_template_is_beyond_reproach() {
        for template in ALL {
            let text = files(template)[0].1;
            let dockerfile = Dockerfile::parse(text);
            assert!(Program::of(&dockerfile).is_ok(), "{template:?}");
            let ignore = files(template)
                .iter()
                .find(|(name, _)| *name == "dockerignore");
            let surroundings = Surroundings {
                ignore: Ignore::parse(ignore.map_or("", |(_, text)| text)),
                ..Surroundings::default()
            };
            let checks = check(&dockerfile, &surroundings);
            assert!(checks.is_empty(), "{template:?}: {checks:?}");
            assert_eq!(dockerfile.formatted(), text, "{template:?}");
        }
    }

    #[test]
    fn a_folder_with_files_only_gets_a_dockerfile() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("package.json"), "{}").unwrap();
        write(ProjectTemplate::Node, folder.path(), "Dockerfile").unwrap();
        assert!(!folder.path().join("server.js").exists());
        assert!(folder.path().join(".dockerignore").exists());
        assert_eq!(
            fs::read_to_string(folder.path().join("package.json")).unwrap(),
            "{}"
        );
        let empty = tempfile::tempdir().unwrap();
        write(ProjectTemplate::Rust, empty.path(), "Dockerfile").unwrap();
        assert!(empty.path().join("src/main.rs").exists());
    }
}
