//! Docker's multiplexed stream: eight bytes of header, then the payload.
//!
//! Header: stream number, three zero bytes, length in big endian.
//! See "Stream format" of `ContainerAttach` in the API reference.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// Length of a frame's header.
const HEADER: usize = 8;

/// Where a frame comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard output.
    Stdout = 1,
    /// Standard error.
    Stderr = 2,
}

/// One frame.
pub(crate) fn frame(source: Source, payload: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(HEADER + payload.len());
    framed.put_u8(source as u8);
    framed.put_bytes(0, 3);
    framed.put_u32(u32::try_from(payload.len()).unwrap_or(u32::MAX));
    framed.put_slice(payload);
    framed.freeze()
}

/// Takes the payloads out of a stream of frames that arrives in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Deframer {
    header: BytesMut,
    /// Payload bytes of the current frame that are still to come.
    left: usize,
}

impl Deframer {
    /// The payload bytes within `piece`, in order.
    pub(crate) fn push(&mut self, mut piece: Bytes) -> Vec<Bytes> {
        let mut payloads = Vec::new();
        while !piece.is_empty() {
            if self.left > 0 {
                let take = self.left.min(piece.len());
                payloads.push(piece.split_to(take));
                self.left -= take;
                continue;
            }
            let take = (HEADER - self.header.len()).min(piece.len());
            self.header.extend_from_slice(&piece.split_to(take));
            if self.header.len() == HEADER {
                self.header.advance(4);
                self.left = self.header.get_u32() as usize;
            }
        }
        payloads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_dockers_header() {
        let framed = frame(Source::Stderr, b"oh");
        assert_eq!(&framed[..], b"\x02\0\0\0\0\0\0\x02oh");
    }

    #[test]
    fn payloads_come_out_whole_however_the_stream_is_cut() {
        let stream: Vec<u8> = [
            frame(Source::Stdout, b"hello "),
            frame(Source::Stdout, b""),
            frame(Source::Stderr, b"world"),
        ]
        .concat();
        for size in 1..=stream.len() {
            let mut deframer = Deframer::default();
            let pieces = stream.chunks(size).map(Bytes::copy_from_slice);
            let payloads: Vec<Bytes> = pieces.flat_map(|piece| deframer.push(piece)).collect();
            assert_eq!(payloads.concat(), b"hello world", "pieces of {size}");
        }
    }
}
