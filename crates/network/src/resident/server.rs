//! The process: waits for the host's calls, for questions and for connections.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use terrarium_sys::fdpass;

use super::call::{BYTES, Call, NO, YES};
use super::datagrams::DatagramDoor;
use super::directory::{Decision, Directory};
use super::door;
use super::forward::{self, Transport};
use super::keep::{Keep, tell};
use super::message::{Code, Query};
use super::{Act, act};
use crate::error::{Error, Result};

/// A thread here calls nothing deep.
pub(super) const STACK: usize = 256 * 1024;
/// Questions to the outside and connections of one engine at a time; more are refused, not kept waiting.
const THREADS: usize = 1024;
/// Of these, what one container may take, so that none silences the others.
const THREADS_EACH: usize = 64;
/// Connections through doors, of one engine and of one container; programs have their own limits below.
const PASSING: usize = 4096;
const PASSING_EACH: usize = 2048;
/// How many datagrams of a socket are answered before the others have their turn.
const IN_A_ROW: usize = 32;
/// How long an asker over TCP may be silent.
const IDLE: Duration = Duration::from_secs(10);
/// Before the connections of hosts two others are waited for.
const FIRST_HOST: usize = 2;

/// Serves until a host says that it is not needed any more.
///
/// # Errors
/// When waiting for the kernel fails.
pub fn serve(listening: OwnedFd, folder: &Path) -> Result<()> {
    run(listening, folder, None)
}

/// Like [`serve`], and keeps a network namespace for the bridges of this user. The process is root in the
/// user namespace of its containers.
///
/// # Errors
/// When the namespace cannot be made, or waiting for the kernel fails.
pub fn serve_realm(listening: OwnedFd, folder: &Path) -> Result<()> {
    run(listening, folder, Some(Keep::new(folder)?))
}

fn run(listening: OwnedFd, folder: &Path, keep: Option<Keep>) -> Result<()> {
    let failed = |source| Error::Names {
        operation: "run",
        source,
    };
    let mut server = Server {
        listening,
        gone: watch(folder).map_err(failed)?,
        hosts: Vec::new(),
        sockets: Vec::new(),
        directory: Arc::new(Directory::open(folder)?),
        threads: Arc::default(),
        passing: Arc::default(),
        keep,
    };
    while server.turn().map_err(failed)? {}
    // Only now: a host that comes in between finds nobody and starts the next one.
    let _ = std::fs::remove_file(folder.join("names.sock"));
    Ok(())
}

/// Who removes the records has no engine any more; nothing else would ever end this process.
fn watch(folder: &Path) -> io::Result<Inotify> {
    let gone = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    gone.add_watch(folder, AddWatchFlags::IN_DELETE_SELF)?;
    Ok(gone)
}

struct Server {
    listening: OwnedFd,
    /// Speaks up when the folder of the records is removed.
    gone: Inotify,
    hosts: Vec<OwnedFd>,
    sockets: Vec<Socket>,
    directory: Arc<Directory>,
    threads: Arc<AtomicUsize>,
    /// Connections through doors.
    passing: Arc<AtomicUsize>,
    /// The namespace of a user's networks.
    keep: Option<Keep>,
}

/// A socket, and whose it is.
struct Socket {
    container: Arc<str>,
    kind: Kind,
    threads: Arc<AtomicUsize>,
}

enum Kind {
    Datagrams(UdpSocket),
    Streams(TcpListener),
    Door(TcpListener, Arc<[SocketAddr]>),
    DatagramDoor(DatagramDoor),
}

impl Socket {
    fn fd(&self) -> BorrowedFd<'_> {
        match &self.kind {
            Kind::Datagrams(socket) => socket.as_fd(),
            Kind::Streams(socket) | Kind::Door(socket, _) => socket.as_fd(),
            Kind::DatagramDoor(door) => door.fd(),
        }
    }

    fn is_door(&self) -> bool {
        matches!(self.kind, Kind::Door(..) | Kind::DatagramDoor(_))
    }
}

