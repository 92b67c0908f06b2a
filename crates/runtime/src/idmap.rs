//! Identity maps of a new user namespace, written by its parent (user_namespaces(7)).

use std::fs;
use std::process::Command;

use crate::error::{Context, Error, Result};
use crate::plan::{IdMap, Namespaces};
use crate::trace::Trace;

/// Writes the maps for process `pid`, directly or through `newuidmap` and `newgidmap`.
pub(crate) fn write(namespaces: &Namespaces, pid: i32, trace: &mut Trace) -> Result<()> {
    let Some(maps) = &namespaces.maps else {
        return Ok(());
    };
    let start = trace.now();
    if maps.through_helpers {
        helper("newuidmap", pid, &maps.uids)?;
        helper("newgidmap", pid, &maps.gids)?;
    } else {
        if maps.deny_setgroups {
            file(pid, "setgroups", "deny")?;
        }
        write_directly(pid, &maps.uids, &maps.gids)?;
    }
    trace.end(
        "id maps",
        start,
        lines(&maps.uids).trim_end().replace('\n', ", "),
    );
    Ok(())
}

/// Writes both maps with the caller's own rights.
pub(crate) fn write_directly(pid: i32, uids: &[IdMap], gids: &[IdMap]) -> Result<()> {
    file(pid, "uid_map", &lines(uids))?;
    file(pid, "gid_map", &lines(gids))
}

fn file(pid: i32, name: &str, text: &str) -> Result<()> {
    let path = format!("/proc/{pid}/{name}");
    fs::write(&path, text).doing(|| format!("write `{path}`"))
}

fn lines(maps: &[IdMap]) -> String {
    let line = |map: &IdMap| format!("{} {} {}\n", map.inside, map.outside, map.count);
    maps.iter().map(line).collect()
}

fn helper(program: &str, pid: i32, maps: &[IdMap]) -> Result<()> {
    let mut command = Command::new(program);
    command.arg(pid.to_string());
    for map in maps {
        command.args([map.inside, map.outside, map.count].map(|number| number.to_string()));
    }
    let output = command.output().doing(|| format!("run `{program}`"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr)
        .trim()
        .chars()
        .take(200)
        .collect::<String>();
    Err(Error::io(
        format!("map ids with `{program}`"),
        std::io::Error::other(text),
    ))
}
