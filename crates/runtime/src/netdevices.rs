//! Moves interfaces of the host into the container's network namespace, with their addresses.
//!
//! Few messages of rtnetlink(7), spoken by hand: a library for all of it would outweigh this runtime.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};
use terrarium_sys::clone::SingleThreaded;
use terrarium_sys::namespace;

use crate::error::{Context, Result};
use crate::plan::{NEW_NET, NetDevice};
use crate::trace::Trace;

/// Gives the interfaces to the namespace that `target` is open on.
///
/// Addresses of global scope go along and an interface that is up comes up again: moving takes both.
pub(crate) fn give(
    devices: &[NetDevice],
    target: &File,
    single: SingleThreaded,
    trace: &mut Trace,
) -> Result<()> {
    let start = trace.now();
    let here = Netlink::open()?;
    // All are looked at before the first one moves.
    let found = devices.iter().map(|device| {
        let link = here.link(&device.outside)?;
        Ok((device, here.addresses(link.index)?, link))
    });
    let found = found.collect::<Result<Vec<_>>>()?;
    for (device, _, link) in &found {
        here.hand_over(device, link.index, target)?;
    }
    let there = Netlink::open_in(target, single)?;
    for (device, addresses, link) in &found {
        let index = there.link(&device.inside)?.index;
        for address in addresses {
            there.add_address(device, index, address)?;
        }
        if link.flags & libc::IFF_UP as u32 != 0 {
            there.bring_up(device, index)?;
        }
    }
    let names: Vec<_> = devices
        .iter()
        .map(|device| device.inside.as_str())
        .collect();
    trace.end("network devices", start, names.join(" "));
    Ok(())
}

const HEADER: usize = 16;
const LINK_HEAD: usize = 16;
const ADDRESS_HEAD: usize = 8;
const REQUEST: u16 = libc::NLM_F_REQUEST as u16;
const ACK: u16 = REQUEST | libc::NLM_F_ACK as u16;
const ADD: u16 = ACK | libc::NLM_F_CREATE as u16 | libc::NLM_F_EXCL as u16;
const DUMP: u16 = REQUEST | libc::NLM_F_DUMP as u16;
const PERMANENT: u32 = libc::IFA_F_PERMANENT;

struct Link {
    index: i32,
    flags: u32,
}

/// Family, length of the prefix, and the attributes that say which.
struct Address {
    family: u8,
    prefix: u8,
    attributes: Vec<(u16, Vec<u8>)>,
}

/// A socket of the namespace in which it was made.
struct Netlink(OwnedFd);

impl Netlink {
    fn open() -> Result<Self> {
        let kind = (AddressFamily::Netlink, SockType::Raw);
        let protocol = SockProtocol::NetlinkRoute;
        socket(kind.0, kind.1, SockFlag::SOCK_CLOEXEC, protocol)
            .doing(|| "open a netlink socket")
            .map(Self)
    }

    fn open_in(target: &File, single: SingleThreaded) -> Result<Self> {
        let own = File::open("/proc/self/ns/net").doing(|| "open our network namespace")?;
        let enter = |namespace: &File, op: &str| {
            namespace::setns(single, namespace.as_fd(), NEW_NET).doing(|| op.to_owned())
        };
        enter(target, "enter the container's network namespace")?;
        let opened = Self::open();
        enter(&own, "return from the container's network namespace")?;
        opened
    }

    fn link(&self, name: &str) -> Result<Link> {
        let op = || format!("find network device {name:?}");
        let mut request = Message::new(libc::RTM_GETLINK, REQUEST, &[0; LINK_HEAD]);
        request.attribute(libc::IFLA_IFNAME, &c_name(name));
        let mut found = None;
        self.ask(request, |kind, body| {
            if kind == libc::RTM_NEWLINK && body.len() >= LINK_HEAD {
                let (index, flags) = (word(body, 4), word(body, 8));
                found = Some(Link {
                    index: index as i32,
                    flags,
                });
            }
        })
        .doing(op)?;
        found.ok_or(Errno::ENODEV).doing(op)
    }

    fn addresses(&self, index: i32) -> Result<Vec<Address>> {
        let mut found = Vec::new();
        let request = Message::new(libc::RTM_GETADDR, DUMP, &[0; ADDRESS_HEAD]);
        self.ask(request, |kind, body| {
            if kind == libc::RTM_NEWADDR && body.len() >= ADDRESS_HEAD {
                found.extend(Address::parse(body, index));
            }
        })
        .doing(|| format!("list the addresses of network device {index}"))?;
        Ok(found)
    }

    fn hand_over(&self, device: &NetDevice, index: i32, target: &File) -> Result<()> {
        let mut request = Message::new(libc::RTM_NEWLINK, ACK, &link_head(index, 0));
        request.attribute(libc::IFLA_NET_NS_FD, &target.as_raw_fd().to_ne_bytes());
        request.attribute(libc::IFLA_IFNAME, &c_name(&device.inside));
        self.ask(request, |_, _| {}).doing(|| {
            let NetDevice { outside, inside } = device;
            format!("move network device {outside:?} into the container as {inside:?}")
        })
    }

