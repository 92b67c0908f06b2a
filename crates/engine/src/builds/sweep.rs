//! What builds leave when their host is killed, and its removal at the next start.
//!
//! Each command's container is noted in `builds/running/NAME` before it exists, and the note goes after it: a container
//! is never taken for a step by what somebody wrote on it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use terrarium_api::{Error, ErrorCode, RemoveContainer};

use crate::{Engine, Result, blocking::blocking};

/// That a container is a step of a build.
pub(super) struct Note(PathBuf);

impl Note {
    /// Blocks for a moment.
    pub(super) fn take(data_root: &Path, container: &str) -> Result<Self> {
        let path = folder(data_root).join(container);
        let written = fs::create_dir_all(folder(data_root)).and_then(|()| fs::write(&path, ""));
        written.map_err(|error| {
            Error::new(ErrorCode::Internal, format!("write {}", path.display())).because(&error)
        })?;
        Ok(Self(path))
    }

    /// Its container is gone.
    pub(super) fn settle(self) {
        // One that stays names a container that is not there, which a start finds out.
        let _ = fs::remove_file(self.0);
    }
}

fn folder(data_root: &Path) -> PathBuf {
    data_root.join("builds").join("running")
}

impl Engine {
    /// Where files are that only a build under way has, such as secrets and sockets. The next start empties it.
    #[must_use]
    pub fn build_scratch(&self) -> PathBuf {
        self.config().run_root.join("builds")
    }

    /// Removes what the builds of a host that was killed left. Does not wait for it.
    pub(crate) fn sweep_builds(&self) {
        let engine = self.clone();
        tokio::spawn(async move {
            if let Err(error) = engine.sweep_steps().await {
                tracing::warn!(%error, "what killed builds left remains");
            }
        });
    }

    async fn sweep_steps(&self) -> Result<()> {
        let root = self.config().data_root.clone();
        let scratch = self.build_scratch();
        let noted = blocking(move || {
            sweep_files(&root.join("builds"));
            Ok(names(&folder(&root)))
        });
        for container in noted.await? {
            let note = Note(folder(&self.config().data_root).join(&container));
            let request = RemoveContainer {
                container,
                force: true,
                volumes: true,
            };
            match self.remove_container(request).await {
                Ok(_) => {}
                Err(error) if error.code == ErrorCode::NoSuchContainer => {}
                Err(error) => return Err(error),
            }
            note.settle();
        }
        // Files of secrets and sockets of agents, which nobody reads any more.
        if scratch.exists() {
            self.remove_tree(scratch).await?;
        }
        Ok(())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// What was to become a file of a fixed name, and repositories.
fn sweep_files(builds: &Path) {
    let remove = |path: PathBuf| -> io::Result<()> {
        if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
    };
    let repositories = names(builds)
        .into_iter()
        .filter(|name| name.starts_with("git-"));
    for name in repositories {
        let _ = remove(builds.join(name));
    }
    for folder in ["fetched", "cache"] {
        let folder = builds.join(folder);
        let whole = |name: &String| name.ends_with(".json") || name.ends_with(".data");
        for name in names(&folder).into_iter().filter(|name| !whole(name)) {
            let _ = remove(folder.join(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_half_done_goes() {
        let root = tempfile::tempdir().expect("a folder");
        let builds = root.path().join("builds");
        for folder in ["fetched", "cache", "git-12", "mounts"] {
            fs::create_dir_all(builds.join(folder)).expect("a folder");
        }
        for file in [
            "fetched/a.json",
            "fetched/a.data",
            "fetched/a.12ab",
            "cache/k.json",
            "cache/k.new",
            "git-12/x",
        ] {
            fs::write(builds.join(file), "").expect("a file");
        }
        Note::take(root.path(), "build-1").expect("it is noted");
        sweep_files(&builds);
        let mut left = names(&builds);
        left.sort();
        assert_eq!(left, ["cache", "fetched", "mounts", "running"]);
        assert_eq!(names(&builds.join("cache")), ["k.json"]);
        assert_eq!(names(&builds.join("fetched")).len(), 2);
        assert_eq!(names(&folder(root.path())), ["build-1"]);
    }
}
