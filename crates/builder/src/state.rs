use std::collections::BTreeMap;

use terrarium_dockerfile::Expander;
use terrarium_oci::{ChainId, ExecConfig, HistoryEntry, Platform};

use crate::{Base, Fault, Layer};

/// What a stage has come to.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The number of the stage.
    pub(crate) stage: usize,
    /// The instruction that is carried out.
    pub(crate) node: usize,
    pub(crate) config: ExecConfig,
    pub(crate) platform: Platform,
    pub(crate) author: Option<String>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) history: Vec<HistoryEntry>,
    /// Arguments that were declared, with their values.
    pub(crate) arguments: BTreeMap<String, String>,
    /// When what it has come to was made: a build that finds everything in the cache gives the same image.
    pub(crate) created: String,
    /// Whether this stage set `CMD`: then `ENTRYPOINT` leaves it.
    pub(crate) has_cmd: bool,
}

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl State {
    pub(crate) fn on(base: Base) -> Self {
        Self {
            config: base.config.config,
            platform: base.config.platform,
            author: base.config.author,
            created: base.config.created.unwrap_or_default(),
            layers: base.layers,
            history: base.config.history,
            ..Self::default()
        }
    }

    /// The file system of `scratch`.
    pub(crate) fn scratch(platform: Platform) -> Self {
        Self {
            platform,
            ..Self::default()
        }
    }

    /// Commands find programs even where the base says nothing of it.
    pub(crate) fn with_path(mut self) -> Self {
        if self.config.env.is_empty() {
            self.config.env.push(PATH.to_owned());
        }
        self
    }

    /// A new stage on one that is done.
    pub(crate) fn continued(&self) -> Self {
        Self {
            has_cmd: false,
            ..self.clone()
        }
    }

    pub(crate) fn chain(&self) -> Option<&ChainId> {
        self.layers.last().map(|layer| &layer.chain)
    }

    pub(crate) fn shell(&self) -> Vec<String> {
        if self.config.shell.is_empty() {
            return vec!["/bin/sh".to_owned(), "-c".to_owned()];
        }
        self.config.shell.clone()
    }

    pub(crate) fn set_env(&mut self, name: &str, value: &str) {
        let entry = format!("{name}={value}");
        let start = format!("{name}=");
        match self
            .config
            .env
            .iter_mut()
            .find(|old| old.starts_with(&start))
        {
            Some(old) => *old = entry,
            None => self.config.env.push(entry),
        }
    }

    /// The value of a variable: `ENV` comes before `ARG`.
    pub(crate) fn lookup(&self, name: &str) -> Option<String> {
        let set = self.config.env.iter().find_map(|entry| {
            let (known, value) = entry.split_once('=')?;
            (known == name).then(|| value.to_owned())
        });
        set.or_else(|| self.arguments.get(name).cloned())
    }

    pub(crate) fn expand(&self, text: &str, escape: char) -> Result<String, Fault> {
        let lookup = |name: &str| self.lookup(name);
        let expanded = Expander::new(escape, &lookup).expand(text);
        expanded
            .map(|expanded| expanded.text)
            .map_err(|fault| failed(text, fault))
    }

    pub(crate) fn expand_words(&self, text: &str, escape: char) -> Result<Vec<String>, Fault> {
        let lookup = |name: &str| self.lookup(name);
        let expanded = Expander::new(escape, &lookup).expand(text);
        expanded
            .map(|expanded| expanded.words)
            .map_err(|fault| failed(text, fault))
    }

    pub(crate) fn expand_document(&self, text: &str, escape: char) -> Result<String, Fault> {
        let lookup = |name: &str| self.lookup(name);
        let expanded = Expander::new(escape, &lookup).keep_quotes().expand(text);
        expanded
            .map(|expanded| expanded.text)
            .map_err(|fault| failed(text, fault))
    }

    /// A path as seen from the working directory.
    pub(crate) fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            return path.to_owned();
        }
        format!("{}/{path}", self.config.working_dir.trim_end_matches('/'))
    }

    pub(crate) fn note(&mut self, line: String, layer: Option<Layer>) {
        if let Some(layer) = &layer {
            self.created.clone_from(&layer.created);
        }
        self.history.push(HistoryEntry {
            created: Some(self.created.clone()).filter(|created| !created.is_empty()),
            created_by: Some(line),
            comment: Some("terrarium".to_owned()),
            empty_layer: layer.is_none(),
            ..HistoryEntry::default()
        });
        self.layers.extend(layer);
    }
}

fn failed(text: &str, fault: terrarium_dockerfile::ExpansionFault) -> Fault {
    Fault::Expansion {
        text: text.chars().take(200).collect(),
        fault,
    }
}
