//! System call numbers by name and ABI.

use super::table::{CALLS, NONE};

/// A system call interface that a process on this machine can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abi {
    X86_64,
    X86,
    X32,
    Aarch64,
}

impl Abi {
    #[cfg(target_arch = "x86_64")]
    pub(super) const NATIVE: Self = Self::X86_64;
    #[cfg(target_arch = "aarch64")]
    pub(super) const NATIVE: Self = Self::Aarch64;

    /// `AUDIT_ARCH_*`, as the filter sees it. x32 shares that of x86_64.
    pub(super) fn audit(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
        }
    }

    fn column(self) -> usize {
        match self {
            Self::X86_64 => 0,
            Self::X86 => 1,
            Self::X32 => 2,
            Self::Aarch64 => 3,
        }
    }
}

/// The numbers of one call, in the order of [`Abi::column`].
pub(super) type Row = [u16; 4];

/// The numbers of `name` in all interfaces; none for a name that no machine of ours knows.
pub(super) fn row(name: &str) -> Option<&'static Row> {
    let place = CALLS.binary_search_by_key(&name, |(known, _)| known);
    Some(&CALLS[place.ok()?].1)
}

/// The number of a call in `abi`, without the x32 bit; none where that interface lacks it.
pub(super) fn number_in(row: &Row, abi: Abi) -> Option<u32> {
    let number = row[abi.column()];
    (number != NONE).then(|| number.into())
}

/// The calls that `abi` has.
pub(super) fn calls_of(abi: Abi) -> impl Iterator<Item = &'static str> {
    CALLS
        .iter()
        .filter_map(move |(name, row)| number_in(row, abi).map(|_| *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_so_that_each_is_found() {
        assert!(CALLS.is_sorted());
        for (name, numbers) in CALLS {
            assert_eq!(row(name), Some(numbers), "{name}");
        }
        assert_eq!(row("no_such_call"), None);
    }

    #[test]
    fn an_interface_that_lacks_a_call_has_no_number_for_it() {
        let numbers = row("accept").unwrap();
        assert_eq!(number_in(numbers, Abi::X86_64), Some(43));
        assert_eq!(number_in(numbers, Abi::X86), None);
        assert_eq!(number_in(numbers, Abi::Aarch64), Some(202));
    }
}
