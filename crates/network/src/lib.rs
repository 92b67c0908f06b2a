//! Bridges, addresses and published ports of containers.
//!
//! Owns everything between a container's network namespace and the host's uplink: the bridge, the
//! veth pair, the lease of an address, the packet filter table and the reserved host ports. Its truth
//! is a folder of small files under the run root, so that a host that was killed finds what it left.
//!
//! Must never know: images, the store, who asks. It never blocks on anything but the kernel, a file
//! lock and `nft`, and it needs no runtime of futures.
//!
//! Start from [`Network`]: [`Network::setup`], [`Network::teardown`] and [`Network::sweep`] are each
//! idempotent. The files a container sees (`/etc/hosts`, `/etc/resolv.conf`) are pure functions in
//! [`files`].
//!
//! An engine without root has its bridges in a network namespace of the user's, which a process keeps
//! ([`resident`]); the host asks it, and every method of [`Network`] means the same.
//!
//! Follows `rtnetlink(7)`, `veth(4)`, `network_namespaces(7)` and the nftables manual.
#![forbid(unsafe_code)]

mod attach;
mod bridge;
mod conntrack;
mod error;
pub mod files;
mod instance;
mod ipam;
mod ipv6;
mod keeper;
mod link;
mod netfilter;
mod netlink;
mod netns;
mod network;
mod nft;
mod orphans;
mod plan;
mod port_holder;
mod ports;
pub mod probe;
mod realm;
mod remote;
mod request;
pub mod resident;
mod route;
mod sockets;
mod state;
mod subnet;
mod subnet6;
mod sweep;
mod switch;
mod told;
mod uplink;

pub use bridge::{Bridge, BridgeOptions};
pub use error::{Error, Kind, Result, Told};
pub use ipv6::{Ipv6, Ipv6Options};
pub use netns::{bring_up_loopback, open_netns};
pub use network::{DEFAULT_NETWORK, Network};
pub use port_holder::port_holder;
pub use request::{
    Attachment, BoundPort, ContainerNet, Ipv6Attachment, MacAddress, PortRequest, Protocol,
};
pub use subnet::Subnet;
pub use subnet6::{AnySubnet, Subnet6};
pub use sweep::Swept;