impl Server {
    /// Waits for something and does it; false when told to end.
    fn turn(&mut self) -> io::Result<bool> {
        let hosts = self.hosts.len();
        let ready: Vec<bool> = {
            let fds = [self.listening.as_fd(), self.gone.as_fd()]
                .into_iter()
                .chain(self.hosts.iter().map(AsFd::as_fd))
                .chain(self.sockets.iter().map(Socket::fd));
            let mut polled: Vec<_> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            match poll(&mut polled, PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => return Ok(true),
                waited => waited?,
            };
            polled.iter().map(|fd| fd.any().unwrap_or(true)).collect()
        };
        for (socket, _) in self
            .sockets
            .iter()
            .zip(&ready[FIRST_HOST + hosts..])
            .filter(|(_, ready)| **ready)
        {
            self.serve(socket);
        }
        // From the end, so that the places of the others stay.
        for index in (0..hosts).rev().filter(|index| ready[FIRST_HOST + index]) {
            match self.call(index) {
                Some(true) => {}
                Some(false) => return Ok(false),
                None => drop(self.hosts.remove(index)),
            }
        }
        if ready[1] {
            return Ok(false);
        }
        if ready[0]
            && let Ok(host) = fdpass::accept(self.listening.as_fd())
        {
            self.hosts.push(host);
        }
        Ok(true)
    }

    /// Does what a host asks; nothing when it has left.
    fn call(&mut self, index: usize) -> Option<bool> {
        let mut buffer = vec![0; BYTES];
        let (length, socket) = fdpass::receive(self.hosts[index].as_fd(), &mut buffer).ok()?;
        if length == 0 {
            return None;
        }
        let call = serde_json::from_slice(&buffer[..length]).ok()?;
        if let Call::Act(act) = call {
            return self.act(act, index, socket).ok().map(|()| true);
        }
        let ends = matches!(call, Call::Quit);
        let answer = if self.obey(call, socket) { YES } else { NO };
        fdpass::send(self.hosts[index].as_fd(), &[answer], None).ok()?;
        Some(!ends)
    }

    /// Does what takes a while beside everything else.
    fn act(&mut self, act: Act, index: usize, netns: Option<OwnedFd>) -> io::Result<()> {
        let host = self.hosts[index].try_clone()?;
        let keep = self.keep.as_mut().ok_or(io::ErrorKind::Unsupported)?;
        match act {
            Act::Where => tell(&host, &act::Reply::Realm(keep.realm())),
            Act::Uplink { pid } => {
                keep.take_uplink(pid);
                tell(&host, &act::Reply::Done)
            }
            act => {
                let network = Arc::clone(&keep.network);
                thread::Builder::new()
                    .spawn(move || tell(&host, &act.run(&network, netns)))
                    .map(drop)
            }
        }
    }

    fn obey(&mut self, call: Call, socket: Option<OwnedFd>) -> bool {
        match (call, socket) {
            (Call::Datagrams { container }, Some(fd)) => {
                self.take(&container, Kind::Datagrams(fd.into()))
            }
            (Call::Streams { container }, Some(fd)) => {
                self.take(&container, Kind::Streams(fd.into()))
            }
            (Call::Door { container, to }, Some(fd)) => {
                self.take(&container, Kind::Door(fd.into(), to.into()))
            }
            (Call::DatagramDoor { container, to }, Some(fd)) => {
                let realm = self.keep.as_ref().map(Keep::netns);
                match DatagramDoor::open(fd.into(), to, realm) {
                    Ok(door) => self.take(&container, Kind::DatagramDoor(door)),
                    Err(_) => false,
                }
            }
            (Call::CloseDoors { container }, _) => {
                self.sockets
                    .retain(|socket| *socket.container != *container || !socket.is_door());
                true
            }
            (Call::Serves { container }, _) => self.sockets.iter().any(|socket| {
                *socket.container == *container && matches!(socket.kind, Kind::Streams(_))
            }),
            (Call::Forget { container }, _) => {
                self.sockets
                    .retain(|socket| *socket.container != *container);
                true
            }
            (Call::Keep { containers }, _) => {
                self.sockets
                    .retain(|socket| containers.iter().any(|id| *socket.container == **id));
                true
            }
            (Call::Quit | Call::Act(_), _) => true,
            (_, None) => false,
        }
    }

    fn take(&mut self, container: &str, kind: Kind) -> bool {
        let prepared = match &kind {
            Kind::Datagrams(socket) => socket.set_nonblocking(true),
            Kind::Streams(socket) | Kind::Door(socket, _) => socket.set_nonblocking(true),
            Kind::DatagramDoor(_) => Ok(()),
        };
        let mut socket = Socket {
            container: container.into(),
            kind,
            threads: Arc::default(),
        };
        let known = self.sockets.iter().find(|known| {
            known.container == socket.container && known.is_door() == socket.is_door()
        });
        if let Some(known) = known {
            socket.threads = Arc::clone(&known.threads);
        }
        self.sockets.push(socket);
        prepared.is_ok()
    }

