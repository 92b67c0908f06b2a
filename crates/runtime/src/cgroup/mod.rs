//! Cgroups of a container: find the hierarchies, make, limit, freeze, kill and remove.
//!
//! All three layouts are spoken: v2, v1, and hybrid (v1 controllers plus a v2 tree without them, which
//! still serves to place, freeze and kill). A hierarchy that the caller may not write is left out with a
//! note; it never fails a rootless container.

mod device_program;
mod devices;
mod discover;
mod join;
mod limits;
mod members;
mod stats;
mod tree;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::systemd::Scope;
pub(crate) use discover::{Hierarchies, unified_of};
pub(crate) use join::JoinFds;
pub use limits::update;
pub(crate) use limits::v2_lines;
pub use members::{freeze, is_frozen, kill_all, pids, thaw};
pub(crate) use stats::stats;
pub use tree::destroy;
pub(crate) use tree::{apply, apply_in_scope, create, find};

/// The directories of one container in the cgroup file systems; empty when the caller has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupPaths {
    /// v1: controller (`memory`, `cpu`, `name=systemd`, …) to the container's directory.
    pub v1: BTreeMap<String, PathBuf>,
    /// v2: the container's directory in the unified tree.
    pub unified: Option<PathBuf>,
    /// Tells whether controllers are used through the unified tree (pure v2).
    pub controllers_on_v2: bool,
    /// Path below the root of every hierarchy, e.g. `/terrarium/ID`.
    pub relative: PathBuf,
    /// The unit, where systemd made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

impl CgroupPaths {
    /// The container's directory for a v1 controller.
    #[must_use]
    pub fn controller(&self, name: &str) -> Option<&PathBuf> {
        self.v1.get(name)
    }

    /// The unified directory, if controllers live there.
    #[must_use]
    pub fn v2(&self) -> Option<&PathBuf> {
        self.unified.as_ref().filter(|_| self.controllers_on_v2)
    }

    /// Distinct directories, each once (v1 controllers may share one).
    pub(crate) fn directories(&self) -> Vec<&PathBuf> {
        let mut all: Vec<_> = self.v1.values().chain(&self.unified).collect();
        all.sort();
        all.dedup();
        all
    }
}
