//! Every step that a trace can hold, and every hint of an error, is one that the window has a text for.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use terrarium_api::{Advice, STEPS};

/// Where steps are recorded, and the calls that do it: the first text after them is the name.
const RECORDED: [(&str, &str); 3] = [
    ("crates/runtime/src", "trace.end("),
    ("crates/runtime/src", "trace\n            .end("),
    ("crates/engine/src", ".step("),
];

#[test]
fn the_window_has_a_text_for_every_step_that_is_recorded() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeSet::new();
    for (folder, call) in RECORDED {
        for source in sources(&root.join(folder))? {
            let text = fs::read_to_string(&source)?;
            // What stands in tests is no step of the product.
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            found.extend(text.split(call).skip(1).filter_map(first_text));
        }
    }
    ensure!(found.len() > 20, "the search found only {found:?}");
    let known: BTreeSet<&str> = STEPS.iter().copied().collect();
    let unknown: Vec<_> = found
        .iter()
        .filter(|name| !known.contains(name.as_str()))
        .collect();
    ensure!(
        unknown.is_empty(),
        "add {unknown:?} to STEPS in crates/api/src/trace.rs and to both catalogues in ui/src/lib/shared/i18n"
    );
    Ok(())
}

fn first_text(after: &str) -> Option<String> {
    let after = after.trim_start();
    let rest = after.strip_prefix('"')?;
    let end = rest
        .match_indices('"')
        .find(|(at, _)| !rest[..*at].ends_with('\\'))?
        .0;
    Some(rest[..end].replace("\\\"", "\""))
}

fn sources(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Crates below the engine, where `fn hint` gives the texts.
const BELOW: [&str; 3] = [
    "crates/registry/src/error.rs",
    "crates/network/src/error.rs",
    "crates/oci/src/error.rs",
];

#[test]
fn the_window_has_a_text_for_every_hint() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeSet::new();
    for source in sources(&root.join("crates/engine/src"))? {
        let text = fs::read_to_string(&source)?;
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        found.extend(text.split(".hint(").skip(1).filter_map(first_text));
    }
    for file in BELOW {
        let text = fs::read_to_string(root.join(file))?;
        for body in text.split("fn hint(").skip(1) {
            // The function ends with the first brace at its own depth.
            let body = body.split("\n    }\n").next().unwrap_or_default();
            found.extend(texts(body).filter(|text| text.contains(' ') && text != "tun"));
        }
    }
    ensure!(found.len() > 20, "the search found only {found:?}");
    let unknown: Vec<_> = found
        .iter()
        .filter(|hint| Advice::of(&without_names(hint)).is_none())
        .collect();
    ensure!(
        unknown.is_empty(),
        "add {unknown:?} to HINTS in crates/api/src/hint.rs and to both catalogues in ui/src/lib/shared/i18n"
    );
    Ok(())
}

#[test]
fn the_window_has_a_text_for_everything_that_a_check_of_the_machine_finds() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("crates/engine/src/system/checks.rs"))?;
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    // Sentences: paths, names of checks and commands have no language.
    let sentences: BTreeSet<String> = texts(text)
        .filter(|text| text.contains(' ') && !text.starts_with("sudo ") && !text.starts_with('/'))
        .collect();
    ensure!(sentences.len() > 10, "the search found only {sentences:?}");
    let unknown: Vec<_> = sentences
        .iter()
        .filter(|found| Advice::of_finding(&without_names(found)).is_none())
        .collect();
    ensure!(
        unknown.is_empty(),
        "add {unknown:?} to FINDINGS in crates/api/src/hint.rs and to both catalogues in ui/src/lib/shared/i18n"
    );
    Ok(())
}

/// All texts of a piece of source.
fn texts(source: &str) -> impl Iterator<Item = String> {
    let quoted = source.replace("\\\"", "'");
    let texts: Vec<String> = quoted
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    texts.into_iter()
}

/// A format string with some value in each place: `sign in to {host}`.
fn without_names(template: &str) -> String {
    let mut text = String::new();
    for (index, piece) in template.split(['{', '}']).enumerate() {
        text.push_str(if index % 2 == 0 { piece } else { "value" });
    }
    text
}