    fn add_address(&self, device: &NetDevice, index: i32, address: &Address) -> Result<()> {
        let mut head = [0; ADDRESS_HEAD];
        head[0] = address.family;
        head[1] = address.prefix;
        head[4..].copy_from_slice(&index.to_ne_bytes());
        let mut request = Message::new(libc::RTM_NEWADDR, ADD, &head);
        for (kind, value) in &address.attributes {
            request.attribute(*kind, value);
        }
        self.ask(request, |_, _| {})
            .doing(|| format!("give network device {:?} its address back", device.inside))
    }

    fn bring_up(&self, device: &NetDevice, index: i32) -> Result<()> {
        let head = link_head(index, libc::IFF_UP as u32);
        self.ask(Message::new(libc::RTM_NEWLINK, ACK, &head), |_, _| {})
            .doing(|| format!("bring network device {:?} up", device.inside))
    }

    /// Sends a request, and hands over type and body of every answer until the last one.
    fn ask(&self, request: Message, mut take: impl FnMut(u16, &[u8])) -> io::Result<()> {
        let asked_flags = request.flags();
        let bytes = request.finish();
        send(self.0.as_raw_fd(), &bytes, MsgFlags::empty())?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
            let mut rest = &buffer[..length];
            while rest.len() >= HEADER {
                let size = (word(rest, 0) as usize).clamp(HEADER, rest.len());
                let kind = u16::from_ne_bytes([rest[4], rest[5]]);
                let body = &rest[HEADER..size];
                match i32::from(kind) {
                    libc::NLMSG_DONE => return Ok(()),
                    libc::NLMSG_ERROR => {
                        let code = if body.len() >= 4 {
                            word(body, 0) as i32
                        } else {
                            0
                        };
                        return match code {
                            0 => Ok(()),
                            code => Err(io::Error::from_raw_os_error(-code)),
                        };
                    }
                    _ => take(kind, body),
                }
                rest = &rest[aligned(size).min(rest.len())..];
            }
            // One answer is all there is to a question that asked for neither a list nor a receipt.
            if asked_flags == REQUEST {
                return Ok(());
            }
        }
    }
}

impl Address {
    /// The address of this interface that `body` is about, if it is one to keep.
    fn parse(body: &[u8], index: i32) -> Option<Self> {
        let (family, prefix, short_flags, scope) = (body[0], body[1], body[2], body[3]);
        if word(body, 4) as i32 != index || scope != libc::RT_SCOPE_UNIVERSE {
            return None;
        }
        let mut flags = u32::from(short_flags);
        let mut attributes = Vec::new();
        let mut rest = &body[ADDRESS_HEAD..];
        while rest.len() >= 4 {
            let size = usize::from(u16::from_ne_bytes([rest[0], rest[1]])).clamp(4, rest.len());
            let kind = u16::from_ne_bytes([rest[2], rest[3]]);
            let value = &rest[4..size];
            if kind == libc::IFA_FLAGS && value.len() >= 4 {
                flags = word(value, 0);
            } else if [libc::IFA_ADDRESS, libc::IFA_LOCAL, libc::IFA_BROADCAST].contains(&kind) {
                attributes.push((kind, value.to_vec()));
            }
            rest = &rest[aligned(size).min(rest.len())..];
        }
        // What a DHCP client or a router has given has an end, and its giver is not in there.
        (flags & PERMANENT != 0).then_some(Self {
            family,
            prefix,
            attributes,
        })
    }
}

/// A request under construction.
struct Message(Vec<u8>);

impl Message {
    fn new(kind: u16, flags: u16, head: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(head);
        Self(bytes)
    }

    fn flags(&self) -> u16 {
        u16::from_ne_bytes([self.0[6], self.0[7]])
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        let size = (4 + value.len()) as u16;
        self.0.extend_from_slice(&size.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(aligned(self.0.len()), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        let size = self.0.len() as u32;
        self.0[..4].copy_from_slice(&size.to_ne_bytes());
        self.0
    }
}

/// `struct ifinfomsg` of an interface; `flags` are set.
fn link_head(index: i32, flags: u32) -> [u8; LINK_HEAD] {
    let mut head = [0; LINK_HEAD];
    head[4..8].copy_from_slice(&index.to_ne_bytes());
    head[8..12].copy_from_slice(&flags.to_ne_bytes());
    head[12..].copy_from_slice(&flags.to_ne_bytes());
    head
}

fn c_name(name: &str) -> Vec<u8> {
    [name.as_bytes(), &[0]].concat()
}

fn aligned(size: usize) -> usize {
    size.next_multiple_of(4)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
