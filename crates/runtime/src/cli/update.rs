//! `update`.

use std::fs;
use std::io::Read;
use std::path::Path;

use oci_spec::runtime::LinuxResources;
use serde_json::{Map, Value, json};

use super::args::UpdateArgs;
use super::state::{StateRoot, Status};
use crate::cgroup;
use crate::error::{Context, Error, Result};

pub(super) fn update(root: &StateRoot, args: &UpdateArgs) -> Result<u8> {
    let container = root.load(&args.id)?;
    let status = container.status()?;
    if status == Status::Stopped {
        return Err(container.wrong_status("update", status));
    }
    let resources = resources(args)?;
    let notes = cgroup::update(&container.record.cgroup, &resources);
    super::warn(&notes);
    // A limit that does not hold is a failure for whoever asked for exactly it.
    Ok(u8::from(!notes.is_empty()))
}

fn resources(args: &UpdateArgs) -> Result<LinuxResources> {
    let (path, value) = match &args.resources {
        None => (Path::new("command line").to_owned(), from_options(args)),
        Some(path) => {
            let mut text = Vec::new();
            if path == Path::new("-") {
                let read = std::io::stdin().read_to_end(&mut text);
                read.doing(|| "read resources from standard input")?;
            } else {
                text = fs::read(path).doing(|| format!("read {path:?}"))?;
            }
            let value = serde_json::from_slice(&text);
            (
                path.clone(),
                value.map_err(|source| Error::Json {
                    path: path.clone(),
                    source,
                })?,
            )
        }
    };
    serde_json::from_value(value).map_err(|source| Error::Json { path, source })
}

/// The options in the shape of the specification.
fn from_options(args: &UpdateArgs) -> Value {
    let object = |fields: [(&str, Option<Value>); 6]| {
        let given = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    };
    let none = ("", None);
    let number = |value: Option<i64>| value.map(Value::from);
    let memory = object([
        ("limit", number(args.memory)),
        ("swap", number(args.memory_swap)),
        ("reservation", number(args.memory_reservation)),
        none.clone(),
        none.clone(),
        none.clone(),
    ]);
    let cpu = object([
        ("shares", args.cpu_shares.map(Value::from)),
        ("quota", number(args.cpu_quota)),
        ("period", args.cpu_period.map(Value::from)),
        ("cpus", args.cpuset_cpus.clone().map(Value::from)),
        ("mems", args.cpuset_mems.clone().map(Value::from)),
        none,
    ]);
    let mut resources = json!({"memory": memory, "cpu": cpu});
    if let Some(limit) = args.pids_limit {
        resources["pids"] = json!({"limit": limit});
    }
    if let Some(weight) = args.blkio_weight {
        resources["blockIO"] = json!({"weight": weight});
    }
    resources
}
