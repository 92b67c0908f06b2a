//! The use cases: make a network, attach a container, let it go.

use std::net::Ipv4Addr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use crate::bridge::{Bridge, BridgeOptions, Made};
use crate::conntrack;
use crate::error::{Error, Result};
use crate::instance::Instance;
use crate::netlink::Rtnl;
use crate::netns;
use crate::ports::Reservations;
use crate::request::{Attachment, BoundPort, ContainerNet, PortRequest, check_name};
use crate::state::{Folder, Lease};

/// The network of containers that name none.
pub const DEFAULT_NETWORK: &str = "bridge";

/// All networks of one engine. Blocks; safe to share between threads and, through its lock file, between
/// processes.
#[derive(Debug)]
pub struct Network {
    pub(crate) mode: Mode,
    pub(crate) instance: Instance,
    pub(crate) folder: Folder,
    pub(crate) reservations: Reservations,
    /// The program that answers names and keeps doors open, where there is one.
    pub(crate) program: Option<Program>,
    /// Whether this process has written the packet filter table.
    pub(crate) applied: AtomicBool,
    /// Tells whoever keeps the table right that it ends; see [`Network::keep_rules`].
    pub(crate) keeper: OnceLock<OwnedFd>,
}

/// Where the bridges are.
#[derive(Debug)]
pub(crate) enum Mode {
    /// As root: in the network namespace that this process is in.
    Here,
    /// In the namespace of a user, which this process keeps.
    Realm(OwnedFd),
    /// As a user: in the namespace that another process keeps, which is asked.
    Asked,
}

/// The program that answers names, keeps doors open and a user's networks.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// The maps of the user namespace that it enters, as its worker reads them.
    pub(crate) id_maps: Option<String>,
}

impl Network {
    /// Opens the records under the run root. Touches nothing in the kernel: a machine that never runs a
    /// container gets no bridge.
    ///
    /// # Errors
    /// When the folders cannot be made.
    pub fn open(run_root: &Path) -> Result<Self> {
        Self::with_mode(run_root, Mode::Here)
    }

    /// Opens the records of an engine that runs as an ordinary user. Its bridges are in a network
    /// namespace of the user's, kept by a process of `program` (`PROGRAM network FOLDER --id-maps JSON`,
    /// see [`crate::resident::serve_realm`]), which is started with the first container.
    ///
    /// # Errors
    /// When the folders cannot be made.
    pub fn open_rootless(run_root: &Path, program: PathBuf, id_maps: String) -> Result<Self> {
        let mut network = Self::with_mode(run_root, Mode::Asked)?;
        network.program = Some(Program {
            path: program,
            id_maps: Some(id_maps),
        });
        Ok(network)
    }

    pub(crate) fn with_mode(run_root: &Path, mode: Mode) -> Result<Self> {
        Ok(Self {
            mode,
            instance: Instance::of(run_root),
            folder: Folder::open(run_root)?,
            reservations: Reservations::default(),
            program: None,
            applied: AtomicBool::new(false),
            keeper: OnceLock::new(),
        })
    }

    /// Gives containers a name server and doors from IPv6, which a process of this program keeps
    /// (`PROGRAM network FOLDER`, see [`crate::resident::serve`]).
    #[must_use]
    pub fn with_program(mut self, path: PathBuf) -> Self {
        self.program = Some(Program {
            path,
            id_maps: None,
        });
        self
    }

    /// Whether another process does what touches the kernel.
    pub(crate) fn is_asked_for(&self) -> bool {
        matches!(self.mode, Mode::Asked)
    }

