//! Why a step would run: what it is made of now, beside what it was made of last time.

use std::path::Path;

use terrarium_api::{
    BuildRecord, BuildStep, ChangedFile, FileChange, StepReason, StepState, TextDifference,
};
use terrarium_builder::{Files, Kind, Mark, Recipe};
use terrarium_oci::ChainId;
use terrarium_store::{Name, Store};

use super::{forecast::Heard, history};

/// So many changed files are named.
const NAMED: usize = 20;
/// Of so many, and of files up to this size, the first difference is looked for.
const COMPARED: usize = 5;
const COMPARED_BYTES: u64 = 256 * 1024;

/// Where the past is found.
pub(super) struct Reasons<'a> {
    pub(super) root: &'a Path,
    pub(super) store: &'a Store,
    /// The builds of the project, newest first.
    pub(super) past: &'a [BuildRecord],
    pub(super) context: &'a Files,
}

/// The step of a build before that is most like one of now.
#[derive(Debug, Default)]
pub(super) struct Was {
    recipe: Option<Recipe>,
    key: Option<String>,
    layer: Option<terrarium_api::BuiltLayer>,
    /// How long it took when it ran.
    pub(super) usec: Option<u64>,
    /// The bytes of its layer.
    pub(super) bytes: Option<u64>,
}

impl Reasons<'_> {
    /// Finds that step: one with the same key, else the same line, else the same place and instruction.
    pub(super) fn was(&self, node: usize, line: &str, heard: &Heard) -> Was {
        let keys: Vec<&str> = heard.keys.iter().map(|(key, _)| key.as_str()).collect();
        let same_key =
            |step: &&BuildStep| step.key.as_deref().is_some_and(|key| keys.contains(&key));
        let same_line = |step: &&BuildStep| step.line == line && step.key.is_some();
        let word = |line: &str| line.split_whitespace().next().map(str::to_uppercase);
        let same_place = |step: &&BuildStep| {
            step.node as usize == node && word(&step.line) == word(line) && step.key.is_some()
        };
        let steps = || self.past.iter().flat_map(|record| &record.steps);
        let like = steps()
            .find(same_key)
            .or_else(|| steps().find(same_line))
            .or_else(|| steps().find(same_place));
        let Some(like) = like else {
            return Was::default();
        };
        let timed = |step: &&BuildStep| step.state == StepState::Done && step.usec.is_some();
        let ran = steps()
            .filter(timed)
            .find(|step| step.key == like.key)
            .or_else(|| steps().filter(timed).find(|step| step.line == like.line));
        let made = steps().find(|step| step.key == like.key && step.layer.is_some());
        Was {
            recipe: like
                .key
                .as_deref()
                .and_then(|key| history::recipe(self.root, key)),
            key: like.key.clone(),
            layer: made.and_then(|step| step.layer.clone()),
            usec: ran.and_then(|step| step.usec),
            bytes: made
                .and_then(|step| step.layer.as_ref())
                .map(|layer| layer.size_bytes),
        }
    }

    /// Why a step runs; `below` is the nearest step under it that runs.
    pub(super) fn why(&self, heard: &Heard, was: &Was, below: Option<u32>) -> StepReason {
        let Some((key, _)) = heard.keys.iter().find(|(_, cached)| !cached) else {
            return StepReason::New;
        };
        let now = key.recipe();
        if let (Some(name), None) = (now.parts.get("from"), now.parts.get("command")) {
            return StepReason::Stage { name: name.clone() };
        }
        let Some(before) = &was.recipe else {
            return below.map_or(StepReason::New, |node| StepReason::Below { node });
        };
        if let Some(part) = changed_part(before, now) {
            return part;
        }
        if let Some(files) = self.changed_files(before, now, was) {
            return files;
        }
        match below {
            Some(node) => StepReason::Below { node },
            None if was.key.as_deref() == Some(key.as_str()) => StepReason::Forgotten,
            None if before.parts.get("below") != now.parts.get("below") => StepReason::Base,
            None => StepReason::New,
        }
    }

    fn changed_files(&self, before: &Recipe, now: &Recipe, was: &Was) -> Option<StepReason> {
        let mut changed: Vec<ChangedFile> = Vec::new();
        let paths = before.files.keys().chain(
            now.files
                .keys()
                .filter(|path| !before.files.contains_key(*path)),
        );
        for path in paths {
            let (old, new) = (before.files.get(path), now.files.get(path));
            if old != new {
                changed.push(difference(path, old, new));
            }
        }
        if changed.is_empty() {
            return None;
        }
        let count = changed.len() as u32;
        // What was edited says more than what came with it.
        changed.sort_by_key(|file| (file.change != FileChange::Modified, file.path.clone()));
        changed.truncate(NAMED);
        for file in changed.iter_mut().take(COMPARED) {
            file.difference = self.first_difference(file, was);
        }
        Some(StepReason::Files {
            total: now.files.len() as u32,
            changed: count,
            files: changed,
        })
    }

    /// Compares a file of the last layer with the one that would be copied now.
    fn first_difference(&self, file: &ChangedFile, was: &Was) -> Option<TextDifference> {
        let small = |bytes: Option<u64>| bytes.is_some_and(|bytes| bytes <= COMPARED_BYTES);
        if file.attributes_only || !small(file.before_bytes) || !small(file.after_bytes) {
            return None;
        }
        let chain = ChainId(was.layer.as_ref()?.chain_id.parse().ok()?);
        let mut before = Vec::new();
        self.store
            .snapshots()
            .read_file(
                &Name::from(&chain),
                Path::new(&file.path),
                COMPARED_BYTES,
                &mut before,
            )
            .ok()?;
        let after = self.in_context(&file.path, file.after_bytes?)?;
        differing_line(
            &String::from_utf8(before).ok()?,
            &String::from_utf8(after).ok()?,
        )
    }

    /// A file of the build by its place in the image: the one whose path ends alike.
    fn in_context(&self, path: &str, len: u64) -> Option<Vec<u8>> {
        let mut rest = path;
        loop {
            if let Some(Kind::File(content)) = self.context.get(rest).map(|entry| &entry.kind)
                && content.len() == len
            {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut content.open(), &mut bytes).ok()?;
                return Some(bytes);
            }
            rest = rest.split_once('/')?.1;
        }
    }
}

