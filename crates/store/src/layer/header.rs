//! One block of a tar header, and what it says.

use tar::{EntryType, Header};

use super::archive::Fault;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberKind {
    File,
    Link,
    Symlink,
    CharDevice,
    BlockDevice,
    Directory,
    Fifo,
    /// GNU's old form of a sparse file.
    Sparse,
}

/// What a header block starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    Member(MemberKind),
    /// Extended header of the next member.
    Pax,
    /// Extended header of everything that follows. Readers differ, so it is not believed.
    Global,
    LongName,
    LongLink,
    /// An entry of no meaning here.
    Other,
    /// One of the two zero blocks at the end.
    Zero,
}

pub(super) fn classify(block: &[u8; 512]) -> Result<Block, Fault> {
    if block.iter().all(|byte| *byte == 0) {
        return Ok(Block::Zero);
    }
    let header = Header::from_byte_slice(block);
    verify_checksum(block, header)?;
    Ok(match header.entry_type() {
        EntryType::Regular if block[156] == 0 && header.path_bytes().ends_with(b"/") => {
            // How tar was before it had types.
            Block::Member(MemberKind::Directory)
        }
        EntryType::Regular | EntryType::Continuous => Block::Member(MemberKind::File),
        EntryType::Link => Block::Member(MemberKind::Link),
        EntryType::Symlink => Block::Member(MemberKind::Symlink),
        EntryType::Char => Block::Member(MemberKind::CharDevice),
        EntryType::Block => Block::Member(MemberKind::BlockDevice),
        EntryType::Directory => Block::Member(MemberKind::Directory),
        EntryType::Fifo => Block::Member(MemberKind::Fifo),
        EntryType::GNUSparse => Block::Member(MemberKind::Sparse),
        EntryType::GNULongName => Block::LongName,
        EntryType::GNULongLink => Block::LongLink,
        EntryType::XHeader => Block::Pax,
        EntryType::XGlobalHeader => Block::Global,
        _ => Block::Other,
    })
}

/// Old tars summed signed bytes; both sums are accepted, as everywhere.
fn verify_checksum(block: &[u8; 512], header: &Header) -> Result<(), Fault> {
    let fault = Fault("the checksum of a header is wrong");
    let claimed = header.cksum().map_err(|_| fault)?;
    let (mut unsigned, mut signed) = (0_u32, 0_i64);
    for (index, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&index) {
            b' '
        } else {
            *byte
        };
        unsigned += u32::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    if claimed == unsigned || i64::from(claimed) == signed {
        Ok(())
    } else {
        Err(fault)
    }
}

/// The numbers of a header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) mtime: i64,
    pub(super) device: (u32, u32),
}

pub(super) fn numbers(header: &Header, kind: MemberKind) -> Result<Numbers, Fault> {
    let device = match kind {
        MemberKind::CharDevice | MemberKind::BlockDevice => device(header)?,
        _ => (0, 0),
    };
    let fields = header.as_old();
    Ok(Numbers {
        mode: or_zero(&fields.mode, header.mode())? & 0o7777,
        uid: or_zero(&fields.uid, header.uid())?,
        gid: or_zero(&fields.gid, header.gid())?,
        // Base-256 numbers are two's complement, so that times before 1970 arrive as huge ones.
        mtime: or_zero(&fields.mtime, header.mtime())?.cast_signed(),
        device,
    })
}

fn device(header: &Header) -> Result<(u32, u32), Fault> {
    let Some(fields) = header.as_ustar() else {
        let Some(fields) = header.as_gnu() else {
            return Ok((0, 0));
        };
        return Ok((
            or_zero(&fields.dev_major, fields.device_major())?,
            or_zero(&fields.dev_minor, fields.device_minor())?,
        ));
    };
    Ok((
        or_zero(&fields.dev_major, fields.device_major())?,
        or_zero(&fields.dev_minor, fields.device_minor())?,
    ))
}

/// Some tars leave fields empty that they have nothing to say in.
fn or_zero<T: Default>(field: &[u8], parsed: std::io::Result<T>) -> Result<T, Fault> {
    if field.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return Ok(T::default());
    }
    parsed.map_err(|_| Fault("a number in a header does not parse"))
}
