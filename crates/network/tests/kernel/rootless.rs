//! The network of an ordinary user's containers, run as one.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step of the lab is a failed test"
)]

use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use terrarium_network::{
    BridgeOptions, ContainerNet, DEFAULT_NETWORK, Error, Network, PortRequest, open_netns,
};

use crate::lab::{HOST, OUTSIDE, call, in_lab, inside, is_shut, serve, sh};

/// Nobody's user ID: none that a machine gives out.
const USER: &str = "--reuid=54321 --regid=54321 --clear-groups";
const RUN_ROOT: &str = "TERRARIUM_TEST_RUN_ROOT";

#[test]
fn a_user_without_root_gets_an_uplink_and_published_ports() {
    in_lab(|lab| {
        if Command::new("pasta").arg("--version").output().is_err() {
            assert!(
                std::env::var_os("REQUIRE_PRIVILEGED").is_none(),
                "pasta (passt) is missing"
            );
            eprintln!("SKIPPED: pasta (passt) is missing");
            return;
        }
        let root = lab.run_root.path().display();
        // A user may open the tap device on every distribution, but not in every container or small VM.
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
        sh(&format!(
            "mount --make-rprivate /; mknod -m 666 {root}/tun c 10 200
             mount --bind {root}/tun /dev/net/tun; mkdir {root}/run; chown 54321:54321 {root}/run
             chmod 755 {root}"
        ));
        let program = lab.run_root.path().join("program");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        inside(&lab.outside, || serve((Ipv4Addr::UNSPECIFIED, 80)));
        let status = Command::new("setpriv")
            .args(USER.split(' '))
            .arg(program)
            .args([
                "--exact",
                "rootless::as_the_user",
                "--ignored",
                "--nocapture",
            ])
            .env(RUN_ROOT, lab.run_root.path().join("run"))
            .status()
            .unwrap();
        assert!(status.success());
    });
}

#[test]
#[ignore = "the other half of the test above, run by it as another user"]
fn as_the_user() {
    let network = Network::open_rootless(Path::new(&std::env::var_os(RUN_ROOT).unwrap())).unwrap();
    let _swept = SweepAtEnd(&network);
    assert!(matches!(
        network.create("n", BridgeOptions::default()),
        Err(Error::NeedsRoot(_))
    ));
    let container = Container::start();
    let on_loopback = PortRequest {
        address: Ipv4Addr::LOCALHOST.into(),
        ..PortRequest::tcp(0, 80)
    };
    let ports = [on_loopback, PortRequest::tcp(0, 81)];
    let reserved = network.reserve("a", &ports).unwrap();
    let netns = open_netns(container.pid()).unwrap();
    let attach = |network: &Network| {
        network.setup(&ContainerNet {
            id: "a",
            netns: netns.as_fd(),
            pid: container.pid(),
            network: DEFAULT_NETWORK,
            address: None,
            mac: None,
            links: &[],
            dns: &[],
            names: &[],
            ports: &ports,
        })
    };
    let attachment = attach(&network).unwrap();
    assert_eq!(attachment.ports, reserved);
    let (first, second) = (reserved[0].host_port, reserved[1].host_port);

    let addresses = container.run("ip -br addr");
    assert!(
        addresses.contains(&attachment.address.to_string()),
        "{addresses}"
    );
    // The passt of Debian 12 now and then loses the end of a connection that closes at once: try again.
    let ask = format!("timeout 2 busybox nc {OUTSIDE} 80 </dev/null || true");
    wait_until(|| container.run(&ask) == HOST.to_string());
    container.run("timeout 15 busybox nc -ll -p 80 -e echo 80 >/dev/null 2>&1 &");
    wait_until(|| call(Ipv4Addr::LOCALHOST, first).is_ok_and(|answer| answer == "80\n"));
    // Not called: the passt of Debian 12 stalls connections that come from the host's own outer address.
    assert!(
        TcpListener::bind((HOST, second)).is_err(),
        "pasta holds the port on every address"
    );
    assert!(is_shut(HOST, first), "published on loopback only");

    let taken = network.reserve("b", &[PortRequest::tcp(second, 80)]);
    assert!(
        taken
            .unwrap_err()
            .to_string()
            .ends_with("in use by container a")
    );
    let again = attach(&network).expect("a second time, over the first");
    assert_eq!(again.address, attachment.address);
    network.sweep(&[]).unwrap();
    TcpListener::bind((HOST, second)).expect("the port is free again");
    assert_eq!(network.attachments("a").unwrap(), []);
}

/// A process in a user and a network namespace of its own.
struct Container(Child);

impl Container {
    fn start() -> Self {
        let child = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net", "sleep", "60"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let container = Self(child);
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        // `unshare` becomes `sleep` when the namespaces and the mapping are there.
        wait_until(|| {
            let proc = format!("/proc/{}", container.pid());
            std::fs::read_to_string(format!("{proc}/comm")).is_ok_and(|name| name == "sleep\n")
                && std::fs::read_link(format!("{proc}/ns/net")).is_ok_and(|netns| netns != own)
        });
        container
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn run(&self, command: &str) -> String {
        sh(&format!(
            "nsenter --preserve-credentials -U -n -t {} sh -ec '{command}'",
            self.pid()
        ))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ends the uplink also when the test fails.
struct SweepAtEnd<'a>(&'a Network);

impl Drop for SweepAtEnd<'_> {
    fn drop(&mut self) {
        let _ = self.0.sweep(&[]);
    }
}

fn wait_until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}
