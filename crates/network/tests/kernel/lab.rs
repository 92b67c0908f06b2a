//! A little world in network namespaces of its own: a host, the outside, containers.
//!
//! A network namespace belongs to a thread, so each test runs on a thread that has left the machine's
//! namespace for good; commands it starts are born in the same one.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step of the lab is a failed test"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, setns, unshare};
use terrarium_network::{Attachment, ContainerNet, DEFAULT_NETWORK, Network, PortRequest, Result};

pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const OUTSIDE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub(crate) const HOST6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
pub(crate) const OUTSIDE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);
const PATIENCE: Duration = Duration::from_secs(2);
/// Long enough for a packet that is let through, short enough to wait for one that is dropped.
const DROPPED: Duration = Duration::from_millis(400);

/// The host's namespace is that of the thread; the outside has one of its own.
pub(crate) struct Lab {
    pub(crate) outside: OwnedFd,
    host: OwnedFd,
    pub(crate) run_root: tempfile::TempDir,
}

/// Runs a test in a new world, or says loudly why not.
pub(crate) fn in_lab(test: impl FnOnce(&Lab) + Send + 'static) {
    if !nix::unistd::geteuid().is_root() {
        assert!(
            std::env::var_os("REQUIRE_PRIVILEGED").is_none(),
            "this test needs root and REQUIRE_PRIVILEGED is set"
        );
        eprintln!("SKIPPED: this test needs root");
        return;
    }
    let done = thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("root may unshare");
        let outside = new_netns();
        sh("ip link set lo up");
        sh("ip link add up0 type veth peer name out0");
        let fd = nix::fcntl::fcntl(&outside, nix::fcntl::FcntlArg::F_DUPFD(100)).unwrap();
        sh(&format!(
            "ip link set out0 netns /proc/{}/fd/{fd}",
            std::process::id()
        ));
        nix::unistd::close(fd).unwrap();
        sh(&format!(
            "ip addr add {HOST}/24 dev up0; ip addr add {HOST6}/64 dev up0 nodad; ip link set up0 up"
        ));
        sh(&format!("ip route add default via {OUTSIDE}"));
        sh(&format!("ip -6 route add default via {OUTSIDE6}"));
        inside(&outside, || {
            sh(&format!(
                "ip addr add {OUTSIDE}/24 dev out0; ip addr add {OUTSIDE6}/64 dev out0 nodad;
                 ip link set out0 up; ip link set lo up"
            ));
        });
        test(&Lab {
            outside,
            host: File::open("/proc/thread-self/ns/net").unwrap().into(),
            run_root: tempfile::tempdir().unwrap(),
        });
    });
    if let Err(panic) = done.join() {
        std::panic::resume_unwind(panic);
    }
}

impl Lab {
    pub(crate) fn network(&self) -> Network {
        Network::open(self.run_root.path()).unwrap()
    }

    /// From a thread that is elsewhere: does something on the host.
    pub(crate) fn on_host<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        inside(&self.host, work)
    }
}

pub(crate) fn attach(
    network: &Network,
    id: &str,
    netns: &OwnedFd,
    ports: &[PortRequest],
) -> Result<Attachment> {
    network.setup(&ContainerNet {
        id,
        netns: netns.as_fd(),
        network: DEFAULT_NETWORK,
        address: None,
        ipv6: None,
        mac: None,
        links: &[],
        dns: &[],
        names: &[],
        ports,
    })
}

/// Makes a namespace that lives as long as the handle.
pub(crate) fn new_netns() -> OwnedFd {
    thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        OwnedFd::from(File::open("/proc/thread-self/ns/net").unwrap())
    })
    .join()
    .unwrap()
}

pub(crate) fn inside<T: Send>(netns: &OwnedFd, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let entered = scope.spawn(|| {
            setns(netns, CloneFlags::CLONE_NEWNET).unwrap();
            work()
        });
        entered
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Waits for what the kernel does in its own time.
pub(crate) fn wait_until(is_so: impl Fn() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(std::time::Instant::now() < end, "it never came to be");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a shell command in the thread's namespace and gives back what it printed.
pub(crate) fn sh(command: &str) -> String {
    let output = Command::new("sh").args(["-ec", command]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Starts a server in the thread's namespace that tells each caller the address it came from.
pub(crate) fn serve(address: impl Into<SocketAddr>) {
    let listener = TcpListener::bind(address.into()).unwrap();
    thread::spawn(move || {
        while let Ok((mut stream, from)) = listener.accept() {
            let _ = write!(stream, "{}", from.ip());
        }
    });
}

/// Starts a UDP server in the thread's namespace that answers with what it got.
pub(crate) fn serve_udp(port: u16) {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..length], from);
        }
    });
}

/// Asks a server which address it saw.
pub(crate) fn call(address: impl Into<IpAddr>, port: u16) -> std::io::Result<String> {
    call_within(address.into(), port, PATIENCE)
}

/// Tells whether a connection gets nowhere.
pub(crate) fn is_shut(address: impl Into<IpAddr>, port: u16) -> bool {
    call_within(address.into(), port, DROPPED).is_err()
}

fn call_within(address: IpAddr, port: u16, patience: Duration) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&(address, port).into(), patience)?;
    stream.set_read_timeout(Some(patience))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Sends a datagram and waits for it to come back.
pub(crate) fn echo_udp(address: Ipv4Addr, port: u16) -> bool {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect((address, port)).unwrap();
    let mut buffer = [0; 64];
    socket.send(b"ping").is_ok()
        && socket
            .recv(&mut buffer)
            .is_ok_and(|n| &buffer[..n] == b"ping")
}
