//! A connection to a published port, handed on to a container: from IPv6, or from outside of the namespace
//! that the container's network is in.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::thread;
use std::time::Duration;

use crate::netns;

const PATIENCE: Duration = Duration::from_secs(10);

/// Copies both ways until both sides have said their last word. The thread is for nothing else: it enters
/// the namespace for good.
pub(super) fn pass(
    outside: TcpStream,
    to: &[SocketAddr],
    realm: Option<&OwnedFd>,
) -> io::Result<()> {
    if let Some(realm) = realm {
        netns::enter(realm.as_fd()).map_err(io::Error::other)?;
    }
    let inside = connect(to)?;
    for stream in [&outside, &inside] {
        stream.set_nodelay(true)?;
    }
    thread::scope(|scope| {
        let back = thread::Builder::new()
            .stack_size(super::server::STACK)
            .spawn_scoped(scope, || one_way(&inside, &outside))?;
        one_way(&outside, &inside);
        back.join()
            .map_err(|_| io::Error::other("a copy ended by a defect"))
    })
}

/// A server may listen in one family only.
fn connect(to: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    for address in to {
        match TcpStream::connect_timeout(address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn one_way(mut from: &TcpStream, mut to: &TcpStream) {
    if io::copy(&mut from, &mut to).is_err() {
        // A reset: the other side must not wait for more.
        let _ = from.shutdown(Shutdown::Both);
    }
    let _ = to.shutdown(Shutdown::Write);
}
