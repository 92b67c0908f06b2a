//! One host at a time owns a data root.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use nix::fcntl::{Flock, FlockArg};
use terrarium_api::{Error, ErrorCode};

use crate::{Result, error::Context as _};

/// How long a lock that is held is tried again.
const PATIENCE: Duration = Duration::from_millis(500);

/// Held for the life of a host; the kernel releases it when the host dies.
#[derive(Debug)]
pub(crate) struct RootLock {
    _lock: Flock<File>,
}

impl RootLock {
    /// Takes `DATA_ROOT/lock`, or says who has it.
    pub(crate) fn take(data_root: &Path) -> Result<Self> {
        let path = data_root.join("lock");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .context(|| format!("open {}", path.display()))?;
        match Self::lock(file) {
            Ok(mut lock) => {
                // The number is for people only; the lock itself decides.
                let _ = lock.set_len(0);
                let _ = write!(&mut *lock, "{}", std::process::id());
                Ok(Self { _lock: lock })
            }
            Err(mut file) => Err(taken(data_root, &mut file)),
        }
    }

    /// A host that was killed while it started a program leaves a copy of itself that holds the
    /// lock until its exec, a moment later.
    fn lock(mut file: File) -> std::result::Result<Flock<File>, File> {
        let begun = Instant::now();
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(lock),
                Err((again, _)) if begun.elapsed() < PATIENCE => file = again,
                Err((file, _)) => return Err(file),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn taken(data_root: &Path, file: &mut File) -> Error {
    let mut owner = String::new();
    let _ = file.read_to_string(&mut owner);
    let owner = owner.trim();
    let by = if owner.is_empty() {
        String::new()
    } else {
        format!(" by process {owner}")
    };
    Error::new(
        ErrorCode::DataRootLocked,
        format!("data root {} is in use{by}", data_root.display()),
    )
    .hint("close the other Terrarium window or terrariumd, or choose another --data-root")
}
