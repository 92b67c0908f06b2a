//! Repositories that `ADD` takes, fetched by the machine's `git`.
//!
//! The repository is bare and what is wanted of it comes as a tar: nothing of it is checked out, so it can place no
//! file, run no hook and no filter here.

use std::{fs::File, process::Stdio, sync::Arc};

use terrarium_api::{Error, ErrorCode};
use terrarium_builder::{Fetched, Files};
use terrarium_dockerfile::GitAddress;
use tokio::process::Command;

use super::{executor::Worker, stubs::tempfile, web::shown};
use crate::{Result, blocking::blocking, files::random_hex};

/// What reads and writes this machine's files is no way to fetch.
const PROTOCOLS: &str = "https:http:ssh:git";

/// Overrides what a repository says of itself: what is in the commit is what comes.
const ATTRIBUTES: &str = "* -export-ignore -export-subst -filter -ident -working-tree-encoding\n";

impl Worker {
    pub(super) async fn fetch_repository(&self, address: &GitAddress) -> Result<Fetched> {
        let folder = self
            .engine
            .config()
            .data_root
            .join("builds")
            .join(format!("git-{}", random_hex(8)));
        let repository = Repository {
            folder: Folder(folder),
            shown: shown(&address.remote),
        };
        repository.fetch(address).await
    }
}

struct Repository {
    folder: Folder,
    shown: String,
}

/// Goes when the fetch ends, however it ends.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Repository {
    async fn fetch(&self, address: &GitAddress) -> Result<Fetched> {
        let reference = address.reference.as_deref().unwrap_or("HEAD");
        if reference.starts_with('-') || address.remote.starts_with('-') {
            return Err(self.refused(format!("{reference:?} is no reference")));
        }
        let folder = &self.folder.0;
        std::fs::create_dir_all(folder).map_err(|error| self.failed(&error))?;
        self.git(["init", "-q", "--bare", "."]).await?;
        std::fs::create_dir_all(folder.join("info")).map_err(|error| self.failed(&error))?;
        std::fs::write(folder.join("info/attributes"), ATTRIBUTES)
            .map_err(|error| self.failed(&error))?;
        let commit = self.commit(&address.remote, reference).await?;
        self.refuse_submodules(&commit).await?;
        let tree = match &address.folder {
            Some(folder) => format!("{commit}:{folder}"),
            None => commit.clone(),
        };
        let files = self.files(&tree).await?;
        Ok(Fetched::Tree { files, commit })
    }

    /// Servers differ in what they give: one commit by its name or number, or only all branches.
    async fn commit(&self, remote: &str, reference: &str) -> Result<String> {
        let quick = [
            "fetch",
            "-q",
            "--no-tags",
            "--depth=1",
            "--",
            remote,
            reference,
        ];
        let whole = ["fetch", "-q", "--no-tags", "--", remote, reference];
        let found = match self.git(quick).await {
            Ok(_) => "FETCH_HEAD",
            Err(_) if self.git(whole).await.is_ok() => "FETCH_HEAD",
            Err(_) => {
                let (heads, tags) = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*");
                self.git(["fetch", "-q", "--", remote, heads, tags]).await?;
                reference
            }
        };
        let wanted = format!("{found}^{{commit}}");
        let parsed = self.git(["rev-parse", "--verify", "-q", "--end-of-options", &wanted]);
        let parsed = parsed
            .await
            .map_err(|_| self.refused(format!("it has no branch, tag or commit {reference:?}")))?;
        Ok(parsed.trim().to_owned())
    }

    async fn refuse_submodules(&self, commit: &str) -> Result<()> {
        let listed = self.git(["ls-tree", "-r", commit]).await?;
        if listed.lines().any(|line| line.starts_with("160000 ")) {
            return Err(self
                .refused("it has submodules, which are not fetched".to_owned())
                .hint("add the submodules' repositories on their own"));
        }
        Ok(())
    }

    async fn files(&self, tree: &str) -> Result<Arc<Files>> {
        let tar = tempfile().map_err(|error| self.failed(&error))?;
        let sink = tar.try_clone().map_err(|error| self.failed(&error))?;
        let mut archive = self.command(["-c", "tar.umask=0022", "archive", "--format=tar", tree]);
        self.done(archive.stdout(sink)).await?;
        let read = blocking(move || {
            let unreadable = |error: std::io::Error| {
                Error::new(ErrorCode::InvalidArgument, "read the files of a repository")
                    .because(&error)
            };
            Files::of_tars([rewound(tar).map_err(unreadable)?])
                .map(Arc::new)
                .map_err(unreadable)
        });
        read.await
    }

    async fn git<const N: usize>(&self, arguments: [&str; N]) -> Result<String> {
        self.done(self.command(arguments).stdout(Stdio::piped()))
            .await
    }

    /// `git` without the settings of the machine and the user, and with nobody to ask for a password.
    fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(&self.folder.0)
            .env("GIT_DIR", ".")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "true")
            .env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
            .env("GIT_ALLOW_PROTOCOL", PROTOCOLS)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn done(&self, command: &mut Command) -> Result<String> {
        let child = command.spawn().map_err(|error| {
            self.refused("git cannot be started".to_owned())
                .because(&error)
                .hint("install git on this machine")
        })?;
        let output = child.wait_with_output().await;
        let output = output.map_err(|error| self.failed(&error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim().lines().last().unwrap_or("git failed");
        Err(self.refused(last.chars().take(300).collect()))
    }

    fn refused(&self, cause: String) -> Error {
        let mut error = Error::new(
            ErrorCode::InvalidArgument,
            format!("fetch the repository {}", self.shown),
        );
        error.causes.push(cause);
        error
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        let text = format!("fetch the repository {}", self.shown);
        Error::new(ErrorCode::Internal, text).because(error)
    }
}

fn rewound(mut file: File) -> std::io::Result<File> {
    std::io::Seek::rewind(&mut file)?;
    Ok(file)
}
