//! One rtnetlink socket: requests out, acknowledged answers in.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

use crate::error::{Error, Result};

/// The kernel packs a dump into datagrams of at most 32 KiB; a shorter buffer would cut them silently.
const DATAGRAM: usize = 64 * 1024;

/// A socket of the network namespace that the opening thread was in; it stays there.
pub(crate) struct Rtnl {
    socket: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Rtnl {
    pub(crate) fn open() -> Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )
        .map_err(failed("open", "rtnetlink socket"))?;
        Ok(Self {
            socket,
            sequence: 0,
            buffer: vec![0; DATAGRAM],
        })
    }

    /// Asks for a change and waits until the kernel has made it.
    pub(crate) fn change(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
        act: Act<'_>,
    ) -> Result<()> {
        self.exchange(message, NLM_F_ACK | flags, act).map(drop)
    }

    /// Asks for all objects of a kind.
    pub(crate) fn dump(
        &mut self,
        message: RouteNetlinkMessage,
        act: Act<'_>,
    ) -> Result<Vec<RouteNetlinkMessage>> {
        self.exchange(message, NLM_F_DUMP, act)
    }

    /// Asks for one object.
    pub(crate) fn query(
        &mut self,
        message: RouteNetlinkMessage,
        act: Act<'_>,
    ) -> Result<Option<RouteNetlinkMessage>> {
        Ok(self.exchange(message, NLM_F_ACK, act)?.pop())
    }

    fn exchange(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
        act: Act<'_>,
    ) -> Result<Vec<RouteNetlinkMessage>> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        send(self.socket.as_raw_fd(), &bytes, MsgFlags::empty()).map_err(|e| act.failed(e))?;
        self.answers(act)
    }

    fn answers(&mut self, act: Act<'_>) -> Result<Vec<RouteNetlinkMessage>> {
        let mut answers = Vec::new();
        loop {
            let length = recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty())
                .map_err(|e| act.failed(e))?;
            let mut rest = &self.buffer[..length];
            while !rest.is_empty() {
                let message =
                    NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest).map_err(|source| {
                        Error::Decode {
                            operation: act.operation,
                            source,
                        }
                    })?;
                // Messages are aligned to 4 bytes inside a datagram.
                let aligned = (message.header.length as usize).next_multiple_of(4);
                rest = rest.get(aligned..).unwrap_or_default();
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::InnerMessage(answer) => answers.push(answer),
                    NetlinkPayload::Done(_) => return Ok(answers),
                    NetlinkPayload::Error(error) if error.code.is_none() => return Ok(answers),
                    NetlinkPayload::Error(error) => return Err(act.error(error.to_io())),
                    _ => {}
                }
            }
        }
    }
}

/// What is being done on what, for the error.
#[derive(Clone, Copy)]
pub(crate) struct Act<'a> {
    pub(crate) operation: &'static str,
    pub(crate) object: &'a str,
}

impl<'a> Act<'a> {
    pub(crate) fn new(operation: &'static str, object: &'a str) -> Self {
        Self { operation, object }
    }

    fn error(self, source: io::Error) -> Error {
        Error::Netlink {
            operation: self.operation,
            object: self.object.to_owned(),
            source,
        }
    }

    fn failed(self, errno: nix::Error) -> Error {
        self.error(errno.into())
    }
}

fn failed(operation: &'static str, object: &'static str) -> impl FnOnce(nix::Error) -> Error {
    move |errno| Act::new(operation, object).failed(errno)
}
