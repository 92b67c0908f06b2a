//! Who may know which name: decided from the records alone.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::message::{Question, kind};
use crate::DEFAULT_NETWORK;
use crate::bridge::Bridge;
use crate::error::Result;
use crate::state::{Folder, Lease};

/// Files that changed so lately could change again without a newer time: a tick of the kernel's clock.
const FRESH: Duration = Duration::from_millis(50);

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Addresses(Vec<IpAddr>),
    Name(String),
    /// The name exists, but has nothing of this type.
    NoData,
    NoSuchName,
    /// Others may know: the machine's servers where none are named.
    Ask(Vec<IpAddr>),
}

/// Networks and leases at one moment.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) leases: Vec<Lease>,
    pub(super) bridges: Vec<Bridge>,
}

/// The records on disk, read again when they change.
#[derive(Debug)]
pub(super) struct Directory {
    folder: Folder,
    read: Mutex<Option<(Stamp, Arc<Records>)>>,
}

type Stamp = [Option<SystemTime>; 2];

impl Directory {
    pub(super) fn open(root: &Path) -> Result<Self> {
        Ok(Self {
            folder: Folder::at(root),
            read: Mutex::new(None),
        })
    }

    /// The records as they are now.
    pub(super) fn records(&self) -> Result<Arc<Records>> {
        let stamp: Stamp = self
            .folder
            .watched()
            .map(|path| fs::metadata(path).and_then(|m| m.modified()).ok());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, records)) = read
            .as_ref()
            .filter(|(known, _)| *known == stamp && settled(&stamp))
        {
            return Ok(Arc::clone(records));
        }
        let records = Arc::new(Records {
            leases: self.folder.leases_now()?,
            bridges: self.folder.bridges_now()?,
        });
        *read = Some((stamp, Arc::clone(&records)));
        Ok(records)
    }
}

fn settled(stamp: &Stamp) -> bool {
    let now = SystemTime::now();
    let old = |time: &SystemTime| now.duration_since(*time).is_ok_and(|age| age > FRESH);
    stamp.iter().all(|time| time.as_ref().is_some_and(old))
}

impl Records {
    /// Decides what a container is told.
    pub(super) fn decide(&self, container: &str, question: &Question) -> Decision {
        let mine: Vec<&Lease> = self
            .leases
            .iter()
            .filter(|lease| lease.container == container)
            .collect();
        if question.kind == kind::PTR
            && let Some(address) = reverse(&question.name)
        {
            return self.reverse(&mine, address);
        }
        let mut found = self.addresses(&mine, &question.name);
        if !found.is_empty() {
            found.retain(|address| match address {
                IpAddr::V4(_) => matches!(question.kind, kind::A | kind::ANY),
                IpAddr::V6(_) => matches!(question.kind, kind::AAAA | kind::ANY),
            });
            if found.is_empty() {
                return Decision::NoData;
            }
            // Another one comes first each time: most clients take the first.
            let turn = RandomState::new().build_hasher().finish() as usize;
            let length = found.len();
            found.rotate_left(turn % length);
            return Decision::Addresses(found);
        }
        // A name of one word is a container's, or completed by the resolver: nobody outside knows it.
        let word = matches!(question.kind, kind::A | kind::AAAA) && !question.name.contains('.');
        if word {
            Decision::NoSuchName
        } else {
            self.elsewhere(&mine)
        }
    }

    /// Nothing leaves an internal network, not even a question (CVE-2024-29018).
    fn elsewhere(&self, mine: &[&Lease]) -> Decision {
        let leads_out = |lease: &&&Lease| self.bridge(lease).is_some_and(|bridge| !bridge.internal);
        if mine.iter().any(|lease| leads_out(&lease)) {
            Decision::Ask(
                mine.first()
                    .map(|lease| lease.dns.clone())
                    .unwrap_or_default(),
            )
        } else {
            Decision::NoSuchName
        }
    }

