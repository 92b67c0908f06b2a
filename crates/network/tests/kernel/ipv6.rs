//! Networks with IPv6 addresses beside those of IPv4.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, OwnedFd};

use terrarium_network::{
    Attachment, BridgeOptions, ContainerNet, Error, Ipv6Options, Kind, Network, PortRequest,
    Result, Subnet6,
};

use crate::lab::{HOST, HOST6, Lab, OUTSIDE6, call, in_lab, inside, is_shut, new_netns, serve, sh};

const ANY6: Ipv6Addr = Ipv6Addr::UNSPECIFIED;

fn dual() -> BridgeOptions {
    BridgeOptions {
        ipv6: Some(Ipv6Options::default()),
        ..BridgeOptions::default()
    }
}

fn of(subnet: &str) -> BridgeOptions {
    BridgeOptions {
        ipv6: Some(Ipv6Options {
            subnet: Some(subnet.parse().expect("a subnet")),
            ..Ipv6Options::default()
        }),
        ..BridgeOptions::default()
    }
}

fn wish<'a>(id: &'a str, network: &'a str, netns: &'a OwnedFd) -> ContainerNet<'a> {
    ContainerNet {
        id,
        netns: netns.as_fd(),
        network,
        address: None,
        ipv6: None,
        mac: None,
        links: &[],
        dns: &[],
        names: &[],
        ports: &[],
    }
}

fn join(network: &Network, id: &str, to: &str, netns: &OwnedFd) -> Result<Attachment> {
    network.setup(&wish(id, to, netns))
}

fn ipv6(attachment: &Attachment) -> Ipv6Addr {
    attachment.ipv6.expect("an IPv6 address").address
}

/// Both families, as most servers do.
fn serve_both(port: u16) {
    serve((ANY6, port));
}

#[test]
fn containers_get_addresses_of_a_subnet_of_this_machines_own() {
    in_lab(|lab| {
        let (network, one, other) = (lab.network(), new_netns(), new_netns());
        let bridge = network.create("six", dual()).unwrap();
        let subnet = bridge.ipv6.unwrap().subnet;
        let unique_local: Subnet6 = "fd00::/8".parse().unwrap();
        assert!(unique_local.contains(subnet.base()) && subnet.prefix_len() == 64);
        let first = join(&network, "one", "six", &one).unwrap();
        let second = join(&network, "other", "six", &other).unwrap();
        assert!(subnet.contains(ipv6(&first)) && ipv6(&first) != ipv6(&second));
        assert_eq!(first.ipv6.unwrap().gateway, Some(subnet.gateway()));
        inside(&other, || serve_both(80));
        inside(&one, || {
            let seen = call(ipv6(&second), 80).unwrap();
            assert_eq!(seen, ipv6(&first).to_string());
            call(second.address, 80).expect("IPv4 goes on as before");
            let listens = sh("cat /proc/sys/net/ipv6/conf/eth0/accept_ra");
            assert_eq!(listens.trim(), "0", "no neighbor becomes the way out");
        });
        let again = network.create("six", dual());
        assert!(again.is_ok(), "the same network once more: {again:?}");
        assert!(network.create("six", BridgeOptions::default()).is_err());
    });
}

#[test]
fn a_container_reaches_the_outside_under_the_ipv6_address_of_the_host() {
    in_lab(|lab| {
        let (network, container) = (lab.network(), new_netns());
        sh("echo 1 >/proc/sys/net/ipv6/conf/up0/accept_ra");
        network.create("six", dual()).unwrap();
        join(&network, "a", "six", &container).unwrap();
        inside(&lab.outside, || serve_both(80));
        inside(&container, || {
            assert_eq!(call(OUTSIDE6, 80).unwrap(), HOST6.to_string());
        });
        let listens = sh("cat /proc/sys/net/ipv6/conf/up0/accept_ra");
        assert_eq!(
            listens.trim(),
            "2",
            "a router that goes on to hear of its own way out"
        );
    });
}

#[test]
fn a_published_port_is_reached_over_ipv6_and_nothing_else_is() {
    in_lab(|lab| {
        let (network, web, peer) = (lab.network(), new_netns(), new_netns());
        network.create("six", dual()).unwrap();
        let ports = [PortRequest::tcp(8080, 80)];
        let place = network.setup(&ContainerNet {
            ports: &ports,
            ..wish("web", "six", &web)
        });
        let place = place.unwrap();
        assert!(place.ports[0].also_ipv6);
        join(&network, "peer", "six", &peer).unwrap();
        inside(&web, || {
            serve_both(80);
            serve_both(81);
        });
        inside(&lab.outside, || {
            let seen = call(HOST6, 8080).unwrap();
            assert_eq!(seen, OUTSIDE6.to_string(), "the caller's address is kept");
            call(HOST, 8080).expect("IPv4 goes on as before");
            sh(&format!("ip -6 route add {}/128 via {HOST6}", ipv6(&place)));
            assert!(is_shut(ipv6(&place), 81), "not published");
            assert!(
                is_shut(ipv6(&place), 80),
                "published on the host's address only"
            );
        });
        call(HOST6, 8080).expect("from the host to its own address");
        call(ipv6(&place), 81).expect("the host itself may");
        inside(&peer, || call(HOST6, 8080).expect("from another container"));
        inside(&web, || {
            call(HOST6, 8080).expect("from the container itself")
        });
        network.teardown("web").unwrap();
        inside(&lab.outside, || assert!(is_shut(HOST6, 8080)));
    });
}

