//! Containers on a real kernel: who reaches whom, and what is left afterwards.

mod ipv6;
mod lab;

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use lab::{
    HOST, OUTSIDE, attach, call, echo_udp, in_lab, inside, is_shut, new_netns, serve, serve_udp,
    sh, wait_until,
};
use terrarium_network::{BridgeOptions, ContainerNet, Error, Network, PortRequest, Protocol};

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const LOCALHOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

#[test]
fn a_container_reaches_the_outside_under_the_address_of_the_host() {
    in_lab(|lab| {
        let (network, container) = (lab.network(), new_netns());
        let attachment = attach(&network, "a", &container, &[]).unwrap();
        inside(&lab.outside, || serve((ANY, 80)));
        serve((HOST, 81));
        let bridge = sh("ip link show type bridge");
        let owner = format!(
            "alias terrarium network bridge of {}",
            lab.run_root.path().display()
        );
        assert!(bridge.contains(&owner), "{bridge}");
        inside(&container, || {
            assert_eq!(call(OUTSIDE, 80).unwrap(), HOST.to_string());
            assert_eq!(call(HOST, 81).unwrap(), attachment.address.to_string());
            serve((LOCALHOST, 82));
            assert_eq!(call(LOCALHOST, 82).unwrap(), "127.0.0.1");
            let link = sh("ip -br link show eth0");
            assert!(link.contains(&attachment.mac.to_string()), "{link}");
        });
    });
}

/// With `br_netfilter` a bridge translates by itself, without it the host routes: two ways for a packet.
fn set_bridge_netfilter(value: u8) {
    let path = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    if std::fs::write(path, value.to_string()).is_err() {
        eprintln!("SKIPPED: bridge netfilter {value}: this kernel has no {path}");
    }
}

#[test]
fn a_published_port_is_reached_from_everywhere() {
    for bridge_netfilter in [0, 1] {
        in_lab(move |lab| {
            set_bridge_netfilter(bridge_netfilter);
            let (network, web, other) = (lab.network(), new_netns(), new_netns());
            attach(&network, "web", &web, &[PortRequest::tcp(8080, 80)]).unwrap();
            attach(&network, "other", &other, &[]).unwrap();
            inside(&web, || serve((ANY, 80)));
            inside(&lab.outside, || {
                let seen = call(HOST, 8080).unwrap();
                assert_eq!(seen, OUTSIDE.to_string(), "the caller's address is kept");
            });
            call(LOCALHOST, 8080).expect("from the host's loopback");
            call(HOST, 8080).expect("from the host to its own address");
            for _ in 0..3 {
                inside(&other, || call(HOST, 8080).expect("from another container"));
                inside(&web, || {
                    call(HOST, 8080).expect("from the container itself")
                });
            }
            network.teardown("web").unwrap();
            inside(&lab.outside, || assert!(is_shut(HOST, 8080)));
        });
    }
}

#[test]
fn a_published_udp_port_is_reached_from_outside_and_from_localhost() {
    in_lab(|lab| {
        let (network, dns) = (lab.network(), new_netns());
        let request = PortRequest {
            protocol: Protocol::Udp,
            ..PortRequest::tcp(5353, 53)
        };
        attach(&network, "dns", &dns, &[request]).unwrap();
        inside(&dns, || serve_udp(53));
        inside(&lab.outside, || assert!(echo_udp(HOST, 5353)));
        assert!(echo_udp(LOCALHOST, 5353));
    });
}

#[test]
fn a_port_published_on_loopback_is_shut_for_the_outside() {
    in_lab(|lab| {
        let (network, web) = (lab.network(), new_netns());
        let request = PortRequest {
            address: LOCALHOST.into(),
            ..PortRequest::tcp(8080, 80)
        };
        attach(&network, "web", &web, &[request]).unwrap();
        inside(&web, || serve((ANY, 80)));
        call(LOCALHOST, 8080).expect("from the host's loopback");
        inside(&lab.outside, || {
            assert!(is_shut(HOST, 8080));
            // Another machine may also try to route a packet for 127.0.0.1 to us.
            sh(
                "echo 1 >/proc/sys/net/ipv4/conf/out0/route_localnet; ip addr del 127.0.0.1/8 dev lo",
            );
            sh(&format!("ip route add 127.0.0.1 via {HOST} src {OUTSIDE}"));
            assert!(is_shut(LOCALHOST, 8080));
        });
    });
}

#[test]
fn the_outside_reaches_only_what_is_published() {
    in_lab(|lab| {
        let (network, web) = (lab.network(), new_netns());
        let attachment = attach(&network, "web", &web, &[PortRequest::tcp(8080, 80)]).unwrap();
        inside(&web, || {
            serve((ANY, 80));
            serve((ANY, 81));
        });
        call(attachment.address, 81).expect("the host itself may");
        inside(&lab.outside, || {
            sh(&format!(
                "ip route add {}/32 via {HOST}",
                attachment.address
            ));
            assert!(is_shut(attachment.address, 81), "not published");
            assert!(
                is_shut(attachment.address, 80),
                "published on the host's address only"
            );
        });
    });
}

