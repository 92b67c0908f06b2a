//! The machine and the engine, as faces show them.

mod checks;
mod disk;

use std::{fs, sync::Arc};

use nix::sys::utsname::uname;
use terrarium_api::{LifecycleEvent, Overview, SystemInfo};

use crate::{Engine, Result, blocking::blocking};

/// Events of a history view.
const RECENT_EVENTS: u32 = 200;

impl Engine {
    /// Everything that lists show.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn overview(&self) -> Result<Overview> {
        // Taken first: a change that comes while the lists are read is then applied once more,
        // which changes nothing, instead of being missed.
        let revision = self.hub().revision();
        let (containers, images, volumes, trash, system) = tokio::try_join!(
            self.containers(),
            self.images(),
            self.volumes(),
            self.trash_summary(),
            self.info()
        )?;
        Ok(Overview {
            revision,
            containers,
            images,
            volumes,
            activities: self.activities().list(),
            trash,
            system,
        })
    }

    /// The machine and the engine.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn info(&self) -> Result<SystemInfo> {
        let inner = Arc::clone(&self.inner);
        let checks =
            blocking(move || Ok(checks::all(inner.privilege, inner.sampler.hierarchies()))).await?;
        let names = uname().ok();
        let name = |of: fn(&nix::sys::utsname::UtsName) -> &std::ffi::OsStr| {
            names
                .as_ref()
                .map(|names| of(names).to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let config = self.config();
        Ok(SystemInfo {
            version: env!("CARGO_PKG_VERSION").into(),
            privilege: self.inner.privilege,
            data_root: config.data_root.display().to_string(),
            run_root: config.run_root.display().to_string(),
            socket: config.socket.display().to_string(),
            hostname: name(|names| names.nodename()),
            kernel: name(|names| names.release()),
            operating_system: operating_system(),
            architecture: terrarium_oci::Platform::host().architecture,
            cpus: std::thread::available_parallelism()
                .map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(1)),
            memory_bytes: memory_bytes(),
            cgroup: self.inner.sampler.hierarchies().name().into(),
            ready_usec: self.inner.ready_usec(),
            checks,
            registry_mirrors: config.registry_mirrors.clone(),
            insecure_registries: config.insecure_registries.clone(),
            warnings: self.inner.warnings.clone(),
        })
    }

    /// The newest lifecycle events, newest first.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn recent_events(&self) -> Result<Vec<LifecycleEvent>> {
        self.inner.database.recent_events(RECENT_EVENTS).await
    }

    /// Lifecycle events of a time span, oldest first.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn events_between(
        &self,
        since_ns: u64,
        until_ns: u64,
    ) -> Result<Vec<LifecycleEvent>> {
        self.inner.database.events_between(since_ns, until_ns).await
    }
}

/// `PRETTY_NAME` of os-release(5).
fn operating_system() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| "Linux".into(), |name| name.trim_matches('"').to_owned())
}

fn memory_bytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = total.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
