//! The Dockerfile of a project: read whole, written so that a crash leaves the old or the new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use terrarium_api::{Error, ErrorCode, ProjectFile, WriteProjectFile};

use crate::{
    Engine, Result,
    blocking::blocking,
    dockerfile::EDITABLE_BYTES,
    error::{Context as _, quoted},
    files::{random_hex, sync_folder},
};

/// The version of a file that is not there.
const MISSING: &str = "missing";

impl Engine {
    /// Reads the Dockerfile of a project; a missing one is empty.
    ///
    /// # Errors
    /// `NoSuchProject`; `InvalidArgument` for what is no text or too long.
    pub async fn read_project_file(&self, project: &str) -> Result<ProjectFile> {
        let path = self.dockerfile_path(project).await?;
        blocking(move || read(&path)).await
    }

    /// Writes the Dockerfile of a project.
    ///
    /// # Errors
    /// `ChangedOutside` when it is not any more what was read; what could not be written.
    pub async fn write_project_file(&self, request: WriteProjectFile) -> Result<ProjectFile> {
        let path = self.dockerfile_path(&request.project).await?;
        blocking(move || {
            if let Some(version) = &request.version
                && read(&path)?.version != *version
            {
                let message = format!("{} was changed outside", quoted(&path.to_string_lossy()));
                let error = Error::new(ErrorCode::ChangedOutside, message);
                return Err(error.hint("look at what changed, or write over it"));
            }
            write(&path, request.text.as_bytes())
                .context(|| format!("write {}", quoted(&path.to_string_lossy())))?;
            read(&path)
        })
        .await
    }

    async fn dockerfile_path(&self, project: &str) -> Result<PathBuf> {
        let record = self.project_record(project).await?;
        Ok(Path::new(&record.folder).join(record.dockerfile))
    }
}

/// A text of bounded length from a regular file.
pub(super) fn text(path: &Path) -> io::Result<String> {
    // A pipe would wait for a writer, so it is not even opened.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut text = String::new();
    let limit = EDITABLE_BYTES as u64 + 1;
    File::open(path)?.take(limit).read_to_string(&mut text)?;
    if text.len() > EDITABLE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// Adds lines to the file that leaves files out: that of the Dockerfile where there is one, else that of the folder.
pub(crate) fn leave_out(folder: &Path, dockerfile: &str, lines: &[String]) -> Result<()> {
    let own = super::own_rules(folder, dockerfile);
    let path = if own.exists() {
        own
    } else {
        folder.join(".dockerignore")
    };
    let failed = || format!("write {}", quoted(&path.to_string_lossy()));
    let mut rules = match text(&path) {
        Ok(rules) => rules,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).context(failed),
    };
    for line in lines {
        let line = line.trim();
        if line.is_empty() || line.contains('\n') || rules.lines().any(|known| known.trim() == line)
        {
            continue;
        }
        if !rules.is_empty() && !rules.ends_with('\n') {
            rules.push('\n');
        }
        rules.push_str(line);
        rules.push('\n');
    }
    write(&path, rules.as_bytes()).context(failed)
}

fn read(path: &Path) -> Result<ProjectFile> {
    match text(path) {
        Ok(text) => Ok(ProjectFile {
            version: version(&text),
            text,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ProjectFile {
            text: String::new(),
            version: MISSING.to_owned(),
        }),
        Err(error) => {
            let message = format!("read {}", quoted(&path.to_string_lossy()));
            Err(Error::new(ErrorCode::InvalidArgument, message).because(&error))
        }
    }
}

fn version(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps what the file is besides its bytes: where a link leads, mode, and owner.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let old = fs::metadata(&path).ok();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = folder.join(format!(".{name}.{}.new", random_hex(4)));
    let written = (|| {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&aside)?;
        file.write_all(content)?;
        let like = match &old {
            Some(old) => old.clone(),
            None => fs::metadata(folder)?,
        };
        if old.is_some() {
            file.set_permissions(fs::Permissions::from_mode(like.mode() & 0o7777))?;
        }
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
            // Root edits the files of others; who is not root owns them already, or may not give them away.
            let _ = fchown(&file, Some(like.uid()), Some(like.gid()));
        }
        file.sync_all()?;
        fs::rename(&aside, &path)?;
        sync_folder(folder)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_to_the_rules_once() {
        let folder = tempfile::tempdir().unwrap();
        let add = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            leave_out(folder.path(), "Dockerfile", &lines).unwrap();
        };
        let rules = || fs::read_to_string(folder.path().join(".dockerignore")).unwrap();
        add(&["node_modules", ".git"]);
        assert_eq!(rules(), "node_modules\n.git\n");
        fs::write(folder.path().join(".dockerignore"), "# mine\n.git").unwrap();
        add(&["node_modules", ".git", "a\nb", " "]);
        assert_eq!(rules(), "# mine\n.git\nnode_modules\n");
        fs::write(folder.path().join("Dockerfile.dockerignore"), "").unwrap();
        add(&["x"]);
        assert_eq!(rules(), "# mine\n.git\nnode_modules\n");
        let own = fs::read_to_string(folder.path().join("Dockerfile.dockerignore"));
        assert_eq!(own.unwrap(), "x\n");
    }

    #[test]
    fn writing_keeps_links_and_modes_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("Dockerfile"));
        fs::write(&real, "FROM a\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        let before = read(&link).unwrap();
        write(&link, b"FROM b\n").unwrap();
        let after = read(&link).unwrap();
        assert_ne!(before.version, after.version);
        assert_eq!(fs::read_to_string(&real).unwrap(), "FROM b\n");
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_no_text_is_refused_and_what_is_missing_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Dockerfile");
        assert_eq!(read(&path).unwrap().version, MISSING);
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(read(&path).is_err());
        fs::write(&path, vec![b'a'; EDITABLE_BYTES + 1]).unwrap();
        assert!(read(&path).is_err());
        assert!(read(folder.path()).is_err());
    }
}
