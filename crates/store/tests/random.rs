//! Layers that nobody thought of: whatever a layer does, it stays inside, and what it changes can
//! be written as a layer that does the same.

mod support;

use std::fs;

use proptest::prelude::*;
use support::{Stack, Tar, fingerprint, privileged};
use terrarium_store::layer::{Lowers, Marks, diff};
use terrarium_sys::tree::Tree;

#[derive(Debug, Clone)]
enum Made {
    File,
    Dir,
    Symlink(String),
    Link(String),
}

fn names() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a",
        "b",
        "c",
        "..",
        ".",
        ".wh.a",
        ".wh.b",
        ".wh..wh..opq",
        "",
        "victim",
    ]);
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

fn targets() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "b", "c", "..", "/", "victim", "../../victim"]);
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

fn entries() -> impl Strategy<Value = Vec<(String, Made)>> {
    let made = prop_oneof![
        3 => Just(Made::File),
        3 => Just(Made::Dir),
        2 => targets().prop_map(Made::Symlink),
        1 => targets().prop_map(Made::Link),
    ];
    prop::collection::vec((names(), made), 1..12)
}

fn build(entries: &[(String, Made)]) -> Vec<u8> {
    let add = |tar: Tar, (name, made): &(String, Made)| match made {
        Made::File => tar.file(name, name),
        Made::Dir => tar.dir(name),
        Made::Symlink(target) => tar.symlink(name, target),
        Made::Link(target) => tar.link(name, target),
    };
    entries.iter().fold(Tar::new(), add).build()
}

/// Applies as many entries as are accepted: one refused entry must not make the rest untested.
fn push_accepted(stack: &mut Stack, entries: &[(String, Made)]) {
    let mut kept = entries.to_vec();
    while !kept.is_empty() && stack.push(build(&kept)).is_err() {
        kept.pop();
    }
}

/// What overlay shows, without names that no layer can hold.
fn representable(stack: &Stack) -> Vec<String> {
    let mut lines = stack.merged();
    lines.retain(|line| !line.starts_with(".wh.") && !line.contains("/.wh."));
    lines
}

#[test]
fn where_every_layer_was_refused_there_is_nothing_to_see() {
    if privileged() {
        assert!(representable(&Stack::new()).is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_layer_stays_inside_and_can_be_written_again(low in entries(), top in entries()) {
        if !privileged() {
            return Ok(());
        }
        let mut stack = Stack::new();
        let victim = stack.dir.path().join("victim");
        fs::create_dir(&victim).expect("make canary");
        fs::write(victim.join("a"), "untouched").expect("make canary");
        let before = fingerprint(&victim);
        push_accepted(&mut stack, &low);
        push_accepted(&mut stack, &top);
        prop_assert_eq!(fingerprint(&victim), before);
        let merged = representable(&stack);
        if stack.layers.len() == 2 {
            let below = Lowers::new(vec![Tree::open(&stack.layers[0]).expect("open")], Marks::Trusted);
            let mut tar = Vec::new();
            let upper = Tree::open(stack.top()).expect("open");
            diff(&upper, &below, Marks::Trusted, &mut tar).expect("the changes are written");
            stack.layers.pop();
            stack.push(tar).expect("what we write we accept");
            prop_assert_eq!(representable(&stack), merged);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_unpacked_without_a_panic(
        entries in entries(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        if !privileged() {
            return Ok(());
        }
        let mut tar = build(&entries);
        for (at, byte) in flips {
            let at = at.index(tar.len());
            tar[at] = byte;
        }
        let _ = Stack::new().push(tar);
    }
}
