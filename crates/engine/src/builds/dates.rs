//! Entries of a tar that are made older: no file of an image that is to come out the same again is newer than its date.

use std::io;

use tar::Header;

/// A block of a tar.
pub(super) type Block = [u8; 512];

/// An entry's header, and the extended ones before it with their content.
pub(super) struct Heads {
    pub(super) extended: Vec<(Block, Vec<u8>)>,
    pub(super) own: Block,
}

impl Heads {
    /// The bytes of all headers, of a file that changed at `newest` at the latest.
    pub(super) fn bytes(mut self, newest: Option<u64>) -> io::Result<Vec<u8>> {
        let mut header = Header::from_byte_slice(&self.own).clone();
        if let Some(newest) = newest
            && header.mtime()? >= newest
        {
            header.set_mtime(newest);
            header.set_cksum();
            self.own = *header.as_bytes();
            for (block, content) in &mut self.extended {
                forget_time(block, content)?;
            }
        }
        let mut bytes = Vec::new();
        for (block, content) in &self.extended {
            bytes.extend_from_slice(block);
            bytes.extend_from_slice(content);
            bytes.resize(bytes.len().next_multiple_of(block.len()), 0);
        }
        bytes.extend_from_slice(&self.own);
        Ok(bytes)
    }
}

/// Takes the time out of an extended header: it would go before the one of the old header.
fn forget_time(block: &mut Block, content: &mut Vec<u8>) -> io::Result<()> {
    let mut header = Header::from_byte_slice(block).clone();
    if !header.entry_type().is_pax_local_extensions() {
        return Ok(());
    }
    let size = usize::try_from(header.entry_size()?).unwrap_or(usize::MAX);
    let mut rest = content.get(..size).unwrap_or(content);
    let mut kept = Vec::new();
    // `LENGTH KEY=VALUE\n`, and the length counts itself.
    while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
        let length = std::str::from_utf8(&rest[..space])
            .ok()
            .and_then(|text| text.parse().ok());
        let Some((record, after)) = length.and_then(|length| rest.split_at_checked(length)) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "an extended header is broken",
            ));
        };
        if !record[space..].starts_with(b" mtime=") {
            kept.extend_from_slice(record);
        }
        rest = after;
    }
    header.set_size(kept.len() as u64);
    header.set_cksum();
    (*block, *content) = (*header.as_bytes(), kept);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(mtime: u64, records: &[u8]) -> Heads {
        let mut own = Header::new_ustar();
        own.set_size(0);
        own.set_mtime(mtime);
        own.set_cksum();
        let mut extended = Header::new_ustar();
        extended.set_entry_type(tar::EntryType::XHeader);
        extended.set_size(records.len() as u64);
        extended.set_cksum();
        let mut content = records.to_vec();
        content.resize(content.len().next_multiple_of(512), 0);
        Heads {
            extended: vec![(*extended.as_bytes(), content)],
            own: *own.as_bytes(),
        }
    }

    #[test]
    fn a_newer_file_gets_the_date_and_an_older_one_keeps_its_own() {
        let records = b"22 mtime=12.500000000\n18 path=long name\n";
        let old = heads(4, records).bytes(Some(5)).expect("it is read");
        assert_eq!(old, heads(4, records).bytes(None).expect("it is read"));
        let new = heads(12, records).bytes(Some(5)).expect("it is read");
        assert_eq!(new.len(), old.len());
        assert_eq!(&new[512..529], b"18 path=long name");
        let own = Header::from_byte_slice(&new[1024..]);
        assert_eq!(own.mtime().expect("it is a number"), 5);
    }

    #[test]
    fn a_broken_header_is_an_error() {
        assert!(heads(9, b"99 mtime=1\n").bytes(Some(5)).is_err());
    }
}