#[test]
fn a_container_cannot_reach_the_loopback_of_the_host() {
    in_lab(|lab| {
        let (network, evil) = (lab.network(), new_netns());
        let gateway = attach(&network, "evil", &evil, &[])
            .unwrap()
            .gateway
            .unwrap();
        serve((LOCALHOST, 8081));
        let attack = || {
            inside(&evil, || {
                sh("echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet");
                sh("ip addr del 127.0.0.1/8 dev lo || true");
                sh(&format!(
                    "ip route replace 127.0.0.1 via {gateway} dev eth0"
                ));
                is_shut(LOCALHOST, 8081)
            })
        };
        assert!(attack());
        // The attack is real: without our guard it gets through.
        let table = sh("nft list tables")
            .split_whitespace()
            .last()
            .unwrap()
            .to_owned();
        sh(&format!("nft flush chain inet {table} guard"));
        assert!(!attack());
        network.refresh().unwrap();
        assert!(attack());
    });
}

#[test]
fn an_internal_network_leads_nowhere_and_networks_are_apart() {
    in_lab(|lab| {
        let (network, inner, friend, other) =
            (lab.network(), new_netns(), new_netns(), new_netns());
        network
            .create(
                "back",
                BridgeOptions {
                    internal: true,
                    ..BridgeOptions::default()
                },
            )
            .unwrap();
        let on_back = |id, netns: &std::os::fd::OwnedFd| {
            let names = [format!("{id}.name")];
            let container = ContainerNet {
                id,
                netns: netns.as_fd(),
                network: "back",
                address: None,
                ipv6: None,
                mac: None,
                links: &[],
                dns: &[],
                names: &names,
                ports: &[],
            };
            network.setup(&container).unwrap()
        };
        let inner_at = on_back("inner", &inner);
        on_back("friend", &friend);
        attach(&network, "other", &other, &[]).unwrap();
        inside(&inner, || serve((ANY, 80)));
        inside(&lab.outside, || serve((ANY, 80)));
        assert_eq!(inner_at.gateway, None);
        inside(&inner, || {
            assert!(is_shut(OUTSIDE, 80));
            sh(&format!(
                "ip route add default via {} dev eth0",
                Ipv4Addr::from_bits(inner_at.address.to_bits() - 1)
            ));
            assert!(is_shut(OUTSIDE, 80), "not even with a route of its own");
        });
        inside(&friend, || {
            call(inner_at.address, 80).expect("on the same network")
        });
        inside(&other, || {
            assert!(is_shut(inner_at.address, 80), "from another network")
        });
        let peers = network.peers("back").unwrap();
        assert!(
            peers.contains(&(inner_at.address, vec!["inner.name".into()])),
            "{peers:?}"
        );
        assert!(matches!(
            network.remove("back"),
            Err(Error::NetworkInUse { containers: 2, .. })
        ));
    });
}

#[test]
fn a_second_network_adds_an_interface_and_keeps_the_default_route() {
    in_lab(|lab| {
        let (network, container) = (lab.network(), new_netns());
        network.create("front", BridgeOptions::default()).unwrap();
        let first = attach(&network, "a", &container, &[]).unwrap();
        let second = network
            .setup(&ContainerNet {
                id: "a",
                netns: container.as_fd(),
                network: "front",
                address: None,
                ipv6: None,
                mac: None,
                links: &[],
                dns: &[],
                names: &[],
                ports: &[],
            })
            .unwrap();
        assert_eq!(
            (first.interface.as_str(), second.interface.as_str()),
            ("eth0", "eth1")
        );
        let routes = inside(&container, || sh("ip route show default"));
        assert_eq!(
            routes.trim(),
            format!("default via {} dev eth0", first.gateway.unwrap())
        );
        assert_eq!(network.attachments("a").unwrap(), [first, second]);
        network
            .disconnect("a", "front", Some(container.as_fd()))
            .unwrap();
        assert_eq!(network.attachments("a").unwrap().len(), 1);
        network.remove("front").unwrap();
    });
}

#[test]
fn a_taken_port_fails_at_reserve_and_leaves_nothing() {
    in_lab(|lab| {
        let (network, container) = (lab.network(), new_netns());
        serve((ANY, 8080));
        let ports = [PortRequest::tcp(8080, 80)];
        let error = network.reserve("a", &ports).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("port 8080/tcp on 0.0.0.0 is already in use by `"),
            "{error}"
        );
        assert!(matches!(
            attach(&network, "a", &container, &ports),
            Err(Error::PortTaken { .. })
        ));
        assert_eq!(network.attachments("a").unwrap(), []);
        let reserved = network.reserve("b", &[PortRequest::tcp(0, 80)]).unwrap();
        let attachment = attach(&network, "b", &container, &[PortRequest::tcp(0, 80)]).unwrap();
        assert_eq!(attachment.ports, reserved, "setup takes what reserve held");
    });
}

