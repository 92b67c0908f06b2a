//! What is in an image, in lines that can be compared: whoever built it, with whatever format.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek as _},
    path::Path,
};

use anyhow::{Context as _, Result};
use flate2::read::MultiGzDecoder;
use serde_json::Value;

/// Files of an image: path and what is there.
type Tree = BTreeMap<String, String>;

/// What engines put into a container for the time that it runs.
const STUBS: [&str; 7] = [
    ".dockerenv",
    "dev",
    "proc",
    "sys",
    "etc/hosts",
    "etc/hostname",
    "etc/resolv.conf",
];

/// What is known of an image, its base left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Settings, `name=value`.
    pub(crate) config: Vec<String>,
    /// The instructions that its history tells.
    pub(crate) history: Vec<String>,
    /// What each layer really changes. One that changes nothing is none.
    pub(crate) layers: Vec<Vec<String>>,
    /// All files in the end.
    pub(crate) tree: Vec<String>,
}

impl Facts {
    /// As a golden file has it. The files in the end follow from the layers.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = self.config.clone();
        lines.push(format!("history {}", self.history.join(" ")));
        for (number, layer) in self.layers.iter().enumerate() {
            lines.push(format!("layer {}", number + 1));
            lines.extend(layer.iter().map(|change| format!("  {change}")));
        }
        lines
    }

    /// Reads what `docker save` or `buildah push docker-archive:` wrote.
    pub(crate) fn of_archive(path: &Path, base: &Base) -> Result<Self> {
        let archive = Archive::read(path)?;
        let mut tree = Tree::new();
        let mut layers = Vec::new();
        for (number, name) in archive.layers.iter().enumerate() {
            let changes = apply(&mut tree, archive.open(name)?)?;
            if number >= base.layers && !changes.is_empty() {
                layers.push(changes);
            }
        }
        let entries = archive.config["history"].as_array().cloned();
        let history = entries.unwrap_or_default();
        let own = history.iter().skip(base.history);
        Ok(Self {
            config: settings(&archive.config),
            history: own.map(keyword).collect(),
            layers,
            tree: tree
                .iter()
                .map(|(path, what)| format!("{path} {what}"))
                .collect(),
        })
    }
}

/// How much of an image is its base.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Base {
    pub(crate) layers: usize,
    pub(crate) history: usize,
}

impl Base {
    pub(crate) fn of_archive(path: &Path) -> Result<Self> {
        let archive = Archive::read(path)?;
        Ok(Self {
            layers: archive.layers.len(),
            history: archive.config["history"].as_array().map_or(0, Vec::len),
        })
    }
}

struct Archive {
    file: File,
    config: Value,
    layers: Vec<String>,
    /// Where each file is, and how long.
    places: BTreeMap<String, (u64, u64)>,
    /// Some writers store a layer once and link to it.
    links: BTreeMap<String, String>,
}

impl Archive {
    fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        let mut archive = Self {
            file,
            config: Value::Null,
            layers: Vec::new(),
            places: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        let mut tar = tar::Archive::new(archive.file.try_clone()?);
        for entry in tar.entries()? {
            let entry = entry?;
            let name = entry.path()?.display().to_string();
            if let Some(target) = entry.link_name()? {
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                let target = target.display().to_string();
                let target = match target.strip_prefix("../") {
                    Some(rest) => rest.to_owned(),
                    None => format!("{folder}/{target}"),
                };
                archive.links.insert(name, target);
            } else {
                archive
                    .places
                    .insert(name, (entry.raw_file_position(), entry.size()));
            }
        }
        let manifest: Value = serde_json::from_str(&archive.text("manifest.json")?)?;
        let config = manifest[0]["Config"]
            .as_str()
            .context("there is a config")?;
        archive.config = serde_json::from_str(&archive.text(config)?)?;
        let layers = manifest[0]["Layers"]
            .as_array()
            .context("there are layers")?;
        archive.layers = layers
            .iter()
            .filter_map(|layer| layer.as_str().map(str::to_owned))
            .collect();
        Ok(archive)
    }

    fn raw(&self, name: &str) -> Result<impl Read + use<>> {
        let name = self.links.get(name).map_or(name, String::as_str);
        let (at, len) = self
            .places
            .get(name)
            .with_context(|| format!("{name} is in the archive"))?;
        let mut file = self.file.try_clone()?;
        file.seek(std::io::SeekFrom::Start(*at))?;
        Ok(file.take(*len))
    }

    fn text(&self, name: &str) -> Result<String> {
        let mut text = String::new();
        self.raw(name)?.read_to_string(&mut text)?;
        Ok(text)
    }

