//! Files of a client, which tells what there is and sends what it is asked for; and results that go to one.

mod archive;
mod kept;
mod order;
mod outgoing;
mod transfer;

use std::{fs::File, sync::Arc};

pub use kept::Kept;
pub use outgoing::{Offered, Pieces, Source, send_file, send_files};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    Result, Session,
    messages::{Packet, PacketKind, Stat},
};

/// As a query of an address is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
const METHOD: &str = "/moby.filesync.v1.FileSync/DiffCopy";

/// Which files are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The folder, by the client's name for it: `context` or `dockerfile`.
    pub folder: String,
    /// Only these, and what links among them lead to. All when empty.
    pub only: Vec<String>,
    /// None of these, as lines of `.dockerignore`.
    pub not: Vec<String>,
}

/// Files that came.
#[derive(Debug)]
pub struct Received {
    /// A tar of them.
    pub tar: File,
    /// How many bytes travelled.
    pub bytes: u64,
    /// What makes the next transfer of the same files shorter.
    pub kept: Option<Arc<Kept>>,
}

/// Receives files. Those that are the same as `before` do not travel: as with every client of BuildKit, a file is the
/// same whose name, kind, size, rights and time of change are.
///
/// # Errors
/// When the client cannot read them, leaves, or sends names that lead elsewhere, files that do not fit what it said of
/// them, or anything out of order.
pub async fn receive(
    session: &Session,
    wish: &Wish,
    before: Option<Arc<Kept>>,
) -> Result<Received> {
    let mut call = session.channel().call(METHOD, &metadata(wish)).await?;
    let mut transfer = transfer::Transfer::new(before)?;
    while let Some(packet) = call.receiving.next::<Packet>().await? {
        let ends = transfer.take(packet)?;
        for id in transfer.wanted() {
            let request = Packet {
                kind: PacketKind::Request.into(),
                id,
                ..Packet::default()
            };
            call.tell(&request).await?;
        }
        if transfer.is_complete() {
            let finish = Packet {
                kind: PacketKind::Finish.into(),
                ..Packet::default()
            };
            call.tell(&finish).await?;
        }
        if ends {
            break;
        }
    }
    // Its end is of no interest: all that was announced is here.
    let _ = call.sending.end();
    transfer.end()
}

fn metadata(wish: &Wish) -> Vec<(&'static str, String)> {
    let mut all = vec![("dir-name", wish.folder.clone())];
    all.extend(list("followpaths", "followpaths-encoded", &wish.only));
    all.extend(list(
        "exclude-patterns",
        "exclude-patterns-encoded",
        &wish.not,
    ));
    all
}

/// Several values under one name. What a header cannot hold is encoded, and the client told so.
fn list(name: &'static str, flag: &'static str, values: &[String]) -> Vec<(&'static str, String)> {
    let plain = |value: &String| value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let is_plain = values.iter().all(plain);
    let sent = values.iter().map(|value| {
        let value = if is_plain {
            value.clone()
        } else {
            utf8_percent_encode(value, ENCODED).to_string()
        };
        (name, value)
    });
    let flag = (!is_plain).then(|| (flag, "1".to_owned()));
    sent.chain(flag).collect()
}

impl Stat {
    /// The bit that Go gives a folder.
    pub const FOLDER: u32 = 1 << 31;
    /// The bit that Go gives a symbolic link.
    pub const LINK: u32 = 1 << 27;
    const DEVICE: u32 = 1 << 26;
    const PIPE: u32 = 1 << 25;
    const SOCKET: u32 = 1 << 24;
    const CHARACTERS: u32 = 1 << 21;
    const IRREGULAR: u32 = 1 << 19;
    const KINDS: u32 = Self::FOLDER
        | Self::LINK
        | Self::DEVICE
        | Self::PIPE
        | Self::SOCKET
        | Self::CHARACTERS
        | Self::IRREGULAR;

    fn is(&self, kind: u32) -> bool {
        self.mode & kind != 0
    }

    /// Whether bytes can be asked for: a regular file that is not another name of one.
    fn has_bytes(&self) -> bool {
        !self.is(Self::KINDS) && self.link.is_empty()
    }

    /// Permissions as Go has them, from the system's.
    #[must_use]
    pub fn mode_of(permissions: u32) -> u32 {
        let bit = |unix: u32, go: u32| if permissions & unix != 0 { go } else { 0 };
        (permissions & 0o777) | bit(0o4000, 1 << 23) | bit(0o2000, 1 << 22) | bit(0o1000, 1 << 20)
    }

    /// Permissions as the system has them.
    fn permissions(&self) -> u32 {
        let bit = |go: u32, unix: u32| if self.mode & go != 0 { unix } else { 0 };
        (self.mode & 0o777) | bit(1 << 23, 0o4000) | bit(1 << 22, 0o2000) | bit(1 << 20, 0o1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_header_holds_are_encoded_all_of_them() {
        let plain = list("a", "f", &["**/*.o".to_owned(), "!x y".to_owned()]);
        assert_eq!(
            plain,
            [("a", "**/*.o".to_owned()), ("a", "!x y".to_owned())]
        );
        let odd = list("a", "f", &["안".to_owned(), "*".to_owned()]);
        let expect = [("a", "%EC%95%88"), ("a", "%2A"), ("f", "1")];
        assert_eq!(odd, expect.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn permissions_come_over_from_go() {
        let stat = |mode| Stat {
            mode,
            ..Stat::default()
        };
        assert_eq!(stat(1 << 23 | 0o755).permissions(), 0o4755);
        assert_eq!(stat(1 << 20 | 1 << 31 | 0o777).permissions(), 0o1777);
        assert_eq!(stat(Stat::mode_of(0o7751)).permissions(), 0o7751);
        assert!(!stat(1 << 31).has_bytes() && !stat(1 << 24).has_bytes());
        assert!(stat(1 << 22 | 0o600).has_bytes());
    }
}
