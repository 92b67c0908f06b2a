//! An executor that runs nothing and notes what it was asked to.

#![allow(dead_code, reason = "not every suite asks for everything")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::sync::{Arc, Mutex};

use terrarium_builder::{
    Base, BoxError, Content, Executor, Failure, Fetched, Files, Found, Key, Layer, Outcome,
    Process, Request, build,
};
use terrarium_dockerfile::{Address, Ignore};
use terrarium_oci::{ChainId, Descriptor, DiffId, Digest, ImageConfig, MediaType};

/// The SHA-256 of `abc`.
pub(crate) const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// Runs nothing: a command changes one file that holds its words.
#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) ran: Mutex<Vec<String>>,
    pub(crate) known: Mutex<BTreeMap<String, Layer>>,
    /// Paths in the tar of each layer.
    pub(crate) kept: Mutex<Vec<Vec<String>>>,
}

pub(crate) fn tar_of(name: &str, content: &str, modified: u64) -> File {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(modified);
    builder
        .append_data(&mut header, name, content.as_bytes())
        .unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&builder.into_inner().unwrap()).unwrap();
    file
}

impl Executor for Machine {
    type Guard = ();

    async fn base(&self, name: &str, _: Option<&str>) -> Result<Base, BoxError> {
        if name == "lost" {
            return Err("no such image".into());
        }
        let mut config = ImageConfig::default();
        config.config.env = vec!["PATH=/bin".to_owned()];
        config.config.cmd = vec!["base".to_owned()];
        if name == "triggers" {
            config.config.on_build = vec!["RUN triggered".to_owned()];
        }
        Ok(Base {
            config,
            layers: Vec::new(),
        })
    }

    async fn find(&self, _: Option<&ChainId>, path: &str) -> Result<Found, BoxError> {
        let path = path.trim_matches('/');
        // `lib` is a link to `usr/lib`, as in most images.
        let path = match path.strip_prefix("lib") {
            Some(rest) => format!("usr/lib{rest}"),
            None => path.to_owned(),
        };
        let there = ["", "usr", "usr/lib", "etc"].contains(&path.as_str());
        Ok(Found {
            path,
            is_folder: there,
            exists: there,
        })
    }

    async fn owner(&self, _: Option<&ChainId>, user: &str) -> Result<(u32, u32), BoxError> {
        let number = user.parse().map_err(|_| BoxError::from("no such user"))?;
        Ok((number, number))
    }

    async fn files(&self, _: &[Layer]) -> Result<Arc<Files>, BoxError> {
        Ok(Arc::new(Files::of_bytes("made", b"made".to_vec(), 0o755)))
    }

    async fn fetch(&self, address: &Address) -> Result<Option<Fetched>, BoxError> {
        Ok(Some(match address {
            Address::Web(_) => Fetched::File {
                content: Content::Bytes(Arc::from(&b"abc"[..])),
                sha256: ABC.to_owned(),
                name: None,
                modified: 5,
            },
            Address::Git(_) => Fetched::Tree {
                files: self.files(&[]).await?,
                commit: "c0ffee".repeat(6),
            },
        }))
    }

    async fn run(&self, _: &[Layer], process: Process) -> Result<File, BoxError> {
        let line = process.arguments.last().cloned().unwrap_or_default();
        if line == "false" {
            return Err("the command ended with code 1".into());
        }
        self.ran.lock().unwrap().push(line.clone());
        Ok(tar_of("out", &line, 1))
    }

    async fn keep(&self, on: Option<&ChainId>, mut tar: File) -> Result<Layer, BoxError> {
        tar.rewind()?;
        let mut bytes = Vec::new();
        tar.read_to_end(&mut bytes)?;
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries = archive.entries()?;
        let paths = entries.map(|entry| entry.unwrap().path().unwrap().display().to_string());
        self.kept.lock().unwrap().push(paths.collect());
        let diff_id = DiffId(Digest::sha256_of(&bytes));
        let kind = MediaType::OciLayer(terrarium_oci::Compression::Gzip);
        let blob = Descriptor::of(kind, &bytes);
        Ok(Layer {
            chain: ChainId::on(on, &diff_id),
            diff_id,
            blob,
            created: String::new(),
        })
    }

    async fn enter(&self, _: &Key) {}

    async fn recall(&self, key: &Key, on: Option<&ChainId>) -> Option<Layer> {
        let layer = self.known.lock().unwrap().get(key.as_str()).cloned()?;
        Some(Layer {
            chain: ChainId::on(on, &layer.diff_id),
            ..layer
        })
    }

    async fn remember(&self, key: &Key, layer: &Layer) {
        self.known
            .lock()
            .unwrap()
            .insert(key.as_str().to_owned(), layer.clone());
    }
}

pub(crate) fn request(dockerfile: &str, context: File) -> Request {
    Request {
        dockerfile: dockerfile.to_owned(),
        context: Arc::new(Files::of_tars([context]).unwrap()),
        ignore: Ignore::default(),
        arguments: BTreeMap::new(),
        labels: BTreeMap::new(),
        target: None,
        platform: None,
        network: "default".to_owned(),
        secrets: BTreeMap::new(),
        agents: Default::default(),
        contexts: Default::default(),
        no_cache: false,
        epoch: Some(7),
        now: 7,
        created: "1970-01-01T00:00:07Z".to_owned(),
        inflate: Arc::new(|_, _| None),
    }
}

pub(crate) async fn run(machine: &Machine, request: &Request) -> Result<Outcome, Failure> {
    build(machine, request, &|_| {}).await
}

impl Machine {
    /// The commands since the last call.
    pub(crate) fn ran(&self) -> Vec<String> {
        std::mem::take(&mut self.ran.lock().unwrap())
    }
}
