//! What a start writes for the shim: `RUN_ROOT/containers/ID`.

use std::{
    fs,
    io::{self, Write as _},
    net::IpAddr,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use terrarium_api::Attachment;
use terrarium_network::files::{self, HostEntry, Resolver};
use terrarium_oci::runtime::Spec;
use terrarium_runtime::shim::protocol::{LogConfig, RootfsConfig, ShimConfig, StdinMode, file};
use terrarium_store::Overlay;

use super::record::Record;
use crate::{Result, error::Context as _};

const SPEC: &str = "config.json";

/// The folder of a running container. Lies in memory where the run root does: nothing in it has to
/// survive a reboot, so nothing is synced.
#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    folder: PathBuf,
}

impl Bundle {
    /// The bundle of a container, whether it is there or not.
    pub(crate) fn of(run_root: &Path, id: &str) -> Self {
        Self {
            folder: run_root.join("containers").join(id),
        }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The OCI spec.
    pub(crate) fn spec_path(&self) -> PathBuf {
        self.folder.join(SPEC)
    }

    /// Makes the folder and the files that the container sees as its `/etc/hosts` and so on.
    pub(crate) fn create(&self, record: &Record) -> Result<()> {
        let what = || format!("write the bundle {}", self.folder.display());
        // What an earlier run left would be taken for the state of this one.
        self.remove()?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&self.folder)
            .context(what)?;
        let hostname = files::hostname(record.hostname());
        self.write("hostname", hostname.as_bytes(), 0o644)
            .context(what)?;
        self.write_resolv_conf(record)?;
        self.write_hosts(record, &[])
    }

    /// Writes `/etc/resolv.conf`; again, in place, when the container's networks change.
    pub(crate) fn write_resolv_conf(&self, record: &Record) -> Result<()> {
        let request = &record.request;
        let resolver = Resolver {
            servers: servers(record),
            search: request.dns_search.clone(),
            options: request.dns_options.clone(),
        };
        let machine = files::machine_resolv_conf();
        let text = if record.asks_for_names() {
            files::resolv_conf_of_names(&machine, &resolver)
        } else {
            files::resolv_conf(&machine, &resolver)
        };
        self.write("resolv.conf", text.as_bytes(), 0o644)
            .context(|| format!("write {}/resolv.conf", self.folder.display()))
    }

    /// Writes `/etc/hosts`; again, in place, once the container has addresses.
    pub(crate) fn write_hosts(&self, record: &Record, places: &[Attachment]) -> Result<()> {
        let gateways: Vec<IpAddr> = [
            places.iter().find_map(|place| place.gateway.parse().ok()),
            places
                .iter()
                .find_map(|place| place.ipv6_gateway.parse().ok()),
        ]
        .into_iter()
        .flatten()
        .collect();
        let request = &record.request;
        let mut entries: Vec<HostEntry> = request
            .extra_hosts
            .iter()
            .flat_map(|line| extra_host(line, &gateways))
            .collect();
        let addresses = places
            .iter()
            .flat_map(|place| [&place.address, &place.ipv6_address])
            .filter_map(|address| address.parse().ok());
        entries.extend(addresses.map(|address| HostEntry {
            address,
            names: own_names(record),
        }));
        let text = files::hosts(&entries);
        self.write("hosts", text.as_bytes(), 0o644)
            .context(|| format!("write {}/hosts", self.folder.display()))
    }

    /// Writes what the shim reads.
    pub(crate) fn write_configs(&self, spec: &Spec, shim: &ShimConfig) -> Result<()> {
        let what = || format!("write the bundle {}", self.folder.display());
        let spec = serde_json::to_vec(spec).context(what)?;
        let shim = serde_json::to_vec(shim).context(what)?;
        self.write(SPEC, &spec, 0o600).context(what)?;
        self.write(file::CONFIG, &shim, 0o600).context(what)
    }

    /// Removes the folder; one that is not there is fine.
    pub(crate) fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).context(|| format!("remove {}", self.folder.display()))
            }
            _ => Ok(()),
        }
    }

    fn write(&self, name: &str, content: &[u8], mode: u32) -> io::Result<()> {
        // In place: a container that has the file mounted sees the new content.
        let mut file = fs::File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(self.folder.join(name))?;
        file.write_all(content)
    }
}

/// What the shim has to know beside the spec.
pub(crate) fn shim_config(record: &Record, overlay: Overlay, log: PathBuf) -> Option<ShimConfig> {
    let request = &record.request;
    let upper = overlay.upper?;
    let stdin = match (request.open_stdin, request.stdin_once) {
        (false, _) => StdinMode::Null,
        (true, false) => StdinMode::Open,
        (true, true) => StdinMode::Once,
    };
    Some(ShimConfig {
        id: record.id.to_string(),
        rootfs: Some(RootfsConfig::Overlay {
            lowerdirs: overlay.lowerdirs,
            upperdir: upper.upperdir,
            workdir: upper.workdir,
            userxattr: overlay.userxattr,
        }),
        init: request.init,
        stdin,
        log: (!request.log.off).then(|| LogConfig {
            path: log,
            max_size_bytes: request.log.max_bytes,
            max_files: request.log.max_files.unwrap_or(1),
            compress: request.log.compress,
            attrs: Default::default(),
        }),
    })
}

/// Name servers that the user named.
pub(super) fn servers(record: &Record) -> Vec<IpAddr> {
    let named = record.request.dns.iter();
    named.filter_map(|text| text.parse().ok()).collect()
}

/// `name:address`; `host-gateway` is the host's address on the container's network, in each family.
fn extra_host(line: &str, gateways: &[IpAddr]) -> Vec<HostEntry> {
    let Some((name, address)) = line.split_once([':', '=']) else {
        return Vec::new();
    };
    let addresses = match address.trim_start_matches('[').trim_end_matches(']') {
        "host-gateway" => gateways.to_vec(),
        address => address.parse().into_iter().collect(),
    };
    let entry = |address| HostEntry {
        address,
        names: vec![name.to_owned()],
    };
    addresses.into_iter().map(entry).collect()
}

fn own_names(record: &Record) -> Vec<String> {
    let hostname = record.hostname().to_owned();
    match record.request.domainname.as_deref() {
        Some(domain) if !domain.is_empty() => vec![format!("{hostname}.{domain}"), hostname],
        _ => vec![hostname],
    }
}