    /// The plain tar of a layer.
    fn open(&self, name: &str) -> Result<Box<dyn Read>> {
        let mut start = [0; 2];
        let _ = self.raw(name)?.read(&mut start)?;
        let raw = self.raw(name)?;
        Ok(match start {
            [0x1f, 0x8b] => Box::new(MultiGzDecoder::new(raw)),
            _ => Box::new(raw),
        })
    }
}

/// The settings that a builder decides about. What is empty is not set, whether it is there or not.
fn settings(config: &Value) -> Vec<String> {
    let given = &config["config"];
    let mut lines = Vec::new();
    let mut add = |name: &str, value: &Value| {
        let empty = match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        if !empty {
            lines.push(format!("{name} {value}"));
        }
    };
    for name in [
        "User",
        "WorkingDir",
        "Env",
        "Entrypoint",
        "Cmd",
        "Shell",
        "Labels",
        "ExposedPorts",
        "Volumes",
        "OnBuild",
        "StopSignal",
        "Healthcheck",
    ] {
        add(name, &given[name]);
    }
    add("author", &config["author"]);
    add("os", &config["os"]);
    lines
}

/// The instruction that an entry of the history tells of.
fn keyword(entry: &Value) -> String {
    let text = entry["created_by"].as_str().unwrap_or_default();
    let text = match text.split_once("#(nop)") {
        Some((_, instruction)) => instruction.trim_start(),
        None if text.starts_with('|') || text.starts_with("/bin/") => "RUN",
        None => text,
    };
    let word = text.split_whitespace().next().unwrap_or("?");
    word.to_ascii_uppercase()
}

/// Puts a layer on a tree and tells what really changes.
fn apply(tree: &mut Tree, layer: Box<dyn Read>) -> Result<Vec<String>> {
    let before = tree.clone();
    let mut new = Tree::new();
    let mut archive = tar::Archive::new(layer);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.display().to_string();
        let path = path.trim_start_matches("./").trim_matches('/').to_owned();
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if name == ".wh..wh..opq" {
            remove(tree, folder, false);
        } else if let Some(hidden) = name.strip_prefix(".wh.") {
            let hidden = [folder, hidden].join("/");
            remove(tree, hidden.trim_start_matches('/'), true);
        } else if !path.is_empty() && !is_stub(&path) {
            let what = describe(&mut entry, &new, tree)?;
            new.insert(path, what);
        }
    }
    for (path, what) in new {
        if !what.starts_with('d') {
            remove(tree, &path, true);
        }
        tree.insert(path, what);
    }
    let gone = before.keys().filter(|path| !tree.contains_key(*path));
    let mut changes: Vec<String> = gone.map(|path| format!("{path} gone")).collect();
    let changed = tree
        .iter()
        .filter(|(path, what)| before.get(*path) != Some(what));
    changes.extend(changed.map(|(path, what)| format!("{path} {what}")));
    changes.sort();
    Ok(changes)
}

fn remove(tree: &mut Tree, path: &str, itself: bool) {
    let inside = if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    };
    tree.retain(|other, _| !(other.starts_with(&inside) || (itself && other == path)));
}

fn is_stub(path: &str) -> bool {
    STUBS.iter().any(|stub| {
        let rest = path.strip_prefix(stub);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Kind, permissions, owner and content of an entry. Names of one file are told as files of their own.
fn describe<R: Read>(entry: &mut tar::Entry<'_, R>, new: &Tree, below: &Tree) -> Result<String> {
    use tar::EntryType as T;
    let header = entry.header();
    let (mode, uid, gid) = (header.mode()? & 0o7777, header.uid()?, header.gid()?);
    let link = entry.link_name()?.map(|link| link.display().to_string());
    let owner = format!("{uid}:{gid}");
    Ok(match entry.header().entry_type() {
        T::Directory => format!("d {mode:o} {owner}"),
        T::Symlink => format!("l {owner} -> {}", link.unwrap_or_default()),
        T::Link => {
            let first = link.unwrap_or_default();
            let first = first.trim_start_matches("./").trim_matches('/');
            let found = new.get(first).or_else(|| below.get(first));
            found.with_context(|| format!("{first} is there"))?.clone()
        }
        T::Regular => format!("f {mode:o} {owner} {}", content(entry)?),
        T::Fifo => format!("p {mode:o} {owner}"),
        other => format!("{other:?} {mode:o} {owner}"),
    })
}

/// Short text as it is, other content by its length and a sum that tells files apart.
fn content(file: &mut impl Read) -> Result<String> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.len() <= 60 => Ok(format!("{text:?}")),
        _ => {
            let fold = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
            let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold);
            Ok(format!("{} bytes {sum:016x}", bytes.len()))
        }
    }
}
