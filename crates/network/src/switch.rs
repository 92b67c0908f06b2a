//! Networks of a container that runs: one less, and what that means for the others.

use std::net::IpAddr;
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
        if self.is_asked_for() {
            return self.ask_disconnect(id, network, netns);
        }
        let left = self.at_bridges(|| self.leave(id, network, netns));
        let doors = match self.folder.lock()?.published_by(id)? {
            Some(heir) => self.open_doors(&heir),
            None => self.close_doors(id),
        };
        left.and(doors)
    }

    fn leave(&self, id: &str, network: &str, netns: Option<BorrowedFd<'_>>) -> Result<()> {
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
        let heir = heir(&state, others)?.map(|(mut lease, gateways)| {
            lease.ports.extend(ports.iter().cloned());
            (lease, gateways)
        });
        let noted = match &heir {
            Some((lease, _)) if !ports.is_empty() => state.put_lease(lease),
            _ => Ok(()),
        };
        // One change of the rules moves the ports, and a host that is killed before it loses none.
        let dropped = self.drop_leases(&state, &mut rtnl, &own);
        let led = match (&heir, netns) {
            (Some((lease, gateways)), Some(netns)) => lead_out(&mut rtnl, lease, gateways, netns),
            _ => Ok(()),
        };
        noted.and(dropped).and(led)
    }
}

/// The default route went with the link that had it.
fn lead_out(
    rtnl: &mut Rtnl,
    lease: &Lease,
    gateways: &[IpAddr],
    netns: BorrowedFd<'_>,
) -> Result<()> {
    if !lease.ports.is_empty() {
        rtnl.set_hairpin(&lease.host_interface)?;
    }
    netns::inside(netns, || {
        let mut rtnl = Rtnl::open()?;
        let mut led = gateways.iter();
        led.try_for_each(|gateway| rtnl.add_default_route(*gateway))
    })
}

/// The first other network that leads out, with its gateway, and that of the first one with IPv6.
fn heir(state: &State<'_>, mut others: Vec<Lease>) -> Result<Option<(Lease, Vec<IpAddr>)>> {
    others.sort_by(|a, b| a.interface.cmp(&b.interface));
    let mut found: Option<(Lease, Vec<IpAddr>)> = None;
    for lease in others {
        if let Some(bridge) = state.bridge(&lease.network)?
            && !bridge.internal
        {
            let (_, gateways) =
                found.get_or_insert_with(|| (lease.clone(), vec![bridge.gateway().into()]));
            if let Some(ipv6) = bridge.ipv6.filter(|_| lease.ipv6.is_some())
                && gateways.len() == 1
            {
                gateways.push(ipv6.gateway().into());
            }
        }
    }
    Ok(found)
}
