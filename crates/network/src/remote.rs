//! What a host without root asks of the process that keeps its user's networks.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::netlink::Rtnl;
use crate::network::Network;
use crate::probe::{Lookup, Reached};
use crate::request::{Attachment, BoundPort, ContainerNet, PortRequest};
use crate::resident::{Act, Place, Realm, Reply};
use crate::sweep::Swept;
use crate::uplink;

impl Network {
    /// The user namespace that a container on networks must be in; none where any will do. Starts the
    /// process that keeps it, where it is not there yet.
    ///
    /// # Errors
    /// When that process cannot be started.
    pub fn user_namespace(&self) -> Result<Option<PathBuf>> {
        if !self.is_asked_for() {
            return Ok(None);
        }
        let realm = self.realm()?;
        Ok(Some(format!("/proc/{}/ns/user", realm.pid).into()))
    }

    /// Sees to it that a user's networks lead out of the machine; as root they do.
    ///
    /// # Errors
    /// What is missing. Containers reach each other all the same, and published ports lead to them.
    pub fn ensure_uplink(&self) -> Result<()> {
        if !self.is_asked_for() {
            return Ok(());
        }
        // Two containers that start at once must not start two of them.
        let _lock = self.folder.lock()?;
        let realm = self.realm_locked()?;
        if realm.has_uplink {
            return Ok(());
        }
        let pid = uplink::start(&realm, &self.folder.uplink())?;
        self.done(Act::Uplink { pid }, None)
    }

    pub(crate) fn ask_setup(&self, container: &ContainerNet<'_>) -> Result<Attachment> {
        {
            // The subnet is chosen here, where the routes of the machine are seen.
            let state = self.folder.lock()?;
            let bridge = self.find_bridge(&state, &mut Rtnl::open()?, container.network)?;
            state.put_bridge(&bridge)?;
        }
        match self.ask_for(Act::Setup(Place::of(container)), Some(container.netns))? {
            Reply::Attached(attachment) => Ok(attachment),
            other => Err(other.unexpected()),
        }
    }

    pub(crate) fn ask_reserve(&self, id: &str, ports: &[PortRequest]) -> Result<Vec<BoundPort>> {
        let act = Act::Reserve {
            id: id.to_owned(),
            ports: ports.to_vec(),
        };
        match self.ask_for(act, None)? {
            Reply::Ports(ports) => Ok(ports),
            other => Err(other.unexpected()),
        }
    }

    pub(crate) fn ask_teardown(&self, id: &str) -> Result<()> {
        if !self.is_kept() {
            return self.forget_leases(&[id]);
        }
        self.done(Act::Teardown { id: id.to_owned() }, None)
    }

    pub(crate) fn ask_remove(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.done(Act::Remove { name }, None)
    }

    pub(crate) fn ask_disconnect(
        &self,
        id: &str,
        network: &str,
        netns: Option<BorrowedFd<'_>>,
    ) -> Result<()> {
        let act = Act::Disconnect {
            id: id.to_owned(),
            network: network.to_owned(),
        };
        self.done(act, netns)
    }

    pub(crate) fn ask_to_serve_names(&self, id: &str, netns: BorrowedFd<'_>) -> Result<()> {
        self.done(Act::Names { id: id.to_owned() }, Some(netns))
    }

    pub(crate) fn ask_look_up(&self, netns: BorrowedFd<'_>, name: &str) -> Result<Lookup> {
        let name = name.to_owned();
        match self.ask_for(Act::LookUp { name }, Some(netns))? {
            Reply::Looked(lookup) => Ok(lookup),
            other => Err(other.unexpected()),
        }
    }

    pub(crate) fn ask_source(
        &self,
        netns: BorrowedFd<'_>,
        to: Ipv4Addr,
    ) -> Result<Option<Ipv4Addr>> {
        match self.ask_for(Act::Source { to }, Some(netns))? {
            Reply::Source(source) => Ok(source),
            other => Err(other.unexpected()),
        }
    }

    pub(crate) fn ask_connect(
        &self,
        netns: BorrowedFd<'_>,
        to: Ipv4Addr,
        port: u16,
    ) -> Result<Reached> {
        match self.ask_for(Act::Connect { to, port }, Some(netns))? {
            Reply::Reached(reached) => Ok(reached),
            other => Err(other.unexpected()),
        }
    }

    /// Lets go of what containers that are gone have left.
    pub(crate) fn ask_sweep(&self, live: &[&str]) -> Result<Swept> {
        let leases = self.folder.lock()?.leases()?;
        let gone: BTreeSet<String> = leases
            .into_iter()
            .map(|lease| lease.container)
            .filter(|id| !live.contains(&id.as_str()))
            .collect();
        let swept = Swept {
            containers: gone.into_iter().collect(),
            ..Swept::default()
        };
        let mut first = Ok(());
        for id in &swept.containers {
            first = first.and(self.ask_teardown(id));
        }
        first.map(|()| swept)
    }

    /// Without the process there is no namespace either, and nothing but the records to take back.
    fn forget_leases(&self, containers: &[&str]) -> Result<()> {
        let state = self.folder.lock()?;
        let gone = |id: &str| containers.contains(&id);
        for lease in state.leases()?.iter().filter(|l| gone(&l.container)) {
            state.remove_lease(lease)?;
        }
        Ok(())
    }

    fn realm(&self) -> Result<Realm> {
        let _lock = self.folder.lock()?;
        self.realm_locked()
    }

    fn realm_locked(&self) -> Result<Realm> {
        let process = self.connect_or_start()?;
        match Act::Where.ask(process.as_fd(), None)? {
            Reply::Realm(realm) => Ok(realm),
            other => Err(other.unexpected()),
        }
    }

    fn done(&self, act: Act, netns: Option<BorrowedFd<'_>>) -> Result<()> {
        match self.ask_for(act, netns)? {
            Reply::Done => Ok(()),
            other => Err(other.unexpected()),
        }
    }

    fn ask_for(&self, act: Act, netns: Option<BorrowedFd<'_>>) -> Result<Reply> {
        let process = self.reach()?;
        match act.ask(process.as_fd(), netns)? {
            Reply::Failed(told) => Err(Error::Told(told)),
            reply => Ok(reply),
        }
    }
}
