//! The registries that this machine deals with, and who signs in there.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use terrarium_api::{
    Error, ErrorCode, KeptSignIn, NamePage, Registry, RegistryCheck, RegistryFinding, RegistryName,
    RegistryStep, RegistryStepName, RepositoryQuery, SignIn, SignInPlace, TagQuery,
};
use terrarium_oci::{DEFAULT_REGISTRY, Reference};
use terrarium_registry as registry;

use super::{
    error::registry_failed,
    names::{is_unnamed, parse},
    state::Images,
};
use crate::{Engine, Result, blocking::blocking, error::quoted};

impl Engine {
    /// The registries that images here are from, that somebody signs in to, and Docker Hub.
    ///
    /// # Errors
    /// None so far; what cannot be read is left out.
    pub async fn registries(&self) -> Result<Vec<Registry>> {
        let inner = Arc::clone(&self.inner);
        blocking(move || Ok(known(&inner.images))).await
    }

    /// Signs in to a registry, and keeps the sign-in if the registry takes it.
    ///
    /// # Errors
    /// `Unauthorized` when it does not, `RegistryUnreachable`, or what could not be written.
    pub async fn sign_in(&self, request: SignIn) -> Result<Registry> {
        let host = host_of(&request.registry)?;
        if request.credentials.username.is_empty() || request.credentials.password.is_empty() {
            let text = format!("sign in to {host}: the name or the password is empty");
            return Err(Error::new(ErrorCode::InvalidArgument, text));
        }
        self.check_sign_in(&host, request.credentials.clone())
            .await?;
        let (inner, kept_for) = (Arc::clone(&self.inner), host.clone());
        let keep = move || inner.images.sign_ins.keep(&kept_for, &request.credentials);
        blocking(keep).await?;
        self.registry_now(&host).await
    }

    /// Forgets a sign-in that this engine keeps. Those of other tools are theirs.
    ///
    /// # Errors
    /// `WrongState` when it keeps none, or what could not be written.
    pub async fn sign_out(&self, request: RegistryName) -> Result<Registry> {
        let host = host_of(&request.registry)?;
        let (inner, kept_for) = (Arc::clone(&self.inner), host.clone());
        let forgotten = blocking(move || inner.images.sign_ins.forget(&kept_for)).await?;
        let now = self.registry_now(&host).await?;
        if forgotten {
            return Ok(now);
        }
        let text = format!("sign out of {host}: no sign-in is kept here");
        let error = Error::new(ErrorCode::WrongState, text);
        Err(match now.sign_in {
            Some(_) => error.hint(format!(
                "another tool keeps one: use `docker logout {host}`"
            )),
            None => error,
        })
    }

    /// Tests step by step whether a registry is there and takes the sign-in that is at hand.
    ///
    /// # Errors
    /// `InvalidArgument` for what is no name of a registry; what a step met is told with the step.
    pub async fn check_registry(&self, request: RegistryName) -> Result<RegistryCheck> {
        let host = host_of(&request.registry)?;
        // What the user changed in files of other tools counts from now on.
        self.inner.images.registry.forget(&host);
        let probes = self.inner.images.registry.probe(&host).await;
        let probes = probes.map_err(|error| registry_failed(format!("test {host}"), &error))?;
        Ok(RegistryCheck {
            steps: probes.into_iter().map(|probe| step(&host, probe)).collect(),
            host,
        })
    }

    /// A page of a registry's repositories.
    ///
    /// # Errors
    /// `ReferenceNotFound` or `Unauthorized` where they are not told, or what the registry said.
    pub async fn list_repositories(&self, request: RepositoryQuery) -> Result<NamePage> {
        let host = host_of(&request.registry)?;
        let client = &self.inner.images.registry;
        let page = client.repositories(&host, request.page.as_deref()).await;
        let failed = |error| {
            let failed = registry_failed(format!("list the repositories of {host}"), &error);
            match failed.code {
                ErrorCode::ReferenceNotFound => {
                    failed.hint("this registry does not tell its repositories; type a name")
                }
                _ => failed,
            }
        };
        page.map(shown).map_err(failed)
    }

    /// A page of a repository's tags.
    ///
    /// # Errors
    /// `InvalidReference`, `ReferenceNotFound`, or what the registry said.
    pub async fn list_tags(&self, request: TagQuery) -> Result<NamePage> {
        let repository = parse(&request.repository)?;
        let client = &self.inner.images.registry;
        let page = client.tags(&repository, request.page.as_deref()).await;
        let what = || format!("list the tags of {}", quoted(&request.repository));
        page.map(shown)
            .map_err(|error| registry_failed(what(), &error))
    }

    /// How a registry stands after a change.
    async fn registry_now(&self, host: &str) -> Result<Registry> {
        self.inner.images.registry.forget(host);
        let all = self.registries().await?;
        let found = all.into_iter().find(|registry| registry.host == host);
        Ok(found.unwrap_or_else(|| nothing_known(&self.inner.images, host)))
    }
}

