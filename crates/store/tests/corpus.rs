//! Hostile layers, and the trees that Docker and containerd make of them.
//!
//! `corpus.txt` describes each case in lines: `case NAME VERDICT`, then the entries of the layer below
//! (`base`) and of the layer itself (`layer`), then the tree that comes out. An entry is its kind (`f`ile,
//! `d`irectory, `l`ink, `h`ard link, `c`haracter device), its mode and its name as the header has it,
//! and ` -> target`, ` = content` or ` ; attribute=value`. Verdicts: `accept` and `reject` are binding;
//! `differ` is accepted by them and refused here, for a reason that stands with it; `contain` may come
//! out either way, if nothing outside is touched.

mod support;

use std::fs;

use support::{Stack, fingerprint, privileged};

const CORPUS: &str = include_str!("corpus.txt");

#[derive(Debug, Default)]
struct Case {
    name: &'static str,
    verdict: &'static str,
    base: Vec<&'static str>,
    layer: Vec<&'static str>,
    tree: Vec<&'static str>,
}

#[test]
fn no_layer_of_the_corpus_touches_anything_outside_and_the_trees_agree() {
    if !privileged() {
        return;
    }
    let host_passwd = fs::read("/etc/passwd").expect("read");
    let cases = cases();
    assert!(cases.len() >= 67, "{} cases", cases.len());
    let differ: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let difference = compare(case, &run(case))?;
            Some(format!("{}: {difference}", case.name))
        })
        .collect();
    assert_eq!(fs::read("/etc/passwd").expect("read"), host_passwd);
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in CORPUS.lines().filter(|line| !line.starts_with('#')) {
        let line = line.trim_start();
        let (word, rest) = line.split_once(' ').expect("a word and more");
        if word == "case" {
            let (name, verdict) = rest.split_once(' ').expect("a name and a verdict");
            cases.push(Case {
                name,
                verdict,
                ..Case::default()
            });
            continue;
        }
        let case = cases.last_mut().expect("a case comes first");
        match word {
            "base" => case.base.push(rest),
            "layer" => case.layer.push(rest),
            "tree" => case.tree.push(rest),
            other => panic!("{other} is no word of the corpus"),
        }
    }
    cases
}

/// The tree, or why it was refused.
fn run(case: &Case) -> Result<Vec<String>, String> {
    let mut stack = Stack::new();
    let canary = stack.dir.path().join("victim");
    fs::create_dir(&canary).expect("make canary");
    fs::write(canary.join("hello"), "hello").expect("make canary");
    let before = fingerprint(&canary);
    let mut push = |entries: &[&str]| {
        let pushed = stack.push(tar_of(entries));
        pushed.map(drop).map_err(|error| error.to_string())
    };
    let outcome = push(&case.base)
        .and_then(|()| push(&case.layer))
        .map(|()| stack.merged());
    let name = case.name;
    assert_eq!(fingerprint(&canary), before, "{name} touched its canary");
    let is_ours =
        |name: &str| name.starts_with("layer-") || ["empty", "void", "merged"].contains(&name);
    let folders = fs::read_dir(stack.dir.path()).expect("list");
    let names = folders.map(|entry| entry.expect("list").file_name());
    let names = names.map(|name| name.into_string().expect("is UTF-8"));
    let others: Vec<String> = names.filter(|name| !is_ours(name)).collect();
    assert_eq!(others, ["victim"], "{name} made something outside");
    outcome
}

fn compare(case: &Case, outcome: &Result<Vec<String>, String>) -> Option<String> {
    match (case.verdict, outcome) {
        ("contain", _) | ("reject" | "differ", Err(_)) => None,
        ("accept", Ok(lines)) => {
            let found: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
            let mut want = case.tree.clone();
            want.sort_unstable();
            (found != want).then(|| format!("{found:?} instead of {want:?}"))
        }
        ("accept", Err(reason)) => Some(format!("refused: {reason}")),
        ("reject" | "differ", Ok(_)) => Some("accepted".to_owned()),
        (verdict, _) => panic!("{verdict} is no verdict"),
    }
}

fn tar_of(entries: &[&str]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        append(&mut builder, entry);
    }
    builder.into_inner().expect("memory takes it")
}

fn append(builder: &mut tar::Builder<Vec<u8>>, entry: &str) {
    let mut words = entry.splitn(3, ' ');
    let mut word = || words.next().expect("kind, mode and name");
    let (kind, mode, rest) = (word(), word(), word());
    let (rest, attribute) = split(rest, "; ");
    let (name, content) = split(rest, " =");
    let (name, target) = split(name, " -> ");
    let content = unescaped(content.unwrap_or_default().trim());
    if let Some((key, value)) = attribute.and_then(|text| text.split_once('=')) {
        let key = format!("SCHILY.xattr.{key}");
        let pax = [(key.as_str(), value.as_bytes())];
        builder.append_pax_extensions(pax).expect("memory takes it");
    }
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(match kind {
        "d" => tar::EntryType::Directory,
        "l" => tar::EntryType::Symlink,
        "h" => tar::EntryType::Link,
        "c" => tar::EntryType::Char,
        _ => tar::EntryType::Regular,
    });
    header.set_mode(u32::from_str_radix(mode, 8).expect("a mode"));
    header.set_size(content.len() as u64);
    // Names are written as they are, however bad.
    let fields = header.as_old_mut();
    fields.name[..name.len()].copy_from_slice(name.as_bytes());
    let target = target.unwrap_or_default().as_bytes();
    fields.linkname[..target.len()].copy_from_slice(target);
    header.set_cksum();
    builder
        .append(&header, content.as_slice())
        .expect("memory takes it");
}

fn split<'a>(text: &'a str, at: &str) -> (&'a str, Option<&'a str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// `\xNN` is a byte.
fn unescaped(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}
