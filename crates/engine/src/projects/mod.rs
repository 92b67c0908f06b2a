//! Projects: a folder, its Dockerfile, and how it is built; one file each in `projects/`.

mod file;
mod folder;
mod record;
mod scan;
mod templates;

use std::path::{Path, PathBuf};

use terrarium_api::{
    BuildSettings, BuildsQuery, CreateProject, Error, ErrorCode, Project, ResultKind, SaveProject,
};
use terrarium_dockerfile::{Ignore, Surroundings};

use crate::{
    Engine, Result,
    blocking::blocking,
    error::{Context as _, quoted},
    files::random_hex,
    time::now_ms,
};

pub(crate) use file::leave_out;
pub(crate) use record::Record;
pub(crate) use scan::{Scans, archive, archive_with};

impl Engine {
    /// All projects, by name, each with its latest build.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        let root = self.config().data_root.clone();
        let records = blocking(move || record::all(&root)).await?;
        let mut builds = self.builds(BuildsQuery { project: None }).await?;
        let shown = records.into_iter().map(|(id, record)| {
            let own = builds
                .iter()
                .position(|build| build.project.as_ref() == Some(&id));
            let last = own.map(|index| builds.swap_remove(index));
            shown(id, record, last)
        });
        Ok(shown.collect())
    }

    /// Makes a project of a folder; gives the one that is there for the same Dockerfile.
    ///
    /// # Errors
    /// `InvalidArgument` for a folder that is no absolute path, or what could not be written.
    pub async fn create_project(&self, request: CreateProject) -> Result<Project> {
        let folder = absolute(&request.folder)?;
        let dockerfile = relative(&request.dockerfile)?;
        let root = self.config().data_root.clone();
        let made = blocking(move || {
            let folder_text = folder.to_string_lossy().into_owned();
            let known = record::all(&root)?.into_iter().find(|(_, record)| {
                record.folder == folder_text && record.dockerfile == dockerfile
            });
            if let Some((id, record)) = known {
                return Ok((id, record));
            }
            std::fs::create_dir_all(&folder)
                .context(|| format!("create {}", quoted(&folder_text)))?;
            if let Some(template) = request.template {
                templates::write(template, &folder, &dockerfile)?;
            }
            let name = named(&request.name, &folder);
            let record = Record {
                settings: BuildSettings {
                    tag: format!("{}:dev", slug(&name)),
                    ..BuildSettings::default()
                },
                name,
                folder: folder_text,
                dockerfile,
                created_at_ms: now_ms(),
            };
            let id = random_hex(6);
            record::write(&root, &id, &record)?;
            Ok((id, record))
        });
        let (id, record) = made.await?;
        Ok(shown(id, record, None))
    }

    /// Changes a project's name and how it is built.
    ///
    /// # Errors
    /// `NoSuchProject`; `InvalidArgument` for a tag that is no image name, or a result without an absolute path.
    pub async fn save_project(&self, mut request: SaveProject) -> Result<Project> {
        if !request.settings.tag.is_empty() {
            crate::images::parse(&request.settings.tag)?;
        }
        request.settings.place = placed(&request.settings)?;
        let mut record = self.project_record(&request.project).await?;
        record.settings = request.settings;
        if !request.name.trim().is_empty() {
            request.name.trim().clone_into(&mut record.name);
        }
        let (root, id) = (self.config().data_root.clone(), request.project);
        let written = blocking(move || {
            record::write(&root, &id, &record)?;
            Ok((id, record))
        });
        let (id, record) = written.await?;
        let query = BuildsQuery {
            project: Some(id.clone()),
        };
        let last = self.builds(query).await?.into_iter().next();
        Ok(shown(id, record, last))
    }

    /// Forgets a project; its folder and its images stay.
    ///
    /// # Errors
    /// `NoSuchProject`, or what could not be removed.
    pub async fn remove_project(&self, project: &str) -> Result<()> {
        let _ = self.project_record(project).await?;
        let (root, id) = (self.config().data_root.clone(), project.to_owned());
        blocking(move || record::remove(&root, &id)).await
    }

    pub(crate) async fn project_record(&self, project: &str) -> Result<Record> {
        let (root, id) = (self.config().data_root.clone(), project.to_owned());
        blocking(move || record::read(&root, &id)).await
    }

    pub(crate) async fn project_folder(&self, project: &str) -> Result<PathBuf> {
        Ok(PathBuf::from(self.project_record(project).await?.folder))
    }

    /// What of a project matters for checks, and the stage that it builds.
    pub(crate) async fn surroundings(
        &self,
        project: &str,
    ) -> Result<(Surroundings, Option<String>)> {
        let record = self.project_record(project).await?;
        let folder = PathBuf::from(&record.folder);
        let dockerfile = record.dockerfile.clone();
        let ignore = blocking(move || Ok(ignore_rules(&folder, &dockerfile))).await?;
        let surroundings = Surroundings {
            ignore: Ignore::parse(&ignore),
            arguments: record.settings.arguments,
        };
        Ok((surroundings, record.settings.target))
    }
}

