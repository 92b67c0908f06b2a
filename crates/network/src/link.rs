//! Links, as far as containers need them.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoBridgePort, InfoData, InfoKind, InfoPortData, InfoPortKind, InfoVeth, LinkAttribute,
    LinkFlags, LinkInfo, LinkMessage,
};

use crate::error::{Error, Result};
use crate::netlink::{Act, Rtnl};
use crate::request::MacAddress;

/// A link that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) mtu: u32,
    /// The index of the bridge that it is a port of.
    pub(crate) bridge: Option<u32>,
    /// What it says it is for.
    pub(crate) alias: Option<String>,
}

/// A veth pair that is to be made.
pub(crate) struct VethPair<'a> {
    /// The end that stays on the host.
    pub(crate) host: &'a str,
    /// The end in the container.
    pub(crate) container: &'a str,
    pub(crate) netns: BorrowedFd<'a>,
    pub(crate) mac: MacAddress,
    pub(crate) bridge: &'a Link,
}

impl Rtnl {
    /// Finds a link by name.
    pub(crate) fn link(&mut self, name: &str) -> Result<Option<Link>> {
        let mut message = LinkMessage::default();
        message
            .attributes
            .push(LinkAttribute::IfName(name.to_owned()));
        match self.query(
            RouteNetlinkMessage::GetLink(message),
            Act::new("look for link", name),
        ) {
            Ok(answer) => Ok(answer.and_then(parse_link)),
            Err(error) if is(&error, ENODEV) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Finds a link by name that must be there.
    pub(crate) fn require_link(&mut self, name: &str) -> Result<Link> {
        self.link(name)?.ok_or_else(|| Error::Netlink {
            operation: "look for link",
            object: name.to_owned(),
            source: io::Error::from_raw_os_error(ENODEV),
        })
    }

    /// Lists all links.
    pub(crate) fn links(&mut self) -> Result<Vec<Link>> {
        let dump = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let answers = self.dump(dump, Act::new("list", "links"))?;
        Ok(answers.into_iter().filter_map(parse_link).collect())
    }

    /// Makes a bridge, up, with the given MTU.
    pub(crate) fn create_bridge(&mut self, name: &str, mtu: u32) -> Result<Link> {
        let mut message = LinkMessage::default();
        message.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::Mtu(mtu),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]),
        ];
        let create = RouteNetlinkMessage::NewLink(message);
        self.change(
            create,
            NLM_F_CREATE | NLM_F_EXCL,
            Act::new("create bridge", name),
        )?;
        self.require_link(name)
    }

    /// Writes on a link what it is for, where `ip link` shows it.
    pub(crate) fn set_alias(&mut self, link: &Link, text: &str) -> Result<()> {
        // The kernel takes less than IFALIASZ bytes.
        let text: String = text.chars().take(120).collect();
        let mut message = LinkMessage::default();
        message.header.index = link.index;
        message.attributes.push(LinkAttribute::IfAlias(text));
        self.change(
            RouteNetlinkMessage::SetLink(message),
            0,
            Act::new("describe link", &link.name),
        )
    }

    /// Makes a veth pair, one end in the container's namespace from the first moment, the other a port
    /// of the bridge and up.
    pub(crate) fn create_veth(&mut self, pair: &VethPair<'_>) -> Result<()> {
        let mut peer = LinkMessage::default();
        peer.attributes = vec![
            LinkAttribute::IfName(pair.container.to_owned()),
            LinkAttribute::Address(pair.mac.0.to_vec()),
            LinkAttribute::Mtu(pair.bridge.mtu),
            LinkAttribute::NetNsFd(pair.netns.as_raw_fd()),
        ];
        let mut message = LinkMessage::default();
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        message.attributes = vec![
            LinkAttribute::IfName(pair.host.to_owned()),
            LinkAttribute::Mtu(pair.bridge.mtu),
            LinkAttribute::Controller(pair.bridge.index),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
            ]),
        ];
        let create = RouteNetlinkMessage::NewLink(message);
        self.change(
            create,
            NLM_F_CREATE | NLM_F_EXCL,
            Act::new("create veth pair", pair.host),
        )
    }

    /// Lets a bridge send a frame back through the port it came from.
    ///
    /// Where `br_netfilter` is on, a container's packet to its own published port is translated inside the
    /// bridge and never reaches the router; without this the bridge drops it.
    pub(crate) fn set_hairpin(&mut self, name: &str) -> Result<()> {
        let mut message = LinkMessage::default();
        message.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::PortKind(InfoPortKind::Bridge),
                LinkInfo::PortData(InfoPortData::BridgePort(vec![InfoBridgePort::HairpinMode(
                    true,
                )])),
            ]),
        ];
        let change = RouteNetlinkMessage::NewLink(message);
        self.change(change, 0, Act::new("set hairpin mode of", name))
    }

    /// Removes a link; one that is gone already counts as removed.
    pub(crate) fn delete_link(&mut self, name: &str) -> Result<()> {
        let mut message = LinkMessage::default();
        message
            .attributes
            .push(LinkAttribute::IfName(name.to_owned()));
        match self.change(
            RouteNetlinkMessage::DelLink(message),
            0,
            Act::new("delete link", name),
        ) {
            Err(error) if is(&error, ENODEV) => Ok(()),
            done => done,
        }
    }

    /// Sets a link up.
    pub(crate) fn set_up(&mut self, link: &Link) -> Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = link.index;
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        self.change(
            RouteNetlinkMessage::SetLink(message),
            0,
            Act::new("set up link", &link.name),
        )
    }
}

fn parse_link(answer: RouteNetlinkMessage) -> Option<Link> {
    let RouteNetlinkMessage::NewLink(message) = answer else {
        return None;
    };
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        mtu: 1500,
        bridge: None,
        alias: None,
    };
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name = name,
            LinkAttribute::Mtu(mtu) => link.mtu = mtu,
            LinkAttribute::Controller(index) => link.bridge = Some(index),
            LinkAttribute::IfAlias(text) => link.alias = Some(text),
            _ => {}
        }
    }
    Some(link)
}

const ENODEV: i32 = nix::errno::Errno::ENODEV as i32;

fn is(error: &Error, errno: i32) -> bool {
    matches!(error, Error::Netlink { source, .. } if source.raw_os_error() == Some(errno))
}
