//! The records on disk: networks and leases, under one lock.
//!
//! They lie in the run root, which a reboot empties together with the namespaces and links they speak
//! of. So they are renamed into place, which a killed process needs, but not fsynced.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::bridge::Bridge;
use crate::error::{Error, Result};
use crate::request::{BoundPort, MacAddress};

/// What one container holds in one network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) container: String,
    pub(crate) network: String,
    pub(crate) address: Ipv4Addr,
    /// Where the network has IPv6 addresses.
    #[serde(default)]
    pub(crate) ipv6: Option<Ipv6Addr>,
    /// The link inside the container.
    pub(crate) interface: String,
    /// The link on the host.
    pub(crate) host_interface: String,
    pub(crate) names: Vec<String>,
    pub(crate) ports: Vec<BoundPort>,
    /// A hardware address of its own.
    #[serde(default)]
    pub(crate) mac: Option<MacAddress>,
    /// What it alone calls others: alias and name.
    #[serde(default)]
    pub(crate) links: Vec<(String, String)>,
    /// Whom its name server asks in place of the machine's servers.
    #[serde(default)]
    pub(crate) dns: Vec<IpAddr>,
}

/// The folder of records; every access takes the lock first.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(crate) fn open(run_root: &Path) -> Result<Self> {
        let root = run_root.join("network");
        for folder in ["networks", "leases"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        }
        Ok(Self { root })
    }

    /// Waits for the other users of the folder, in this process and in others.
    pub(crate) fn lock(&self) -> Result<State<'_>> {
        let path = self.root.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        let lock = Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, errno)| Error::io("lock", &path)(errno.into()))?;
        Ok(State {
            folder: self,
            _lock: lock,
        })
    }
}

impl Folder {
    /// The folder of records itself, for who only reads.
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Everything that is leased, without the lock: for a reader who can live with what was true a moment
    /// ago. Each record is whole, since it is renamed into place.
    pub(crate) fn leases_now(&self) -> Result<Vec<Lease>> {
        read_all(&self.root.join("leases"))
    }

    /// All networks, without the lock.
    pub(crate) fn bridges_now(&self) -> Result<Vec<Bridge>> {
        read_all(&self.root.join("networks"))
    }

    /// The folders whose change tells that a record has changed.
    pub(crate) fn watched(&self) -> [PathBuf; 2] {
        ["leases", "networks"].map(|name| self.root.join(name))
    }

    /// Where the way out of a user's networks writes its process id and what it has to say.
    pub(crate) fn uplink(&self) -> PathBuf {
        self.root.join("uplink")
    }

    /// Where the name server listens for its host.
    pub(crate) fn names_socket(&self) -> PathBuf {
        self.root.join("names.sock")
    }
}

/// The records, while locked.
pub(crate) struct State<'a> {
    folder: &'a Folder,
    _lock: Flock<File>,
}

impl State<'_> {
    pub(crate) fn bridges(&self) -> Result<Vec<Bridge>> {
        read_all(&self.folder.root.join("networks"))
    }

    pub(crate) fn bridge(&self, name: &str) -> Result<Option<Bridge>> {
        read(&self.bridge_path(name))
    }

    pub(crate) fn put_bridge(&self, bridge: &Bridge) -> Result<()> {
        write(&self.bridge_path(&bridge.name), bridge)
    }

    pub(crate) fn remove_bridge(&self, name: &str) -> Result<()> {
        remove(&self.bridge_path(name))
    }

    pub(crate) fn leases(&self) -> Result<Vec<Lease>> {
        read_all(&self.folder.root.join("leases"))
    }

    /// The lease to which a container's published ports lead.
    pub(crate) fn published_by(&self, id: &str) -> Result<Option<Lease>> {
        let mut leases = self.leases()?.into_iter();
        Ok(leases.find(|lease| lease.container == id && !lease.ports.is_empty()))
    }

    pub(crate) fn put_lease(&self, lease: &Lease) -> Result<()> {
        write(&self.lease_path(&lease.container, &lease.network), lease)
    }

    pub(crate) fn remove_lease(&self, lease: &Lease) -> Result<()> {
        remove(&self.lease_path(&lease.container, &lease.network))
    }

    fn bridge_path(&self, name: &str) -> PathBuf {
        self.folder
            .root
            .join("networks")
            .join(format!("{name}.json"))
    }

    fn lease_path(&self, container: &str, network: &str) -> PathBuf {
        // `@` occurs in neither name.
        self.folder
            .root
            .join("leases")
            .join(format!("{container}@{network}.json"))
    }
}

fn read_all<T: DeserializeOwned>(folder: &Path) -> Result<Vec<T>> {
    let entries = fs::read_dir(folder).map_err(Error::io("list", folder))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("list", folder))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            paths.push(path);
        }
    }
    paths.sort();
    paths
        .iter()
        .filter_map(|path| read(path).transpose())
        .collect()
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| Error::Record {
                path: path.to_owned(),
                source,
            }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

fn write<T: Serialize>(path: &Path, record: &T) -> Result<()> {
    let aside = path.with_extension("new");
    let bytes = serde_json::to_vec(record).map_err(|source| Error::Record {
        path: path.to_owned(),
        source,
    })?;
    fs::write(&aside, bytes).map_err(Error::io("write", &aside))?;
    fs::rename(&aside, path).map_err(Error::io("rename into", path))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}
