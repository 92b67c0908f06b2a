//! Looking at, packing, and writing into trees that are in use, in the sandbox.

use std::fs::File;
use std::io::{self, BufWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{AT_FDCWD, OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat};
use terrarium_store::layer::Source;
use terrarium_store::layer::live::{Found, put};
use terrarium_store::worker::Event;
use terrarium_store::{Act, Bind, Ids, Overlay, View, Viewed};
use terrarium_sys::mount::{AttrChange, Depth, attach, attr, clone_tree, set_attributes};
use terrarium_sys::tree::Tree;

use super::talk::Talk;
use super::{Error, sandbox};
use crate::init::{Root, Target, attach_at, overlay, path_cstring};

/// Does what the JSON text says. What is packed goes to standard input, which is then the writing
/// end of a pipe; what is put comes from it.
pub(super) fn act(viewed: &Path, ids: &Ids, talk: &mut Talk) -> Result<Event, Error> {
    let text = viewed.to_str().ok_or(Error::Usage)?;
    let viewed: Viewed = serde_json::from_str(text).map_err(|_| Error::Usage)?;
    // While there is a /proc that is to be trusted.
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let descriptors = open("/proc/self/fd", flags, Mode::empty())
        .map_err(|error| Error::system("open /proc/self/fd", error))?;
    let root = enter(&viewed.view, ids)?;
    // The host says whether the container still is the one that was meant.
    talk.ask_parents()
        .map_err(|error| Error::system("ask whether it is still there", error))?;
    let path = viewed.path.as_bytes();
    Ok(match &viewed.act {
        Act::Look => Event::Looked(Found::at(&root, path, &descriptors)?.stat().clone()),
        Act::Pack(base, crossing) => {
            let found = Found::at(&root, path, &descriptors)?;
            talk.say(&Event::Found(found.stat().clone()))
                .map_err(|error| Error::system("tell what is packed", error))?;
            let out = BufWriter::with_capacity(256 * 1024, standard_input()?);
            let entries = found.pack(base.as_bytes(), *crossing, out)?;
            Event::Copied { entries }
        }
        Act::Put(options) => {
            let source = Source::open(standard_input()?);
            let entries = put(&root, path, source, *options)?;
            Event::Copied { entries }
        }
    })
}

fn enter(view: &View, ids: &Ids) -> Result<Tree, Error> {
    match view {
        View::Process(pid) => sandbox::enter_process(*pid),
        View::Folder(path) => sandbox::enter(path, ids),
        View::Mounted(overlay, binds) => sandbox::enter_mounted(ids, || mount(overlay, binds)),
    }
}

/// Mounts the layers of a container, and in them what it has mounted.
fn mount(layers: &Overlay, binds: &[Bind]) -> Result<OwnedFd, Error> {
    let upper = layers.upper.as_ref();
    let dirs = upper.map(|upper| (upper.upperdir.as_path(), upper.workdir.as_path()));
    let tree = overlay(&layers.lowerdirs, dirs, layers.userxattr, None)?;
    // Any directory will do: only this process sees what is on it.
    let place = match dirs {
        Some((upperdir, _)) => upperdir,
        None => layers.lowerdirs.first().ok_or(Error::Usage)?,
    };
    attach_at(&tree, place)?;
    let root = Root::new(
        tree.try_clone()
            .map_err(|e| Error::system("duplicate", e))?,
    );
    for bind in binds {
        mount_bind(&root, bind, dirs.is_some())?;
    }
    Ok(tree)
}

fn mount_bind(root: &Root, bind: &Bind, can_make: bool) -> Result<(), Error> {
    let failed = |error| Error::path("mount", &bind.source, error);
    let source = path_cstring(&bind.source)?;
    let tree = match clone_tree(AT_FDCWD, &source, Depth::Recursive) {
        // What the container would not start with is not there to be seen either.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        tree => tree.map_err(failed)?,
    };
    let target = match can_make {
        true => root.target(&bind.destination, kind(&tree).map_err(failed)?),
        false => root.open(&bind.destination, OFlag::O_PATH),
    };
    let target = match target {
        Err(error) if !can_make && error.kind() == io::ErrorKind::NotFound => return Ok(()),
        target => target.map_err(failed)?,
    };
    if bind.read_only {
        let set = attr::RDONLY;
        let change = AttrChange {
            set,
            ..AttrChange::default()
        };
        set_attributes(tree.as_fd(), Depth::Recursive, change, None).map_err(failed)?;
    }
    attach(tree.as_fd(), target.as_fd()).map_err(failed)
}

fn kind(tree: &OwnedFd) -> io::Result<Target> {
    let format = SFlag::from_bits_truncate(fstat(tree)?.st_mode) & SFlag::S_IFMT;
    Ok(match format == SFlag::S_IFDIR {
        true => Target::Directory,
        false => Target::File,
    })
}

fn standard_input() -> Result<File, Error> {
    let duplicate = io::stdin().as_fd().try_clone_to_owned();
    let file = duplicate.map_err(|error| Error::system("duplicate standard input", error))?;
    Ok(file.into())
}
