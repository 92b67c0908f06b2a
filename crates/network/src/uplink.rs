//! The way out of a user's networks: one `pasta` process, or `slirp4netns` where that is missing.
//!
//! A user may not connect a network namespace with the host's. Such a program holds a tap device inside
//! and ordinary sockets outside, and speaks for everyone inside. It outlives the host, like the containers.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};
use crate::resident::Realm;

const PASTA: &str = "pasta";
const SLIRP: &str = "slirp4netns";
const INTERFACE: &str = "uplink";
/// Addresses that mean nothing outside of one machine (RFC 7335), so that they hide nobody's network.
const ADDRESS: &str = "192.0.0.2";
const GATEWAY: &str = "192.0.0.1";
const PREFIX: &str = "29";
/// Likewise of IPv6 (RFC 6666). Where the machine has no way out over IPv6, pasta offers none.
const IPV6_ADDRESS: &str = "100::2";
const IPV6_GATEWAY: &str = "100::1";

/// Starts the process and gives back its id; it leads out when this returns.
pub(crate) fn start(realm: &Realm, scratch: &Path) -> Result<i32> {
    match pasta(realm, scratch) {
        Err(Error::UplinkRun { source, .. }) if source.kind() == ErrorKind::NotFound => {
            slirp(realm, scratch)
        }
        started => started,
    }
}

/// It goes to the background when it is ready.
fn pasta(realm: &Realm, scratch: &Path) -> Result<i32> {
    let (pid_file, said) = (scratch.with_extension("pid"), scratch.with_extension("log"));
    let status = Command::new(PASTA)
        .args(pasta_arguments(realm))
        .arg("--pid")
        .arg(&pid_file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // Not a pipe: the process that stays in the background could keep it open.
        .stderr(create(&said)?)
        .status()
        .map_err(not_run(PASTA))?;
    if !status.success() {
        return Err(refused(PASTA, &said));
    }
    let text = fs::read_to_string(&pid_file).map_err(Error::io("read", &pid_file))?;
    // Leftovers of two lines do no harm.
    let _ = (fs::remove_file(&pid_file), fs::remove_file(&said));
    text.trim().parse().map_err(|_| Error::UplinkRefused {
        program: PASTA,
        message: "it wrote no process id".to_owned(),
    })
}

fn pasta_arguments(realm: &Realm) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "--quiet",
        "--config-net",
        // Otherwise the gateway's address would lead to the host's loopback.
        "--no-map-gw",
        // All is set once; nothing is to change later, and nobody inside asks.
        "--no-ra",
        "--no-dhcp",
        "--no-dhcpv6",
        // Ports are published through doors, and nothing of the host's loopback appears inside.
        "--tcp-ports=none",
        "--udp-ports=none",
        "--tcp-ns=none",
        "--udp-ns=none",
    ]
    .map(str::to_owned)
    .into();
    arguments.extend([
        format!("--ns-ifname={INTERFACE}"),
        format!("--address={ADDRESS}"),
        format!("--netmask={PREFIX}"),
        format!("--gateway={GATEWAY}"),
        format!("--address={IPV6_ADDRESS}"),
        format!("--gateway={IPV6_GATEWAY}"),
        format!("--userns=/proc/{}/ns/user", realm.pid),
        format!("--netns=/proc/{}/fd/{}", realm.pid, realm.netns),
    ]);
    arguments
}

/// It stays in the foreground, and says with one byte that it is ready.
fn slirp(realm: &Realm, scratch: &Path) -> Result<i32> {
    let said = scratch.with_extension("log");
    let mut child = Command::new(SLIRP)
        .args(["--configure", "--mtu=65520", "--disable-host-loopback"])
        .arg(format!("--userns-path=/proc/{}/ns/user", realm.pid))
        .args(["--netns-type=path", "--ready-fd=1"])
        .arg(format!("/proc/{}/fd/{}", realm.pid, realm.netns))
        .arg(INTERFACE)
        .current_dir("/")
        // Not in the group that a terminal's ^C reaches.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(create(&said)?)
        .spawn()
        .map_err(|source| match source.kind() {
            ErrorKind::NotFound => Error::UplinkMissing,
            _ => not_run(SLIRP)(source),
        })?;
    let mut ready = child.stdout.take().expect("standard output is a pipe");
    let is_ready = ready.read_exact(&mut [0]).is_ok();
    let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
    // Reaped where it ends before its host does.
    let waiting = std::thread::spawn(move || child.wait());
    if is_ready {
        return Ok(pid);
    }
    let _ = waiting.join();
    Err(refused(SLIRP, &said))
}

fn create(path: &Path) -> Result<File> {
    File::create(path).map_err(Error::io("create", path))
}

fn not_run(program: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::UplinkRun { program, source }
}

fn refused(program: &'static str, said: &Path) -> Error {
    let text = fs::read_to_string(said).unwrap_or_default();
    let _ = fs::remove_file(said);
    // Where there is no syslog, every line is followed by a complaint about that.
    let lines = text.lines().filter(|line| !line.contains("to syslog"));
    let message = lines
        .take(2)
        .collect::<Vec<_>>()
        .join("; ")
        .chars()
        .take(300)
        .collect();
    Error::UplinkRefused { program, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasta_is_told_where_the_networks_are_and_opens_nothing_by_itself() {
        let realm = Realm {
            pid: 42,
            netns: 7,
            has_uplink: false,
        };
        insta::assert_snapshot!(pasta_arguments(&realm).join("\n"));
    }
}
