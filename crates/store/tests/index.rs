//! The list of files of layers, merged, is what overlay shows of them.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use support::{Stack as Layers, Tar, listing, privileged};
use terrarium_store::index::{
    Change, EntryKind, LayerIndex, NodeId, Stack, Sums, View, Writer, walk,
};
use terrarium_store::layer::Marks;
use terrarium_sys::tree::Tree;

fn index(folder: &Path) -> LayerIndex {
    let mut writer = Writer::new(Vec::new()).expect("memory can be written");
    let root = Tree::open(folder).expect("open");
    walk(&root, Marks::Trusted, &mut writer).expect("the folder can be listed");
    LayerIndex::parse(&writer.finish().expect("memory")).expect("what we write we read")
}

fn merge(layers: &Layers) -> Stack {
    let indexes: Vec<LayerIndex> = layers.layers.iter().map(|path| index(path)).collect();
    Stack::new(&indexes).expect("few entries")
}

/// Visits all names that `view` shows, with their paths.
fn shown(stack: &Stack, view: &View) -> BTreeMap<String, (Change, EntryKind, u64)> {
    let mut all = BTreeMap::new();
    let mut ahead = vec![NodeId::ROOT];
    while let Some(node) = ahead.pop() {
        for child in stack.children(node) {
            let Some(row) = view.row(stack, child) else {
                continue;
            };
            let path = String::from_utf8(stack.path(child)).expect("names here are text");
            all.insert(path, (row.change, row.entry.kind, row.size_bytes));
            ahead.push(child);
        }
    }
    all
}

/// As [`Layers::merged`] says it: the path and the letter of its type.
fn visible(stack: &Stack) -> Vec<String> {
    let view = View::new(stack, stack.layers() - 1);
    let is_visible = |(path, (change, kind, _)): (String, (Change, EntryKind, u64))| {
        let letter = if kind.is_directory() {
            'd'
        } else if kind == EntryKind::Symlink {
            'l'
        } else {
            'f'
        };
        (change != Change::Deleted).then(|| format!("{} {letter}", &path[1..]))
    };
    let mut lines: Vec<String> = shown(stack, &view)
        .into_iter()
        .filter_map(is_visible)
        .collect();
    lines.sort();
    lines
}

fn overlay(layers: &Layers) -> Vec<String> {
    let short = |line: String| {
        let mut words = line.split(' ');
        let (path, kind) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        format!("{path} {kind}")
    };
    let mut lines: Vec<String> = layers.merged().into_iter().map(short).collect();
    lines.sort();
    lines
}

#[derive(Debug, Clone)]
enum Made {
    File,
    Dir,
    Symlink,
}

fn layer() -> impl Strategy<Value = Vec<(String, Made)>> {
    let part = prop::sample::select(vec!["a", "b", "c", "d", ".wh.a", ".wh.b", ".wh..wh..opq"]);
    let name = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"));
    let made = prop_oneof![3 => Just(Made::File), 3 => Just(Made::Dir), 1 => Just(Made::Symlink)];
    prop::collection::vec((name, made), 1..10)
}

