//! The way out for a container of an ordinary user: a `pasta` process of its own.
//!
//! A user may not connect a network namespace with the host's. `pasta` (of passt) holds a tap device inside
//! and ordinary sockets outside, and speaks for the container. It outlives the engine, like the container.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use terrarium_sys::pidfd;

use crate::bridge::Bridge;
use crate::error::{Error, Result};
use crate::netlink::Rtnl;
use crate::network::{DEFAULT_NETWORK, Network};
use crate::request::{Attachment, ContainerNet, Protocol};
use crate::state::{Lease, State};

/// How long a process gets to end after it was told to.
const PATIENCE_MS: u16 = 2_000;

impl Network {
    /// Attaches a container through an uplink of its own.
    pub(crate) fn setup_uplink(
        &self,
        state: &State<'_>,
        rtnl: &mut Rtnl,
        container: &ContainerNet<'_>,
    ) -> Result<Attachment> {
        if container.network != DEFAULT_NETWORK {
            return Err(Error::NeedsRoot(container.network.to_owned()));
        }
        // One from before would hold the ports.
        stop(&state.uplink_path(container.id), container.id)?;
        let mut bridge = self.find_bridge(state, rtnl, container.network)?;
        let plan = self.plan(container, &mut bridge, state)?;
        // From here on pasta itself binds the ports.
        self.reservations.release(container.id);
        let attached = state
            .put_bridge(&bridge)
            .and_then(|()| state.put_lease(&plan.lease))
            .and_then(|()| {
                start(
                    &state.uplink_path(container.id),
                    container.pid,
                    &plan.lease,
                    &bridge,
                )
            });
        if let Err(error) = attached {
            // The first error is the one that says what went wrong.
            let _ = self.drop_leases(state, rtnl, &[plan.lease]);
            return Err(error);
        }
        Ok(plan.lease.attachment(&bridge))
    }
}

/// Starts the process; it has connected the container and bound the ports when this returns.
fn start(pid_file: &Path, container_pid: u32, lease: &Lease, bridge: &Bridge) -> Result<()> {
    // Not a pipe: the process that stays in the background could keep it open.
    let said_path = pid_file.with_extension("log");
    let said = File::create(&said_path).map_err(Error::io("create", &said_path))?;
    let status = Command::new("pasta")
        .args(arguments(container_pid, lease, bridge))
        .arg("--pid")
        .arg(pid_file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .status()
        .map_err(|source| match source.kind() {
            ErrorKind::NotFound => Error::PastaMissing,
            _ => Error::PastaRun { source },
        })?;
    let text = fs::read_to_string(&said_path).unwrap_or_default();
    // A leftover of two lines does no harm, so the outcome above decides.
    let _ = fs::remove_file(&said_path);
    if status.success() {
        return Ok(());
    }
    // Where there is no syslog, every line is followed by a complaint about that.
    let lines = text.lines().filter(|line| !line.contains("to syslog"));
    let message = lines
        .take(2)
        .collect::<Vec<_>>()
        .join("; ")
        .chars()
        .take(300)
        .collect();
    Err(Error::PastaRefused {
        container: lease.container.clone(),
        message,
    })
}

fn arguments(container_pid: u32, lease: &Lease, bridge: &Bridge) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "--quiet",
        "--config-net",
        "--ipv4-only",
        // Otherwise the gateway's address would lead to the host's loopback.
        "--no-map-gw",
        // Nothing of the host's loopback appears inside.
        "--tcp-ns=none",
        "--udp-ns=none",
    ]
    .map(str::to_owned)
    .into();
    arguments.extend([
        format!("--ns-ifname={}", lease.interface),
        format!("--address={}", lease.address),
        format!("--netmask={}", bridge.subnet.prefix_len()),
        format!("--gateway={}", bridge.gateway()),
        format!("--dns-forward={}", bridge.name_server()),
        format!("--userns=/proc/{container_pid}/ns/user"),
        format!("--netns=/proc/{container_pid}/ns/net"),
    ]);
    for (protocol, option) in [
        (Protocol::Tcp, "--tcp-ports"),
        (Protocol::Udp, "--udp-ports"),
    ] {
        let ports: Vec<_> = lease
            .ports
            .iter()
            .filter(|port| port.protocol == protocol)
            .collect();
        if ports.is_empty() {
            arguments.push(format!("{option}=none"));
        }
        for port in ports {
            let mapping = format!("{}:{}", port.host_port, port.container_port);
            arguments.push(match port.address.is_unspecified() {
                true => format!("{option}={mapping}"),
                false => format!("{option}={}/{mapping}", port.address),
            });
        }
    }
    arguments
}

/// Ends the process and waits until its ports are free; one that is gone already is fine.
pub(crate) fn stop(pid_file: &Path, container: &str) -> Result<()> {
    let text = match fs::read_to_string(pid_file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("read", pid_file)(error)),
    };
    if let Ok(pid) = text.trim().parse() {
        end(pid, pid_file).map_err(|source| Error::PastaStop {
            container: container.to_owned(),
            pid,
            source,
        })?;
    }
    fs::remove_file(pid_file).map_err(Error::io("remove", pid_file))
}

fn end(pid: i32, pid_file: &Path) -> io::Result<()> {
    let process = match pidfd::open(pid) {
        Ok(process) => process,
        Err(error) if is_gone(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    // The descriptor pins whoever has the PID now; only our own process names our file.
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let file = pid_file.as_os_str().as_encoded_bytes();
    if !command
        .split(|byte| *byte == 0)
        .any(|argument| argument == file)
    {
        return Ok(());
    }
    match pidfd::send_signal(process.as_fd(), Signal::SIGTERM as i32) {
        Err(error) if is_gone(&error) => return Ok(()),
        sent => sent?,
    }
    let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    match poll(&mut ended, PollTimeout::from(PATIENCE_MS))? {
        0 => pidfd::send_signal(process.as_fd(), Signal::SIGKILL as i32),
        _ => Ok(()),
    }
}

fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::ESRCH as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::BoundPort;

    #[test]
    fn pasta_is_told_addresses_and_ports() {
        let port = |address: [u8; 4], protocol| BoundPort {
            address: address.into(),
            host_port: 8080,
            container_port: 80,
            protocol,
        };
        let lease = Lease {
            container: "a".into(),
            network: "bridge".into(),
            address: [10, 90, 0, 2].into(),
            interface: "eth0".into(),
            host_interface: None,
            names: vec![],
            ports: vec![
                port([0, 0, 0, 0], Protocol::Tcp),
                port([127, 0, 0, 1], Protocol::Tcp),
            ],
            mac: None,
            links: vec![],
            dns: vec![],
        };
        let bridge = Bridge {
            name: "bridge".into(),
            interface: "x".into(),
            subnet: "10.90.0.0/20".parse().unwrap(),
            internal: false,
            last: None,
            gateway: None,
            range: None,
            mtu: None,
        };
        insta::assert_snapshot!(arguments(42, &lease, &bridge).join("\n"));
    }

    #[test]
    fn a_process_that_is_not_ours_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("a");
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        fs::write(&pid_file, other.id().to_string()).unwrap();
        stop(&pid_file, "a").unwrap();
        assert!(other.try_wait().unwrap().is_none(), "it still runs");
        assert!(!pid_file.exists());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
