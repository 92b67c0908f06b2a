//! Locking the worker up before it reads anything.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::prctl;
use nix::sys::stat::{Mode, fstat, stat, umask};
use nix::unistd::{chdir, chroot, fchdir, pivot_root};
use terrarium_store::Ids;
use terrarium_sys::caps::{self, CapSet};
use terrarium_sys::clone::SingleThreaded;
use terrarium_sys::mount::{AttrChange, Depth, attr, clone_tree, set_attributes};
use terrarium_sys::namespace::{setns, unshare};
use terrarium_sys::pidfd;
use terrarium_sys::process::{get_rlimit, set_rlimit};
use terrarium_sys::tree::Tree;

use super::{Error, idmap};

/// `CHOWN`, `DAC_OVERRIDE`, `FOWNER`, `FSETID`, `MKNOD`, `SETFCAP`: to make any file for anybody.
const EFFECTIVE: CapSet = CapSet(1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 27 | 1 << 31);

/// `SYS_ADMIN` stays permitted, since the kernel asks for it to set `trusted.overlay.opaque`. It is
/// made effective for that one call.
const PERMITTED: CapSet = CapSet(EFFECTIVE.0 | 1 << 21);

/// Makes `root` the root of this process for good, and returns it open.
pub(super) fn enter(root: &Path, ids: &Ids) -> Result<Tree, Error> {
    enter_namespaces(ids)?;
    lock_up(root)
}

/// As [`enter`], and also returns `beside` through a mount that can only be read: even a worker
/// that is taken over cannot change what other containers run on.
pub(super) fn enter_beside(root: &Path, beside: &Path, ids: &Ids) -> Result<(Tree, Tree), Error> {
    enter_namespaces(ids)?;
    let failed = |error| Error::path("make read-only mount of", beside, error);
    let tree = Tree::open(beside).map_err(failed)?;
    let mount = clone_tree(tree.as_fd(), c"", Depth::One).map_err(failed)?;
    let set = attr::RDONLY | attr::NOSUID | attr::NODEV | attr::NOEXEC;
    let change = AttrChange {
        set,
        ..AttrChange::default()
    };
    set_attributes(mount.as_fd(), Depth::One, change, None).map_err(failed)?;
    let beside = Tree::from_fd(mount).map_err(failed)?;
    Ok((lock_up(root)?, beside))
}

/// Makes the root of another process that of this one for good, and joins its user namespace where
/// that is another one. It stays in its own mount namespace: nobody in the container can reach it.
pub(super) fn enter_process(pid: u32) -> Result<Tree, Error> {
    umask(Mode::empty());
    raise_open_files();
    let ended = |error| Error::system("look into the container", error);
    let number = i32::try_from(pid).map_err(|_| Error::Usage)?;
    // Held over the opening: what was opened is of this process, and of none that took its id.
    let held = pidfd::open(number).map_err(ended)?;
    let folder = format!("/proc/{pid}");
    let at = |name: &str, flags| {
        let path = Path::new(&folder).join(name);
        open(&path, flags | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(|error| Error::path("open", &path, error))
    };
    let root = at("root", OFlag::O_PATH | OFlag::O_DIRECTORY)?;
    let theirs = at("ns/user", OFlag::O_RDONLY)?;
    pidfd::send_signal(held.as_fd(), 0).map_err(ended)?;
    join_user_namespace(&theirs)
        .map_err(|error| Error::system("join its user namespace", error))?;
    // Not to be looked into by what runs in the container, whatever it shares with the host.
    prctl::set_dumpable(false).map_err(|error| Error::system("hide", error))?;
    fchdir(&root)
        .and_then(|()| chroot("."))
        .and_then(|()| chdir("/"))
        .map_err(|error| Error::system("change root into the container", error))?;
    settle(EFFECTIVE)
}

fn join_user_namespace(theirs: &OwnedFd) -> std::io::Result<()> {
    let own = stat("/proc/self/ns/user")?;
    let other = fstat(theirs)?;
    if (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino) {
        return Ok(());
    }
    let alone = SingleThreaded::verify()?;
    setns(alone, theirs.as_fd(), libc::CLONE_NEWUSER as u64)
}

/// Has a tree mounted that only this process sees, and makes it its root for good.
pub(super) fn enter_mounted(
    ids: &Ids,
    mount: impl FnOnce() -> Result<OwnedFd, Error>,
) -> Result<Tree, Error> {
    enter_namespaces(ids)?;
    let root = mount()?;
    let failed = |error: nix::Error| Error::system("change root", error);
    fchdir(&root).map_err(failed)?;
    pivot_root(".", ".").map_err(failed)?;
    umount2(".", MntFlags::MNT_DETACH).map_err(failed)?;
    chdir("/").map_err(failed)?;
    settle(EFFECTIVE)
}

fn enter_namespaces(ids: &Ids) -> Result<(), Error> {
    umask(Mode::empty());
    raise_open_files();
    if let Ids::Mapped(maps) = ids {
        idmap::enter(maps)?;
    }
    let alone = SingleThreaded::verify().map_err(|e| Error::system("count threads", e))?;
    unshare(alone, libc::CLONE_NEWNS as u64)
        .map_err(|error| Error::system("unshare mount namespace", error))?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .map_err(|error| Error::system("make mounts private", error))
}

fn lock_up(root: &Path) -> Result<Tree, Error> {
    let failed = |error: nix::Error| Error::path("change root to", root, error);
    mount(
        Some(root),
        root,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )
    .map_err(failed)?;
    chdir(root).map_err(failed)?;
    // The old root is put on top of the new one and taken off (pivot_root(2), NOTES).
    pivot_root(".", ".").map_err(failed)?;
    umount2(".", MntFlags::MNT_DETACH).map_err(failed)?;
    chdir("/").map_err(failed)?;
    settle(PERMITTED)
}

/// What is left to do when this process has its root: it lets go of its rights.
fn settle(permitted: CapSet) -> Result<Tree, Error> {
    drop_privileges(permitted).map_err(|error| Error::system("drop capabilities", error))?;
    let root = Path::new("/");
    Tree::open(root).map_err(|error| Error::path("open", root, error))
}

fn drop_privileges(kept: CapSet) -> std::io::Result<()> {
    for cap in caps::bounding()?.difference(kept).numbers() {
        caps::drop_bounding(cap)?;
    }
    let (_, permitted, _) = caps::get()?;
    let permitted = permitted.intersection(kept);
    caps::set(permitted.intersection(EFFECTIVE), permitted, CapSet(0))?;
    prctl::set_no_new_privs()?;
    Ok(())
}

/// Deep trees take a descriptor for each level. What the limit already is has to do otherwise.
fn raise_open_files() {
    if let Ok((_, hard)) = get_rlimit(libc::RLIMIT_NOFILE) {
        let _ = set_rlimit(libc::RLIMIT_NOFILE, hard.min(65_536), hard);
    }
}
