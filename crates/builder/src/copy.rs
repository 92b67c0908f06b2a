//! `COPY` and `ADD`: which files, where to, as whose.

use std::sync::Arc;

use terrarium_dockerfile::{Address, Glob, Transfer, nearest};
use terrarium_oci::ChainId;

use crate::build::Build;
use crate::files::{clean, join};
use crate::order::Order;
use crate::pack::Pack;
use crate::state::State;
use crate::{Content, Entry, Executor, Fault, Files, Kind, Layer};

impl<E: Executor> Build<'_, E> {
    pub(crate) async fn transfer(
        &self,
        state: &State,
        transfer: &Transfer,
    ) -> Result<Layer, Fault> {
        let order = self.order(state, transfer).await?;
        let on = if transfer.link { None } else { state.chain() };
        let sooner = self.sooner(state, transfer, &order, on).await?;
        self.cached_by(state, sooner, || self.gathered(state, transfer, order, on))
            .await
    }

    /// A layer of files that have to be looked at.
    async fn gathered(
        &self,
        state: &State,
        transfer: &Transfer,
        order: Order,
        on: Option<&ChainId>,
    ) -> Result<Layer, Fault> {
        let (files, place) = self.origin(state, transfer).await?;
        let checksum = transfer.checksum.as_ref();
        let checksum = checksum.map(|text| state.expand(text, self.request.escape()));
        let mut packer = Packer {
            build: self,
            transfer,
            files,
            place,
            on,
            order,
            checksum: checksum.transpose()?,
            pack: Pack::default(),
            follows: !transfer.link,
        };
        packer.gather().await?;
        let pack = packer.pack;
        let below = on.map_or_else(String::new, |chain| chain.to_string());
        let (pack, key) = blocking(move || {
            let key = pack.key("copy", &below);
            (pack, key)
        })
        .await;
        let epoch = self.request.epoch;
        self.cached(state, &key?, || async move {
            let written = blocking(move || pack.write(epoch)).await;
            written.map_err(Fault::io("the files of a layer"))
        })
        .await
    }

    /// The files that a transfer takes from, and what to call them.
    async fn origin(
        &self,
        state: &State,
        transfer: &Transfer,
    ) -> Result<(Arc<Files>, String), Fault> {
        match &transfer.from {
            None => Ok((
                Arc::clone(&self.request.context),
                "the folder of the build".to_owned(),
            )),
            Some(from) => {
                let from = state.expand(from, self.request.escape())?;
                let files = self.files_of(&from, state.stage).await?;
                Ok((files, format!("{from:?}")))
            }
        }
    }
}

pub(crate) struct Packer<'a, E: Executor> {
    pub(crate) build: &'a Build<'a, E>,
    pub(crate) transfer: &'a Transfer,
    files: Arc<Files>,
    place: String,
    on: Option<&'a ChainId>,
    order: Order,
    pub(crate) checksum: Option<String>,
    pub(crate) pack: Pack,
    follows: bool,
}