    fn addresses(&self, mine: &[&Lease], name: &str) -> Vec<IpAddr> {
        let linked = |lease: &&Lease| {
            let link = lease
                .links
                .iter()
                .find(|(alias, _)| alias.eq_ignore_ascii_case(name));
            link.map(|(_, target)| target.clone())
        };
        let mut found = Vec::new();
        // The default network has no names, as in Docker; only links reach across it.
        for own in mine {
            let target = linked(own);
            if own.network == DEFAULT_NETWORK && target.is_none() {
                continue;
            }
            let wanted = target.as_deref().unwrap_or(name);
            let peers = self
                .leases
                .iter()
                .filter(|peer| peer.network == own.network);
            for peer in peers.filter(|peer| is_called(peer, wanted)) {
                found.push(IpAddr::V4(peer.address));
                found.extend(peer.ipv6.map(IpAddr::V6));
            }
        }
        found.dedup();
        found
    }

    fn reverse(&self, mine: &[&Lease], address: IpAddr) -> Decision {
        let has_it = |peer: &&Lease| match address {
            IpAddr::V4(address) => peer.address == address,
            IpAddr::V6(address) => peer.ipv6 == Some(address),
        };
        for own in mine {
            let mut peers = self
                .leases
                .iter()
                .filter(|peer| peer.network == own.network);
            if let Some(peer) = peers.find(has_it)
                && let Some(name) = peer.names.first()
            {
                return Decision::Name(format!("{name}.{}", peer.network));
            }
        }
        // Others' networks on this machine are nobody's business, neither here nor outside.
        if self.bridges.iter().any(|bridge| is_within(bridge, address)) {
            return Decision::NoSuchName;
        }
        self.elsewhere(mine)
    }

    fn bridge(&self, lease: &Lease) -> Option<&Bridge> {
        self.bridges
            .iter()
            .find(|bridge| bridge.name == lease.network)
    }
}

/// By its name alone, or followed by its network's.
fn is_called(lease: &Lease, name: &str) -> bool {
    lease.names.iter().any(|own| {
        own.eq_ignore_ascii_case(name)
            || name.len() == own.len() + 1 + lease.network.len()
                && name
                    .get(..own.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(own))
                && name.get(own.len()..own.len() + 1) == Some(".")
                && name
                    .get(own.len() + 1..)
                    .is_some_and(|end| end.eq_ignore_ascii_case(&lease.network))
    })
}

fn is_within(bridge: &Bridge, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => bridge.subnet.contains(address),
        IpAddr::V6(address) => {
            let ipv6 = bridge.ipv6.as_ref();
            ipv6.is_some_and(|ipv6| ipv6.subnet.contains(address))
        }
    }
}

/// Reads `4.3.2.1.in-addr.arpa`, and the 32 digits of an IPv6 address in `ip6.arpa` (RFC 3596).
fn reverse(name: &str) -> Option<IpAddr> {
    if let Some(text) = name.strip_suffix(".ip6.arpa") {
        return reverse_ipv6(text);
    }
    let text = name.strip_suffix(".in-addr.arpa")?;
    let address: Ipv4Addr = text.parse().ok()?;
    let [a, b, c, d] = address.octets();
    Some([d, c, b, a].into())
}