#[test]
fn a_thousand_times_on_a_network_and_off_again_leave_nothing() {
    in_lab(|lab| {
        let (network, container) = (lab.network(), new_netns());
        network.create("front", BridgeOptions::default()).unwrap();
        attach(&network, "a", &container, &[PortRequest::tcp(8080, 80)]).unwrap();
        let state = || {
            let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
            let records = format!("ls {}/network/*", lab.run_root.path().display());
            let links = "ip -br link | cut -d' ' -f1";
            (sh(links), sh(&records), sh("nft list ruleset"), open)
        };
        let there = ContainerNet {
            id: "a",
            netns: container.as_fd(),
            network: "front",
            address: None,
            ipv6: None,
            mac: None,
            links: &[],
            dns: &[],
            names: &[],
            ports: &[],
        };
        let round = || {
            network.setup(&there).unwrap();
            network
                .disconnect("a", "front", Some(container.as_fd()))
                .unwrap();
        };
        round();
        let before = state();
        (0..1000).for_each(|_| round());
        let (links, records, rules, open) = state();
        assert_eq!(
            (&links, &records, &rules),
            (&before.0, &before.1, &before.2)
        );
        // Other tests of this process open and close files, too.
        assert!(open < before.3 + 100, "{open} files, {} before", before.3);
        assert!(inside(&container, || sh("ip -br link")).lines().count() == 2);
    });
}

#[test]
fn what_an_engine_left_for_good_is_removed_by_the_next_and_no_more_than_that() {
    in_lab(|lab| {
        let (gone, alive) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // Killed, so that nothing was tidied up; the container of one goes on.
        let leave = |root: &std::path::Path, container: Option<&std::os::fd::OwnedFd>| {
            let network = Network::open(root).unwrap();
            let other = new_netns();
            attach(&network, "a", container.unwrap_or(&other), &[]).unwrap();
            std::mem::forget(network);
        };
        let container = new_netns();
        leave(gone.path(), None);
        leave(alive.path(), None);
        let in_use = tempfile::tempdir().unwrap();
        leave(in_use.path(), Some(&container));
        sh("ip link add tb0123456789ab type bridge; nft add table inet terrarium_mine");
        let bridges = || sh("ip -br link show type bridge").lines().count();
        let tables = || sh("nft list tables inet").lines().count();
        wait_until(|| sh("ip -br link show type veth").lines().count() == 2);
        assert_eq!((bridges(), tables()), (4, 4));
        drop(gone);
        drop(in_use);
        let swept = lab.network().sweep(&[]).unwrap();
        assert_eq!(
            swept.orphans.len(),
            2,
            "one bridge, one table: {:?}",
            swept.orphans
        );
        assert_eq!((bridges(), tables()), (3, 3));
        drop(container);
    });
}

#[test]
fn rules_that_somebody_flushes_come_back() {
    in_lab(|lab| {
        let (network, web) = (std::sync::Arc::new(lab.network()), new_netns());
        attach(&network, "web", &web, &[PortRequest::tcp(8080, 80)]).unwrap();
        inside(&web, || serve((ANY, 80)));
        let (tell, told) = std::sync::mpsc::channel();
        network
            .keep_rules(move |done| {
                // Nobody listens after the last round.
                let _ = tell.send(done.is_ok());
            })
            .unwrap();
        for flush in [
            "nft flush ruleset",
            "nft flush table inet $(nft list tables inet | cut -d' ' -f3)",
        ] {
            sh(flush);
            let back = told.recv_timeout(Duration::from_secs(10));
            assert_eq!(back, Ok(true), "{flush}");
            assert!(inside(&lab.outside, || call(HOST, 8080)).is_ok(), "{flush}");
        }
        // What the engine itself changes is no reason to write anything again.
        network.teardown("web").unwrap();
        network.close().unwrap();
        assert!(told.recv_timeout(Duration::from_millis(500)).is_err());
        assert_eq!(sh("nft list ruleset"), "");
    });
}

