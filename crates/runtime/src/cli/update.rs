//! `update`.

use std::fs;
use std::io::Read;
use std::path::Path;

use oci_spec::runtime::LinuxResources;
use serde_json::{Map, Value, json};

use super::args::UpdateArgs;
use super::log::Log;
use super::state::{StateRoot, Status};
use crate::cgroup;
use crate::error::{Context, Error, Result};
use crate::plan::check_resources;

pub(super) fn update(root: &StateRoot, log: &Log, args: &UpdateArgs) -> Result<u8> {
    let container = root.load(&args.id)?;
    let status = container.status()?;
    if status == Status::Stopped {
        return Err(container.wrong_status("update", status));
    }
    let resources = resources(args)?;
    check_resources(&resources)?;
    let notes = cgroup::update(&container.record.cgroup, &resources);
    log.warn(&notes);
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
    let object = |fields: &[(&str, Option<Value>)]| {
        let given = fields.iter().cloned();
        let given = given.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    };
    let memory = object(&[
        ("limit", args.memory.map(Value::from)),
        ("swap", args.memory_swap.map(Value::from)),
        ("reservation", args.memory_reservation.map(Value::from)),
        ("kernelTCP", args.kernel_memory_tcp.map(Value::from)),
    ]);
    let cpu = object(&[
        ("shares", args.cpu_shares.map(Value::from)),
        ("quota", args.cpu_quota.map(Value::from)),
        ("period", args.cpu_period.map(Value::from)),
        ("burst", args.cpu_burst.map(Value::from)),
        ("idle", args.cpu_idle.map(Value::from)),
        ("realtimePeriod", args.cpu_rt_period.map(Value::from)),
        ("realtimeRuntime", args.cpu_rt_runtime.map(Value::from)),
        ("cpus", args.cpuset_cpus.clone().map(Value::from)),
        ("mems", args.cpuset_mems.clone().map(Value::from)),
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
