//! The kernel's netfilter over netlink, as far as `nft` does not do it: connections that are tracked, and
//! who changes the tables. `include/uapi/linux/netfilter/nfnetlink*.h` of the kernel has the numbers.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    setsockopt, socket, sockopt,
};

/// `nlmsghdr`, then `nfgenmsg`.
const HEADER: usize = 16;
const BODY: usize = HEADER + 4;
const REQUEST: u16 = 1;
const ACK: u16 = 4;
const DUMP: u16 = 0x300;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const EVERY_FAMILY: u8 = 0;
/// Of tables for IPv4 and IPv6 at once.
pub(crate) const INET: u8 = 1;
/// A dump's datagrams are no longer than this.
const DATAGRAM: usize = 64 * 1024;
/// Room for the news of some thousand rules that change at once.
const NEWS_BYTES: usize = 4 << 20;

/// A socket to netfilter of the network namespace that the opening thread was in.
pub(crate) struct Netfilter {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl Netfilter {
    /// Opens it; `groups` are the news that are heard, one bit each.
    pub(crate) fn open(groups: u32) -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkNetFilter,
        )?;
        if groups > 0 {
            // Without it less can be heard at once, and no more.
            let _ = setsockopt(&socket, sockopt::RcvBufForce, &NEWS_BYTES);
        }
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
        Ok(Self {
            socket,
            buffer: vec![0; DATAGRAM],
        })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Waits for one datagram and gives its messages to `take`; false once `take` wants no more.
    pub(crate) fn receive(
        &mut self,
        take: &mut dyn FnMut(Message<'_>) -> bool,
    ) -> io::Result<bool> {
        let length = recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty())?;
        let mut rest = &self.buffer[..length];
        while let Some(message) = Message::first(rest) {
            rest = rest
                .get(message.bytes.len().next_multiple_of(4)..)
                .unwrap_or_default();
            if !take(message) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Asks for all objects of a kind.
    pub(crate) fn dump(&mut self, kind: u16, mut each: impl FnMut(Message<'_>)) -> io::Result<()> {
        self.send(kind, DUMP, EVERY_FAMILY, &[])?;
        let mut failed = None;
        while self.receive(&mut |message| match message.kind {
            DONE => false,
            ERROR => {
                failed = message.error();
                false
            }
            _ => {
                each(message);
                true
            }
        })? {}
        failed.map_or(Ok(()), Err)
    }

    /// Asks for a change and waits until the kernel has made it.
    pub(crate) fn change(&mut self, kind: u16, family: u8, attributes: &[u8]) -> io::Result<()> {
        self.send(kind, ACK, family, attributes)?;
        let mut failed = None;
        while self.receive(&mut |message| {
            if message.kind == ERROR {
                failed = message.error();
            }
            message.kind != ERROR
        })? {}
        failed.map_or(Ok(()), Err)
    }

    fn send(&mut self, kind: u16, flags: u16, family: u8, attributes: &[u8]) -> io::Result<()> {
        let length = (BODY + attributes.len()) as u32;
        let mut bytes = Vec::with_capacity(length as usize);
        bytes.extend(length.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend((REQUEST | flags).to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend([family, 0, 0, 0]);
        bytes.extend(attributes);
        send(self.socket.as_raw_fd(), &bytes, MsgFlags::empty())?;
        Ok(())
    }
}

/// A message of the kernel.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    /// Subsystem and what it is about.
    pub(crate) kind: u16,
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    fn first(bytes: &'a [u8]) -> Option<Self> {
        let length = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        let bytes = bytes.get(..length).filter(|_| length >= HEADER)?;
        let kind = u16::from_ne_bytes([bytes[4], bytes[5]]);
        Some(Self { kind, bytes })
    }

    /// The family of protocols that it is about.
    pub(crate) fn family(self) -> Option<u8> {
        self.bytes.get(HEADER).copied()
    }

    /// What is said in it.
    pub(crate) fn attributes(self) -> Attributes<'a> {
        Attributes(self.bytes.get(BODY..).unwrap_or_default())
    }

    /// None for an acknowledgment.
    fn error(self) -> Option<io::Error> {
        let code = self.bytes.get(HEADER..HEADER + 4)?.try_into().ok()?;
        match i32::from_ne_bytes(code) {
            0 => None,
            code => Some(Errno::from_raw(-code).into()),
        }
    }
}

/// Attributes, one after the other: `struct nlattr`, then the value.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first attribute of a type.
    pub(crate) fn get(mut self, wanted: u16) -> Option<&'a [u8]> {
        self.find(|(kind, _)| *kind == wanted)
            .map(|(_, whole)| &whole[4..])
    }

    /// The attributes inside of one.
    pub(crate) fn inside(self, wanted: u16) -> Option<Self> {
        self.get(wanted).map(Self)
    }

    /// The first attribute of a type with its head, as it can be sent back.
    pub(crate) fn whole(mut self, wanted: u16) -> Option<&'a [u8]> {
        self.find(|(kind, _)| *kind == wanted)
            .map(|(_, whole)| whole)
    }
}

/// Gives type and whole attribute.
impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        // Two bits say how to read the value, which the type says already.
        const TYPE: u16 = 0x3fff;
        let head = self.0.get(..4)?;
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        let whole = self.0.get(..length).filter(|_| length >= 4)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([head[2], head[3]]) & TYPE, whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_that_lie_about_their_length_end_the_list() {
        let good = [5, 0, 1, 0x80, b'x', 0, 0, 0];
        assert_eq!(Attributes(&good).get(1), Some(&b"x"[..]));
        for bad in [&[3, 0, 1, 0][..], &[9, 0, 1, 0, 1], &[0; 4], &[1]] {
            assert_eq!(Attributes(bad).count(), 0, "{bad:?}");
        }
    }

    #[test]
    fn messages_that_lie_about_their_length_are_none() {
        for bad in [&[0; 16][..], &[99, 0, 0, 0], &[16, 0, 0]] {
            assert!(Message::first(bad).is_none(), "{bad:?}");
        }
    }
}