    /// Runs work in the namespace of the bridges.
    pub(crate) fn at_bridges<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        match &self.mode {
            Mode::Realm(netns) => netns::inside(netns.as_fd(), work),
            Mode::Here | Mode::Asked => work(),
        }
    }

    /// Makes a network; its bridge appears with its first container. One that is there already with the
    /// same options is fine.
    ///
    /// # Errors
    /// When the name is taken with other options, or the subnet overlaps a route of the machine.
    pub fn create(&self, name: &str, options: BridgeOptions) -> Result<Bridge> {
        check_name("network name", name)?;
        let state = self.folder.lock()?;
        if let Some(bridge) = state.bridge(name)? {
            let same = bridge.internal == options.internal
                && (bridge.gateway, bridge.range, bridge.mtu)
                    == (options.gateway, options.range, options.mtu)
                && match (&bridge.ipv6, &options.ipv6) {
                    (Some(ipv6), Some(options)) => ipv6.is_as(options),
                    (ipv6, options) => ipv6.is_none() && options.is_none(),
                }
                && options.subnet.is_none_or(|subnet| subnet == bridge.subnet);
            return if same {
                Ok(bridge)
            } else {
                Err(Error::NetworkExists(name.to_owned()))
            };
        }
        let bridge = self.new_bridge(&state, &mut Rtnl::open()?, name, options)?;
        state.put_bridge(&bridge)?;
        Ok(bridge)
    }

    /// Removes a network and its bridge; one that is not there is fine.
    ///
    /// # Errors
    /// When containers still hold leases in it.
    pub fn remove(&self, name: &str) -> Result<()> {
        if self.is_asked_for() && self.is_kept() {
            return self.ask_remove(name);
        }
        self.at_bridges(|| self.take_down(name))
    }

    fn take_down(&self, name: &str) -> Result<()> {
        let state = self.folder.lock()?;
        let Some(bridge) = state.bridge(name)? else {
            return Ok(());
        };
        let containers = state
            .leases()?
            .iter()
            .filter(|lease| lease.network == name)
            .count();
        if containers > 0 {
            return Err(Error::NetworkInUse {
                network: name.to_owned(),
                containers,
            });
        }
        if self.is_asked_for() {
            // Nobody keeps the namespace, so that no bridge is there.
            return state.remove_bridge(name);
        }
        let mut rtnl = Rtnl::open()?;
        let existed = rtnl.link(&bridge.interface)?.is_some();
        rtnl.delete_link(&bridge.interface)?;
        state.remove_bridge(name)?;
        if existed { self.apply(&state) } else { Ok(()) }
    }

    /// Lists the networks that were made; the default one is among them after its first container.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn networks(&self) -> Result<Vec<Bridge>> {
        self.folder.lock()?.bridges()
    }

    /// Holds host ports for a container that will start later, so that "port taken" is said at create.
    ///
    /// # Errors
    /// [`Error::PortTaken`] names the port and, if it can be known, its holder. Then none is held.
    pub fn reserve(&self, id: &str, ports: &[PortRequest]) -> Result<Vec<BoundPort>> {
        check_name("container ID", id)?;
        if self.is_asked_for() {
            return self.ask_reserve(id, ports);
        }
        let state = self.folder.lock()?;
        self.reservations.reserve(id, ports, &state.leases()?)
    }

    /// Attaches a container to a network: address, links, route, ports. Doing it again makes the links
    /// anew and keeps the address.
    ///
    /// # Errors
    /// The first thing that failed; all that was done before is undone.
    pub fn setup(&self, container: &ContainerNet<'_>) -> Result<Attachment> {
        check_name("container ID", container.id)?;
        check_name("network name", container.network)?;
        if self.is_asked_for() {
            return self.ask_setup(container);
        }
        if !container.ports.is_empty() {
            // Before the namespace of the bridges is entered: these are ports of the host.
            self.reserve(container.id, container.ports)?;
        }
        let (lease, attachment) = self.at_bridges(|| self.attach(container))?;
        match self.open_doors(&lease) {
            Err(error) if matches!(self.mode, Mode::Realm(_)) => {
                // The first error is the one that says what went wrong.
                let _ = self.teardown(container.id);
                Err(error)
            }
            // Only comfort: without it the port is published all the same.
            _ => Ok(attachment),
        }
    }

    fn attach(&self, container: &ContainerNet<'_>) -> Result<(Lease, Attachment)> {
        let state = self.folder.lock()?;
        let mut rtnl = Rtnl::open()?;
        let (mut bridge, link, made) = self.ensure_bridge(&state, &mut rtnl, container.network)?;
        let plan = self.plan(container, &mut bridge, &state)?;
        let rules_change = made == Made::Now || !plan.lease.ports.is_empty();
        // The records come first: what a crash leaves in the kernel is found through them.
        let attached = state
            .put_bridge(&bridge)
            .and_then(|()| state.put_lease(&plan.lease))
            .and_then(|()| plan.connect(&mut rtnl, container.netns, &bridge, &link))
            .and_then(|()| {
                if rules_change {
                    self.apply(&state)
                } else {
                    self.apply_once(&state)
                }
            });
        if let Err(error) = attached {
            // The first error is the one that says what went wrong.
            let _ = self.drop_leases(&state, &mut rtnl, &[plan.lease]);
            self.reservations.release(container.id);
            return Err(error);
        }
        // A kernel that tracks nothing has nothing to forget.
        let _ = conntrack::forget_datagrams_to(&plan.lease);
        let attachment = plan.lease.attachment(&bridge);
        Ok((plan.lease, attachment))
    }

    /// Detaches a container from all networks and frees its ports; doing it again is fine.
    ///
    /// # Errors
    /// The first thing that failed; the rest is done all the same.
    pub fn teardown(&self, id: &str) -> Result<()> {
        if self.is_asked_for() {
            return self.ask_teardown(id);
        }
        let forgotten = self.forget_served(id);
        self.at_bridges(|| self.release_all(id))?;
        self.reservations.release(id);
        forgotten
    }

    /// Tells where a container is attached.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn attachments(&self, id: &str) -> Result<Vec<Attachment>> {
        let state = self.folder.lock()?;
        let mut found = Vec::new();
        for lease in state.leases()?.iter().filter(|lease| lease.container == id) {
            if let Some(bridge) = state.bridge(&lease.network)? {
                found.push(lease.attachment(&bridge));
            }
        }
        found.sort_by(|a, b| a.interface.cmp(&b.interface));
        Ok(found)
    }

    /// Lists who is on a network: address and names, for [`crate::files::hosts`].
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn peers(&self, network: &str) -> Result<Vec<(Ipv4Addr, Vec<String>)>> {
        let leases = self.folder.lock()?.leases()?;
        let here = leases.into_iter().filter(|lease| lease.network == network);
        Ok(here.map(|lease| (lease.address, lease.names)).collect())
    }

    fn release_all(&self, id: &str) -> Result<()> {
        let state = self.folder.lock()?;
        let mut leases = state.leases()?;
        leases.retain(|lease| lease.container == id);
        if leases.is_empty() {
            return Ok(());
        }
        self.drop_leases(&state, &mut Rtnl::open()?, &leases)
    }
}
