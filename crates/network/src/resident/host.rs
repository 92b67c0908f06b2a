//! The host's side: finds the process or starts it, and gives it sockets.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv6Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn6, bind, listen, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike as _};
use terrarium_sys::fdpass;

use super::NAME_SERVER;
use super::call::{Call, YES};
use crate::error::{Error, Result};
use crate::netns;
use crate::network::{Mode, Network, Program};
use crate::request::{BoundPort, Protocol};
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

    /// Opens a door from every IPv6 address of the host to each TCP port that is published on all
    /// addresses: the packet filter translates within one family only. To a user's namespace it does not
    /// lead at all, and every port gets a door.
    pub(crate) fn open_doors(&self, lease: &Lease) -> Result<()> {
        let published =
            |port: &&BoundPort| port.protocol == Protocol::Tcp && port.address.is_unspecified();
        if !self.has_program() || lease.ports.is_empty() {
            return Ok(());
        }
        self.close_doors(&lease.container)?;
        if matches!(self.mode, Mode::Realm(_)) {
            for (port, socket) in self.reservations.sockets(&lease.container)? {
                self.open_door(lease, &port, socket.as_fd())?;
            }
        }
        for port in lease.ports.iter().filter(published) {
            // A host without IPv6 has no such address, and a port that a stranger has there stays his.
            let Ok(door) = listen_on_ipv6(port.host_port) else {
                continue;
            };
            self.open_door(lease, port, door.as_fd())?;
        }
        Ok(())
    }

    /// Closes what leads to the ports of a container.
    pub(crate) fn close_doors(&self, container: &str) -> Result<()> {
        let container = container.to_owned();
        self.tell_if_there(&Call::CloseDoors { container })
    }

    fn open_door(&self, lease: &Lease, port: &BoundPort, socket: BorrowedFd<'_>) -> Result<()> {
        let container = lease.container.clone();
        let to = SocketAddrV4::new(lease.address, port.container_port);
        let call = match port.protocol {
            Protocol::Tcp => Call::Door { container, to },
            Protocol::Udp => Call::DatagramDoor { container, to },
        };
        ask(self.connect_or_start()?.as_fd(), &call, Some(socket)).map(drop)
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

fn listen_on_ipv6(port: u16) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let door = socket(AddressFamily::Inet6, SockType::Stream, flags, None)?;
    // IPv4 goes the kernel's way.
    setsockopt(&door, sockopt::Ipv6V6Only, &true)?;
    setsockopt(&door, sockopt::ReuseAddr, &true)?;
    let address = SockaddrIn6::from(std::net::SocketAddrV6::new(
        Ipv6Addr::UNSPECIFIED,
        port,
        0,
        0,
    ));
    bind(door.as_raw_fd(), &address)?;
    listen(&door, Backlog::new(1024)?)?;
    Ok(door)
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
