//! What the tests of layers share: making tars, applying them, and looking at the result as
//! overlay shows it.
#![allow(dead_code, reason = "each test target uses a part of it")]

use std::fs::{self, File};
use std::io::{self, Cursor};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use terrarium_store::layer::{self, Host, Limits, Lowers, Marks, Options, Ownership, Source};
use terrarium_store::worker::{Progress, Report};
use terrarium_sys::tree::Tree;

/// The options of root.
pub(crate) fn options() -> Options {
    Options {
        limits: Limits::default(),
        marks: Marks::Trusted,
        ownership: Ownership::Layer,
    }
}

/// Whether this process may make devices and mounts. Says so loudly when not.
pub(crate) fn privileged() -> bool {
    if nix::unistd::geteuid().is_root() {
        return true;
    }
    assert!(
        std::env::var_os("REQUIRE_PRIVILEGED").is_none(),
        "this test needs root"
    );
    eprintln!("SKIPPED: this test needs root");
    false
}

/// Layers on top of each other, bottom first, each in its folder.
pub(crate) struct Stack {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) layers: Vec<PathBuf>,
    made: usize,
}

struct Below(Vec<PathBuf>, u64);

impl Host for Below {
    fn progress(&mut self, _: Progress) {}

    fn parents(&mut self) -> io::Result<Lowers> {
        self.1 += 1;
        let trees = self
            .0
            .iter()
            .rev()
            .map(|path| Tree::open(path))
            .collect::<io::Result<_>>()?;
        Ok(Lowers::new(trees, Marks::Trusted))
    }
}

impl Stack {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        Self {
            dir,
            layers: Vec::new(),
            made: 0,
        }
    }

    /// Applies a layer on top; returns the report and whether the layers below were asked for.
    pub(crate) fn push_with(
        &mut self,
        tar: Vec<u8>,
        options: &Options,
    ) -> layer::Result<(Report, bool)> {
        let path = self.dir.path().join(format!("layer-{}", self.made));
        self.made += 1;
        fs::create_dir(&path).expect("make folder");
        let mut host = Below(self.layers.clone(), 0);
        let root = Tree::open(&path).expect("open folder");
        let report = layer::apply(&root, Source::open(Cursor::new(tar)), options, &mut host)?;
        self.layers.push(path);
        Ok((report, host.1 > 0))
    }

    pub(crate) fn push(&mut self, tar: Vec<u8>) -> layer::Result<Report> {
        self.push_with(tar, &options()).map(|(report, _)| report)
    }

    /// The folder of the topmost layer.
    pub(crate) fn top(&self) -> &Path {
        self.layers.last().expect("there is a layer")
    }

    /// What overlay shows, as lines of path, type, mode and link target.
    pub(crate) fn merged(&self) -> Vec<String> {
        self.mounted(None, listing)
    }

    /// Does `work` in the folder where overlay shows the layers, writable with an upper and a work
    /// folder. In a mount namespace of a thread of its own, so that nothing is left mounted whatever
    /// happens.
    pub(crate) fn mounted<T: Send + 'static>(
        &self,
        writable: Option<(&Path, &Path)>,
        work: impl FnOnce(&Path) -> T + Send + 'static,
    ) -> T {
        let target = self.dir.path().join("merged");
        // Overlay wants two folders where nothing is writable, also when every layer was refused.
        let empty = ["empty", "void"].map(|name| self.dir.path().join(name));
        for folder in empty.iter().chain([&target]) {
            fs::create_dir_all(folder).expect("make folder");
        }
        let layers: Vec<&str> = self
            .layers
            .iter()
            .rev()
            .chain(&empty)
            .map(|path| path.to_str().expect("path is UTF-8"))
            .collect();
        let mut data = format!("lowerdir={}", layers.join(":"));
        let mut flags = MsFlags::MS_RDONLY;
        if let Some((upper, aside)) = writable {
            // The options that containers are mounted with.
            data += &format!(
                ",upperdir={},workdir={},index=off,redirect_dir=nofollow,metacopy=off",
                upper.display(),
                aside.display()
            );
            flags = MsFlags::empty();
        }
        let look = move || {
            unshare(CloneFlags::CLONE_NEWNS).expect("unshare mounts");
            let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("make private");
            let kind = Some("overlay");
            mount(kind, &target, kind, flags, Some(data.as_str())).expect("mount overlay");
            let found = work(&target);
            umount2(&target, MntFlags::MNT_DETACH).expect("unmount");
            found
        };
        std::thread::spawn(look)
            .join()
            .expect("the thread ends well")
    }
}