/// The rules that leave files out: those of the Dockerfile, else those of the folder.
pub(crate) fn ignore_rules(folder: &Path, dockerfile: &str) -> String {
    let own = own_rules(folder, dockerfile);
    let read = |path: &Path| file::text(path).ok();
    read(&own)
        .or_else(|| read(&folder.join(".dockerignore")))
        .unwrap_or_default()
}

fn own_rules(folder: &Path, dockerfile: &str) -> PathBuf {
    folder.join(format!("{dockerfile}.dockerignore"))
}

fn shown(id: String, record: Record, last: Option<terrarium_api::BuildSummary>) -> Project {
    let found = Path::new(&record.folder).join(&record.dockerfile).is_file();
    Project {
        id,
        found,
        last,
        name: record.name,
        folder: record.folder,
        dockerfile: record.dockerfile,
        settings: record.settings,
        created_at_ms: record.created_at_ms,
    }
}

/// Where a result goes that is no image.
fn placed(settings: &BuildSettings) -> Result<String> {
    if settings.result == ResultKind::Image {
        return Ok(String::new());
    }
    let path = absolute_path(&settings.place).ok_or_else(|| {
        let message = format!("{} is no place for a result", quoted(&settings.place));
        Error::new(ErrorCode::InvalidArgument, message).hint("give an absolute path")
    })?;
    Ok(path.display().to_string())
}

fn absolute(folder: &str) -> Result<PathBuf> {
    absolute_path(folder).ok_or_else(|| {
        let message = format!("{} is no folder for a project", quoted(folder));
        Error::new(ErrorCode::InvalidArgument, message).hint("give an absolute path")
    })
}

/// The home folder may be written as `~`; the root itself is no place.
fn absolute_path(text: &str) -> Option<PathBuf> {
    let text = text.trim();
    let home = std::env::var("HOME").unwrap_or_default();
    let path = match text.strip_prefix("~/") {
        Some(rest) if !home.is_empty() => Path::new(&home).join(rest),
        _ => PathBuf::from(text),
    };
    let is_place = path.is_absolute() && path != Path::new("/");
    // A slash at the end would make it another project.
    is_place.then(|| path.components().collect())
}

fn relative(dockerfile: &str) -> Result<String> {
    let text = if dockerfile.trim().is_empty() {
        "Dockerfile"
    } else {
        dockerfile.trim()
    };
    let clean = terrarium_builder::clean(text);
    if clean == text.trim_start_matches("./") {
        return Ok(clean);
    }
    let message = format!("{} is no Dockerfile in the folder", quoted(dockerfile));
    let error = Error::new(ErrorCode::InvalidArgument, message);
    Err(error.hint("name the Dockerfile, relative to the folder of the build"))
}

fn named(name: &str, folder: &Path) -> String {
    let last = folder.file_name().map(|name| name.to_string_lossy());
    match name.trim() {
        "" => last.map_or_else(|| "project".to_owned(), |name| name.into_owned()),
        name => name.to_owned(),
    }
}

/// A name as a part of an image name.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let mapped = lower.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    });
    let text: String = mapped.collect();
    let words = text.split('-').filter(|word| !word.is_empty());
    match words.collect::<Vec<_>>().join("-") {
        slug if slug.is_empty() => "app".to_owned(),
        slug => slug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_parts_of_image_names() {
        for (name, expect) in [
            ("Shop API", "shop-api"),
            ("내 앱", "app"),
            ("a__b", "a-b"),
            ("-x-", "x"),
        ] {
            assert_eq!(slug(name), expect);
            crate::images::parse(&format!("{}:dev", slug(name))).unwrap();
        }
    }

    #[test]
    fn a_project_is_an_absolute_folder_and_a_dockerfile_inside() {
        assert_eq!(absolute("/a/b/").unwrap(), PathBuf::from("/a/b"));
        assert!(absolute("a").is_err());
        assert!(absolute("/").is_err());
        assert_eq!(relative("").unwrap(), "Dockerfile");
        assert_eq!(
            relative("./docker/web.Dockerfile").unwrap(),
            "docker/web.Dockerfile"
        );
        for outside in ["../Dockerfile", "/etc/passwd", "a/../../b"] {
            assert!(relative(outside).is_err(), "{outside}");
        }
    }
}