/// The first part that is not as it was: what a person changed before what follows from it.
fn changed_part(before: &Recipe, now: &Recipe) -> Option<StepReason> {
    let names = before.parts.keys().chain(now.parts.keys());
    let mut names: Vec<&String> = names.filter(|name| *name != "below").collect();
    names.sort_by_key(|name| (name.as_str() != "command", (*name).clone()));
    names.dedup();
    let name = names
        .into_iter()
        .find(|name| before.parts.get(*name) != now.parts.get(*name))?;
    Some(StepReason::Part {
        name: name.clone(),
        before: before.parts.get(name).cloned(),
        after: now.parts.get(name).cloned(),
    })
}

fn difference(path: &str, old: Option<&Mark>, new: Option<&Mark>) -> ChangedFile {
    ChangedFile {
        path: path.to_owned(),
        change: match (old, new) {
            (None, _) => FileChange::Added,
            (_, None) => FileChange::Deleted,
            _ => FileChange::Modified,
        },
        before_bytes: old.map(|mark| mark.size_bytes),
        after_bytes: new.map(|mark| mark.size_bytes),
        difference: None,
        attributes_only: matches!((old, new), (Some(old), Some(new)) if old.content == new.content),
    }
}

fn differing_line(before: &str, after: &str) -> Option<TextDifference> {
    let (mut old, mut new) = (before.lines(), after.lines());
    let mut line = 0;
    loop {
        line += 1;
        let (old, new) = (old.next(), new.next());
        if old.is_none() && new.is_none() {
            return None;
        }
        if old != new {
            let shown = |text: Option<&str>| text.unwrap_or_default().chars().take(200).collect();
            return Some(TextDifference {
                line,
                before: shown(old),
                after: shown(new),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(parts: &[(&str, &str)]) -> Recipe {
        let parts = parts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Recipe {
            parts: parts.collect(),
            ..Recipe::default()
        }
    }

    #[test]
    fn the_command_is_named_before_what_follows_from_it() {
        let before = recipe(&[
            ("below", "a"),
            ("command", "x"),
            ("env A", "1"),
            ("user", "u"),
        ]);
        let now = recipe(&[("below", "b"), ("command", "y"), ("env A", "2")]);
        let Some(StepReason::Part {
            name,
            before: was,
            after,
        }) = changed_part(&before, &now)
        else {
            panic!("nothing changed");
        };
        assert_eq!(
            (name.as_str(), was.as_deref(), after.as_deref()),
            ("command", Some("x"), Some("y"))
        );
        assert_eq!(changed_part(&before, &before), None);
        let below = recipe(&[
            ("below", "b"),
            ("command", "x"),
            ("env A", "1"),
            ("user", "u"),
        ]);
        assert_eq!(changed_part(&before, &below), None);
    }

    #[test]
    fn the_first_line_that_differs_is_found() {
        let found = differing_line("a\nb\nc\n", "a\nB\nc\n").unwrap();
        assert_eq!(
            (found.line, found.before.as_str(), found.after.as_str()),
            (2, "b", "B")
        );
        assert_eq!(differing_line("a\n", "a\nb\n").unwrap().after, "b");
        assert_eq!(differing_line("a\n", "a\n"), None);
    }
}
