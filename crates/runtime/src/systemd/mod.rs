//! The container's cgroup as a scope of systemd's: for hosts where all cgroups are to be systemd's.
//!
//! systemd makes a scope around processes that exist already, so it is asked once init has been cloned,
//! while init waits. The scope is delegated: systemd keeps out of what is below it, and what it has no
//! property for is written to the files as ever. Only on v2; v1 beside systemd has had its time.
//!
//! Speaks D-Bus by itself (`bus`, `message`): five calls to one peer. A library for all of D-Bus would
//! bring threads or an executor into a process that must have one thread to clone.

mod bus;
mod message;
mod name;
mod properties;
#[cfg(test)]
mod tests;

use oci_spec::runtime::{LinuxResources, Spec};
use serde::{Deserialize, Serialize};

use crate::cgroup::{self, CgroupPaths, Hierarchies};
use crate::error::{Error, Result};
use crate::plan::Host;
use crate::trace::{Note, Trace};
use bus::Bus;
use message::{Body, Value};
use name::Name;
use properties::Property;

/// Which systemd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// That of the machine.
    System,
    /// That of the user's session.
    User,
}

impl Manager {
    fn of(host: Host) -> Self {
        if host.is_machine_root() {
            Self::System
        } else {
            Self::User
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::System => "systemd",
            Self::User => "the user's systemd",
        }
    }

    fn bus_address(self) -> String {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match self {
            Self::System => variable("DBUS_SYSTEM_BUS_ADDRESS")
                .unwrap_or_else(|| "unix:path=/run/dbus/system_bus_socket".to_owned()),
            Self::User => variable("DBUS_SESSION_BUS_ADDRESS")
                .or_else(|| Some(format!("unix:path={}/bus", variable("XDG_RUNTIME_DIR")?)))
                // A shim has no environment: where logind puts it (pam_systemd(8)).
                .unwrap_or_else(|| format!("unix:path=/run/user/{}/bus", nix::unistd::geteuid())),
        }
    }
}

/// Whether the user has a systemd to ask for cgroups. On v2 that is the only way to limits without root:
/// what it hands to the user, it hands to its own units.
pub(crate) fn has_session(host: Host) -> bool {
    !host.is_machine_root()
        && Hierarchies::discover().is_ok_and(|found| found.is_pure_v2())
        && Bus::connect(Manager::User).is_ok()
}

/// A unit of systemd's in which a container is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Its name, e.g. `libpod-ID.scope`.
    pub unit: String,
    /// Who has it.
    pub manager: Manager,
}

/// What to ask systemd for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopePlan {
    pub(crate) scope: Scope,
    pub(crate) slice: String,
    /// Whether there is to be no container without it.
    pub(crate) is_required: bool,
    description: String,
    /// Set by annotations.
    more: Vec<Property>,
}

impl ScopePlan {
    /// Reads the spec's `cgroupsPath` as `slice:prefix:name`.
    pub(crate) fn new(spec: &Spec, id: &str, host: Host) -> Result<Self> {
        let manager = Manager::of(host);
        let linux = spec.linux().as_ref();
        let path = linux.and_then(|linux| linux.cgroups_path().clone());
        let path = path.map(|path| path.to_string_lossy().into_owned());
        let slice = match manager {
            Manager::System => "system.slice",
            Manager::User => "user.slice",
        };
        let Name { slice, unit } = Name::parse(path.as_deref(), id, slice)?;
        Ok(Self {
            scope: Scope { unit, manager },
            slice,
            is_required: true,
            description: format!("container {id}"),
            more: properties::of_annotations(spec.annotations().as_ref())?,
        })
    }

    /// A scope of the user's session, named after the container.
    pub(crate) fn in_session(id: &str) -> Result<Self> {
        let Name { slice, unit } = Name::parse(None, id, "user.slice")?;
        let manager = Manager::User;
        Ok(Self {
            scope: Scope { unit, manager },
            slice,
            is_required: false,
            description: format!("container {id}"),
            more: Vec::new(),
        })
    }

    fn properties(&self, pid: u32, resources: Option<&LinuxResources>) -> Vec<Property> {
        let property = |name: &str, value: Value| (name.to_owned(), value);
        let mut all = vec![
            property("Description", Value::Text(self.description.clone())),
            property("Slice", Value::Text(self.slice.clone())),
            property("PIDs", Value::Numbers(vec![pid])),
            property("Delegate", Value::Bool(true)),
            // A container is not one of the services that the machine starts and stops.
            property("DefaultDependencies", Value::Bool(false)),
            // A killed one is not kept as failed: its name is wanted again.
            property("CollectMode", Value::Text("inactive-or-failed".to_owned())),
        ];
        for kind in ["CPU", "Memory", "IO", "Tasks"] {
            all.push((format!("{kind}Accounting"), Value::Bool(true)));
        }
        all.extend(resources.map(limits).unwrap_or_default());
        all.extend(self.more.iter().cloned());
        all
    }
}

