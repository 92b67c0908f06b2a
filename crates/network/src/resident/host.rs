//! The host's side: finds the process or starts it, and gives it sockets.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike as _};
use terrarium_sys::fdpass;

use super::NAME_SERVER;
use super::call::{Call, YES};
use crate::error::{Error, Result};
use crate::netns;
use crate::network::{Mode, Network, Program};
use crate::ports::Copied;
use crate::request::Protocol;
use crate::state::Lease;

const DOMAIN_PORT: u16 = 53;
/// How long the process gets for an answer; it only has to note something.
const PATIENCE_S: i64 = 5;

impl Network {
    /// Sees to it that names are answered for a container; does nothing if they are already.
    ///
    /// # Errors
    /// When the sockets cannot be made in the namespace, or the process cannot be started.
    pub fn serve_names(&self, id: &str, netns: BorrowedFd<'_>) -> Result<()> {
        if self.is_asked_for() {
            return self.ask_to_serve_names(id, netns);
        }
        if !self.has_program() {
            return Ok(());
        }
        let _lock = self.folder.lock()?;
        let container = id.to_owned();
        let process = self.connect_or_start()?;
        if ask(
            process.as_fd(),
            &Call::Serves {
                container: id.to_owned(),
            },
            None,
        )? {
            return Ok(());
        }
        let (datagrams, streams) = netns::inside(netns, || {
            let at = (NAME_SERVER, DOMAIN_PORT);
            let datagrams = UdpSocket::bind(at).map_err(names("bind port 53 for"))?;
            let streams = TcpListener::bind(at).map_err(names("bind port 53 for"))?;
            Ok((datagrams, streams))
        })?;
        let call = Call::Datagrams {
            container: container.clone(),
        };
        ask(process.as_fd(), &call, Some(datagrams.as_fd()))?;
        ask(
            process.as_fd(),
            &Call::Streams { container },
            Some(streams.as_fd()),
        )?;
        Ok(())
    }

    /// Opens a door from the IPv6 addresses of the host to each port that is published on them: the packet
    /// filter translates within one family only, and nothing that comes from `::1`. To a user's namespace
    /// it does not lead at all, and every port gets a door.
    pub(crate) fn open_doors(&self, lease: &Lease) -> Result<()> {
        if !self.has_program() || lease.ports.is_empty() {
            return Ok(());
        }
        self.close_doors(&lease.container)?;
        let is_realm = matches!(self.mode, Mode::Realm(_));
        for copied in self.reservations.sockets(&lease.container)? {
            if copied.is_ipv6 || is_realm {
                self.open_door(lease, &copied)?;
            }
        }
        Ok(())
    }

    /// Closes what leads to the ports of a container.
    pub(crate) fn close_doors(&self, container: &str) -> Result<()> {
        let container = container.to_owned();
        self.tell_if_there(&Call::CloseDoors { container })
    }

    /// Within its family where the container has an address there; a connection that is refused goes to the
    /// other one.
    fn open_door(&self, lease: &Lease, copied: &Copied) -> Result<()> {
        let container = lease.container.clone();
        let ipv6 = lease.ipv6.map(IpAddr::V6);
        let mut addresses = vec![IpAddr::V4(lease.address)];
        addresses.extend(ipv6);
        if copied.is_ipv6 {
            addresses.reverse();
        }
        let port = copied.port.container_port;
        let at = |address| SocketAddr::new(address, port);
        let call = match copied.port.protocol {
            Protocol::Tcp => Call::Door {
                container,
                to: addresses.into_iter().map(at).collect(),
            },
            Protocol::Udp => Call::DatagramDoor {
                container,
                to: at(addresses[0]),
            },
        };
        let process = self.connect_or_start()?;
        ask(process.as_fd(), &call, Some(copied.socket.as_fd())).map(drop)
    }

    /// Closes what the process serves for a container. One that does not run serves nothing.
    pub(crate) fn forget_served(&self, container: &str) -> Result<()> {
        self.tell_if_there(&Call::Forget {
            container: container.to_owned(),
        })
    }

    pub(crate) fn keep_served(&self, containers: &[&str]) -> Result<()> {
        let containers = containers.iter().map(|id| (*id).to_owned()).collect();
        self.tell_if_there(&Call::Keep { containers })
    }

    pub(crate) fn end_served(&self) -> Result<()> {
        self.tell_if_there(&Call::Quit)
    }

    fn tell_if_there(&self, call: &Call) -> Result<()> {
        match fdpass::connect(&self.folder.names_socket()) {
            Ok(process) => ask(process.as_fd(), call, None).map(drop),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(names("reach")(error)),
        }
    }

    fn has_program(&self) -> bool {
        self.program.is_some() || matches!(self.mode, Mode::Realm(_))
    }

    /// Whether the process is there.
    pub(crate) fn is_kept(&self) -> bool {
        fdpass::connect(&self.folder.names_socket()).is_ok()
    }

    /// Connects to the process, which must be there.
    pub(crate) fn reach(&self) -> Result<OwnedFd> {
        fdpass::connect(&self.folder.names_socket()).map_err(names("reach"))
    }

    /// Connects to the process, and starts it where it is not there. The records are locked.
    pub(crate) fn connect_or_start(&self) -> Result<OwnedFd> {
        let path = self.folder.names_socket();
        match (fdpass::connect(&path), &self.program) {
            (Err(error), Some(program)) if is_absent(&error) => start(program, &path)?,
            (connected, _) => return connected.map_err(names("reach")),
        }
        self.reach()
    }
}

/// Starts the process. It is given the socket listening, so that nobody has to wait for it.
fn start(program: &Program, path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(Error::io("remove", path)(error));
        }
        _ => {}
    }
    let listening = fdpass::listen(path).map_err(names("listen for"))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let id_maps = program.id_maps.iter();
    let mut child = Command::new(&program.path)
        .arg("network")
        .arg(folder)
        .args(id_maps.flat_map(|maps| ["--id-maps", maps.as_str()]))
        .stdin(Stdio::from(listening))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        // Not in the group that a terminal's ^C reaches.
        .process_group(0)
        .spawn()
        .map_err(names("start"))?;
    // Reaped where it ends before its host does.
    std::thread::spawn(move || child.wait());
    Ok(())
}

fn ask(process: BorrowedFd<'_>, call: &Call, socket: Option<BorrowedFd<'_>>) -> Result<bool> {
    let bytes = serde_json::to_vec(call).expect("a call holds nothing that JSON cannot");
    let timeout = TimeVal::seconds(PATIENCE_S);
    setsockopt(&process, sockopt::ReceiveTimeout, &timeout)
        .map_err(|errno| names("reach")(errno.into()))?;
    fdpass::send(process, &bytes, socket).map_err(names("reach"))?;
    let mut answer = [0; 1];
    match fdpass::receive(process, &mut answer).map_err(names("reach"))? {
        (1, _) => Ok(answer[0] == YES),
        _ => Err(names("reach")(ErrorKind::ConnectionReset.into())),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::ConnectionRefused
    )
}

fn names(operation: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Names { operation, source }
}
