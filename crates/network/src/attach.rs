//! The steps that attaching, detaching and sweeping share, on locked records.

use std::sync::atomic::Ordering;

use crate::bridge::{Bridge, BridgeOptions, Made};
use crate::error::{Error, Result};
use crate::ipam;
use crate::ipv6::Ipv6;
use crate::link::Link;
use crate::netlink::Rtnl;
use crate::network::{DEFAULT_NETWORK, Network};
use crate::state::{Lease, State};
use crate::subnet::Subnet;
use crate::{conntrack, nft};

impl Network {
    /// Finds the network's record and link, or makes the link.
    pub(crate) fn ensure_bridge(
        &self,
        state: &State<'_>,
        rtnl: &mut Rtnl,
        name: &str,
    ) -> Result<(Bridge, Link, Made)> {
        let bridge = self.find_bridge(state, rtnl, name)?;
        let (link, made) = bridge.ensure(rtnl, &self.instance)?;
        Ok((bridge, link, made))
    }

    /// Finds the network's record; that of the default network makes itself.
    pub(crate) fn find_bridge(
        &self,
        state: &State<'_>,
        rtnl: &mut Rtnl,
        name: &str,
    ) -> Result<Bridge> {
        match state.bridge(name)? {
            Some(bridge) => Ok(bridge),
            None if name == DEFAULT_NETWORK => {
                self.new_bridge(state, rtnl, name, BridgeOptions::default())
            }
            None => Err(Error::UnknownNetwork(name.to_owned())),
        }
    }

    /// Decides what a new network is like: its subnet overlaps no route and no other network.
    pub(crate) fn new_bridge(
        &self,
        state: &State<'_>,
        rtnl: &mut Rtnl,
        name: &str,
        options: BridgeOptions,
    ) -> Result<Bridge> {
        let mut taken: Vec<Subnet> = state
            .bridges()?
            .iter()
            .map(|bridge| bridge.subnet)
            .collect();
        let routes = rtnl.routes()?.into_iter().map(|(subnet, _)| subnet);
        // The default route overlaps everything and forbids nothing.
        taken.extend(routes.filter(|subnet| subnet.prefix_len() > 0));
        let subnet = match options.subnet {
            None => {
                ipam::free_subnet(&taken, self.instance.pool_offset()).ok_or(Error::NoSubnet)?
            }
            Some(subnet) => match taken.into_iter().find(|route| route.overlaps(subnet)) {
                Some(route) => {
                    return Err(Error::SubnetOverlaps {
                        subnet: subnet.into(),
                        route: route.into(),
                    });
                }
                None => subnet,
            },
        };
        options.validate(subnet)?;
        let ipv6 = options
            .ipv6
            .map(|ipv6| Ipv6::decide(ipv6, state, rtnl, &self.instance))
            .transpose()?;
        Ok(Bridge {
            name: name.to_owned(),
            interface: self.instance.bridge(name),
            subnet,
            internal: options.internal,
            last: None,
            gateway: options.gateway,
            range: options.range,
            mtu: options.mtu,
            ipv6,
        })
    }

    /// Removes links, leases and rules; goes on after an error and gives back the first.
    pub(crate) fn drop_leases(
        &self,
        state: &State<'_>,
        rtnl: &mut Rtnl,
        leases: &[Lease],
    ) -> Result<()> {
        let mut first = Ok(());
        for lease in leases {
            first = first.and(rtnl.delete_link(&lease.host_interface));
            first = first.and(state.remove_lease(lease));
        }
        let published = leases.iter().any(|lease| !lease.ports.is_empty());
        if published {
            first = first.and(self.apply(state));
            // After the rules, so that no packet in between is translated once more. A kernel that tracks
            // nothing has nothing to forget.
            for lease in leases.iter().filter(|lease| !lease.ports.is_empty()) {
                let _ = conntrack::forget_container(lease);
            }
        }
        first
    }

    /// Writes the packet filter table as the records want it.
    pub(crate) fn apply(&self, state: &State<'_>) -> Result<()> {
        let table = self.instance.table();
        nft::apply(
            &table,
            &nft::render(&table, &state.bridges()?, &state.leases()?),
        )?;
        self.applied.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Writes the table if this process has not yet: an earlier one may have left an older form of it.
    pub(crate) fn apply_once(&self, state: &State<'_>) -> Result<()> {
        if self.applied.load(Ordering::Relaxed) {
            Ok(())
        } else {
            self.apply(state)
        }
    }
}
