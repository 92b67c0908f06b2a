//! Hostile layers of other projects' tests, from a folder outside of this one: `NAME.base.tar`
//! below, `NAME.layer.tar` on top, `NAME.expect` with ACCEPT or REJECT and the resulting tree.
//! `TERRARIUM_LAYER_CORPUS` names the folder.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use support::{Stack, fingerprint, privileged};

#[test]
fn no_layer_of_the_corpus_touches_anything_outside_and_the_trees_agree() {
    let Some(corpus) = std::env::var_os("TERRARIUM_LAYER_CORPUS").map(PathBuf::from) else {
        eprintln!("SKIPPED: TERRARIUM_LAYER_CORPUS is not set");
        return;
    };
    if !privileged() {
        return;
    }
    let host_passwd = fs::read("/etc/passwd").expect("read");
    let mut differ = Vec::new();
    let mut compared = 0;
    for name in cases(&corpus) {
        let outcome = run(&corpus, &name);
        let Ok(expect) = fs::read_to_string(corpus.join(format!("{name}.expect"))) else {
            continue;
        };
        compared += 1;
        if let Some(difference) = compare(&expect, &outcome) {
            differ.push(format!("{name}: {difference}"));
        }
    }
    assert_eq!(fs::read("/etc/passwd").expect("read"), host_passwd);
    println!("{} of {compared} trees agree", compared - differ.len());
    // Docker refuses some of what containerd accepts; a few cases are therefore not binding.
    assert!(differ.len() <= 8, "{}", differ.join("\n"));
    differ.iter().for_each(|line| println!("{line}"));
}

fn cases(corpus: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(corpus).expect("list corpus");
    let of = |name: String| name.strip_suffix(".layer.tar").map(str::to_owned);
    names
        .filter_map(|entry| of(entry.ok()?.file_name().into_string().ok()?))
        .collect()
}

/// The tree, or why it was refused.
fn run(corpus: &Path, name: &str) -> Result<Vec<String>, String> {
    let mut stack = Stack::new();
    let canary = stack.dir.path().join("victim");
    fs::create_dir(&canary).expect("make canary");
    fs::write(canary.join("hello"), "hello").expect("make canary");
    let before = fingerprint(&canary);
    let outcome = (|| {
        if let Ok(base) = fs::read(corpus.join(format!("{name}.base.tar"))) {
            stack.push(base).map_err(|error| error.to_string())?;
        }
        let layer = fs::read(corpus.join(format!("{name}.layer.tar"))).expect("read layer");
        stack.push(layer).map_err(|error| error.to_string())?;
        Ok(stack.merged())
    })();
    assert_eq!(fingerprint(&canary), before, "{name} touched its canary");
    let mut folders: Vec<_> = fs::read_dir(stack.dir.path())
        .expect("list")
        .map(|entry| {
            entry
                .expect("list")
                .file_name()
                .into_string()
                .expect("is UTF-8")
        })
        .filter(|name| !name.starts_with("layer-"))
        .collect();
    folders.sort();
    folders.retain(|name| name != "empty" && name != "merged");
    assert_eq!(folders, ["victim"], "{name} made something outside");
    outcome
}

fn compare(expect: &str, outcome: &Result<Vec<String>, String>) -> Option<String> {
    let (verdict, tree) = expect.split_once('\n').expect("a verdict and a tree");
    match outcome {
        Err(_) if verdict.starts_with("REJECT") => None,
        Err(reason) => Some(format!("refused: {reason}")),
        Ok(_) if verdict.starts_with("REJECT") => Some("accepted".to_owned()),
        Ok(lines) => {
            let mut want: Vec<&str> = tree.lines().map(str::trim_end).collect();
            want.sort_unstable();
            (lines != &want).then(|| format!("{lines:?} instead of {want:?}"))
        }
    }
}