fn limits(resources: &LinuxResources) -> Vec<Property> {
    let lines = cgroup::v2_lines(resources).into_iter();
    lines
        .flat_map(|(file, value)| properties::of_file(&file, &value))
        .collect()
}

/// Puts a waiting process into a scope of its own, and tells where that is.
///
/// # Errors
/// When there is no bus, or systemd refuses.
pub(crate) fn start(
    plan: &ScopePlan,
    pid: i32,
    resources: Option<&LinuxResources>,
    trace: &mut Trace,
) -> Result<CgroupPaths> {
    let begun = trace.now();
    let mut bus = Bus::connect(plan.scope.manager)?;
    start_on(&mut bus, plan, pid, resources)?;
    let placed = place_of(plan, &pid.to_string())?;
    let detail = format!("{} in {}", plan.scope.unit, plan.slice);
    trace.end("cgroup", begun, detail);
    Ok(placed)
}

/// The cgroup of a process that systemd has moved, as seen by itself.
pub(crate) fn place_of_this_process(plan: &ScopePlan) -> Result<CgroupPaths> {
    place_of(plan, "self")
}

/// Where a process is now: systemd's answer alone would let it run without limits, were it wrong.
fn place_of(plan: &ScopePlan, process: &str) -> Result<CgroupPaths> {
    let (directory, relative) = cgroup::unified_of(process)?;
    if directory.file_name() != Some(plan.scope.unit.as_ref()) {
        return Err(Error::Systemd {
            call: "StartTransientUnit".to_owned(),
            name: format!("{} was said to be started", plan.scope.unit),
            text: format!("the process is in {directory:?}"),
        });
    }
    Ok(CgroupPaths {
        unified: Some(directory),
        controllers_on_v2: true,
        relative,
        scope: Some(plan.scope.clone()),
        ..CgroupPaths::default()
    })
}

fn start_on(
    bus: &mut Bus,
    plan: &ScopePlan,
    pid: i32,
    resources: Option<&LinuxResources>,
) -> Result<()> {
    bus.greet()?;
    let mut body = Body::default();
    body.text(&plan.scope.unit);
    body.text("fail");
    body.properties(&plan.properties(pid.cast_unsigned(), resources));
    body.no_more_units();
    let mut ask = || bus.ask("StartTransientUnit", "ssa(sv)a(sa(sv))", &body);
    let reply = match ask() {
        // One that failed before is in the way until it is forgotten.
        Err(Error::Systemd { name, .. }) if name == "org.freedesktop.systemd1.UnitExists" => {
            let mut unit = Body::default();
            unit.text(&plan.scope.unit);
            bus.ask("ResetFailedUnit", "s", &unit)?;
            bus.ask("StartTransientUnit", "ssa(sv)a(sa(sv))", &body)?
        }
        other => other?,
    };
    let job = reply.reader().text();
    let job = job.map_err(|source| Error::io("read systemd's answer", source))?;
    match bus.await_job(&job)?.as_str() {
        "done" => Ok(()),
        result => Err(Error::Systemd {
            call: "StartTransientUnit".to_owned(),
            name: result.to_owned(),
            text: format!("the job of {} ended so", plan.scope.unit),
        }),
    }
}

/// Tells systemd of new limits, which it would otherwise undo the next time it is reloaded.
pub(crate) fn update(scope: &Scope, resources: &LinuxResources) -> Option<Note> {
    let limits = limits(resources);
    if limits.is_empty() {
        return None;
    }
    let told = Bus::connect(scope.manager).and_then(|mut bus| {
        bus.greet()?;
        let mut body = Body::default();
        body.text(&scope.unit);
        // For as long as the unit lives.
        body.number(1);
        body.properties(&limits);
        bus.ask("SetUnitProperties", "sba(sv)", &body)
    });
    told.err().map(|error| Note {
        subject: "cgroup".to_owned(),
        text: format!("the new limits hold until systemd is reloaded: {error}"),
    })
}

/// Lets systemd forget the scope. What it still holds is killed.
pub(crate) fn stop(scope: &Scope) -> Result<()> {
    let mut bus = Bus::connect(scope.manager)?;
    bus.greet()?;
    let mut body = Body::default();
    body.text(&scope.unit);
    body.text("replace");
    match bus.ask("StopUnit", "ss", &body) {
        // It goes by itself with its last process.
        Err(Error::Systemd { name, .. }) if name == "org.freedesktop.systemd1.NoSuchUnit" => Ok(()),
        other => other.map(drop),
    }
}
