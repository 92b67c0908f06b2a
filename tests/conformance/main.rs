//! The OCI runtime specification, asked of a runtime binary: ours, or the one that
//! `TERRARIUM_SUITE_RUNTIME` names. A case is an edit of the configuration, what the probe does
//! inside, and what it must find there.

#![allow(clippy::too_many_lines, reason = "a table is as long as it is")]
#![allow(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod case;
mod cgroups;
mod credentials;
mod deviations;
mod devices;
mod exec;
mod files;
mod hooks;
mod later;
mod lifecycle;
mod mounts;
mod namespaces;
mod process;
mod refusals;
mod seccomp;
mod terminal;
