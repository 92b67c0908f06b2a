//! `state`, `list`, `ps`.

use std::io::{self, Write};
use std::process::Command;

use nix::unistd::{Uid, User};
use serde_json::{Value, json};

use super::args::Format;
use super::state::{Container, StateRoot, Status};
use crate::error::{Context, Error, Result};

pub(super) fn print(text: &str) -> Result<u8> {
    let written = writeln!(io::stdout(), "{text}");
    written.doing(|| "write to standard output").map(|()| 0)
}

pub(super) fn state(root: &StateRoot, id: &str) -> Result<u8> {
    let container = root.load(id)?;
    print(&format!("{:#}", describe(&container)?))
}

/// The state of the OCI specification plus what runc adds.
fn describe(container: &Container) -> Result<Value> {
    let status = container.status()?;
    let spec = container.spec()?;
    let record = &container.record;
    let rootfs = spec
        .root()
        .as_ref()
        .map(|root| record.bundle.join(root.path()));
    let owner = User::from_uid(Uid::from_raw(record.owner)).ok().flatten();
    let mut state = json!({
        "ociVersion": spec.version(),
        "id": record.id,
        "status": status.name(),
        "bundle": record.bundle,
        "rootfs": rootfs,
        "created": record.created,
        "owner": owner.map(|user| user.name).unwrap_or_default(),
    });
    state["pid"] = if status == Status::Stopped {
        0.into()
    } else {
        record.pid.into()
    };
    if let Some(annotations) = spec.annotations() {
        state["annotations"] = json!(annotations);
    }
    Ok(state)
}

pub(super) fn list(root: &StateRoot, format: Format, quiet: bool) -> Result<u8> {
    // One that is being made or removed at this moment is not an error of the list.
    let containers: Vec<_> = root
        .ids()
        .iter()
        .filter_map(|id| root.load(id).and_then(|c| describe(&c)).ok())
        .collect();
    if quiet {
        let ids: Vec<_> = containers.iter().filter_map(|c| c["id"].as_str()).collect();
        return if ids.is_empty() {
            Ok(0)
        } else {
            print(&ids.join("\n"))
        };
    }
    if format == Format::Json {
        return print(&Value::Array(containers).to_string());
    }
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let mut lines = vec![format!(
        "{:<20} {:<8} {:<9} {:<40} CREATED",
        "ID", "PID", "STATUS", "BUNDLE"
    )];
    for c in &containers {
        lines.push(format!(
            "{:<20} {:<8} {:<9} {:<40} {}",
            text(&c["id"]),
            text(&c["pid"]),
            text(&c["status"]),
            text(&c["bundle"]),
            text(&c["created"]),
        ));
    }
    print(&lines.join("\n"))
}

pub(super) fn ps(root: &StateRoot, id: &str, format: Format, args: &[String]) -> Result<u8> {
    let container = root.load(id)?;
    let pids = crate::processes(&container.record.cgroup, container.record.pid)?;
    if format == Format::Json {
        return print(&json!(pids).to_string());
    }
    let options = if args.is_empty() {
        &["-ef".to_owned()][..]
    } else {
        args
    };
    let output = Command::new("ps")
        .args(options)
        .output()
        .doing(|| "run `ps`")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    let column = header.split_whitespace().position(|name| name == "PID");
    let column = column.ok_or_else(|| Error::InvalidSpec("ps shows no PID column".to_owned()))?;
    let ours = |line: &&str| {
        let pid = line
            .split_whitespace()
            .nth(column)
            .and_then(|pid| pid.parse::<i32>().ok());
        pid.is_some_and(|pid| pids.contains(&pid))
    };
    let table: Vec<_> = std::iter::once(header).chain(lines.filter(ours)).collect();
    print(&table.join("\n"))
}