#[test]
fn a_datagram_socket_that_never_pauses_finds_the_container_that_comes_later() {
    in_lab(|lab| {
        let (network, first, second) = (lab.network(), new_netns(), new_netns());
        let ports = [PortRequest {
            protocol: Protocol::Udp,
            ..PortRequest::tcp(5300, 53)
        }];
        inside(&lab.outside, || {
            let socket = std::net::UdpSocket::bind((ANY, 4000)).unwrap();
            socket
                .set_read_timeout(Some(Duration::from_secs(2)))
                .unwrap();
            socket.connect((HOST, 5300)).unwrap();
            let mut buffer = [0; 16];
            // Nobody there yet: the kernel has noted that the host itself is meant.
            let _ = socket.send(b"a");
            let _ = socket.recv(&mut buffer);
            for (id, netns) in [("first", &first), ("second", &second)] {
                lab.on_host(|| attach(&network, id, netns, &ports).unwrap());
                inside(netns, || serve_udp(53));
                socket.send(id.as_bytes()).unwrap();
                let length = socket.recv(&mut buffer).expect(id);
                assert_eq!(&buffer[..length], id.as_bytes());
                lab.on_host(|| network.teardown(id).unwrap());
            }
        });
    });
}

#[test]
fn fifty_setups_and_teardowns_leave_nothing_and_are_quick() {
    in_lab(|lab| {
        sh("nft add table inet mine; nft add chain inet mine c");
        let links = sh("ip -br link | cut -d' ' -f1");
        let network = lab.network();
        let mut times = Vec::new();
        for round in 0..50 {
            let container = new_netns();
            let started = Instant::now();
            attach(&network, &format!("c{round}"), &container, &[]).unwrap();
            times.push(started.elapsed());
            network.teardown(&format!("c{round}")).unwrap();
            network.teardown(&format!("c{round}")).unwrap();
        }
        drop(network);
        assert_eq!(sh("ip -br link | cut -d' ' -f1"), links);
        assert_eq!(
            sh("nft list ruleset").matches("table").count(),
            1,
            "only the host's own"
        );
        assert_eq!(
            sh(&format!(
                "ls {}/network/leases",
                lab.run_root.path().display()
            )),
            ""
        );
        times.sort();
        eprintln!("setup: median {:?}, slowest {:?}", times[25], times[49]);
        assert!(times[25] < Duration::from_millis(50), "{times:?}");
    });
}

#[test]
fn a_sweep_after_a_crash_keeps_the_living_and_removes_the_rest() {
    in_lab(|lab| {
        let (living, dead) = (new_netns(), new_netns());
        let before = lab.network();
        let kept = attach(&before, "living", &living, &[PortRequest::tcp(8080, 80)]).unwrap();
        let gone = attach(&before, "dead", &dead, &[PortRequest::tcp(8081, 80)]).unwrap();
        drop(before);
        sh("ip link add stray type veth peer name stray-peer");
        let bridge = sh("ip -br link show type bridge | cut -d' ' -f1");
        sh(&format!("ip link set stray master {bridge}"));
        inside(&living, || serve((ANY, 80)));

        let after = lab.network();
        let swept = after.sweep(&["living"]).unwrap();
        assert_eq!(swept.containers, ["dead"]);
        assert_eq!(swept.links, ["stray"]);
        assert_eq!(swept.contested, []);
        let links = sh("ip -br link");
        assert!(
            links.contains(&kept.host_interface) && !links.contains(&gone.host_interface),
            "{links}"
        );
        inside(&lab.outside, || {
            call(HOST, 8080).expect("still published");
        });
        let taken = after.reserve("next", &[PortRequest::tcp(8080, 80)]);
        assert!(matches!(taken, Err(Error::PortTaken { .. })));
        after
            .reserve("next", &[PortRequest::tcp(8081, 80)])
            .expect("free again");
    });
}

#[test]
fn setup_is_idempotent_and_a_new_namespace_keeps_the_address() {
    in_lab(|lab| {
        let (network, first, second) = (lab.network(), new_netns(), new_netns());
        let once = attach(&network, "a", &first, &[]).unwrap();
        let twice = attach(&network, "a", &first, &[]).unwrap();
        let restarted = attach(&network, "a", &second, &[]).unwrap();
        assert_eq!(once, twice);
        assert_eq!(once, restarted);
    });
}

#[test]
fn a_subnet_of_the_machine_is_neither_chosen_nor_accepted() {
    in_lab(|lab| {
        sh("ip addr add 10.90.0.1/13 dev up0");
        let network: Network = lab.network();
        let container = new_netns();
        assert!(matches!(
            attach(&network, "a", &container, &[]),
            Err(Error::NoSubnet)
        ));
        let options = BridgeOptions {
            subnet: Some("10.91.1.0/24".parse().unwrap()),
            ..BridgeOptions::default()
        };
        assert!(matches!(
            network.create("n", options),
            Err(Error::SubnetOverlaps { .. })
        ));
        let free = BridgeOptions {
            subnet: Some("172.30.1.0/24".parse().unwrap()),
            ..BridgeOptions::default()
        };
        assert_eq!(
            network.create("n", free).unwrap(),
            network.create("n", free).unwrap()
        );
    });
}
