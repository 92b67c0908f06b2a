//! A connection from IPv6, handed on to a container's IPv4 address.

use std::io;
use std::net::{Shutdown, SocketAddrV4, TcpStream};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// Copies both ways until both sides have said their last word.
pub(super) fn pass(outside: TcpStream, to: SocketAddrV4) -> io::Result<()> {
    let inside = TcpStream::connect_timeout(&to.into(), PATIENCE)?;
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

fn one_way(mut from: &TcpStream, mut to: &TcpStream) {
    if io::copy(&mut from, &mut to).is_err() {
        // A reset: the other side must not wait for more.
        let _ = from.shutdown(Shutdown::Both);
    }
    let _ = to.shutdown(Shutdown::Write);
}
