//! System call numbers by name and ABI.

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

/// The table of all known calls: lines of the file, which is sorted by name. A start looks up some hundred
/// names, so nothing is parsed but what is asked for.
#[derive(Debug)]
pub(super) struct Numbers(Vec<(&'static str, &'static str)>);

impl Numbers {
    pub(super) fn load() -> Self {
        let lines = include_str!("syscalls.txt")
            .lines()
            .filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(|line| line.split_once(' ')).collect())
    }

    /// The calls that `abi` has.
    pub(super) fn of(self, abi: Abi) -> impl Iterator<Item = &'static str> {
        let calls = self.0.into_iter();
        let has = move |row: &str| number_in(row, abi).is_some();
        calls.filter_map(move |(name, row)| has(row).then_some(name))
    }

    /// The number of `name`, without the x32 bit.
    pub(super) fn get(&self, name: &str, abi: Abi) -> Option<u32> {
        let place = self.0.binary_search_by_key(&name, |(known, _)| known);
        let (_, row) = self.0[place.ok()?];
        number_in(row, abi)
    }
}

/// The field of `abi` in a line; none where that interface lacks the call.
fn number_in(row: &str, abi: Abi) -> Option<u32> {
    row.split(' ').nth(abi.column())?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_so_that_each_is_found() {
        let numbers = Numbers::load();
        assert!(numbers.0.is_sorted());
        for (name, row) in &numbers.0 {
            let first = row.split(' ').next().and_then(|field| field.parse().ok());
            assert_eq!(numbers.get(name, Abi::X86_64), first, "{name}");
        }
        assert_eq!(numbers.get("no_such_call", Abi::X86_64), None);
    }
}
