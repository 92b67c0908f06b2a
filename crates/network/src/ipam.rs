//! Which subnet, which address: pure decisions over what is taken.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use crate::subnet::Subnet;

/// Candidates are the /20 nets of 10.90.0.0 to 10.95.255.255: between podman's default 10.88 and 10.89 and
/// Kubernetes' services at 10.96, away from Docker's 172.16/12 and from home routers' 192.168/16.
const POOL_BASE: Ipv4Addr = Ipv4Addr::new(10, 90, 0, 0);
const POOL_PREFIX: u8 = 20;
const POOL_SIZE: usize = 6 * 16;

/// Finds a subnet that overlaps none that are taken, beginning `offset` steps into the pool.
pub(crate) fn free_subnet(taken: &[Subnet], offset: usize) -> Option<Subnet> {
    (0..POOL_SIZE)
        .map(|step| candidate((offset + step) % POOL_SIZE))
        .find(|candidate| taken.iter().all(|subnet| !subnet.overlaps(*candidate)))
}

fn candidate(number: usize) -> Subnet {
    let step = 1u32 << (32 - POOL_PREFIX);
    let base = POOL_BASE.to_bits() + step * u32::try_from(number).expect("the pool is small");
    Subnet::containing(Ipv4Addr::from_bits(base), POOL_PREFIX)
}

/// Finds the first free address after `last`, wrapping around.
///
/// Going on from the last one, not from the first free one, keeps an address unused for as long as
/// possible: neighbors and connection tracking still remember its previous owner for a while.
pub(crate) fn free_address(
    subnet: Subnet,
    taken: &HashSet<Ipv4Addr>,
    last: Option<Ipv4Addr>,
) -> Option<Ipv4Addr> {
    free_in(
        subnet,
        subnet.gateway().to_bits() + 1,
        subnet.broadcast().to_bits(),
        taken,
        last,
    )
}

/// Like [`free_address`], within a part of the subnet; its first and last address are hosts' too, unless
/// they are those of the subnet.
pub(crate) fn free_address_of(
    range: Subnet,
    subnet: Subnet,
    taken: &HashSet<Ipv4Addr>,
    last: Option<Ipv4Addr>,
) -> Option<Ipv4Addr> {
    let first = range
        .base()
        .max(Ipv4Addr::from_bits(subnet.base().to_bits() + 1));
    let end = (range.broadcast().to_bits() + 1).min(subnet.broadcast().to_bits());
    free_in(range, first.to_bits(), end, taken, last)
}

fn free_in(
    subnet: Subnet,
    first: u32,
    end: u32,
    taken: &HashSet<Ipv4Addr>,
    last: Option<Ipv4Addr>,
) -> Option<Ipv4Addr> {
    let size = end.checked_sub(first).filter(|size| *size > 0)?;
    let start = last
        .filter(|last| subnet.contains(*last))
        .map_or(0, |last| {
            last.to_bits().wrapping_sub(first).wrapping_add(1) % size
        });
    (0..size)
        .map(|step| Ipv4Addr::from_bits(first + (start + step) % size))
        .find(|address| !taken.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    fn address(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    #[test]
    fn a_subnet_that_the_machine_routes_is_avoided() {
        let check = |taken: &[&str], offset, expect: Option<&str>| {
            let taken: Vec<_> = taken.iter().map(|text| subnet(text)).collect();
            assert_eq!(free_subnet(&taken, offset), expect.map(subnet), "{taken:?}");
        };
        check(&["192.168.0.0/24"], 0, Some("10.90.0.0/20"));
        check(&["10.90.3.0/24"], 0, Some("10.90.16.0/20"));
        check(&["10.90.0.0/16"], 0, Some("10.91.0.0/20"));
        check(&[], 95, Some("10.95.240.0/20"));
        check(&["10.95.240.1/32"], 95, Some("10.90.0.0/20"));
        check(&["10.0.0.0/8"], 0, None);
    }

    #[test]
    fn addresses_go_round_and_skip_those_in_use() {
        let check = |taken: &[&str], last: Option<&str>, expect: Option<&str>| {
            let taken = taken.iter().map(|text| address(text)).collect();
            let free = free_address(subnet("10.90.0.0/29"), &taken, last.map(address));
            assert_eq!(free, expect.map(address), "{taken:?} after {last:?}");
        };
        check(&[], None, Some("10.90.0.2"));
        check(&[], Some("10.90.0.2"), Some("10.90.0.3"));
        check(&["10.90.0.3"], Some("10.90.0.2"), Some("10.90.0.4"));
        check(&[], Some("10.90.0.6"), Some("10.90.0.2"));
        check(&[], Some("10.90.0.1"), Some("10.90.0.2"));
        check(
            &[
                "10.90.0.2",
                "10.90.0.3",
                "10.90.0.4",
                "10.90.0.5",
                "10.90.0.6",
            ],
            None,
            None,
        );
    }

    #[test]
    fn a_range_gives_all_of_its_addresses_but_not_the_subnets_ends() {
        let mut taken = HashSet::new();
        let (range, whole) = (subnet("10.90.0.252/30"), subnet("10.90.0.0/24"));
        while let Some(free) = free_address_of(range, whole, &taken, None) {
            taken.insert(free);
        }
        let mut got: Vec<_> = taken.into_iter().map(|a| a.octets()[3]).collect();
        got.sort_unstable();
        assert_eq!(got, [252, 253, 254]);
    }

    #[test]
    fn a_subnet_without_room_for_a_host_has_no_address() {
        for tiny in ["10.0.0.0/32", "10.0.0.0/31", "10.0.0.0/30"] {
            let free = free_address(subnet(tiny), &HashSet::new(), None);
            assert_eq!(free.is_some(), tiny.ends_with("/30"), "{tiny}");
        }
    }
}
