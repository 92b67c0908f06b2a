//! Networks of a container that runs: one less, and what that means for the others.

use std::os::fd::BorrowedFd;

use crate::error::Result;
use crate::netlink::Rtnl;
use crate::netns;
use crate::network::Network;
use crate::state::{Lease, State};

impl Network {
    /// Detaches a container from one network; doing it again is fine. Ports and the way out go over to
    /// another of its networks, if there is one that leads out. `netns` is the container's, if it runs.
    ///
    /// # Errors
    /// The first thing that failed; the rest is done all the same.
    pub fn disconnect(&self, id: &str, network: &str, netns: Option<BorrowedFd<'_>>) -> Result<()> {
        let state = self.folder.lock()?;
        let (own, others): (Vec<_>, Vec<_>) = state
            .leases()?
            .into_iter()
            .filter(|lease| lease.container == id)
            .partition(|lease| lease.network == network);
        if own.is_empty() {
            return Ok(());
        }
        let mut rtnl = Rtnl::open()?;
        let ports: Vec<_> = own.iter().flat_map(|lease| lease.ports.clone()).collect();
        let dropped = self.drop_leases(&state, &mut rtnl, &own);
        let moved = match heir(&state, others)? {
            Some((mut lease, gateway)) => {
                let routed = netns.map_or(Ok(()), |netns| {
                    netns::inside(netns, || {
                        let mut rtnl = Rtnl::open()?;
                        rtnl.add_default_route(gateway)
                    })
                });
                lease.ports.extend(ports);
                routed.and(self.publish(&state, &mut rtnl, &lease))
            }
            None => Ok(()),
        };
        dropped.and(moved)
    }

    fn publish(&self, state: &State<'_>, rtnl: &mut Rtnl, lease: &Lease) -> Result<()> {
        if lease.ports.is_empty() {
            return Ok(());
        }
        state.put_lease(lease)?;
        if let Some(host) = &lease.host_interface {
            rtnl.set_hairpin(host)?;
        }
        self.apply(state)
    }
}

/// The first other network that leads out, with its gateway.
fn heir(state: &State<'_>, mut others: Vec<Lease>) -> Result<Option<(Lease, std::net::Ipv4Addr)>> {
    others.sort_by(|a, b| a.interface.cmp(&b.interface));
    for lease in others {
        if let Some(bridge) = state.bridge(&lease.network)?
            && !bridge.internal
        {
            return Ok(Some((lease, bridge.gateway())));
        }
    }
    Ok(None)
}
