//! What the other side of a stream socket has not read yet: SIOCOUTQ (tcp(7)).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::check;

/// Memory of the bytes that were sent and that the peer of a unix stream socket has not taken yet;
/// 0 as soon as it has read them all.
///
/// # Errors
/// EINVAL for a listening socket, ENOTTY for a descriptor that is no socket.
pub fn unread_by_peer(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut unread: libc::c_int = 0;
    // SAFETY: SIOCOUTQ (the same number as TIOCOUTQ) writes one int, which lives through the call.
    let asked = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut unread) };
    check(asked.into())?;
    Ok(usize::try_from(unread).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn bytes_count_until_the_peer_has_read_them() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        assert_eq!(unread_by_peer(ours.as_fd()).unwrap(), 0);
        ours.write_all(b"head").unwrap();
        assert!(unread_by_peer(ours.as_fd()).unwrap() > 0);
        theirs.read_exact(&mut [0; 4]).unwrap();
        assert_eq!(unread_by_peer(ours.as_fd()).unwrap(), 0);
    }
}
