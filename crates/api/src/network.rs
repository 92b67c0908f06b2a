//! Networks: what they are, and who is on them.

use std::collections::BTreeMap;

use crate::{PortBinding, Protocol};

wire! {
    /// A network of the engine.
    #[derive(Eq)]
    pub struct Network {
        /// 64 hexadecimal digits.
        pub id: String,
        /// Unique name.
        pub name: String,
        /// `bridge`, `host` or `null`.
        pub driver: String,
        /// It exists always and cannot be removed.
        pub builtin: bool,
        /// Its containers reach only each other.
        pub internal: bool,
        /// Its addresses, `10.90.0.0/20`; absent before the default bridge is used.
        pub subnet: Option<String>,
        /// The host's address in it.
        pub gateway: Option<String>,
        /// The part that addresses are chosen from.
        pub range: Option<String>,
        /// Its IPv6 addresses, if it has any.
        pub ipv6: Option<AddressPlan>,
        /// The bridge on the host.
        pub interface: Option<String>,
        /// User's labels.
        pub labels: BTreeMap<String, String>,
        /// Driver options, as they were given.
        pub options: BTreeMap<String, String>,
        /// When it was made; 0 for a builtin one.
        pub created_at_ms: u64,
        /// Its containers, running or not.
        pub members: Vec<NetworkMember>,
    }

    /// A container on a network.
    #[derive(Eq)]
    pub struct NetworkMember {
        /// Its id.
        pub container: String,
        /// Its name.
        pub name: String,
        /// Its place; without an address while it does not run.
        pub place: Attachment,
    }

    /// A new network.
    #[derive(Default, Eq)]
    #[serde(default)]
    pub struct CreateNetwork {
        /// Its name.
        pub name: String,
        /// Its addresses; a free part of the pool when absent.
        pub subnet: Option<String>,
        /// The host's address in it; the first one when absent.
        pub gateway: Option<String>,
        /// The part that addresses are chosen from; all when absent.
        pub range: Option<String>,
        /// IPv6 addresses beside those of IPv4, if it is to have any.
        pub ipv6: Option<AddressPlan>,
        /// Its containers reach only each other.
        pub internal: bool,
        /// User's labels.
        pub labels: BTreeMap<String, String>,
        /// Driver options; `com.docker.network.driver.mtu` counts.
        pub options: BTreeMap<String, String>,
    }

    /// The IPv6 addresses of a network. Of one that is to be made, what is absent is chosen.
    #[derive(Default, Eq)]
    #[serde(default)]
    pub struct AddressPlan {
        /// All of them, `fd00:1::/64`.
        pub subnet: Option<String>,
        /// The host's address.
        pub gateway: Option<String>,
        /// The part that addresses are chosen from; all when absent.
        pub range: Option<String>,
    }

    /// Names a network by name, id, or unique id prefix.
    #[derive(Eq)]
    pub struct NetworkName {
        /// Name, id or prefix.
        pub network: String,
    }

    /// Puts a container on a network, running or not.
    #[derive(Eq)]
    pub struct ConnectNetwork {
        /// Id, prefix or name of the container.
        pub container: String,
        /// Where and how.
        pub endpoint: Endpoint,
    }

    /// Takes a container from a network.
    #[derive(Eq)]
    pub struct DisconnectNetwork {
        /// Id, prefix or name of the container.
        pub container: String,
        /// Name, id or prefix of the network.
        pub network: String,
    }

    /// A wish for a place on a network.
    #[derive(Default, Eq)]
    #[serde(default)]
    pub struct Endpoint {
        /// The network's name.
        pub network: String,
        /// More names that others on it may call.
        pub aliases: Vec<String>,
        /// What this container alone calls others: `container` or `container:alias`.
        pub links: Vec<String>,
        /// A fixed IPv4 address.
        pub address: Option<String>,
        /// A fixed IPv6 address.
        pub ipv6_address: Option<String>,
        /// A fixed hardware address.
        pub mac: Option<String>,
    }

    /// A place on a network.
    #[derive(Default, Eq)]
    #[serde(default)]
    pub struct Attachment {
        /// The network's name.
        pub network: String,
        /// Interface inside.
        pub interface: String,
        /// IPv4 address; empty while the container does not run.
        pub address: String,
        /// Length of the network prefix.
        pub prefix_length: u8,
        /// Gateway; empty on an internal network.
        pub gateway: String,
        /// IPv6 address; empty where there is none, or while the container does not run.
        pub ipv6_address: String,
        /// Length of the IPv6 network prefix.
        pub ipv6_prefix_length: u8,
        /// IPv6 gateway; empty where there is none.
        pub ipv6_gateway: String,
        /// Hardware address.
        pub mac: String,
        /// The bridge on the host.
        pub bridge: String,
        /// More names that others on it may call.
        pub aliases: Vec<String>,
    }

    /// A way that is to be tried, from inside a container.
    #[derive(Eq)]
    pub struct ProbeNetwork {
        /// Id, prefix or name of the container that calls.
        pub from: String,
        /// Id, prefix or name of the container that is called.
        pub to: String,
        /// The TCP port inside the latter.
        pub port: u16,
    }

    /// One step of the way, as it went.
    #[derive(Eq)]
    pub struct ProbeStep {
        /// Which one.
        pub stage: ProbeStage,
        /// How it went.
        pub outcome: ProbeOutcome,
        /// What was found, in the words of the machine: an address, an interface.
        pub found: String,
        /// How long it took.
        pub took_usec: u64,
        /// Why it failed.
        pub reason: Option<ProbeReason>,
    }

    /// The steps from one container to another.
    #[derive(Copy, Eq, Hash)]
    pub enum ProbeStage {
        /// From the name to an address.
        Resolve,
        /// From the address to an interface.
        Route,
        /// From the interface to the process.
        Connect,
    }

    /// How a step went.
    #[derive(Copy, Eq, Hash)]
    pub enum ProbeOutcome {
        /// It goes on.
        Passed,
        /// It ends here, or could go on by another way only.
        Failed,
        /// Nothing was left to try.
        Skipped,
    }

    /// Why a step fails.
    #[derive(Copy, Eq, Hash)]
    pub enum ProbeReason {
        /// On the default bridge nobody has a name.
        NoNamesHere,
        /// They have no network in common.
        NoSharedNetwork,
        /// The name server inside knows no such name.
        NameUnknown,
        /// The name server inside does not answer.
        NameServerSilent,
        /// The kernel knows no way to the address.
        NoRoute,
        /// No process listens on the port.
        NobodyListens,
        /// The process listens on the loopback inside only.
        LoopbackOnly,
        /// Packets are dropped on the way, or inside.
        NoAnswer,
    }

    /// One port of a container: what is said about it, and what is true.
    #[derive(Eq)]
    pub struct PortTruth {
        /// Port inside.
        pub container_port: u16,
        /// Its protocol.
        pub protocol: Protocol,
        /// The image or the user says that the container listens on it.
        pub exposed: bool,
        /// Where it is published on the host.
        pub published: Vec<PortBinding>,
        /// The addresses inside on which a process listens.
        pub listening: Vec<String>,
        /// Where the chain from the host to the process breaks.
        pub verdict: PortVerdict,
    }

    /// Where the chain from the host to a process breaks.
    #[derive(Copy, Eq, Hash)]
    pub enum PortVerdict {
        /// Nowhere.
        Reachable,
        /// A process listens, and nobody outside of its networks reaches it.
        NotPublished,
        /// It is published, and no process listens.
        NobodyListens,
        /// It is published, and the process listens on the loopback inside only.
        LoopbackOnly,
        /// It is published on IPv6, where the container has an address, and no process listens there.
        Ipv4Only,
        /// The container does not run.
        NotRunning,
    }
}
