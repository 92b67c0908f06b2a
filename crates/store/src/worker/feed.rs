//! Feeding a worker.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::ChildStdin;

use nix::fcntl::{FcntlArg, fcntl};

use crate::error::{Context, Result};

/// What an unprivileged process may ask for: 16 times the default. Fewer wake-ups on both sides.
const PIPE_BYTES: i32 = 1 << 20;

/// Copies all of `source` into the worker. A worker that stops reading is no error here: it says
/// itself why.
pub(super) fn feed(mut source: impl Read, mut stdin: ChildStdin) -> Result<()> {
    // Where pipes are scarce (`pipe-user-pages-soft`) the small one works as well.
    let _ = fcntl(&stdin, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
    let mut buffer = vec![0_u8; 256 * 1024];
    loop {
        let len = match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).context("read", Path::new("layer")),
        };
        if stdin.write_all(&buffer[..len]).is_err() {
            return Ok(());
        }
    }
}
