//! `fsutil.types`: files that travel.

use bytes::Bytes;

/// A piece of a transfer.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Packet {
    /// What it is.
    #[prost(enumeration = "PacketKind", tag = "1")]
    pub kind: i32,
    /// A file; none at the end of the list.
    #[prost(message, optional, tag = "2")]
    pub stat: Option<Stat>,
    /// The file that data is of or that is asked for: its place in the list.
    #[prost(uint32, tag = "3")]
    pub id: u32,
    /// Its bytes; none at its end.
    #[prost(bytes = "bytes", tag = "4")]
    pub data: Bytes,
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
#[allow(missing_docs, reason = "they are the words of the protocol")]
pub enum PacketKind {
    Stat = 0,
    Request = 1,
    Data = 2,
    Finish = 3,
    Error = 4,
}

/// A file without its bytes.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Stat {
    /// Where, relative to the folder.
    #[prost(string, tag = "1")]
    pub path: String,
    /// Permissions and kind, as Go counts them.
    #[prost(uint32, tag = "2")]
    pub mode: u32,
    /// Its owner.
    #[prost(uint32, tag = "3")]
    pub uid: u32,
    /// Its group.
    #[prost(uint32, tag = "4")]
    pub gid: u32,
    /// How many bytes.
    #[prost(int64, tag = "5")]
    pub size: i64,
    /// When it changed, in nanoseconds since 1970.
    #[prost(int64, tag = "6")]
    pub modified_ns: i64,
    /// Where a symbolic link points, or the first name of a file with several.
    #[prost(string, tag = "7")]
    pub link: String,
    /// Of a device.
    #[prost(int64, tag = "8")]
    pub major: i64,
    /// Of a device.
    #[prost(int64, tag = "9")]
    pub minor: i64,
}
