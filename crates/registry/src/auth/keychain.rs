use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::docker_config::{DockerConfig, Found};
use super::{Credential, helper};
use crate::Result;

/// A sign-in that a file knows of. It may have expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The registry.
    pub host: String,
    /// Who signs in, unless that is in a token or with a helper.
    pub username: Option<String>,
    /// The file that tells of it.
    pub file: PathBuf,
    /// The credential helper that keeps it, if it is not in the file.
    pub helper: Option<String>,
}

/// Where credentials are looked for: first those of this session, then files in the format of Docker and Podman.
#[derive(Debug, Default)]
pub struct Keychain {
    session: Mutex<HashMap<String, Credential>>,
    files: Vec<PathBuf>,
}

impl Keychain {
    /// Looks into `files`, the first one first. They are read anew for each new sign-in, for the user may change them.
    pub fn from_files(files: Vec<PathBuf>) -> Self {
        Self {
            session: Mutex::default(),
            files,
        }
    }

    /// The files that Docker and Podman use, as the environment names them.
    pub fn user_files() -> Vec<PathBuf> {
        let variable = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let home = variable("HOME");
        let docker = variable("DOCKER_CONFIG").or_else(|| Some(home.as_ref()?.join(".docker")));
        [
            variable("REGISTRY_AUTH_FILE"),
            docker.map(|folder| folder.join("config.json")),
            variable("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
            home.map(|folder| folder.join(".config/containers/auth.json")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Uses `credential` for the registry `host` until the process ends.
    pub fn insert(&self, host: &str, credential: Credential) {
        self.session().insert(host.to_owned(), credential);
    }

    /// Forgets the credential of this session for the registry `host`.
    pub fn remove(&self, host: &str) {
        self.session().remove(host);
    }

    /// The credential for a repository of the registry `host`.
    pub(crate) async fn find(&self, host: &str, repository: &str) -> Result<Option<Credential>> {
        if let Some(credential) = self.session().get(host) {
            return Ok(Some(credential.clone()));
        }
        for file in &self.files {
            let found = match DockerConfig::read(file)?.find(host, repository) {
                None => None,
                Some(Found::Here(credential)) => Some(credential),
                Some(Found::Helper { helper, key }) => helper::ask(&helper, &key).await?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// What the files know, the first file first. A file that cannot be read tells nothing here; a request that needs
    /// it says why.
    pub(crate) fn sign_ins(&self) -> Vec<SignIn> {
        let mut found = Vec::new();
        for file in &self.files {
            for kept in DockerConfig::read(file).unwrap_or_default().entries() {
                found.push(SignIn {
                    host: kept.host,
                    username: kept.username,
                    helper: kept.helper,
                    file: file.clone(),
                });
            }
        }
        found
    }

    fn session(&self) -> std::sync::MutexGuard<'_, HashMap<String, Credential>> {
        // A map of clones is never half changed, so a panic elsewhere does not spoil it.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