fn reverse_ipv6(text: &str) -> Option<IpAddr> {
    const DIGITS: usize = 32;
    let digits: Vec<&str> = text.split('.').collect();
    if digits.len() != DIGITS || digits.iter().any(|digit| digit.len() != 1) {
        return None;
    }
    let bits = u128::from_str_radix(&digits.into_iter().rev().collect::<String>(), 16).ok()?;
    Some(Ipv6Addr::from_bits(bits).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(container: &str, network: &str, last: u8, names: &[&str]) -> Lease {
        Lease {
            container: container.into(),
            network: network.into(),
            address: [10, 90, u8::from(network == "back"), last].into(),
            ipv6: None,
            interface: "eth0".into(),
            host_interface: "tv0".into(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            ports: vec![],
            mac: None,
            links: vec![],
            dns: vec![],
        }
    }

    fn bridge(name: &str, subnet: &str, internal: bool) -> Bridge {
        Bridge {
            name: name.into(),
            interface: name.into(),
            subnet: subnet.parse().unwrap(),
            internal,
            last: None,
            gateway: None,
            range: None,
            mtu: None,
            ipv6: None,
        }
    }

    fn records() -> Records {
        let mut linked = lease("l", DEFAULT_NETWORK, 8, &["linked"]);
        linked.links = vec![("db".into(), "plain".into())];
        Records {
            leases: vec![
                lease("a", "front", 2, &["web", "w"]),
                lease("b", "front", 3, &["api", "w"]),
                lease("c", "back", 2, &["db"]),
                linked,
                lease("p", DEFAULT_NETWORK, 9, &["plain"]),
            ],
            bridges: vec![
                bridge("front", "10.90.0.0/24", false),
                bridge("back", "10.90.1.0/24", true),
                bridge(DEFAULT_NETWORK, "10.90.2.0/24", false),
            ],
        }
    }

    fn decide(container: &str, name: &str, kind: u16) -> Decision {
        records().decide(
            container,
            &Question {
                name: name.into(),
                kind,
            },
        )
    }

    #[test]
    fn a_name_is_known_on_its_own_network_only() {
        let at = |last| Decision::Addresses(vec![[10, 90, 0, last].into()]);
        assert_eq!(decide("a", "api", kind::A), at(3));
        assert_eq!(decide("a", "api.front", kind::A), at(3));
        assert_eq!(decide("a", "db", kind::A), Decision::NoSuchName);
        assert_eq!(decide("c", "web", kind::A), Decision::NoSuchName);
        assert_eq!(decide("stranger", "web", kind::A), Decision::NoSuchName);
        let Decision::Addresses(both) = decide("b", "w", kind::A) else {
            panic!()
        };
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn a_known_name_without_ipv6_has_no_data_and_an_unknown_one_does_not_exist() {
        assert_eq!(decide("a", "api", kind::AAAA), Decision::NoData);
        assert_eq!(decide("a", "nobody", kind::AAAA), Decision::NoSuchName);
    }

    #[test]
    fn each_family_is_asked_for_by_its_own_type() {
        let mut records = records();
        records.leases[1].ipv6 = "fd00:1::3".parse().ok();
        records.bridges[0].ipv6 = Some(crate::Ipv6 {
            subnet: "fd00:1::/64".parse().unwrap(),
            gateway: None,
            range: None,
            last: None,
        });
        let decide = |container: &str, name: &str, kind| {
            let name = name.to_owned();
            records.decide(container, &Question { name, kind })
        };
        let ipv6: IpAddr = "fd00:1::3".parse().unwrap();
        assert_eq!(
            decide("a", "api", kind::AAAA),
            Decision::Addresses(vec![ipv6])
        );
        assert_eq!(
            decide("a", "api", kind::A),
            Decision::Addresses(vec![[10, 90, 0, 3].into()])
        );
        let reverse = format!("3.{}1.0.0.0.0.0.d.f.ip6.arpa", "0.".repeat(23));
        assert_eq!(
            decide("a", &reverse, kind::PTR),
            Decision::Name("api.front".into())
        );
        assert_eq!(decide("c", &reverse, kind::PTR), Decision::NoSuchName);
    }

    #[test]
    fn nothing_is_asked_outside_for_an_internal_network() {
        assert_eq!(decide("a", "example.org", kind::A), Decision::Ask(vec![]));
        assert_eq!(decide("c", "example.org", kind::A), Decision::NoSuchName);
        assert_eq!(
            decide("c", "1.1.1.1.in-addr.arpa", kind::PTR),
            Decision::NoSuchName
        );
    }

    #[test]
    fn an_address_is_named_to_its_neighbors_alone() {
        let ask = |container| decide(container, "3.0.90.10.in-addr.arpa", kind::PTR);
        assert_eq!(ask("a"), Decision::Name("api.front".into()));
        assert_eq!(ask("c"), Decision::NoSuchName);
    }

    #[test]
    fn the_default_network_has_links_but_no_names() {
        let at = Decision::Addresses(vec![[10, 90, 0, 9].into()]);
        assert_eq!(decide("l", "db", kind::A), at);
        assert_eq!(decide("l", "plain", kind::A), Decision::NoSuchName);
    }
}
