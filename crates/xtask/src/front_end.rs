//! The front end: built when it has to be, for everything after it that embeds it is built anew as well.

use std::{fs, path::Path, time::SystemTime};

use anyhow::{Result, bail};

use crate::{
    machine,
    shell::{root, step},
};

/// What `ui/dist` is made of.
const SOURCES: &[&str] = &[
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
];

/// Fails with the way on when Node.js is missing or too old.
pub(crate) fn check_node() -> Result<()> {
    match machine::node_major() {
        Some(major) if major >= 20 => Ok(()),
        Some(major) => {
            bail!("Node.js {major} is too old for the front end: install version 20 or newer")
        }
        None => bail!("Node.js is missing: install version 20 or newer, with npm"),
    }
}

/// Builds `ui/dist`, unless nothing that it is made of has changed since.
pub(crate) fn build_front_end() -> Result<()> {
    let ui = root().join("ui");
    if !is_newer(
        &ui.join("node_modules/.package-lock.json"),
        &[ui.join("package-lock.json")],
    ) {
        step("npm ci --no-audit --no-fund").within("ui").run()?;
    }
    let sources: Vec<_> = SOURCES.iter().map(|name| ui.join(name)).collect();
    // Without assets it is the page that stands in for a front end in checks.
    if ui.join("dist/assets").is_dir() && is_newer(&ui.join("dist/index.html"), &sources) {
        return Ok(());
    }
    step("npm run build").within("ui").run()
}

/// Whether a file was written after all of these, and all that is in them.
fn is_newer(file: &Path, sources: &[impl AsRef<Path>]) -> bool {
    let Some(written) = changed(file) else {
        return false;
    };
    let newest = sources.iter().filter_map(|source| newest(source.as_ref()));
    newest.max().is_none_or(|newest| newest < written)
}

/// When a file, or anything in a folder, was last changed. A folder changes when a file in it goes.
fn newest(path: &Path) -> Option<SystemTime> {
    let own = changed(path)?;
    let inside = fs::read_dir(path).into_iter().flatten().flatten();
    let inside = inside.filter_map(|entry| newest(&entry.path())).max();
    Some(inside.map_or(own, |inside| inside.max(own)))
}

fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn write(path: &Path, seconds: u64) {
        fs::write(path, "").unwrap();
        set(path, seconds);
    }

    fn set(path: &Path, seconds: u64) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        fs::File::open(path).unwrap().set_modified(at).unwrap();
    }

    #[test]
    fn a_change_deep_in_a_folder_is_noticed_and_so_is_a_removal() {
        let folder = tempfile::tempdir().unwrap();
        let (built, sources) = (folder.path().join("built"), folder.path().join("src"));
        fs::create_dir_all(sources.join("deep")).unwrap();
        write(&sources.join("deep/file"), 5);
        write(&built, 10);
        set(&sources.join("deep"), 5);
        set(&sources, 5);
        assert!(is_newer(&built, &[&sources]));
        set(&sources.join("deep/file"), 11);
        assert!(!is_newer(&built, &[&sources]), "a file was changed");
        fs::remove_file(sources.join("deep/file")).unwrap();
        set(&sources.join("deep"), 12);
        assert!(!is_newer(&built, &[&sources]), "a file was removed");
    }

    #[test]
    fn what_was_never_built_is_not_newer_than_anything() {
        let folder = tempfile::tempdir().unwrap();
        let nothing: [&Path; 0] = [];
        assert!(!is_newer(&folder.path().join("built"), &nothing));
    }
}