fn push_accepted(layers: &mut Layers, entries: &[(String, Made)]) {
    let add = |tar: Tar, (name, made): &(String, Made)| match made {
        Made::File => tar.file(name, name),
        Made::Dir => tar.dir(name),
        Made::Symlink => tar.symlink(name, "a"),
    };
    let mut kept = entries.to_vec();
    while !kept.is_empty()
        && layers
            .push(kept.iter().fold(Tar::new(), add).build())
            .is_err()
    {
        kept.pop();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_merged_list_is_what_overlay_shows(low in layer(), middle in layer(), top in layer()) {
        if !privileged() {
            return Ok(());
        }
        let mut layers = Layers::new();
        for entries in [&low, &middle, &top] {
            push_accepted(&mut layers, entries);
            if layers.layers.is_empty() {
                continue;
            }
            let stack = merge(&layers);
            prop_assert_eq!(visible(&stack), overlay(&layers));
            let sums = Sums::new(&stack);
            let all: u64 = sums.layers.iter().map(|layer| layer.size_bytes).sum();
            let hidden: u64 = sums.layers.iter().map(|layer| layer.hidden_bytes).sum();
            let view = View::new(&stack, stack.layers() - 1);
            prop_assert_eq!((all, hidden), (sums.size_bytes, sums.wasted_bytes));
            prop_assert_eq!(all - hidden, view.size_bytes());
        }
    }
}

/// Three layers: the middle one changes, removes and adds, the top one replaces a folder.
fn scene() -> Layers {
    let mut layers = Layers::new();
    let base = Tar::new()
        .dir("etc")
        .file("etc/a", "12345")
        .file("etc/b", "1")
        .dir("usr")
        .file("usr/big", "1234567890");
    layers.push(base.build()).expect("the base is fine");
    let middle = Tar::new()
        .dir("etc")
        .file("etc/a", "1234567")
        .file("etc/.wh.b", "")
        .file("etc/new", "12");
    layers.push(middle.build()).expect("the middle is fine");
    let top = Tar::new()
        .dir("usr")
        .file("usr/.wh..wh..opq", "")
        .file("usr/small", "1");
    layers.push(top.build()).expect("the top is fine");
    layers
}

#[test]
fn each_layer_tells_what_it_added_changed_and_removed() {
    if !privileged() {
        return;
    }
    let layers = scene();
    let stack = merge(&layers);
    let changes = |top| {
        let view = View::new(&stack, top);
        let mut told: Vec<String> = shown(&stack, &view)
            .into_iter()
            .filter(|(_, (change, ..))| *change != Change::Same)
            .map(|(path, (change, _, size))| format!("{change:?} {path} {size}"))
            .collect();
        told.sort();
        told
    };
    assert_eq!(
        changes(1),
        ["Added /etc/new 2", "Deleted /etc/b 1", "Modified /etc/a 7"]
    );
    assert_eq!(changes(2), ["Added /usr/small 1", "Deleted /usr/big 10"]);
    let sums = Sums::new(&stack);
    let told: Vec<_> = sums
        .layers
        .iter()
        .map(|layer| {
            (
                layer.added,
                layer.modified,
                layer.deleted,
                layer.size_bytes,
                layer.hidden_bytes,
            )
        })
        .collect();
    assert_eq!(told, [(5, 0, 0, 16, 16), (1, 1, 1, 9, 0), (1, 0, 1, 1, 0)]);
    assert_eq!(
        (sums.size_bytes, sums.wasted_bytes, sums.files),
        (26, 16, 3)
    );
    let worst = &sums.wasted[0];
    assert_eq!(stack.path(worst.node), b"/usr/big");
    assert_eq!((worst.size_bytes, worst.removed), (10, true));
}

#[test]
fn a_name_is_found_in_any_layer_also_where_it_is_hidden() {
    if !privileged() {
        return;
    }
    let layers = scene();
    let stack = merge(&layers);
    let found = stack.search(b"BIG", 10);
    assert_eq!(found.total, 1);
    assert_eq!(stack.path(found.nodes[0]), b"/usr/big");
    assert_eq!(stack.search(b"etc/", 1).total, 3);
    assert_eq!(stack.search(b"", 10).total, 0);
}

#[test]
fn several_names_of_a_file_count_once_and_are_in_sight_through_any_of_them() {
    if !privileged() {
        return;
    }
    let mut layers = Layers::new();
    let base = Tar::new().file("one", "12345").link("two", "one");
    layers.push(base.build()).expect("the base is fine");
    layers
        .push(Tar::new().file(".wh.one", "").build())
        .expect("the top is fine");
    let sums = Sums::new(&merge(&layers));
    assert_eq!((sums.size_bytes, sums.wasted_bytes), (5, 0));
    fs::metadata(layers.layers[0].join("one")).expect("the layer itself is untouched");
    assert_eq!(listing(&layers.layers[0]).len(), 2);
}
