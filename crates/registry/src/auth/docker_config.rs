//! The files in which Docker and Podman keep credentials: `~/.docker/config.json`, `containers/auth.json`.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Credential;
use crate::{Error, Result};

/// The part of such a file that is about credentials.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DockerConfig {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entry(…)")
    }
}

/// Where the credential for a repository is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// In the file.
    Here(Credential),
    /// With the helper of this name, which is to be asked for this key.
    Helper { helper: String, key: String },
}

/// A sign-in that the file tells of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) host: String,
    pub(super) username: Option<String>,
    pub(super) helper: Option<String>,
}

impl DockerConfig {
    /// Reads a file; one that does not exist is empty.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let error = |source: Box<dyn std::error::Error + Send + Sync>| Error::Configuration {
            path: path.display().to_string(),
            source,
        };
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|why| error(why.into())),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(why) => Err(error(why.into())),
        }
    }

    /// Finds the credential for a repository: the most specific entry, Docker's helper before what lies in the file.
    pub(super) fn find(&self, host: &str, repository: &str) -> Option<Found> {
        let keys = keys(host, repository);
        for key in &keys {
            if let Some(helper) = self.cred_helpers.get(key) {
                return Some(Found::Helper {
                    helper: helper.clone(),
                    key: key.clone(),
                });
            }
        }
        let entries = || {
            keys.iter()
                .filter_map(|key| Some((key, self.auths.get(key)?)))
        };
        if let Some(credential) = entries().find_map(|(_, entry)| entry.credential()) {
            return Some(Found::Here(credential));
        }
        let helper = self.creds_store.clone()?;
        let key = entries()
            .next()
            .map(|(key, _)| key.clone())
            .or_else(|| keys.last().cloned())?;
        Some(Found::Helper { helper, key })
    }

    /// Every sign-in that the file tells of.
    pub(super) fn entries(&self) -> Vec<Kept> {
        let helped = |host: &String, helper: &String| Kept {
            host: host_of(host),
            username: None,
            helper: Some(helper.clone()),
        };
        let own = self.auths.iter().filter_map(|(key, entry)| {
            match (entry.credential(), &self.creds_store) {
                (Some(credential), _) => Some(Kept {
                    host: host_of(key),
                    username: credential.username().map(str::to_owned),
                    helper: None,
                }),
                // Docker notes here for which hosts its helper has something.
                (None, Some(helper)) => Some(helped(key, helper)),
                (None, None) => None,
            }
        });
        let with_helpers = self.cred_helpers.iter();
        own.chain(with_helpers.map(|(host, helper)| helped(host, helper)))
            .collect()
    }
}

/// The keys under which a credential may be kept, the most specific first. Docker writes Docker Hub's in its old form.
fn keys(host: &str, repository: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut path = format!("{host}/{repository}");
    while let Some(slash) = path.rfind('/') {
        keys.push(path.clone());
        path.truncate(slash);
    }
    let also = (host == "docker.io").then_some("index.docker.io");
    for host in [host].into_iter().chain(also) {
        keys.push(host.to_owned());
        for rest in ["", "/", "/v2/", "/v1/"] {
            keys.push(format!("https://{host}{rest}"));
        }
    }
    keys
}

/// The host of such a key.
fn host_of(key: &str) -> String {
    let rest = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"));
    let host = rest.unwrap_or(key).split('/').next().unwrap_or_default();
    match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        host => host.to_owned(),
    }
}

impl Entry {
    fn credential(&self) -> Option<Credential> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = filled(&self.identitytoken) {
            return Some(Credential::IdentityToken(token));
        }
        if let Some(token) = filled(&self.registrytoken) {
            return Some(Credential::RegistryToken(token));
        }
        if let (Some(username), Some(password)) = (filled(&self.username), filled(&self.password)) {
            return Some(Credential::Password { username, password });
        }
        let decoded = STANDARD.decode(filled(&self.auth)?.trim()).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (username, password) = text.split_once(':')?;
        // Docker once padded passwords with zero bytes, and still takes them off.
        Some(Credential::password(
            username,
            password.trim_end_matches('\0'),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(json: &str, host: &str, repository: &str) -> Option<Found> {
        serde_json::from_str::<DockerConfig>(json)
            .unwrap()
            .find(host, repository)
    }

    fn here(username: &str, password: &str) -> Option<Found> {
        Some(Found::Here(Credential::password(username, password)))
    }

    #[test]
    fn docker_hubs_entry_is_found_under_its_old_name() {
        let json = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YWRhOnNlOmNyZXQ="}}}"#;
        assert_eq!(
            find(json, "docker.io", "library/ubuntu"),
            here("ada", "se:cret")
        );
        assert_eq!(find(json, "ghcr.io", "a/b"), None);
    }

    #[test]
    fn the_most_specific_entry_counts() {
        let json = r#"{"auths":{"r.example":{"auth":"YTph"},"r.example/team":{"auth":"Yjpi"}}}"#;
        assert_eq!(find(json, "r.example", "team/app"), here("b", "b"));
        assert_eq!(find(json, "r.example", "teams/app"), here("a", "a"));
        assert_eq!(find(json, "r.example.evil", "team/app"), None);
    }

    #[test]
    fn helpers_come_before_the_file_for_their_host_and_after_it_for_the_rest() {
        let json = r#"{"auths":{"r.example":{},"s.example":{"auth":"YTph"}},
            "credHelpers":{"gcr.example":"gcloud"},"credsStore":"secretservice"}"#;
        let helper = |helper: &str, key: &str| {
            Some(Found::Helper {
                helper: helper.into(),
                key: key.into(),
            })
        };
        assert_eq!(
            find(json, "gcr.example", "p/i"),
            helper("gcloud", "gcr.example")
        );
        assert_eq!(
            find(json, "r.example", "p/i"),
            helper("secretservice", "r.example")
        );
        assert_eq!(find(json, "s.example", "p/i"), here("a", "a"));
        assert_eq!(
            find(json, "docker.io", "p/i"),
            helper("secretservice", "https://index.docker.io/v1/")
        );
    }

    #[test]
    fn all_sign_ins_are_listed_by_host_and_without_secrets() {
        let json = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YWRhOnNlY3JldA=="},"r.example:5000":{}},
            "credHelpers":{"gcr.example":"gcloud"},"credsStore":"secretservice"}"#;
        let file: DockerConfig = serde_json::from_str(json).unwrap();
        let told: Vec<_> = file
            .entries()
            .into_iter()
            .map(|kept| (kept.host, kept.username, kept.helper))
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                ("docker.io".to_owned(), text("ada"), None),
                ("r.example:5000".to_owned(), None, text("secretservice")),
                ("gcr.example".to_owned(), None, text("gcloud")),
            ]
        );
    }

    #[test]
    fn tokens_are_told_from_passwords() {
        let json =
            r#"{"auths":{"a":{"identitytoken":"t"},"b":{"registrytoken":"t"},"c":{"auth":"!!"}}}"#;
        assert_eq!(
            find(json, "a", "x"),
            Some(Found::Here(Credential::IdentityToken("t".into())))
        );
        assert_eq!(
            find(json, "b", "x"),
            Some(Found::Here(Credential::RegistryToken("t".into())))
        );
        assert_eq!(find(json, "c", "x"), None);
    }
}