/// Lines of path, type, mode and link target, sorted by path.
pub(crate) fn listing(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    list_into(root, root, &mut lines);
    lines.sort();
    lines
}

fn list_into(root: &Path, folder: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("list") {
        let path = entry.expect("list").path();
        let meta = fs::symlink_metadata(&path).expect("look at");
        let name = path
            .strip_prefix(root)
            .expect("is below")
            .to_string_lossy()
            .into_owned();
        let kind = meta.file_type();
        let letter = match () {
            () if kind.is_dir() => 'd',
            () if kind.is_symlink() => 'l',
            () if kind.is_char_device() => 'c',
            () if kind.is_fifo() => 'p',
            () => 'f',
        };
        let target = fs::read_link(&path).unwrap_or_default();
        let target = target.to_string_lossy();
        lines.push(
            format!("{name} {letter} {:o} {target}", meta.mode() & 0o7777)
                .trim_end()
                .into(),
        );
        if kind.is_dir() {
            list_into(root, &path, lines);
        }
    }
}

/// A tar in the making. Names are written as they are, hostile or not.
pub(crate) struct Tar {
    builder: tar::Builder<Vec<u8>>,
}

impl Tar {
    pub(crate) fn new() -> Self {
        Self {
            builder: tar::Builder::new(Vec::new()),
        }
    }

    pub(crate) fn header(kind: tar::EntryType, mode: u32) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000_000);
        header.set_size(0);
        header
    }

    /// Any entry, its name put into the header byte by byte.
    pub(crate) fn raw(mut self, mut header: tar::Header, name: &str, data: &[u8]) -> Self {
        let bytes = name.as_bytes();
        header.as_old_mut().name[..bytes.len()].copy_from_slice(bytes);
        if !data.is_empty() {
            header.set_size(data.len() as u64);
        }
        header.set_cksum();
        self.builder.append(&header, data).expect("append");
        self
    }

    pub(crate) fn file(self, name: &str, data: &str) -> Self {
        self.raw(
            Self::header(tar::EntryType::Regular, 0o644),
            name,
            data.as_bytes(),
        )
    }

    pub(crate) fn dir(self, name: &str) -> Self {
        self.raw(Self::header(tar::EntryType::Directory, 0o755), name, &[])
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.linked(tar::EntryType::Symlink, name, target)
    }

    pub(crate) fn link(self, name: &str, target: &str) -> Self {
        self.linked(tar::EntryType::Link, name, target)
    }

    fn linked(self, kind: tar::EntryType, name: &str, target: &str) -> Self {
        let mut header = Self::header(kind, 0o644);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        self.raw(header, name, &[])
    }

    /// Extended attributes and other PAX records for the next entry.
    pub(crate) fn pax(mut self, records: &[(&str, &[u8])]) -> Self {
        self.builder
            .append_pax_extensions(records.iter().copied())
            .expect("append");
        self
    }

    pub(crate) fn build(self) -> Vec<u8> {
        self.builder.into_inner().expect("finish")
    }
}

/// The bytes of a file, and nothing if it is not there.
pub(crate) fn read(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// An extended attribute.
pub(crate) fn xattr(path: impl AsRef<Path>, name: &std::ffi::CStr) -> Option<Vec<u8>> {
    let file = File::open(path).expect("open");
    terrarium_sys::xattr::get(&file, name).expect("read attribute")
}

/// A fingerprint of everything below a folder, to see that nothing changed.
pub(crate) fn fingerprint(root: &Path) -> Vec<(PathBuf, u32, u32, Vec<u8>)> {
    let mut all = Vec::new();
    for line in listing(root) {
        let name = line.split(' ').next().expect("a line has a name");
        let path = root.join(name);
        let meta = fs::symlink_metadata(&path).expect("look at");
        let bytes = if meta.is_file() {
            fs::read(&path).expect("read")
        } else {
            fs::read_link(&path)
                .unwrap_or_default()
                .as_os_str()
                .as_bytes()
                .to_vec()
        };
        all.push((path, meta.mode(), meta.uid(), bytes));
    }
    all
}
