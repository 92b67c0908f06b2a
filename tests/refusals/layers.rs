//! Layers that try to reach what is not theirs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use tar::{Builder, EntryType, Header};
use terrarium_tests::{Layout, can_run_containers};

use crate::scene::{Scene, assert_says, names};

/// What lies outside, and must not be touched.
struct Canary {
    folder: PathBuf,
}

const SECRET: &str = "what only the host knows";

impl Canary {
    fn new(folder: &Path) -> Result<Self> {
        fs::create_dir(folder)?;
        fs::write(folder.join("secret"), SECRET)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Its path with so many `..` before it that it leads there from anywhere.
    fn path_below(&self) -> String {
        format!(
            "{}{}",
            "../".repeat(12),
            self.path().trim_start_matches('/')
        )
    }

    fn path(&self) -> String {
        self.folder.display().to_string()
    }

    #[track_caller]
    fn assert_untouched(&self, by: &str) {
        let secret = fs::read_to_string(self.folder.join("secret")).expect("it is there");
        assert_eq!(secret, SECRET, "{by}");
        let found = names(&self.folder).expect("it can be read");
        assert_eq!(found.len(), 1, "{by}: {found:?}");
    }
}

/// An entry as somebody malicious writes it: no name is checked or made shorter.
struct Entry<'a> {
    name: &'a str,
    kind: EntryType,
    link: &'a str,
}

impl<'a> Entry<'a> {
    fn file(name: &'a str) -> Self {
        Self {
            name,
            kind: EntryType::Regular,
            link: "",
        }
    }

    fn link(kind: EntryType, name: &'a str, link: &'a str) -> Self {
        Self { name, kind, link }
    }
}

fn tar(entries: &[Entry<'_>]) -> Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for entry in entries {
        let content: &[u8] = match entry.kind {
            EntryType::Regular => b"owned",
            _ => b"",
        };
        let mut header = Header::new_gnu();
        header.set_entry_type(entry.kind);
        header.set_mode(0o666);
        header.set_size(content.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        let raw = header.as_old_mut();
        raw.name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        raw.linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_cksum();
        tar.append(&header, content)?;
    }
    Ok(tar.into_inner()?)
}

#[test]
fn no_layer_reaches_out_of_its_tree() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let scene = Scene::new()?;
    let canary = Canary::new(&scene.host.scratch().join("canary"))?;
    let (up, path) = (canary.path_below(), canary.path());
    let (up_owned, owned) = (format!("{up}/owned"), format!("{path}/owned"));
    let (up_secret, secret) = (format!("{up}/secret"), format!("{path}/secret"));
    let (up_removed, removed) = (format!("{up}/.wh.secret"), format!("{path}/.wh.secret"));
    let symlink = |to| Entry::link(EntryType::Symlink, "way", to);
    let hard_link = |to| Entry::link(EntryType::Link, "copy", to);
    let cases: &[(&str, &[Entry<'_>])] = &[
        ("climbs", &[Entry::file(&up_owned)]),
        ("absolute", &[Entry::file(&owned)]),
        ("overwrites", &[Entry::file(&up_secret)]),
        ("symlink", &[symlink(&path), Entry::file("way/owned")]),
        ("symlink-up", &[symlink(&up), Entry::file("way/owned")]),
        ("symlink-file", &[symlink(&secret), Entry::file("way")]),
        ("hard-link", &[hard_link(&secret), Entry::file("copy")]),
        (
            "hard-link-up",
            &[hard_link(&up_secret), Entry::file("copy")],
        ),
        ("hard-link-way", &[symlink(&path), hard_link("way/secret")]),
        ("removes", &[Entry::file(&removed)]),
        ("removes-up", &[Entry::file(&up_removed)]),
        (
            "removes-way",
            &[symlink(&path), Entry::file("way/.wh.secret")],
        ),
    ];
    for (case, entries) in cases {
        let name = push(&scene, case, &tar(entries)?)?;
        let pulled = scene.host.docker(&["pull", "-q", &name]);
        canary.assert_untouched(case);
        if pulled.code == Some(0) {
            // It was unpacked inside its own tree: then the host's secret is not in there either.
            let search = "busybox grep -rl 'only the host' / --include=secret 2>/dev/null; \
                cat /copy /way /way/secret 2>/dev/null; true";
            let command = ["run", "--rm", "--network=none", &name, "sh", "-c", search];
            let found = scene.host.docker(&command);
            assert!(!found.ok().contains(SECRET), "{case}: {found:?}");
            canary.assert_untouched(case);
        } else {
            assert_says(pulled.fails(1), &[&name, "layer 2 of 2"]);
        }
    }
    Ok(())
}

#[test]
fn a_device_of_a_layer_opens_nothing() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let scene = Scene::new()?;
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Block);
    header.set_path("disk")?;
    header.set_mode(0o666);
    header.set_size(0);
    // A loop device, which is there on every machine.
    header.set_device_major(7)?;
    header.set_device_minor(0)?;
    header.set_cksum();
    let mut tar = Builder::new(Vec::new());
    tar.append(&header, &[][..])?;
    let name = push(&scene, "device", &tar.into_inner()?)?;
    scene.host.docker(&["pull", "-q", &name]).ok();
    let read = scene.host.docker(&["run", "--rm", &name, "cat", "/disk"]);
    assert_says(read.fails(1), &["Operation not permitted"]);
    Ok(())
}

/// Pushes busybox with one more layer; returns its whole name.
fn push(scene: &Scene, case: &str, tar: &[u8]) -> Result<String> {
    let image = format!("hostile/{case}:1");
    let layout = Layout::open(&scene.host.scratch().join("layout"));
    let busybox = scene.registry.address() + "/library/alpine:latest";
    layout.take(&busybox)?;
    layout.add_bytes(tar)?;
    scene.registry.push_layout(&layout, &image)?;
    Ok(scene.name(&image))
}