impl<E: Executor> Packer<'_, E> {
    async fn gather(&mut self) -> Result<(), Fault> {
        for source in std::mem::take(&mut self.order.sources) {
            match Address::parse(&source) {
                Some(address) if self.transfer.adds => self.address(&source, &address).await?,
                Some(Address::Web(address)) => return Err(Fault::AddressInCopy { address }),
                _ => self.source(&source).await?,
            }
        }
        for (name, content) in std::mem::take(&mut self.order.documents) {
            let entry = Entry {
                kind: Kind::File(Content::of(content.into_bytes())),
                mode: 0o644,
                uid: 0,
                gid: 0,
                modified: self.build.request.epoch.unwrap_or(self.build.request.now),
            };
            self.file(&name, &name, entry, None).await?;
        }
        Ok(())
    }

    async fn source(&mut self, source: &str) -> Result<(), Fault> {
        let (pivot, path) = match source.split_once("/./") {
            Some((pivot, path)) if self.transfer.parents => {
                (clean(pivot), join(&clean(pivot), &clean(path)))
            }
            _ => (String::new(), clean(source)),
        };
        let matched = if Transfer::is_pattern(source) {
            self.matching(&path)
        } else {
            Vec::new()
        };
        if Transfer::is_pattern(source)
            && (!matched.is_empty() || self.files.follow(&path).is_none())
        {
            for path in matched {
                self.one(&path, &pivot).await?;
            }
            return Ok(());
        }
        if self.files.follow(&path).is_none() {
            return Err(self.missing(source, &path));
        }
        self.one(&path, &pivot).await
    }

    fn matching(&self, pattern: &str) -> Vec<String> {
        let Some(glob) = Glob::new(pattern) else {
            return Vec::new();
        };
        let paths = self.files.iter().map(|(path, _)| path);
        paths
            .filter(|path| glob.matches(path))
            .map(str::to_owned)
            .collect()
    }

    fn missing(&self, source: &str, path: &str) -> Fault {
        if self.transfer.from.is_none()
            && let Some((rule, line)) = self.build.request.ignore.reason(path)
        {
            return Fault::Ignored {
                path: source.to_owned(),
                rule: rule.to_owned(),
                line,
            };
        }
        let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let paths = || self.files.iter().map(|(path, _)| path);
        let names: Vec<String> = paths().map(base).collect();
        let near = nearest(&base(path), names.iter().map(String::as_str));
        let near = near.and_then(|name| paths().find(|path| base(path) == name));
        Fault::NoFile {
            path: source.to_owned(),
            place: self.place.clone(),
            near: near.map(str::to_owned),
        }
    }

    /// A file, or what is in a folder.
    async fn one(&mut self, path: &str, pivot: &str) -> Result<(), Fault> {
        let real = self.files.follow(path).unwrap_or_else(|| path.to_owned());
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        let kept = path
            .strip_prefix(pivot)
            .unwrap_or(path)
            .trim_start_matches('/')
            .to_owned();
        let files = Arc::clone(&self.files);
        if files.is_folder(&real) {
            let into = if self.transfer.parents {
                kept
            } else {
                String::new()
            };
            return self.folder(&files, &real, &into).await;
        }
        let Some(entry) = files.get(&real).cloned() else {
            return Ok(());
        };
        if self.order.exclude.matches(&name) || self.order.exclude.matches(path) {
            return Ok(());
        }
        if matches!(entry.kind, Kind::Special) {
            return Err(Fault::Odd {
                path: path.to_owned(),
            });
        }
        if self.unpacks(&entry) && self.archive(&entry).await? {
            return Ok(());
        }
        let to = if self.transfer.parents { kept } else { name };
        self.file(&to, path, entry, Some((Arc::clone(&self.files), real)))
            .await
    }

    pub(crate) async fn folder(
        &mut self,
        files: &Arc<Files>,
        folder: &str,
        into: &str,
    ) -> Result<(), Fault> {
        let base = self.destination_folder().await?;
        if !into.is_empty() {
            self.parents_of(&join(&join(&base, into), "x")).await?;
        }
        for (path, entry) in files.below(folder) {
            let inside = path[folder.len()..].trim_start_matches('/');
            if self.order.exclude.matches(inside) || matches!(entry.kind, Kind::Special) {
                continue;
            }
            let is_folder = matches!(entry.kind, Kind::Folder);
            let to = self
                .through_links(&join(&join(&base, into), inside), is_folder)
                .await?;
            let origin = Some((Arc::clone(files), path.to_owned()));
            self.pack
                .put(to, self.owned(entry.clone(), is_folder), origin);
        }
        Ok(())
    }

    /// A folder of the layer must not replace a link to a folder, like `/lib`, of the file system.
    pub(crate) async fn through_links(&self, path: &str, is_folder: bool) -> Result<String, Fault> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = if folder.is_empty() {
            String::new()
        } else {
            self.find(folder).await?.path
        };
        let full = join(&folder, name);
        if !is_folder {
            return Ok(full);
        }
        let found = self.find(&full).await?;
        Ok(if found.exists && found.is_folder {
            found.path
        } else {
            full
        })
    }

    async fn find(&self, path: &str) -> Result<crate::Found, Fault> {
        if !self.follows || self.on.is_none() {
            return Ok(crate::Found {
                path: clean(path),
                is_folder: path.is_empty(),
                exists: path.is_empty(),
            });
        }
        self.build.found(self.on, path).await
    }

    pub(crate) async fn destination_folder(&mut self) -> Result<String, Fault> {
        let base = self.find(&clean(&self.order.destination)).await?.path;
        self.parents_of(&join(&base, "x")).await?;
        Ok(base)
    }

    pub(crate) async fn file(
        &mut self,
        name: &str,
        source: &str,
        entry: Entry,
        origin: Option<(Arc<Files>, String)>,
    ) -> Result<(), Fault> {
        let target = self.find(&clean(&self.order.destination)).await?;
        let to = if self.goes_into_folder().await? {
            join(&target.path, name)
        } else {
            target.path
        };
        if to.is_empty() {
            return Err(Fault::Odd {
                path: source.to_owned(),
            });
        }
        self.parents_of(&to).await?;
        let entry = self.owned(entry, false);
        self.pack.put(to, entry, origin);
        Ok(())
    }

    /// Whether a file keeps its name, because the destination is a folder.
    pub(crate) async fn goes_into_folder(&self) -> Result<bool, Fault> {
        Ok(self.order.into_folder
            || self.transfer.parents
            || self.find(&clean(&self.order.destination)).await?.is_folder)
    }

    /// Folders on the way that are not there yet belong to whom the files belong to.
    async fn parents_of(&mut self, path: &str) -> Result<(), Fault> {
        let mut at = String::new();
        let names: Vec<&str> = path.split('/').collect();
        for name in &names[..names.len() - 1] {
            at = join(&at, name);
            if !self.pack.has(&at) && !self.find(&at).await?.exists {
                let (uid, gid) = self.order.owner.unwrap_or_default();
                let modified = self.build.request.epoch.unwrap_or(self.build.request.now);
                let entry = Entry {
                    kind: Kind::Folder,
                    mode: 0o755,
                    uid,
                    gid,
                    modified,
                };
                self.pack.put(at.clone(), entry, None);
            }
        }
        Ok(())
    }

    pub(crate) fn owned(&self, entry: Entry, is_folder: bool) -> Entry {
        // What comes from another stage or image keeps its owner; files of the context are root's.
        let kept = self.transfer.from.as_ref().map(|_| (entry.uid, entry.gid));
        let (uid, gid) = self.order.owner.or(kept).unwrap_or_default();
        let mode = match &self.order.permissions {
            Some(permissions) if !matches!(entry.kind, Kind::Link(_)) => {
                permissions.apply(entry.mode, is_folder)
            }
            _ => entry.mode,
        };
        Entry {
            mode,
            uid,
            gid,
            ..entry
        }
    }
}

/// Reads and hashes files where that may take its time.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
