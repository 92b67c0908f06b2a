//! Entering a user namespace with the user's subordinate ids.
//!
//! `newuidmap` has to run outside the namespace, but only the worker itself can move into it. So it
//! first starts a helper, a second instance of this program, which waits until the namespace is
//! there and then maps the ids of its parent.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use terrarium_store::{IdMaps, IdRange, Ids};
use terrarium_sys::clone::SingleThreaded;
use terrarium_sys::namespace::unshare;

use super::Error;

/// The action of the helper on the command line.
pub(super) const ACTION: &str = "map-ids";

/// Moves this process into a user namespace with these maps, as root there.
pub(super) fn enter(maps: &IdMaps) -> Result<(), Error> {
    if maps.is_single() {
        move_in()?;
        map_self(maps)?;
    } else {
        enter_with_helper(maps)?;
        // Whatever groups the user has on the host mean nothing here.
        setgroups(&[]).map_err(|error| Error::system("drop groups", error))?;
    }
    let (root, root_group) = (Uid::from_raw(0), Gid::from_raw(0));
    setresgid(root_group, root_group, root_group)
        .map_err(|error| Error::system("become group 0", error))?;
    setresuid(root, root, root).map_err(|error| Error::system("become user 0", error))
}

/// What the helper does: waits for a byte, then maps the ids of process `pid`.
pub(super) fn serve(pid: &Path, ids: &Ids) -> Result<(), Error> {
    let Ids::Mapped(maps) = ids else {
        return Err(Error::Usage);
    };
    let mut go = [0_u8];
    std::io::stdin()
        .read_exact(&mut go)
        .map_err(|error| Error::system("wait for the namespace", error))?;
    for (program, ranges) in [("newuidmap", &maps.uids), ("newgidmap", &maps.gids)] {
        let mut command = Command::new(program);
        command
            .arg(pid)
            .args(ranges.iter().flat_map(fields))
            .stdin(Stdio::null());
        let output = command
            .output()
            .map_err(|error| Error::system(program, error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Error::Helper(format!("{program}: {}", said.trim())));
        }
    }
    Ok(())
}

fn enter_with_helper(maps: &IdMaps) -> Result<(), Error> {
    let failed = |error| Error::system("start helper", error);
    let text = serde_json::to_string(maps).map_err(|_| Error::Usage)?;
    let mut helper = Command::new("/proc/self/exe")
        .args([
            "worker",
            ACTION,
            &std::process::id().to_string(),
            "--id-maps",
            &text,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    move_in()?;
    if let Some(mut stdin) = helper.stdin.take() {
        stdin.write_all(b"\n").map_err(failed)?;
    }
    let output = helper.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Helper(
        String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    ))
}

fn move_in() -> Result<(), Error> {
    let alone = SingleThreaded::verify().map_err(|e| Error::system("count threads", e))?;
    unshare(alone, libc::CLONE_NEWUSER as u64)
        .map_err(|error| Error::system("unshare user namespace", error))
}

/// A map of one's own id needs no privilege, but for groups the right to drop some has to be given
/// up first (user_namespaces(7)).
fn map_self(maps: &IdMaps) -> Result<(), Error> {
    let write = |file: &str, text: &str| {
        let path = Path::new("/proc/self").join(file);
        fs::write(&path, text).map_err(|error| Error::path("write", &path, error))
    };
    write("setgroups", "deny")?;
    for (file, ranges) in [("uid_map", &maps.uids), ("gid_map", &maps.gids)] {
        let lines: Vec<String> = ranges.iter().map(|range| fields(range).join(" ")).collect();
        write(file, &lines.join("\n"))?;
    }
    Ok(())
}

fn fields(range: &IdRange) -> [String; 3] {
    [range.inside, range.outside, range.count].map(|number| number.to_string())
}