/// A step of a test, as the window is told.
fn step(host: &str, probe: registry::Probe) -> RegistryStep {
    let (name, what) = match probe.step {
        registry::Step::Address => (RegistryStepName::Address, format!("look up {host}")),
        registry::Step::Answer => (RegistryStepName::Answer, format!("reach {host}")),
        registry::Step::SignIn => (RegistryStepName::SignIn, format!("sign in to {host}")),
    };
    let (found, error) = match probe.found {
        Ok(found) => (Some(finding(found)), None),
        Err(error) => (None, Some(registry_failed(what, &error))),
    };
    RegistryStep {
        name,
        took_usec: u64::try_from(probe.took.as_micros()).unwrap_or(u64::MAX),
        found,
        error,
    }
}

fn finding(found: registry::Finding) -> RegistryFinding {
    match found {
        registry::Finding::Addresses(addresses) => RegistryFinding::Addresses { addresses },
        registry::Finding::Answer {
            address,
            certificate_checked,
        } => RegistryFinding::Answer {
            address,
            certificate_checked,
        },
        registry::Finding::NotAsked => RegistryFinding::NotAsked,
        registry::Finding::Anonymous => RegistryFinding::Anonymous,
        registry::Finding::Taken { username } => RegistryFinding::Taken { username },
    }
}

fn shown(page: registry::Page) -> NamePage {
    let registry::Page { names, next } = page;
    NamePage { names, next }
}

/// The name of a registry as references write it, from what people type or paste.
fn host_of(typed: &str) -> Result<String> {
    let typed = typed.trim();
    let rest = typed
        .strip_prefix("https://")
        .or_else(|| typed.strip_prefix("http://"));
    let host = rest.unwrap_or(typed).split('/').next().unwrap_or_default();
    let host = match host {
        "index.docker.io" | "registry-1.docker.io" | "hub.docker.com" => DEFAULT_REGISTRY,
        host => host,
    };
    let read: Option<Reference> = format!("{host}/x").parse().ok();
    if read.is_some_and(|read| read.registry() == host) {
        return Ok(host.to_owned());
    }
    let text = format!("{} is no name of a registry", quoted(typed));
    Err(Error::new(ErrorCode::InvalidArgument, text)
        .hint("write a host such as ghcr.io or localhost:5000"))
}

/// All registries, Docker Hub first, the others by name.
fn known(images: &Images) -> Vec<Registry> {
    let mut rows: BTreeMap<String, Registry> = BTreeMap::new();
    let mut row = |host: &str, change: &dyn Fn(&mut Registry)| {
        let fresh = || nothing_known(images, host);
        change(rows.entry(host.to_owned()).or_insert_with(fresh));
    };
    row(DEFAULT_REGISTRY, &|_| {});
    let listed = images.options.insecure.iter();
    listed.for_each(|host| row(host, &|_| {}));
    for sign_in in images.registry.sign_ins() {
        // The first file that knows one is the one that is used.
        row(&sign_in.host, &|registry| {
            registry
                .sign_in
                .get_or_insert_with(|| kept(images.sign_ins.path(), &sign_in));
        });
    }
    for (name, _) in images.store.references().list() {
        if let Some(named) = name
            .parse::<Reference>()
            .ok()
            .filter(|_| !is_unnamed(&name))
        {
            row(named.registry(), &|registry| registry.names += 1);
        }
    }
    let (hub, others): (Vec<_>, Vec<_>) = rows
        .into_values()
        .partition(|registry| registry.host == DEFAULT_REGISTRY);
    hub.into_iter().chain(others).collect()
}

fn nothing_known(images: &Images, host: &str) -> Registry {
    let mirrored = host == DEFAULT_REGISTRY;
    Registry {
        host: host.to_owned(),
        sign_in: None,
        insecure: !images.registry.checks_certificate(host),
        mirrors: images
            .options
            .mirrors
            .iter()
            .filter(|_| mirrored)
            .cloned()
            .collect(),
        names: 0,
    }
}

fn kept(own: &Path, sign_in: &registry::SignIn) -> KeptSignIn {
    let path = sign_in.file.display().to_string();
    let place = match &sign_in.helper {
        Some(helper) => SignInPlace::Helper {
            helper: helper.clone(),
        },
        None if sign_in.file == own => SignInPlace::Own { path },
        None => SignInPlace::File { path },
    };
    KeptSignIn {
        username: sign_in.username.clone(),
        place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_read_in_all_the_forms_that_people_paste() {
        let check = |typed, expect| assert_eq!(host_of(typed).unwrap(), expect, "{typed}");
        check("ghcr.io", "ghcr.io");
        check(" https://ghcr.io/v2/ ", "ghcr.io");
        check("http://localhost:5000", "localhost:5000");
        check("https://index.docker.io/v1/", "docker.io");
        check("docker.io", "docker.io");
        for typed in [
            "",
            "ubuntu",
            "ghcr.io:port",
            "a b.example",
            "user@ghcr.io",
            "../x",
        ] {
            let error = host_of(typed).expect_err(typed);
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{typed}");
        }
    }
}
