use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nix::unistd::{Uid, User, getgid, getuid};
use terrarium_api::{Credentials, ImageSummary, Privilege};
use terrarium_registry::{Client, Credential, Keychain, Options};
use terrarium_store::{IdMaps, Ids, Store};

use crate::{Config, Result, blocking::blocking};

use super::{
    sign_ins::{SignIns, TOKEN},
    store_failed,
};

/// What the use cases of images share.
#[derive(Debug)]
pub(crate) struct Images {
    pub(crate) store: Store,
    pub(super) registry: Client,
    pub(super) options: Options,
    /// The sign-ins that this engine keeps by itself.
    pub(super) sign_ins: SignIns,
    /// Moving a name takes several steps, which must not mingle with those of another move.
    naming: Mutex<()>,
    /// What windows were last told.
    pub(super) published: tokio::sync::Mutex<Vec<ImageSummary>>,
}

impl Images {
    /// Opens the store of `config`.
    pub(crate) async fn open(config: &Config, privilege: Privilege) -> Result<Self> {
        let at = terrarium_store::Config {
            data_root: config.data_root.clone(),
            worker: config.runtime.clone(),
            ids: ids(privilege),
        };
        let what = || format!("open the store in {}", at.data_root.display());
        let (failed, now) = (what(), std::time::SystemTime::now());
        let opened = move || Store::open(&at, now).map_err(|error| store_failed(failed, &error));
        let store = blocking(opened).await?;
        let sign_ins = SignIns::below(&config.data_root);
        // What was given to this engine itself comes before what other tools keep.
        let own = sign_ins.path().to_owned();
        let files = std::iter::once(own).chain(Keychain::user_files()).collect();
        let options = Options {
            mirrors: config.registry_mirrors.clone(),
            insecure: config.insecure_registries.clone(),
            certs_dir: certificates(privilege),
            keychain: Arc::new(Keychain::from_files(files)),
            ..Options::default()
        };
        Ok(Self {
            store,
            registry: Client::new(options.clone()),
            options,
            sign_ins,
            naming: Mutex::default(),
            published: tokio::sync::Mutex::default(),
        })
    }

    /// The client of registries: with `credentials` for `registry` one that forgets them with its
    /// last clone.
    pub(crate) fn client(&self, registry: &str, credentials: Option<Credentials>) -> Client {
        let Some(Credentials { username, password }) = credentials else {
            return self.registry.clone();
        };
        let credential = match username.as_str() {
            TOKEN => Credential::IdentityToken(password),
            _ => Credential::password(username, password),
        };
        let keychain = Keychain::default();
        keychain.insert(registry, credential);
        Client::new(Options {
            keychain: Arc::new(keychain),
            ..self.options.clone()
        })
    }

    pub(crate) fn naming(&self) -> MutexGuard<'_, ()> {
        // It guards no data of its own, only an order.
        self.naming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the ids in layers become ids on disk.
pub(crate) fn ids(privilege: Privilege) -> Ids {
    if privilege == Privilege::Rootful {
        return Ids::Host;
    }
    let (uid, gid) = (getuid(), getgid());
    let user = User::from_uid(Uid::from_raw(uid.as_raw())).ok().flatten();
    let name = user.map(|user| user.name).unwrap_or_default();
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let (subuid, subgid) = (read("/etc/subuid"), read("/etc/subgid"));
    Ids::Mapped(IdMaps::subordinate(
        &name,
        uid.as_raw(),
        gid.as_raw(),
        &subuid,
        &subgid,
    ))
}

/// Where this user's Docker keeps CAs of registries, so that they need not be given twice.
fn certificates(privilege: Privilege) -> Option<PathBuf> {
    if privilege == Privilege::Rootful {
        return Some("/etc/docker/certs.d".into());
    }
    let home = std::env::var_os("HOME").map(PathBuf::from)?;
    Some(home.join(".config/docker/certs.d"))
}