    fn serve(&self, socket: &Socket) {
        match &socket.kind {
            Kind::Datagrams(own) => self.datagrams(socket, own),
            Kind::Streams(own) => {
                let Ok((stream, _)) = own.accept() else {
                    return;
                };
                let (directory, container) =
                    (Arc::clone(&self.directory), Arc::clone(&socket.container));
                // A refused one is closed, which tells the asker enough.
                self.spawn(socket, move || {
                    // However it ends, it is over.
                    let _ = converse(&directory, &container, stream);
                });
            }
            Kind::Door(own, to) => {
                let Ok((stream, _)) = own.accept() else {
                    return;
                };
                let (to, realm) = (Arc::clone(to), self.keep.as_ref().map(Keep::netns));
                self.spawn(socket, move || {
                    let _ = stream
                        .set_nonblocking(false)
                        .and_then(|()| door::pass(stream, &to, realm.as_deref()));
                });
            }
            // A thread of its own serves it.
            Kind::DatagramDoor(_) => {}
        }
    }

    fn datagrams(&self, socket: &Socket, own: &UdpSocket) {
        let mut buffer = [0; 4096];
        for _ in 0..IN_A_ROW {
            let Ok((length, from)) = own.recv_from(&mut buffer) else {
                return;
            };
            let bytes = &buffer[..length];
            let upstreams = match reply(
                &self.directory,
                &socket.container,
                bytes,
                Transport::Datagram,
            ) {
                Reply::Nothing => continue,
                Reply::Bytes(answer) => {
                    let _ = own.send_to(&answer, from);
                    continue;
                }
                Reply::Ask(upstreams) => upstreams,
            };
            let (query, sender) = (bytes.to_vec(), own.try_clone());
            let asked = self.spawn(socket, move || {
                let answer = forward::ask(&query, &upstreams, Transport::Datagram);
                if let (Ok(sender), Some(answer)) = (sender, answer.or_else(|| failure(&query))) {
                    let _ = sender.send_to(&answer, from);
                }
            });
            if !asked && let Some(answer) = failure(bytes) {
                let _ = own.send_to(&answer, from);
            }
        }
    }

    /// Runs work that waits for others; false where too much of it waits already.
    fn spawn(&self, socket: &Socket, work: impl FnOnce() + Send + 'static) -> bool {
        let (all, most) = if socket.is_door() {
            (&self.passing, [PASSING, PASSING_EACH])
        } else {
            (&self.threads, [THREADS, THREADS_EACH])
        };
        let place = Place::take([Arc::clone(all), Arc::clone(&socket.threads)], most);
        let Some(place) = place else { return false };
        let run = move || {
            work();
            drop(place);
        };
        thread::Builder::new().stack_size(STACK).spawn(run).is_ok()
    }
}

/// A place among the threads, given back when dropped.
struct Place([Arc<AtomicUsize>; 2]);

impl Place {
    fn take(counts: [Arc<AtomicUsize>; 2], most: [usize; 2]) -> Option<Self> {
        let taken = [0, 1].map(|index| counts[index].fetch_add(1, Ordering::Relaxed) < most[index]);
        let place = Self(counts);
        (taken[0] && taken[1]).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for count in &self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

enum Reply {
    Nothing,
    Bytes(Vec<u8>),
    Ask(Vec<std::net::IpAddr>),
}

fn reply(directory: &Directory, container: &str, bytes: &[u8], transport: Transport) -> Reply {
    let query = match Query::parse(bytes) {
        Ok(query) => query,
        Err(answer) => return answer.map_or(Reply::Nothing, Reply::Bytes),
    };
    let Ok(records) = directory.records() else {
        return Reply::Bytes(query.code(Code::Server));
    };
    let answer = match records.decide(container, &query.question) {
        Decision::Addresses(addresses) => query.addresses(&addresses),
        Decision::Name(name) => query.name(&name),
        Decision::NoData => query.code(Code::Fine),
        Decision::NoSuchName => query.code(Code::NoSuchName),
        Decision::Ask(servers) => return Reply::Ask(servers),
    };
    Reply::Bytes(match transport {
        Transport::Datagram => query.fit(answer),
        Transport::Stream => answer,
    })
}

fn failure(bytes: &[u8]) -> Option<Vec<u8>> {
    Query::parse(bytes)
        .ok()
        .map(|query| query.code(Code::Server))
}

/// Answers an asker over TCP until it leaves.
fn converse(directory: &Directory, container: &str, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    loop {
        let query = forward::read_framed(&mut stream)?;
        let answer = match reply(directory, container, &query, Transport::Stream) {
            Reply::Nothing => return Ok(()),
            Reply::Bytes(answer) => answer,
            Reply::Ask(servers) => forward::ask(&query, &servers, Transport::Stream)
                .or_else(|| failure(&query))
                .unwrap_or_default(),
        };
        stream.write_all(&forward::framed(&answer))?;
    }
}
