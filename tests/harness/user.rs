//! An ordinary user of this machine, with subordinate ids and no privilege.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    sys::stat::{Mode, SFlag, makedev, mknod},
};
use tempfile::TempDir;

use crate::{binaries, run, skip};

/// Through which a user's network helper speaks to a container.
const TUN: &str = "/dev/net/tun";

/// A user, and where things are for it.
#[derive(Debug, Clone)]
pub struct User {
    /// What `id -un` says.
    pub name: String,
    /// What `id -u` says.
    pub uid: u32,
    gid: u32,
    /// Its home, which it can write to.
    pub home: PathBuf,
    /// The binaries under test, in a place that every user reaches.
    pub(crate) binaries: PathBuf,
}

impl User {
    /// Makes a user with `useradd`, does the work, and removes the user again.
    ///
    /// The work runs in a thread with a mount namespace of its own: there every user may open the
    /// tap device, as on any desktop but not in every container or small machine, and reaches the
    /// binaries, wherever they were built.
    ///
    /// # Errors
    /// What the work says; also when no user can be made. Without `useradd` the work is skipped.
    ///
    /// # Panics
    /// When the work does.
    pub fn with(work: impl FnOnce(&Self) -> Result<()> + Send) -> Result<()> {
        if Command::new("useradd").arg("--help").output().is_err() {
            skip("needs useradd: apt-get install passwd");
            return Ok(());
        }
        let account = Account::make()?;
        let user = account.user()?;
        std::thread::scope(|scope| {
            let done = scope.spawn(|| {
                user.open_machine()?;
                work(&user)
            });
            match done.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    fn open_machine(&self) -> Result<()> {
        unshare(CloneFlags::CLONE_NEWNS).context("make a mount namespace")?;
        let (none, private) = (None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE);
        mount(none, "/", none, private, none).context("keep mounts from the machine")?;
        bind(&binaries().canonicalize()?, &self.binaries)?;
        let tun = self.home.join("tun");
        let everybody = Mode::from_bits_truncate(0o666);
        mknod(&tun, SFlag::S_IFCHR, everybody, makedev(10, 200)).context("make a tap device")?;
        fs::set_permissions(&tun, fs::Permissions::from_mode(0o666))?;
        bind(&tun, Path::new(TUN))
    }

    /// A program run by this user, in a session of its own.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .uid(self.uid)
            .gid(self.gid)
            .current_dir(&self.home)
            .env("HOME", &self.home)
            .env("USER", &self.name)
            .env("XDG_RUNTIME_DIR", self.home.join("session"))
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("DBUS_SESSION_BUS_ADDRESS");
        command
    }

    /// A binary under test, where this user reaches it.
    pub fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    /// Gives a file or folder to this user.
    ///
    /// # Errors
    /// When it cannot be given.
    pub fn give(&self, path: &Path) -> Result<()> {
        let given = chown(path, Some(self.uid), Some(self.gid));
        given.with_context(|| format!("give {} to {}", path.display(), self.name))
    }
}

fn bind(from: &Path, to: &Path) -> Result<()> {
    let none = None::<&str>;
    mount(Some(from), to, none, MsFlags::MS_BIND, none)
        .with_context(|| format!("bind {} to {}", from.display(), to.display()))
}

/// What `useradd` made; gone when dropped.
struct Account {
    name: String,
    home: TempDir,
}

impl Account {
    fn make() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tu{}x{number}", std::process::id());
        // Short, for the path of a unix socket has no more than 107 bytes.
        let home = tempfile::Builder::new().prefix("tu").tempdir_in("/tmp")?;
        let mut useradd = Command::new("useradd");
        let made = run(useradd.args(["-M", "-s", "/bin/false", &name]), "")?;
        ensure!(made.code == Some(0), "useradd: {}", made.stderr);
        Ok(Self { name, home })
    }

    fn user(&self) -> Result<User> {
        let entry = nix::unistd::User::from_name(&self.name)?
            .ok_or_else(|| anyhow!("{} was not made", self.name))?;
        let user = User {
            name: self.name.clone(),
            uid: entry.uid.as_raw(),
            gid: entry.gid.as_raw(),
            home: self.home.path().to_owned(),
            binaries: self.home.path().join("bin"),
        };
        let session = user.home.join("session");
        for folder in [&user.binaries, &session] {
            fs::create_dir(folder)?;
        }
        fs::set_permissions(&session, fs::Permissions::from_mode(0o700))?;
        user.give(&session)?;
        user.give(&user.home)?;
        Ok(user)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let _ = Command::new("userdel").arg(&self.name).output();
    }
}
