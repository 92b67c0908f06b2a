//! Clearing up: after a crash, after another tool, at the end.

use std::sync::atomic::Ordering;

use crate::bridge::Bridge;
use crate::error::Result;
use crate::netlink::Rtnl;
use crate::network::{Mode, Network};
use crate::nft;
use crate::request::BoundPort;
use crate::state::State;

/// What [`Network::sweep`] found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Containers that are gone and whose leases were removed.
    pub containers: Vec<String>,
    /// Links that belonged to no lease and were removed.
    pub links: Vec<String>,
    /// Bridges and tables of engines that never start again, which were removed.
    pub orphans: Vec<String>,
    /// Published ports of live containers that another program has bound since. They still lead to the
    /// container, but that program gets none of its traffic: a human should know.
    pub contested: Vec<BoundPort>,
}

impl Drop for Network {
    /// Leaves the machine without bridges and rules, unless containers go on that need them.
    fn drop(&mut self) {
        // Nobody is left to be told; the next host finds what stays and uses it.
        let _ = self.close();
    }
}

impl Network {
    /// Removes what containers left that are not among the live ones, and holds the ports of those that
    /// are. For the start of a host, before anything is set up.
    ///
    /// # Errors
    /// The first thing that failed; the rest is done all the same.
    pub fn sweep(&self, live: &[&str]) -> Result<Swept> {
        if self.is_asked_for() {
            return self.ask_sweep(live);
        }
        let state = self.folder.lock()?;
        let mut rtnl = Rtnl::open()?;
        let mut swept = Swept::default();
        let (stay, gone): (Vec<_>, Vec<_>) = state
            .leases()?
            .into_iter()
            .partition(|lease| live.contains(&lease.container.as_str()));
        let dropped = self.drop_leases(&state, &mut rtnl, &gone);
        swept.containers = gone.into_iter().map(|lease| lease.container).collect();
        swept.containers.dedup();
        for lease in &stay {
            swept.contested.extend(self.reservations.hold_again(lease));
        }
        let bridges = self.bridges_in_kernel(&state, &mut rtnl)?;
        for link in rtnl.links()? {
            let ours = link
                .bridge
                .is_some_and(|index| bridges.iter().any(|(_, own)| *own == index));
            if ours && !stay.iter().any(|lease| lease.host_interface == link.name) {
                rtnl.delete_link(&link.name)?;
                swept.links.push(link.name);
            }
        }
        dropped?;
        self.keep_served(live)?;
        if !bridges.is_empty() {
            self.apply(&state)?;
        }
        // Others' leavings are no reason to fail, nor is a machine without `nft`.
        swept.orphans = self.clear_orphans(&mut rtnl).unwrap_or_default();
        Ok(swept)
    }

    /// Writes the packet filter table anew, after `nft flush ruleset` or a reload of firewalld.
    ///
    /// # Errors
    /// When `nft` is missing or refuses.
    pub fn refresh(&self) -> Result<()> {
        if self.is_asked_for() {
            return Ok(());
        }
        self.apply(&self.folder.lock()?)
    }

    /// Removes bridges and rules if no container uses them; else leaves everything as it is. Dropping does
    /// the same, but cannot say what went wrong.
    ///
    /// # Errors
    /// The first thing that failed.
    pub fn close(&self) -> Result<()> {
        if matches!(self.mode, Mode::Realm(_)) {
            // All of it goes with the namespace.
            return Ok(());
        }
        let state = self.folder.lock()?;
        if !state.leases()?.is_empty() {
            return Ok(());
        }
        if self.is_asked_for() {
            state.remove_bridge(crate::DEFAULT_NETWORK)?;
            return self.end_served();
        }
        let mut rtnl = Rtnl::open()?;
        self.end_served()?;
        let bridges = self.bridges_in_kernel(&state, &mut rtnl)?;
        // Also without a bridge there is a table, where the last network was removed by hand.
        if bridges.is_empty() && !self.applied.load(Ordering::Relaxed) {
            return Ok(());
        }
        for (bridge, _) in &bridges {
            rtnl.delete_link(&bridge.interface)?;
            // The subnet is chosen anew next time: the machine may be on another network by then.
            if bridge.name == crate::DEFAULT_NETWORK {
                state.remove_bridge(&bridge.name)?;
            }
        }
        nft::remove(&self.instance.table())?;
        self.applied.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn bridges_in_kernel(&self, state: &State<'_>, rtnl: &mut Rtnl) -> Result<Vec<(Bridge, u32)>> {
        let mut found = Vec::new();
        for bridge in state.bridges()? {
            if let Some(link) = rtnl.link(&bridge.interface)? {
                found.push((bridge, link.index));
            }
        }
        Ok(found)
    }
}
