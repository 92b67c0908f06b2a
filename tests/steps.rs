//! Every step that a trace can hold is one that the window explains.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use terrarium_api::STEPS;

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
    Some(rest.split('"').next()?.to_owned())
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
