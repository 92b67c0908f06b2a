//! `COPY` and `ADD`: which files, where to, as whose.

use std::io::Read;
use std::sync::Arc;

use terrarium_dockerfile::{Glob, Ignore, Transfer, nearest};

use crate::build::Build;
use crate::files::{clean, join};
use crate::pack::{Pack, tempfile};
use crate::permissions::Permissions;
use crate::state::State;
use crate::{Content, Entry, Executor, Fault, Files, Kind, Layer};

/// A transfer with its variables replaced.
struct Order {
    sources: Vec<String>,
    documents: Vec<(String, String)>,
    destination: String,
    owner: (u32, u32),
    permissions: Option<Permissions>,
    exclude: Ignore,
    /// Whether the destination is a folder by how it is written.
    into_folder: bool,
}

impl<E: Executor> Build<'_, E> {
    pub(crate) async fn transfer(
        &self,
        state: &State,
        transfer: &Transfer,
    ) -> Result<Layer, Fault> {
        let order = self.order(state, transfer).await?;
        let (files, place) = self.origin(state, transfer).await?;
        let on = if transfer.link { None } else { state.chain() };
        let mut packer = Packer {
            build: self,
            transfer,
            files,
            place,
            on,
            order,
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

    async fn order(&self, state: &State, transfer: &Transfer) -> Result<Order, Fault> {
        let escape = self.request.escape();
        let expand = |text: &String| state.expand(text, escape);
        let sources: Result<Vec<_>, _> = transfer.sources.iter().map(expand).collect();
        let destination = expand(&transfer.destination)?;
        let exclude: Result<Vec<_>, _> = transfer.exclude.iter().map(expand).collect();
        let mut documents = Vec::new();
        for document in &transfer.documents {
            let content = if document.expands {
                state.expand_document(&document.content, escape)?
            } else {
                document.content.clone()
            };
            documents.push((document.name.clone(), content));
        }
        let owner = match transfer.chown.as_ref().map(expand).transpose()? {
            Some(user) => {
                let found = self.executor.owner(state.chain(), &user).await;
                found.map_err(Fault::Executor)?
            }
            None => (0, 0),
        };
        let permissions = transfer.chmod.as_ref().map(expand).transpose()?;
        let sources = sources?;
        let many = sources.len() + documents.len() > 1;
        Ok(Order {
            into_folder: many
                || destination.ends_with('/')
                || destination.ends_with("/.")
                || destination == ".",
            destination: state.absolute(&destination),
            permissions: permissions
                .map(|text| Permissions::parse(&text))
                .transpose()?,
            exclude: Ignore::of(exclude?.iter().map(String::as_str)),
            owner,
            sources,
            documents,
        })
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

struct Packer<'a, E: Executor> {
    build: &'a Build<'a, E>,
    transfer: &'a Transfer,
    files: Arc<Files>,
    place: String,
    on: Option<&'a terrarium_oci::ChainId>,
    order: Order,
    pack: Pack,
    follows: bool,
}

impl<E: Executor> Packer<'_, E> {
    async fn gather(&mut self) -> Result<(), Fault> {
        for source in std::mem::take(&mut self.order.sources) {
            if Transfer::is_address(&source) {
                return Err(Fault::Unsupported {
                    what: format!("ADD of the address {source:?}"),
                });
            }
            self.source(&source).await?;
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

    fn unpacks(&self, entry: &Entry) -> bool {
        let wanted = self
            .transfer
            .unpack
            .unwrap_or(self.transfer.adds && self.transfer.from.is_none());
        wanted && self.transfer.adds && matches!(entry.kind, Kind::File(_))
    }

    async fn folder(&mut self, files: &Arc<Files>, folder: &str, into: &str) -> Result<(), Fault> {
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
    async fn through_links(&self, path: &str, is_folder: bool) -> Result<String, Fault> {
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

    async fn destination_folder(&mut self) -> Result<String, Fault> {
        let base = self.find(&clean(&self.order.destination)).await?.path;
        self.parents_of(&join(&base, "x")).await?;
        Ok(base)
    }

    async fn file(
        &mut self,
        name: &str,
        source: &str,
        entry: Entry,
        origin: Option<(Arc<Files>, String)>,
    ) -> Result<(), Fault> {
        let target = self.find(&clean(&self.order.destination)).await?;
        let into = self.order.into_folder || target.is_folder || self.transfer.parents;
        let to = if into {
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

    /// Folders on the way that are not there yet belong to whom the files belong to.
    async fn parents_of(&mut self, path: &str) -> Result<(), Fault> {
        let mut at = String::new();
        let names: Vec<&str> = path.split('/').collect();
        for name in &names[..names.len() - 1] {
            at = join(&at, name);
            if !self.pack.has(&at) && !self.find(&at).await?.exists {
                let (uid, gid) = self.order.owner;
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

    fn owned(&self, entry: Entry, is_folder: bool) -> Entry {
        let (uid, gid) = self.order.owner;
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

    /// Puts what is in an archive, where the file is one.
    async fn archive(&mut self, entry: &Entry) -> Result<bool, Fault> {
        let Kind::File(content) = &entry.kind else {
            return Ok(false);
        };
        let Some(tar) = plain_tar(content, &self.build.request.inflate)? else {
            return Ok(false);
        };
        let Ok(files) = Files::of_tars([tar]) else {
            return Ok(false);
        };
        let base = self.destination_folder().await?;
        let files = Arc::new(files);
        let chown = self.transfer.chown.is_some();
        for (path, entry) in files.iter() {
            let is_folder = matches!(entry.kind, Kind::Folder);
            let to = self.through_links(&join(&base, path), is_folder).await?;
            // An archive says whose its files are, unless somebody says otherwise.
            let entry = if chown {
                self.owned(entry.clone(), is_folder)
            } else {
                entry.clone()
            };
            self.pack
                .put(to, entry, Some((Arc::clone(&files), path.to_owned())));
        }
        Ok(true)
    }
}

/// Reads and hashes files where that may take its time.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The tar in a file, unpacked where it is compressed; nothing where there is none.
fn plain_tar(
    content: &Content,
    inflate: &crate::build::Inflate,
) -> Result<Option<std::fs::File>, Fault> {
    let failed = || Fault::io("an archive");
    let mut start = Vec::new();
    content
        .open()
        .take(512)
        .read_to_end(&mut start)
        .map_err(failed())?;
    let is_tar = |start: &[u8]| start.len() >= 262 && &start[257..262] == b"ustar";
    let mut file = tempfile().map_err(failed())?;
    if is_tar(&start) {
        std::io::copy(&mut content.open(), &mut file).map_err(failed())?;
    } else if let Some(name) = compression(&start) {
        let Some(mut plain) = inflate(name, content.open()) else {
            return Err(Fault::Unsupported {
                what: format!("unpacking an archive in {name}"),
            });
        };
        // What only looks compressed is a file like any other.
        if std::io::copy(&mut plain, &mut file).is_err() {
            return Ok(None);
        }
        let mut inner = [0; 512];
        let read = std::os::unix::fs::FileExt::read_at(&file, &mut inner, 0).map_err(failed())?;
        if !is_tar(&inner[..read]) {
            return Ok(None);
        }
    } else {
        return Ok(None);
    }
    Ok(Some(file))
}

fn compression(start: &[u8]) -> Option<&'static str> {
    match start {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [b'B', b'Z', b'h', ..] => Some("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("xz"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        _ => None,
    }
}
