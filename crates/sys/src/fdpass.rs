//! Messages with descriptors over a unix socket: sendmsg(2), recvmsg(2) with SCM_RIGHTS.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::cmsg_space;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recv, recvmsg, sendmsg};

/// Sends one message, with a descriptor if given. Never raises SIGPIPE.
///
/// # Errors
/// EPIPE when the peer is gone, EMSGSIZE for a message beyond the socket's buffer.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let raw = fd.map(|fd| [fd.as_raw_fd()]);
    let rights = raw.as_ref().map(|raw| ControlMessage::ScmRights(raw));
    let parts = [IoSlice::new(bytes)];
    let flags = MsgFlags::MSG_NOSIGNAL;
    loop {
        match sendmsg::<()>(socket.as_raw_fd(), &parts, rights.as_slice(), flags, None) {
            Err(nix::errno::Errno::EINTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

/// Waits for a message and tells how long it is, leaving it there: 0 when the peer closed.
///
/// # Errors
/// As recv(2); EINTR is retried.
pub fn next_length(socket: BorrowedFd<'_>) -> io::Result<usize> {
    // With MSG_TRUNC a socket of messages tells the real length, whatever fits.
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC;
    loop {
        match recv(socket.as_raw_fd(), &mut [], flags) {
            Err(nix::errno::Errno::EINTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Receives one message into `buffer`: its length (0 = the peer closed) and at most one descriptor.
///
/// # Errors
/// As recvmsg(2); EINTR is retried.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    loop {
        let mut space = cmsg_space!([std::os::fd::RawFd; 1]);
        let mut parts = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags) {
            Err(nix::errno::Errno::EINTR) => continue,
            other => other?,
        };
        let mut passed = None;
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(fds) = control {
                for fd in fds {
                    // SAFETY: the kernel installed this descriptor for us with this message; a second
                    // one drops (closes) the first.
                    passed = Some(unsafe { OwnedFd::from_raw_fd(fd) });
                }
            }
        }
        return Ok((message.bytes, passed));
    }
}

/// Takes the next connection of a listening socket, close-on-exec.
///
/// # Errors
/// As accept4(2); EINTR is retried.
pub fn accept(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    loop {
        // SAFETY: null address and length ask for neither.
        let fd = unsafe {
            libc::accept4(
                socket.as_raw_fd(),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                libc::SOCK_CLOEXEC,
            )
        };
        match crate::check_fd(fd.into()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Makes a listening `SOCK_SEQPACKET` socket at `path`, which must not exist yet.
///
/// # Errors
/// ENAMETOOLONG beyond 107 bytes, EADDRINUSE when something is there.
pub fn listen(path: &std::path::Path) -> io::Result<OwnedFd> {
    let socket = seqpacket()?;
    let address = nix::sys::socket::UnixAddr::new(path)?;
    nix::sys::socket::bind(socket.as_raw_fd(), &address)?;
    nix::sys::socket::listen(&socket, nix::sys::socket::Backlog::new(1)?)?;
    Ok(socket)
}

/// Connects to a `SOCK_SEQPACKET` socket at `path`.
///
/// # Errors
/// ENOENT or ECONNREFUSED when nobody listens.
pub fn connect(path: &std::path::Path) -> io::Result<OwnedFd> {
    let socket = seqpacket()?;
    let address = nix::sys::socket::UnixAddr::new(path)?;
    nix::sys::socket::connect(socket.as_raw_fd(), &address)?;
    Ok(socket)
}

fn seqpacket() -> io::Result<OwnedFd> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    let flags = SockFlag::SOCK_CLOEXEC;
    Ok(socket(
        AddressFamily::Unix,
        SockType::SeqPacket,
        flags,
        None,
    )?)
}
