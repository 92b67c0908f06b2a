//! Sparse files: which parts of a file the archive has; the rest are holes.

use super::archive::Fault;

/// Parts with data, in order and apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SparseMap {
    pub(super) parts: Vec<(u64, u64)>,
    pub(super) real_size: u64,
}

/// So many parts a map may have: 16 bytes each.
pub(super) const MAX_PARTS: usize = 1 << 20;

impl SparseMap {
    /// Checks a map of offsets and lengths against the sizes.
    pub(super) fn new(numbers: &[u64], real_size: u64, stored: u64) -> Result<Self, Fault> {
        let fault = Fault("the map of a sparse file is inconsistent");
        if !numbers.len().is_multiple_of(2) || numbers.len() / 2 > MAX_PARTS {
            return Err(fault);
        }
        let (mut end, mut sum, mut parts) = (0_u64, 0_u64, Vec::new());
        for pair in numbers.chunks_exact(2) {
            let (offset, len) = (pair[0], pair[1]);
            let next = offset.checked_add(len).ok_or(fault)?;
            if offset < end || next > real_size {
                return Err(fault);
            }
            (end, sum) = (next, sum + len);
            if len > 0 {
                parts.push((offset, len));
            }
        }
        if sum != stored {
            return Err(fault);
        }
        Ok(Self { parts, real_size })
    }
}

/// Takes the map of GNU's version 1.0 from the start of the data: decimal numbers, one a line, the
/// first one says how many pairs follow. `next_block` yields blocks of 512 bytes.
pub(super) fn map_from_data<E: From<Fault>>(
    mut next_block: impl FnMut() -> Result<[u8; 512], E>,
) -> Result<Vec<u64>, E> {
    let fault = Fault("the map of a sparse file does not parse");
    let (mut numbers, mut want) = (Vec::new(), None);
    let (mut number, mut digits) = (0_u64, 0_usize);
    loop {
        for byte in next_block()? {
            match byte {
                b'0'..=b'9' if digits < 19 => {
                    number = number * 10 + u64::from(byte - b'0');
                    digits += 1;
                }
                b'\n' if digits > 0 => {
                    match want {
                        None if number > MAX_PARTS as u64 => return Err(fault.into()),
                        None => want = Some(usize::try_from(number * 2).map_err(|_| fault)?),
                        Some(_) => numbers.push(number),
                    }
                    (number, digits) = (0, 0);
                    if want == Some(numbers.len()) {
                        // The rest of the block is padding.
                        return Ok(numbers);
                    }
                }
                _ => return Err(fault.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, SparseMap, map_from_data};

    #[test]
    fn a_map_is_ordered_and_within_the_file() {
        let map = SparseMap::new(&[0, 10, 100, 5, 200, 0], 200, 15).expect("consistent");
        assert_eq!(map.parts, [(0, 10), (100, 5)]);
        for (numbers, real_size, stored) in [
            (&[0, 10, 5, 5][..], 100, 15),
            (&[0, 10][..], 5, 10),
            (&[0, 10][..], 100, 11),
            (&[u64::MAX, 2][..], u64::MAX, 2),
            (&[1][..], 10, 0),
        ] {
            assert!(
                SparseMap::new(numbers, real_size, stored).is_err(),
                "{numbers:?}"
            );
        }
    }

    #[test]
    fn a_map_in_the_data_spans_blocks() {
        let text = format!("2\n1\n{}\n600\n8\n", "0".repeat(15) + "7");
        let mut block = [0_u8; 512];
        block[..text.len()].copy_from_slice(text.as_bytes());
        let numbers = map_from_data(|| Ok::<_, Fault>(block)).expect("parses");
        assert_eq!(numbers, [1, 7, 600, 8]);
        assert!(map_from_data(|| Ok::<_, Fault>([b'1'; 512])).is_err());
    }
}
