//! System call numbers by name and ABI.

use std::collections::HashMap;

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

/// The table of all known calls.
#[derive(Debug)]
pub(super) struct Numbers(HashMap<&'static str, [Option<u32>; 4]>);

impl Numbers {
    pub(super) fn load() -> Self {
        let lines = include_str!("syscalls.txt")
            .lines()
            .filter(|line| !line.starts_with('#'));
        let parse = |line: &'static str| {
            let mut fields = line.split(' ');
            let name = fields.next()?;
            let mut row = [None; 4];
            for (cell, field) in row.iter_mut().zip(fields) {
                *cell = field.parse().ok();
            }
            Some((name, row))
        };
        Self(lines.filter_map(parse).collect())
    }

    /// The number of `name`, without the x32 bit.
    pub(super) fn get(&self, name: &str, abi: Abi) -> Option<u32> {
        self.0.get(name)?[abi.column()]
    }
}