#[test]
fn a_port_published_on_one_ipv6_address_is_reached_there_alone() {
    in_lab(|lab| {
        let (network, web) = (lab.network(), new_netns());
        sh("ip addr add 2001:db8:1::9/64 dev up0 nodad");
        network.create("six", dual()).unwrap();
        let ports = [PortRequest {
            address: HOST6.into(),
            ..PortRequest::tcp(8080, 80)
        }];
        let wanted = ContainerNet {
            ports: &ports,
            ..wish("web", "six", &web)
        };
        network.setup(&wanted).unwrap();
        inside(&web, || serve_both(80));
        inside(&lab.outside, || {
            call(HOST6, 8080).unwrap();
            assert!(is_shut("2001:db8:1::9".parse::<Ipv6Addr>().unwrap(), 8080));
            assert!(is_shut(HOST, 8080));
        });
    });
}

#[test]
fn networks_are_apart_and_an_internal_one_leads_nowhere_over_ipv6() {
    in_lab(|lab: &Lab| {
        let network = lab.network();
        let (one, other, shut) = (new_netns(), new_netns(), new_netns());
        network.create("one", dual()).unwrap();
        network.create("other", dual()).unwrap();
        let internal = BridgeOptions {
            internal: true,
            ..dual()
        };
        network.create("shut", internal).unwrap();
        join(&network, "one", "one", &one).unwrap();
        let place = join(&network, "other", "other", &other).unwrap();
        let closed = join(&network, "shut", "shut", &shut).unwrap();
        assert_eq!(closed.ipv6.unwrap().gateway, None);
        inside(&other, || serve_both(80));
        inside(&lab.outside, || serve_both(80));
        inside(&one, || assert!(is_shut(ipv6(&place), 80)));
        inside(&shut, || {
            assert!(is_shut(OUTSIDE6, 80));
            assert!(is_shut(ipv6(&place), 80));
        });
    });
}

#[test]
fn addresses_that_do_not_fit_are_refused_and_fixed_ones_are_kept() {
    in_lab(|lab| {
        let (network, netns) = (lab.network(), new_netns());
        network.create("six", of("fd00:5::/64")).unwrap();
        network.create("four", BridgeOptions::default()).unwrap();
        let fixed = |address: &str, to| {
            network.setup(&ContainerNet {
                ipv6: address.parse().ok(),
                ..wish("a", to, &netns)
            })
        };
        for (address, to) in [
            ("fd00:6::9", "six"),
            ("fd00:5::1", "six"),
            ("fd00:5::", "six"),
            ("fd00:5::9", "four"),
        ] {
            let refused = fixed(address, to);
            assert!(
                matches!(refused, Err(Error::AddressRefused { .. })),
                "{address} on {to}: {refused:?}"
            );
        }
        let place = fixed("fd00:5::9", "six").unwrap();
        assert_eq!(ipv6(&place).to_string(), "fd00:5::9");
        let overlap = network.create("again", of("fd00:5::/80"));
        assert_eq!(overlap.unwrap_err().kind(), Kind::Invalid);
        sh("ip -6 route add fd00:7::/48 dev up0");
        let route = network.create("routed", of("fd00:7:0:1::/64"));
        assert!(
            matches!(route, Err(Error::SubnetOverlaps { .. })),
            "{route:?}"
        );
    });
}

#[test]
fn the_way_out_over_ipv6_goes_over_to_the_network_that_stays() {
    in_lab(|lab| {
        let (network, netns) = (lab.network(), new_netns());
        network.create("one", dual()).unwrap();
        network.create("other", dual()).unwrap();
        join(&network, "a", "one", &netns).unwrap();
        join(&network, "a", "other", &netns).unwrap();
        network.disconnect("a", "one", Some(netns.as_fd())).unwrap();
        inside(&lab.outside, || serve_both(80));
        inside(&netns, || {
            assert_eq!(call(OUTSIDE6, 80).unwrap(), HOST6.to_string());
            call(Ipv4Addr::new(192, 0, 2, 2), 80).expect("and over IPv4");
        });
    });
}
